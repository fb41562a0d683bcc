"""What a row was made of, remembered in a few words: enough to tell later whether it would be made the same again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import vae
from vae.preprocess.options import PreprocessOptions
from vae.preprocess.triples import (
    Linking,
    ResponsePlaces,
    area_candidates,
    background_candidates,
    response_candidates,
)

#: Raised when rows come out differently for the same files: rows made by other rules are made anew.
_RULES: Final = 1
#: In this order they are looked for; the kind of a rejection where none opens.
ROLES: Final = ("background", "response", "area")
_NONE_OPENS: Final = {"no-background": 0, "no-response": 1, "no-area": 2}


@dataclass(frozen=True, slots=True)
class Links:
    """What is remembered of a spectrum's header: where it says its companions are.

    Parameters
    ----------
    path : Path
    background_file, area_file, response_file : str or None
        BACKFILE, ANCRFILE, RESPFILE.
    """

    path: Path
    background_file: str | None = None
    area_file: str | None = None
    response_file: str | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a result depended on.

    Parameters
    ----------
    background_file, area_file, response_file : str or None
        See `Links`.
    tried : tuple of int
        How many candidates were tried for each of `ROLES`.
    digest : str
        Over names, sizes and times of change of the spectrum and of all of them, in order.
    """

    background_file: str | None
    area_file: str | None
    response_file: str | None
    tried: tuple[int, int, int]
    digest: str


def candidates(
    role: str, spectrum: Linking, options: PreprocessOptions, places: ResponsePlaces
) -> Iterable[tuple[Path, bool]]:
    """Yield files that may serve in a role, most likely first, and whether each only stands in."""
    if role == "response":
        return response_candidates(spectrum, places) if options.rmf is None else [(options.rmf, False)]
    explicit = options.background if role == "background" else options.arf
    if explicit is not None:
        return [(explicit, False)]
    found = background_candidates if role == "background" else area_candidates
    return ((path, False) for path in found(spectrum, places))


class Trace:
    """Takes note of a file before it is opened.

    Parameters
    ----------
    spectrum : Path
    roots : sequence of Path
        The archive's folders: files are named relative to them, so that an archive may move.
    """

    def __init__(self, spectrum: Path, roots: Sequence[Path]) -> None:
        self._roots = [f"{root}{os.sep}" for root in roots]
        self._digest = hashlib.sha256(f"{vae.__version__} {_RULES}\n".encode())
        self._tried = [0, 0, 0]
        self._note("spectrum", spectrum, False)

    def note(self, role: str, path: Path, standin: bool) -> None:
        """Take note of a candidate."""
        self._tried[ROLES.index(role)] += 1
        self._note(role, path, standin)

    def _note(self, role: str, path: Path, standin: bool) -> None:
        name = str(path)
        for number, root in enumerate(self._roots):
            if name.startswith(root):
                name = f"{number}:{name[len(root) :]}"
                break
        try:
            there = path.stat()
            stamp = f"{there.st_size} {there.st_mtime_ns}"
        except OSError:
            stamp = "absent"
        self._digest.update(f"{role} {name} {stamp} {standin:d}\n".encode(errors="surrogateescape"))

    def inputs(self, spectrum: Linking) -> Inputs:
        """Return what has been noted."""
        first, second, third = self._tried
        return Inputs(
            spectrum.background_file,
            spectrum.area_file,
            spectrum.response_file,
            (first, second, third),
            self._digest.hexdigest()[:32],
        )


def used_again(
    spectrum: Path, before: Inputs, kind: str, options: PreprocessOptions, places: ResponsePlaces
) -> tuple[Path, ...] | None:
    """Return the files that a result came from, where it would come out the same today; None where it might not.

    Parameters
    ----------
    spectrum : Path
    before : Inputs
    kind : str
        Kind of rejection, empty for a row. Where no candidate opened, one more than before must not be there.
    options : PreprocessOptions
    places : ResponsePlaces
    """
    links = Links(spectrum, before.background_file, before.area_file, before.response_file)
    trace = Trace(spectrum, places.roots)
    used: list[Path] = []
    for number, role in enumerate(ROLES):
        wanted = before.tried[number] + (_NONE_OPENS.get(kind) == number)
        last = None
        for last, standin in islice(candidates(role, links, options, places), wanted):
            trace.note(role, last, standin)
        if last is not None:
            used.append(last)
    return tuple(dict.fromkeys(used)) if trace.inputs(links) == before else None
