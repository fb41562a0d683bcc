"""Which background, area and response belong to a spectrum: candidates in order; the first that opens is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vae.preprocess.survey import is_response_name, product
from vae.spectra.ogip import Pha

_BACKGROUND_ENDINGS: Final = ("_bkg", "_bgd", "_bg", "_back", "_background", "-bkg")
_SOURCE_ENDING: Final = re.compile(r"[_\-](src|source|spec|spectrum|grp\d*)$", re.IGNORECASE)
_SUFFIXES: Final = (".fits", ".pha", ".fit", ".ds", ".FIT", ".FTZ", ".fits.gz", ".pha.gz")
_VERSION: Final = re.compile(r"_v(\d+)(?:\.(\d+))?$", re.IGNORECASE)
#: Names of the canned matrices of EPIC-pn: one and the same wherever they lie.
_CANNED: Final = re.compile(r"epn_e\d_(ff|ef|lw|sw|ti|bu)\d+_(s|d|sd)y\d", re.IGNORECASE)


@dataclass(frozen=True)
class ResponsePlaces:
    """Where redistribution matrices may lie.

    Parameters
    ----------
    roots : tuple of Path
        The archive; links inside files never lead out of it.
    archive, folders : mapping of str to sequence of Path
        Matrices of the archive and of ``--responses``, by file name.
    standin : Path or None
        The matrix of last resort.
    """

    roots: tuple[Path, ...]
    archive: Mapping[str, Sequence[Path]]
    folders: Mapping[str, Sequence[Path]]
    standin: Path | None = None
    _beside: dict[Path, dict[str, tuple[Path]]] = field(default_factory=dict, compare=False, repr=False)

    def beside(self, folder: Path) -> dict[str, tuple[Path]]:
        """Return the matrices in a folder by file name; it is listed once for all its spectra."""
        if folder not in self._beside:
            self._beside.clear()  # spectra come folder by folder
            try:
                names = sorted(entry.name for entry in folder.iterdir() if is_response_name(entry.name))
            except OSError:
                names = []
            self._beside[folder] = {name: (folder / name,) for name in names}
        return self._beside[folder]


def background_candidates(pha: Pha, places: ResponsePlaces) -> Iterator[Path]:
    """Yield files that may be the background of `pha`, most likely first."""
    named = product(pha.path)
    if named is not None:
        yield from _existing(pha.path.parent, [re.sub("SRSPEC", "BGSPEC", pha.path.name, flags=re.IGNORECASE)])
    if pha.background_file is not None:
        yield from _linked(pha.path, pha.background_file, places.roots)
    names = []
    for stem in _stems(pha.path):
        names += [stem + ending + suffix for ending in _BACKGROUND_ENDINGS for suffix in _SUFFIXES]
    yield from _existing(pha.path.parent, names)


def area_candidates(pha: Pha, places: ResponsePlaces) -> Iterator[Path]:
    """Yield files that may be the effective area of `pha`, most likely first."""
    named = product(pha.path)
    if named is not None:
        yield from _existing(pha.path.parent, [re.sub("SRSPEC", "SRCARF", pha.path.name, flags=re.IGNORECASE)])
    if pha.area_file is not None:
        yield from _linked(pha.path, pha.area_file, places.roots)
    yield from _existing(pha.path.parent, [stem + end for stem in _stems(pha.path) for end in (".arf", ".arf.gz")])


def response_candidates(pha: Pha, places: ResponsePlaces) -> Iterator[tuple[Path, bool]]:
    """Yield files that may be the redistribution matrix of `pha`, and whether each only stands in.

    The exact name beside the spectrum, versioned names beside it, both anywhere in the archive, both in the folders
    of ``--responses``, the spectrum's own name with ``.rmf``, the stand-in.
    """
    folder = pha.path.parent
    if pha.response_file is not None:
        base = _base(pha.response_file)
        for path in _linked(pha.path, pha.response_file, places.roots):
            yield path, False
        for index in (_versions(base, places.beside(folder)), *_elsewhere(base, pha.path, places)):
            for path in index:
                yield path, False
    own = [stem + end for stem in _stems(pha.path) for end in (".rmf", ".rsp", ".rmf.gz")]
    for path in _existing(folder, own):
        yield path, False
    if places.standin is not None:
        yield places.standin, True


def _elsewhere(base: str, spectrum: Path, places: ResponsePlaces) -> Iterator[list[Path]]:
    for index in (places.archive, places.folders):
        exact = list(index.get(base, ())) + list(index.get(base + ".gz", ()))
        found = exact + _versions(base, index)
        # 'PN.rmf' beside another spectrum is another matrix; a canned name is the same everywhere.
        if _CANNED.match(base) or index is places.folders or len(found) == 1:
            yield sorted(exact, key=lambda path: _distance(path, spectrum)) + _versions(base, index)


def _versions(base: str, index: Mapping[str, Sequence[Path]]) -> list[Path]:
    """Files named like `base` but for a version (``epn_e3_ff20_sdY7_v19.0.rmf``), newest first."""
    stem, suffix = Path(base).stem, Path(base).suffix
    found = []
    for name, paths in index.items():
        versioned = Path(name.removesuffix(".gz"))
        match = _VERSION.search(versioned.stem)
        if match is None or versioned.suffix.lower() != suffix.lower():
            continue
        if versioned.stem[: match.start()].lower() == stem.lower():
            found += [((int(match[1]), int(match[2] or 0)), path) for path in paths]
    return [path for _, path in sorted(found, key=lambda item: (-item[0][0], -item[0][1], str(item[1])))]


def _linked(spectrum: Path, name: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Follow a keyword: relative to the spectrum inside the archive, else its bare name beside it."""
    folder = spectrum.parent
    names = [_base(name), _base(name) + ".gz"]
    if not name.startswith(("/", "\\")) and ("/" in name or "\\" in name):
        target = Path(os.path.normpath(folder / name.replace("\\", "/")))
        if any(target.is_relative_to(root) for root in roots):
            yield from _existing(target.parent, [target.name, target.name + ".gz"])
    yield from (path for path in _existing(folder, names) if path != spectrum)


def _existing(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    for name in dict.fromkeys(names):
        try:
            if name and (folder / name).is_file():
                yield folder / name
        except (OSError, ValueError):  # names that the file system cannot hold
            continue


def _stems(path: Path) -> list[str]:
    """Cut a file's name: without its endings, and without a trailing `_src` or the like."""
    stem = re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE)
    stem = Path(stem).stem
    return list(dict.fromkeys([stem, _SOURCE_ENDING.sub("", stem)]))


def _base(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]


def _distance(path: Path, spectrum: Path) -> tuple[int, str]:
    return -len(os.path.commonpath([path, spectrum])), str(path)
