"""Which detections of a catalogue are wanted: cuts as options, and as tests of rows in the order they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Literal

import pandas as pd

from vae.archive.columns import CATALOGUE_COLUMNS, CatalogueColumn
from vae.archive.kinds import Kind
from vae.errors import OptionError

#: SUM_FLAG goes from 0 to 4.
_MOST_FLAG: Final = 4
#: Any of these says that EPIC-pn saw a source: they are null where it was not used, or has a gap there.
_OF_PN: Final = ("PN_8_CTS", "PN_8_RATE", "PN_ONTIME")
COLUMNS: Final = {column.name: column for column in CATALOGUE_COLUMNS}


@dataclass(frozen=True)
class Cuts:
    """Which detections to take. Rows where a value is null do not pass its cut."""

    counts: Literal["PN_8_CTS", "EP_8_CTS"] = "PN_8_CTS"
    """Which counts --min-counts is about: of EPIC-pn, or of all EPIC cameras. Both are net counts in 0.2-12 keV, of the
    source detection; net counts in 0.3-10 keV are counted anew from the spectra, and stand in store and atlas."""
    min_counts: float = 300.0
    """Detections with more than so many counts; 0 takes all."""
    sum_flag_below: int = 3
    """Detections with SUM_FLAG below this: 3 leaves out those in problematic areas, 5 takes all."""
    max_extent_arcsec: float = 0.0
    """Largest EP_EXTENT: 0 takes point-like sources only, inf takes all."""
    without_spectra: bool = False
    """Also take detections of which SPECTRA says that the pipeline extracted no spectra."""
    observations: tuple[str, ...] = ()
    """OBS_IDs to take detections of; all when none is named."""
    limit: int | None = None
    """Take at most so many detections, the first of the catalogue: for a trial."""
    catalogue_kind: Kind = "4xmm"
    """Which catalogue is meant: 4xmm (detections in single observations, as in 4XMM-DR14 and before), 5xmm, or stacked.
    Another one is refused, since its identifiers are others."""

    def __post_init__(self) -> None:
        if not self.min_counts < inf:
            raise OptionError(f"--min-counts {self.min_counts} is no number", todo="Give a number, or 0 for all")
        if self.sum_flag_below < 1:
            raise OptionError(f"--sum-flag-below {self.sum_flag_below} takes nothing", todo="Give 1 to 5")
        if not self.max_extent_arcsec >= 0:
            raise OptionError(f"--max-extent-arcsec {self.max_extent_arcsec} takes nothing", todo="Give 0 or more")
        if self.limit is not None and self.limit < 1:
            raise OptionError(f"--limit {self.limit} takes nothing", todo="Give 1 or more")
        odd = [name for name in self.observations if len(name) != 10 or not name.isdecimal()]
        if odd:
            raise OptionError(
                f"--observations {odd[0]} is no OBS_ID", todo="An OBS_ID has ten digits, such as 0677180601"
            )


@dataclass(frozen=True)
class Cut:
    """One cut.

    Parameters
    ----------
    name : str
        As people read it.
    columns : tuple of CatalogueColumn
        What it looks at.
    passes : callable
        Takes a table of these columns, returns whether each row passes, null where that is unknown.
    option : str
        The option that takes it away, with its value.
    """

    name: str
    columns: tuple[CatalogueColumn, ...]
    passes: Callable[[pd.DataFrame], pd.Series]
    option: str = ""


def cuts_in_order(options: Cuts) -> list[Cut]:
    """Return the cuts that options ask for, in the order they are made."""
    counts = options.counts
    cuts = [Cut("seen by EPIC-pn", tuple(COLUMNS[name] for name in _OF_PN), _seen_by_pn)]
    if options.min_counts > 0:
        cuts.append(
            _comparison(counts, f"> {options.min_counts:g}", lambda v: v > options.min_counts, "--min-counts 0")
        )
    if options.sum_flag_below <= _MOST_FLAG:
        cuts.append(
            _comparison(
                "SUM_FLAG", f"< {options.sum_flag_below}", lambda v: v < options.sum_flag_below, "--sum-flag-below 5"
            )
        )
    if options.max_extent_arcsec < inf:
        largest = options.max_extent_arcsec
        sign = "== 0" if largest == 0 else f"<= {largest:g}"
        cuts.append(_comparison("EP_EXTENT", sign, lambda v: v <= largest, "--max-extent-arcsec inf"))
    if not options.without_spectra:
        cuts.append(_comparison("SPECTRA", "is true", lambda v: v, "--without-spectra"))
    if options.observations:
        wanted = set(options.observations)
        cuts.append(_comparison("OBS_ID", "is one of --observations", lambda v: v.isin(wanted), ""))
    return cuts


def _comparison(name: str, sign: str, passes: Callable[[pd.Series], pd.Series], option: str) -> Cut:
    def test(table: pd.DataFrame) -> pd.Series:
        values = table[name]
        return passes(values).astype("boolean").mask(values.isna())

    return Cut(f"{name} {sign}", (COLUMNS[name],), test, option)


def _seen_by_pn(table: pd.DataFrame) -> pd.Series:
    return table.notna().any(axis=1).astype("boolean").replace({False: pd.NA})
