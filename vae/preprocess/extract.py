"""One triple of files to one row: the work that processes share out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.preprocess.describe import describe
from vae.preprocess.options import PreprocessOptions
from vae.preprocess.survey import Rejection
from vae.preprocess.triples import ResponsePlaces, area_candidates, background_candidates, response_candidates
from vae.spectra import response
from vae.spectra.ogip import Arf, Pha, Rmf, read_arf, read_pha, read_rmf
from vae.spectra.ogip_types import PN_NAMES
from vae.spectra.statistics import net_summary

_log = logging.getLogger(__name__)
S = TypeVar("S")
T = TypeVar("T")
#: Matrices a process keeps: a canned one takes some 20 MB, and an archive has a few dozen.
_MOST_KEPT: Final = 32


@dataclass(frozen=True)
class Row:
    """One spectrum, binned, with everything known of it.

    Parameters
    ----------
    file : Path
        The source spectrum.
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
    used : tuple of Path
        Background, area and response.
    """

    file: Path
    counts: NDArray[np.float64]
    background_counts: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    background_ratio: float
    area: NDArray[np.float64]
    response_key: str
    redistribution: NDArray[np.float32] | None
    columns: dict[str, Any]
    used: tuple[Path, ...]


@dataclass(frozen=True)
class _Response:
    """A matrix ready for use: for the area folded in, if any, `area` stands."""

    rmf: Rmf
    area: Arf | None
    redistribution: NDArray[np.float32]
    key: str


@dataclass
class Extractor:
    """Makes rows; keeps the matrices it has read, so that each is read once by each process.

    Parameters
    ----------
    options : PreprocessOptions
    places : ResponsePlaces
    """

    options: PreprocessOptions
    places: ResponsePlaces
    _responses: dict[Path, _Response | OgipError] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)

    def __call__(self, spectrum: Path) -> Row | Rejection:
        """Make the row of one source spectrum, or say why it has none."""
        try:
            return self._row(spectrum)
        except _RejectedError as rejected:
            return rejected.rejection
        except Exception as error:  # one file in a million must not end the run; it is listed and logged in full
            _log.exception("unexpected trouble with %s", spectrum)
            return Rejection(spectrum, "internal-error", f"{type(error).__name__}: {error}")

    def _row(self, spectrum: Path) -> Row | Rejection:
        try:
            pha = read_pha(spectrum)
        except OgipError as error:
            kind = "not-a-spectrum" if error.what.startswith("has no SPECTRUM") else "unreadable"
            return Rejection.from_error(spectrum, kind, error)
        if not pha.is_pn or pha.telescope not in ("", "XMM", "XMM-NEWTON"):
            said = f"TELESCOP {pha.telescope or 'missing'}, INSTRUME {pha.instrument or 'missing'}"
            combined = ": combined over cameras" if pha.instrument == "EPIC" else ""
            return Rejection(spectrum, "not-pn", f"not an EPIC-pn spectrum ({said}{combined})", "SPECTRUM")
        if pha.is_background:
            return Rejection(spectrum, "not-a-spectrum", "a background spectrum (HDUCLAS2 = BKG)", "SPECTRUM")
        if not pha.is_integer:
            return Rejection(spectrum, "unusable", "counts are not whole numbers, so not Poisson", "SPECTRUM")
        background = self._background(pha)
        chosen, standin = self._response(pha)
        area = chosen.area or self._area(pha)
        try:
            counts = response.bin_counts(pha, chosen.rmf)
            background_counts = response.bin_counts(background, chosen.rmf)
        except OgipError as error:
            return Rejection.from_error(spectrum, "unusable", error)
        sensitivity = response.sensitivity(area, chosen.rmf, pha.exposure_s)
        if not np.any(sensitivity > 0):
            return Rejection(spectrum, "unusable", f"{area.path.name} is zero throughout 0.3-10 keV")
        ratio = response.background_ratio(pha, background)
        columns = describe(pha, background, area.path, chosen.rmf, self.places.roots, standin=standin)
        summary = net_summary(counts[None], background_counts[None], np.array([ratio]))
        columns |= {name: value[0] for name, value in summary.items()}
        first = chosen.key not in self._sent
        self._sent.add(chosen.key)
        return Row(
            file=spectrum,
            counts=counts,
            background_counts=background_counts,
            sensitivity=sensitivity,
            background_ratio=ratio,
            area=response.area_on_true_grid(area),
            response_key=chosen.key,
            redistribution=chosen.redistribution if first else None,
            columns=columns,
            used=tuple(dict.fromkeys((background.path, area.path, chosen.rmf.path))),
        )

    def _background(self, pha: Pha) -> Pha:
        def opened(path: Path) -> Pha:
            background = read_pha(path)
            if not background.is_pn:
                raise OgipError(f"not from EPIC-pn but {background.instrument or 'unknown'}", file=path)
            return background

        explicit = self.options.background
        candidates = background_candidates(pha, self.places) if explicit is None else [explicit]
        return _first_that_opens(candidates, opened, pha, "no-background", "background", pha.background_file)

    def _area(self, pha: Pha) -> Arf:
        def opened(path: Path) -> Arf:
            arf = read_arf(path)
            _check_instrument(arf.instrument, path)
            return arf

        explicit = self.options.arf
        candidates = area_candidates(pha, self.places) if explicit is None else [explicit]
        return _first_that_opens(candidates, opened, pha, "no-area", "effective area", pha.area_file)

    def _response(self, pha: Pha) -> tuple[_Response, bool]:
        def opened(candidate: tuple[Path, bool]) -> tuple[_Response, bool]:
            path, standin = candidate
            found = self._load(path)
            response.bin_counts(pha, found.rmf)  # the channels must fit
            return found, standin

        explicit = self.options.rmf
        candidates = response_candidates(pha, self.places) if explicit is None else [(explicit, False)]
        return _first_that_opens(candidates, opened, pha, "no-response", "redistribution matrix", pha.response_file)

    def _load(self, path: Path) -> _Response:
        if path not in self._responses:
            if len(self._responses) >= _MOST_KEPT:
                self._responses.pop(next(iter(self._responses)))
            try:
                self._responses[path] = _prepare(path)
            except OgipError as error:
                self._responses[path] = error
        found = self._responses[path]
        if isinstance(found, OgipError):
            raise found.with_traceback(None)  # raised for many spectra, it must not keep the frames of all of them
        return found


def _prepare(path: Path) -> _Response:
    rmf = read_rmf(path)
    _check_instrument(rmf.instrument, path)
    if not np.any(rmf.membership >= 0):
        raise OgipError("no channel lies in 0.3-10 keV", file=path, hdu="EBOUNDS")
    area = None
    if rmf.has_area:
        area, rmf = response.separate(rmf)
    redistribution = response.redistribution_on_true_grid(rmf).astype(np.float32)
    return _Response(rmf, area, redistribution, hashlib.sha256(redistribution.tobytes()).hexdigest())


def _check_instrument(instrument: str, path: Path) -> None:
    if instrument and instrument not in PN_NAMES:
        raise OgipError(f"not of EPIC-pn but {instrument}", file=path)


class _RejectedError(Exception):
    """Carries a rejection up to where rows are made."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection


def _first_that_opens(
    candidates: Iterable[S], opened: Callable[[S], T], pha: Pha, kind: str, what: str, keyword: str | None
) -> T:
    errors = []
    for candidate in candidates:
        try:
            return opened(candidate)
        except OgipError as error:
            errors.append(f"{Path(error.file).name}: {error.what}")
    named = f"the file names {keyword}" if keyword else "the file names none"
    tried = "; ".join(dict.fromkeys(errors)) or "nothing of that name is there"
    raise _RejectedError(Rejection(pha.path, kind, f"no {what} that opens ({named}; {tried})"))
