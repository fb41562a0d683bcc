"""One triple of files to one row: the work that processes share out."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.preprocess.describe import describe
from vae.preprocess.inputs import Inputs, Links, Trace, candidates, used_again
from vae.preprocess.options import PreprocessOptions
from vae.preprocess.responses import Response, check_instrument, load_response
from vae.preprocess.survey import Rejection
from vae.preprocess.triples import ResponsePlaces
from vae.spectra import response
from vae.spectra.ogip import Arf, Pha, read_arf, read_pha
from vae.spectra.statistics import net_summary

_log = logging.getLogger(__name__)
T = TypeVar("T")
_WORDS: Final = {"background": "background", "response": "redistribution matrix", "area": "effective area"}


@dataclass(frozen=True)
class Row:
    """One spectrum, binned, with everything known of it.

    Parameters
    ----------
    counts, background_counts, sensitivity : array, shape (238,)
        In counts, counts and cm2 s keV.
    background_ratio : float
    area : array, shape (336,)
        On the true-energy grid [cm2].
    response_key : str
        Digest of the binned redistribution: equal for equal content.
    redistribution : array, shape (238, 336), or None
        Only with the first row that this process made with it.
    columns : dict
        Values of the table's columns; absent ones are None.
    """

    counts: NDArray[np.float64]
    background_counts: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    background_ratio: float
    area: NDArray[np.float64]
    response_key: str
    redistribution: NDArray[np.float32] | None
    columns: dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A spectrum to make a row of, and what came of it when the store to be updated was made, if it was there.

    Parameters
    ----------
    file : Path
    before : Inputs or None
    kind : str
        Kind of rejection then, empty for a row.
    """

    file: Path
    before: Inputs | None = None
    kind: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a spectrum.

    Parameters
    ----------
    file : Path
    result : Row, Rejection or None
        None: the same as before.
    inputs : Inputs
    used : tuple of Path
        Background, area and response of a row.
    """

    file: Path
    result: Row | Rejection | None
    inputs: Inputs
    used: tuple[Path, ...] = ()


@dataclass
class Extractor:
    """Makes rows.

    Parameters
    ----------
    options : PreprocessOptions
    places : ResponsePlaces
    key : str
        Tells one run's work from another's, in a worker that serves several.
    """

    options: PreprocessOptions
    places: ResponsePlaces
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    _sent: set[str] = field(default_factory=set)

    def __call__(self, task: Task) -> Outcome:
        """Make the row of one source spectrum, or say why it has none, or that nothing has changed."""
        if task.before is not None:
            used = used_again(task.file, task.before, task.kind, self.options, self.places)
            if used is not None:
                return Outcome(task.file, None, task.before, () if task.kind else used)
        trace = Trace(task.file, self.places.roots)
        making = _Making(self.options, self.places, trace)
        used = ()
        result: Row | Rejection
        try:
            result, used = making.row(task.file)
            if result.response_key in self._sent:
                result = replace(result, redistribution=None)
            self._sent.add(result.response_key)
        except _RejectedError as rejected:
            result = rejected.rejection
        except Exception as error:  # one file in a million must not end the run; it is listed and logged in full
            _log.exception("unexpected trouble with %s", task.file)
            result = Rejection(str(task.file), "internal-error", f"{type(error).__name__}: {error}")
        return Outcome(task.file, result, trace.inputs(making.spectrum or Links(task.file)), used)


@dataclass
class _Making:
    """The making of one row."""

    options: PreprocessOptions
    places: ResponsePlaces
    trace: Trace
    spectrum: Pha | None = None

    def row(self, spectrum: Path) -> tuple[Row, tuple[Path, ...]]:
        pha = self._source(spectrum)
        background, _ = self._first(pha, "background", _open_background, "no-background")
        chosen, standin = self._first(pha, "response", lambda path: _open_response(path, pha), "no-response")
        area = chosen.area or self._first(pha, "area", _open_area, "no-area")[0]
        try:
            counts = response.bin_counts(pha, chosen.rmf)
            background_counts = response.bin_counts(background, chosen.rmf)
        except OgipError as error:
            raise _RejectedError(Rejection.from_error(spectrum, "unusable", error)) from error
        sensitivity = response.sensitivity(area, chosen.rmf, pha.exposure_s)
        if not np.any(sensitivity > 0):
            _reject(spectrum, "unusable", f"{area.path.name} is zero throughout 0.3-10 keV")
        ratio = response.background_ratio(pha, background)
        columns = describe(pha, background, area.path, chosen.rmf, self.places.roots, standin=standin)
        summary = net_summary(counts[None], background_counts[None], np.array([ratio]))
        columns |= {name: value[0] for name, value in summary.items()}
        row = Row(
            counts=counts,
            background_counts=background_counts,
            sensitivity=sensitivity,
            background_ratio=ratio,
            area=response.area_on_true_grid(area),
            response_key=chosen.key,
            redistribution=chosen.redistribution,
            columns=columns,
        )
        return row, tuple(dict.fromkeys((background.path, area.path, chosen.rmf.path)))

    def _source(self, spectrum: Path) -> Pha:
        try:
            pha = self.spectrum = read_pha(spectrum)
        except OgipError as error:
            kind = "not-a-spectrum" if error.what.startswith("has no SPECTRUM") else "unreadable"
            raise _RejectedError(Rejection.from_error(spectrum, kind, error)) from error
        if not pha.is_pn or pha.telescope not in ("", "XMM", "XMM-NEWTON"):
            said = f"TELESCOP {pha.telescope or 'missing'}, INSTRUME {pha.instrument or 'missing'}"
            combined = ": combined over cameras" if pha.instrument == "EPIC" else ""
            _reject(spectrum, "not-pn", f"not an EPIC-pn spectrum ({said}{combined})", "SPECTRUM")
        if pha.is_background:
            _reject(spectrum, "not-a-spectrum", "a background spectrum (HDUCLAS2 = BKG)", "SPECTRUM")
        if not pha.is_integer:
            _reject(spectrum, "unusable", "counts are not whole numbers, so not Poisson", "SPECTRUM")
        return pha

    def _first(self, pha: Pha, role: str, opened: Callable[[Path], T], kind: str) -> tuple[T, bool]:
        """Return the first candidate that opens, and whether it only stands in."""
        errors = []
        for path, standin in candidates(role, pha, self.options, self.places):
            self.trace.note(role, path, standin)
            try:
                return opened(path), standin
            except OgipError as error:
                errors.append(f"{Path(error.file).name}: {error.what}")
        keyword = getattr(pha, f"{role}_file")
        named = f"the file names {keyword}" if keyword else "the file names none"
        tried = "; ".join(dict.fromkeys(errors)) or "nothing of that name is there"
        raise _RejectedError(Rejection(str(pha.path), kind, f"no {_WORDS[role]} that opens ({named}; {tried})"))


def _open_background(path: Path) -> Pha:
    background = read_pha(path)
    if not background.is_pn:
        raise OgipError(f"not from EPIC-pn but {background.instrument or 'unknown'}", file=path)
    return background


def _open_area(path: Path) -> Arf:
    arf = read_arf(path)
    check_instrument(arf.instrument, path)
    return arf


def _open_response(path: Path, pha: Pha) -> Response:
    found = load_response(path)
    response.check_channels(pha, found.rmf)
    return found


class _RejectedError(Exception):
    """Carries a rejection up to where rows are made."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection


def _reject(spectrum: Path, kind: str, reason: str, hdu: str = "") -> NoReturn:
    raise _RejectedError(Rejection(str(spectrum), kind, reason, hdu))
