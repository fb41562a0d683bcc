"""What is in an archive: every file once, with its role, by its PPS product name where it has one, else by opening."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vae.archive.tables import BOOKS, MANIFEST, MISSING
from vae.errors import ExplorerError, OgipError
from vae.spectra.ogip import Label, inspect

_log = logging.getLogger(__name__)
#: PPS products: P, OBS_ID, instrument, exposure, type, subset digit, source number in hexadecimal.
_PRODUCT: Final = re.compile(
    r"P(?P<obs>\d{10})(?P<instrument>[A-Z][A-Z0-9])(?P<exposure>[A-Z]\d{3})(?P<type>[A-Z0-9_]{6})"
    r"(?P<subset>\d)(?P<source>[0-9A-F]{3})(?P<suffix>\.[A-Z]{3,4}(\.gz)?)",
    re.IGNORECASE,
)
_ROLES: Final = {"SRSPEC": "spectrum", "BGSPEC": "background", "SRCARF": "arf"}
_BACKGROUND_NAME: Final = re.compile(r"background|bgspec|(?:^|[_\-. ])(?:bkg|bgd|bg|back)(?:$|[_\-. ])", re.IGNORECASE)


@dataclass(frozen=True)
class Product:
    """The parts of a PPS product name."""

    obs_id: str
    instrument: str
    exposure_id: str
    type_: str
    src_num: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that did not become a row.

    Parameters
    ----------
    file : str
    kind : str
        ``unreadable``, ``not-a-spectrum``, ``not-pn``, ``no-background``, ``no-area``, ``no-response``,
        ``unusable``, ``not-in-catalogue``, ``duplicate``, ``id-conflict``, ``unused`` or ``internal-error``.
    reason : str
    hdu : str
        HDU at fault, empty where there is none.
    """

    file: str
    kind: str
    reason: str
    hdu: str = ""

    @classmethod
    def from_error(cls, file: Path, kind: str, error: ExplorerError) -> Rejection:
        """Take over what an error says; name its file where that is another one."""
        hdu = "" if not isinstance(error, OgipError) or error.hdu is None else str(error.hdu)
        reason = error.what
        if isinstance(error, OgipError):
            if error.column:
                reason = f"column {error.column}: {reason}"
            if Path(error.file) != file:
                reason = f"{Path(error.file).name}: {reason}"
        return cls(str(file), kind, reason, hdu)


@dataclass(frozen=True)
class Survey:
    """An archive's files by role: as text, since there may be a million of them.

    Parameters
    ----------
    roots : tuple of Path
        The folders that were given, resolved; of a file, its folder.
    spectra : list of str
        Source spectra to try, in order of their paths.
    parts : list of str
        Backgrounds, areas and responses, in order.
    responses : dict of str to tuple of Path
        Files that may be redistribution matrices, by file name.
    rejected : list of Rejection
    n_files : int
    """

    roots: tuple[Path, ...]
    spectra: list[str]
    parts: list[str]
    responses: dict[str, tuple[Path, ...]]
    rejected: list[Rejection]
    n_files: int


def product(path: Path) -> Product | None:
    """Take a PPS product name apart; None for any other name."""
    return product_name(path.name)


def product_name(name: str) -> Product | None:
    """Take a PPS product name apart; None for any other name."""
    match = _PRODUCT.fullmatch(name)
    if match is None:
        return None
    return Product(
        match["obs"],
        match["instrument"].upper(),
        match["exposure"].upper(),
        match["type"].upper(),
        int(match["source"], 16),
    )


def is_response_name(name: str) -> bool:
    """Whether a file name is one that redistribution matrices have."""
    return re.search(r"\.(rmf|rsp)(\.gz|\.ftz)?$", name, re.IGNORECASE) is not None


def files_under(paths: Iterable[Path]) -> list[str]:
    """Every file at or below `paths`, once, in the order of its folders and name; links are followed to files only.

    What a download noted beside the products is none of them.

    Raises
    ------
    ExplorerError
        When a path does not exist.
    """
    found: set[str] = set()
    for path in paths:
        if path.is_dir():
            waiting = [os.path.realpath(path)]
            while waiting:
                entries = _entries(waiting.pop())
                own = {BOOKS, MANIFEST, MISSING} if any(entry.name == BOOKS for entry in entries) else set()
                for entry in entries:
                    if entry.name in own:
                        continue
                    if entry.is_symlink():
                        if entry.is_file():
                            found.add(os.path.realpath(entry.path))
                    elif entry.is_dir():
                        waiting.append(entry.path)
                    elif entry.is_file():
                        found.add(entry.path)
        elif path.exists():
            if path.is_file():
                found.add(os.path.realpath(path))
        else:
            raise ExplorerError("no such file or folder", where=path, todo="Check the path")
    return sorted(found, key=by_parts)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing, and a line in the log, where it may not be looked into."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        _log.warning("%s cannot be looked into (%s): what is in it is left out", folder, error.strerror)
        return []


def by_parts(path: str) -> str:
    """Sort as `Path` does, part by part, without taking a million paths apart."""
    return path.replace(os.sep, "\0")


def label_file(path: Path) -> Label | Rejection:
    """Return what `inspect` says, errors as a rejection: to be mapped over many files."""
    try:
        return inspect(path)
    except OgipError as error:
        return Rejection.from_error(path, "unreadable", error)


def survey(
    paths: Sequence[Path],
    label_files: Callable[[Sequence[Path]], Iterable[Label | Rejection]],
    *,
    single: bool = False,
) -> Survey:
    """Find out what every file of an archive is for.

    Parameters
    ----------
    paths : sequence of Path
        Folders and files.
    label_files : callable
        Maps `label_file` over files, in order (in processes, with a progress bar, as the caller likes).
    single : bool
        `paths` is one file, and it is the source spectrum whatever its name says.
    """
    roots = tuple(dict.fromkeys(path.resolve() if path.is_dir() else path.resolve().parent for path in paths))
    files = files_under(paths)
    spectra: list[str] = []
    parts: list[str] = []
    rejected: list[Rejection] = []
    unknown: list[Path] = []
    for file in files:
        named = product_name(file.rpartition(os.sep)[2])
        if single:
            spectra.append(file)
        elif named is None:
            unknown.append(Path(file))
        elif named.type_ not in _ROLES:
            rejected.append(Rejection(file, "not-a-spectrum", f"a {named.type_} product"))
        elif named.instrument != "PN":
            rejected.append(Rejection(file, "not-pn", f"a product of instrument {named.instrument}, not EPIC-pn"))
        else:
            (spectra if named.type_ == "SRSPEC" else parts).append(file)
    labels = dict(zip(unknown, label_files(unknown), strict=True))
    linked = {
        file.parent / Path(label.background_file).name
        for file, label in labels.items()
        if isinstance(label, Label) and label.background_file and label.background_file != file.name
    }
    responses: dict[str, list[Path]] = {}
    for path, label in labels.items():
        if isinstance(label, Rejection):
            rejected.append(label)
            if is_response_name(path.name):  # it still answers to its name, and is then found not to open
                responses.setdefault(path.name, []).append(path)
        elif label.kind == "other":
            rejected.append(Rejection(str(path), "not-a-spectrum", "has no SPECTRUM, SPECRESP or MATRIX HDU"))
        elif label.kind == "spectrum" and path not in linked and not _BACKGROUND_NAME.search(path.stem):
            spectra.append(str(path))
        else:
            parts.append(str(path))
            if label.kind == "rmf":
                responses.setdefault(path.name, []).append(path)
    return Survey(
        roots,
        sorted(spectra, key=by_parts),
        sorted(parts, key=by_parts),
        {name: tuple(sorted(found)) for name, found in responses.items()},
        rejected,
        len(files),
    )
