"""Which background, area and response belong to a spectrum: candidates in order; the first that opens is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from vae.preprocess.survey import is_response_name, product

_BACKGROUND_ENDINGS: Final = ("_bkg", "_bgd", "_bg", "_back", "_background", "-bkg")
_SOURCE_ENDING: Final = re.compile(r"[_\-](src|source|spec|spectrum|grp\d*)$", re.IGNORECASE)
_SUFFIXES: Final = (".fits", ".pha", ".fit", ".ds", ".FIT", ".FTZ", ".fits.gz", ".pha.gz")
_VERSION: Final = re.compile(r"_v(\d+)(?:\.(\d+))?$", re.IGNORECASE)
#: Names of the canned matrices of EPIC-pn: one and the same wherever they lie.
_CANNED: Final = re.compile(r"epn_e\d_(ff|ef|lw|sw|ti|bu)\d+_(s|d|sd)y\d", re.IGNORECASE)


class Linking(Protocol):
    """A spectrum, as far as it says what goes with it: `vae.spectra.ogip.Pha`, or what is remembered of one."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def background_file(self) -> str | None:
        """BACKFILE."""

    @property
    def area_file(self) -> str | None:
        """ANCRFILE."""

    @property
    def response_file(self) -> str | None:
        """RESPFILE."""


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
    _beside: dict[Path, Versions] = field(default_factory=dict, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to other processes without what this one has looked up."""
        return {"roots": self.roots, "archive": self.archive, "folders": self.folders, "standin": self.standin}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive."""
        self.__dict__.update(state, _beside={})

    def beside(self, folder: Path) -> Versions:
        """Return the matrices in a folder; it is listed once for all its spectra."""
        found = self._beside.get(folder)
        if found is None:
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries if is_response_name(entry.name))
            except OSError:
                names = []
            self._beside.clear()  # spectra come folder by folder
            found = self._beside[folder] = Versions({name: (folder / name,) for name in names})
        return found

    @cached_property
    def indices(self) -> tuple[Versions, Versions]:
        """Matrices of the archive and of ``--responses``, ready to be looked up."""
        return Versions(self.archive), Versions(self.folders)


class Versions:
    """Matrices by name and by name without its version, so that finding one takes as long for many as for few.

    Parameters
    ----------
    paths : mapping of str to sequence of Path
        By file name.
    """

    def __init__(self, paths: Mapping[str, Sequence[Path]]) -> None:
        self.paths = paths
        self._versions: dict[tuple[str, str], list[tuple[tuple[int, int], Path]]] = {}
        for name, found in paths.items():
            versioned = Path(name.removesuffix(".gz"))
            match = _VERSION.search(versioned.stem)
            if match is not None:
                key = versioned.stem[: match.start()].lower(), versioned.suffix.lower()
                version = int(match[1]), int(match[2] or 0)
                self._versions.setdefault(key, []).extend((version, path) for path in found)

    def exact(self, base: str) -> list[Path]:
        """Return files of that very name, packed or not."""
        return [*self.paths.get(base, ()), *self.paths.get(base + ".gz", ())]

    def versions(self, base: str) -> list[Path]:
        """Return files named like `base` but for a version (``epn_e3_ff20_sdY7_v19.0.rmf``), newest first."""
        found = self._versions.get((Path(base).stem.lower(), Path(base).suffix.lower()), [])
        return [path for _, path in sorted(found, key=lambda item: (-item[0][0], -item[0][1], str(item[1])))]


def background_candidates(pha: Linking, places: ResponsePlaces) -> Iterator[Path]:
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


def area_candidates(pha: Linking, places: ResponsePlaces) -> Iterator[Path]:
    """Yield files that may be the effective area of `pha`, most likely first."""
    named = product(pha.path)
    if named is not None:
        yield from _existing(pha.path.parent, [re.sub("SRSPEC", "SRCARF", pha.path.name, flags=re.IGNORECASE)])
    if pha.area_file is not None:
        yield from _linked(pha.path, pha.area_file, places.roots)
    yield from _existing(pha.path.parent, [stem + end for stem in _stems(pha.path) for end in (".arf", ".arf.gz")])


def response_candidates(pha: Linking, places: ResponsePlaces) -> Iterator[tuple[Path, bool]]:
    """Yield files that may be the redistribution matrix of `pha`, and whether each only stands in.

    The exact name beside the spectrum, versioned names beside it, both anywhere in the archive, both in the folders
    of ``--responses``, the spectrum's own name with ``.rmf``, the stand-in.
    """
    folder = pha.path.parent
    if pha.response_file is not None:
        base = _base(pha.response_file)
        for path in _linked(pha.path, pha.response_file, places.roots):
            yield path, False
        for found in (places.beside(folder).versions(base), *_elsewhere(base, pha.path, places)):
            for path in found:
                yield path, False
    own = [stem + end for stem in _stems(pha.path) for end in (".rmf", ".rsp", ".rmf.gz")]
    for path in _existing(folder, own):
        yield path, False
    if places.standin is not None:
        yield places.standin, True


def _elsewhere(base: str, spectrum: Path, places: ResponsePlaces) -> Iterator[list[Path]]:
    archive, folders = places.indices
    for index in (archive, folders):
        exact, versions = index.exact(base), index.versions(base)
        # 'PN.rmf' beside another spectrum is another matrix; a canned name is the same everywhere.
        if _CANNED.match(base) or index is folders or len(exact) + len(versions) == 1:
            yield sorted(exact, key=lambda path: _distance(path, spectrum)) + versions


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
