"""Which catalogue of XMM-Newton a file is: they share names of columns, not what a row is, nor identifiers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, Literal

from vae.archive.stream import TableStream
from vae.errors import CatalogueError

#: Catalogues that can be asked for: of single observations, one row a detection (4XMM and before); 5XMM; of stacks.
Kind = Literal["4xmm", "5xmm", "stacked"]

#: Columns that only catalogues of stacked observations have, 5XMM among them (Traulsen et al. 2019, A&A 624, A77).
_OF_STACKS: Final = frozenset({"N_CONTRIB", "N_OBS", "STACK_FLAG", "STACK_DET_ML", "N_BLEND"})
_OF_5XMM: Final = frozenset({"PPS_SRCNUM"})
#: Columns that name a detection, which catalogues with one row a source lack.
_OF_DETECTIONS: Final = frozenset({"OBS_ID", "OBSID", "OBSERVATION_ID"})
_NAMES: Final = {
    "4xmm": "a catalogue of detections in single observations, as 4XMM-DR14 is",
    "5xmm": "5XMM",
    "stacked": "a catalogue of stacked observations, as 4XMM-DR14s is",
}
_WHY_NOT: Final = {
    "4xmm": "its rows are detections in single observations",
    "5xmm": "it joins detections of all observations anew: its SRCIDs are others than 4XMM's, it has no DETID, and "
    "most of its rows are upper limits",
    "stacked": "it has a row for every source in every observation, detected there or not, its SRCIDs are others than "
    "4XMM-DR14's, and it names no spectra",
}


def kind_of(columns: Collection[str], names: Iterable[str]) -> Kind:
    """Tell a catalogue by its columns and by names of its sources.

    Parameters
    ----------
    columns : collection of str
        In upper case.
    names : iterable of str
        IAUNAMEs of some rows, where there are any: '5XMM J...', '4XMMs J...'.
    """
    starts = {match[0] for match in (re.match(r"\d+XMMs?(?= )", name) for name in names) if match}
    if _OF_5XMM & set(columns) or any(start.startswith("5XMM") for start in starts):
        return "5xmm"
    if _OF_STACKS & set(columns) or any(start.endswith("s") for start in starts):
        return "stacked"
    return "4xmm"


def refuse_sources(stream: TableStream) -> None:
    """Raise `CatalogueError` for a catalogue with one row a source: a slim one.

    It names neither observations nor detections, so that there are no spectra to look for.
    """
    has_sources = {"SRCID", "IAUNAME", "SC_RA", "RA", "RA_ICRS"} & stream.fields.keys()
    if has_sources and not _OF_DETECTIONS & stream.fields.keys() and "DETID" not in stream.fields:
        raise CatalogueError(
            "is a slim catalogue, one row a source on the sky: it has neither OBS_ID nor SRC_NUM nor counts of "
            "EPIC-pn, by which spectra are found and chosen",
            where=stream.path,
            todo="Give the full catalogue, one row a detection, such as 4XMM_DR14cat_v1.0.fits.gz",
        )


def refuse_other_kind(stream: TableStream, found: Kind, wanted: Kind) -> None:
    """Raise `CatalogueError` where a file is another catalogue than the one asked for."""
    if found != wanted:
        raise CatalogueError(
            f"is {_NAMES[found]}, not {_NAMES[wanted]}: {_WHY_NOT[found]}. Catalogues must never be mixed unawares",
            where=stream.path,
            todo=f"Give 4XMM_DR14cat_v1.0.fits.gz, or say --catalogue-kind {found} if this is the one you mean"
            if wanted == "4xmm"
            else f"Say --catalogue-kind {found}, or give another file",
        )
