"""Filters: which detections are shown at all. Each is small and immutable, says itself in words, and makes a mask."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from explorer.tools import quantities
from explorer.tools.selection import Mask
from vae.atlas import Atlas
from vae.errors import OptionError

#: Columns that may be filtered by their values, and their names in words.
CHOICES: Final = {"filter": "Optical filter", "mode": "Data mode", "class_origin": "Origin of the class"}
#: Columns that a text filter looks into.
TEXT_COLUMNS: Final = ("name", "obs_id", "simbad_main_id", "simbad_otype")


@dataclass(frozen=True)
class Range:
    """Keep what lies between two values, both included; detections without the value are left out.

    Parameters
    ----------
    key : str
        Of a `explorer.tools.quantities.Quantity`.
    low, high : float
        −inf and inf where there is no limit.
    """

    key: str
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if quantities.quantity(self.key) is None:
            raise OptionError(f"there is no quantity {self.key!r} to filter by")
        if not self.low <= self.high:
            raise OptionError(f"the filter of {self.key} ends before it begins: {self.low} to {self.high}")

    def mask(self, atlas: Atlas) -> Mask:
        """Which detections pass, shape (n,)."""
        value = quantities.values(atlas, self.key)
        passing: Mask = (value >= self.low) & (value <= self.high)
        return passing

    @property
    def words(self) -> str:
        """Text of the chip: "Net counts ≥ 300", "|Misfit z| ≤ 3"."""
        what = quantities.quantity(self.key)
        assert what is not None
        low, high = (quantities.in_words(what, value) for value in (self.low, self.high))
        unit = f" {what.unit}" if what.unit else ""
        if self.low == -self.high:
            return f"|{what.label}| ≤ {high}{unit}"
        if self.high == math.inf:
            return f"{what.label} ≥ {low}{unit}"
        if self.low == -math.inf:
            return f"{what.label} ≤ {high}{unit}"
        return f"{what.label} {low}–{high}{unit}"


@dataclass(frozen=True)
class OneOf:
    """Keep detections whose column holds one of these values.

    Parameters
    ----------
    key : str
        Of `CHOICES`.
    values : tuple of str
    """

    key: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.key not in CHOICES:
            raise OptionError(f"there is no column {self.key!r} to filter by")

    def mask(self, atlas: Atlas) -> Mask:
        """Which detections pass, shape (n,)."""
        passing: Mask = atlas.catalogue[self.key].isin(self.values).to_numpy(bool)
        return passing

    @property
    def words(self) -> str:
        """Text of the chip: "Optical filter: thin, medium"."""
        return f"{CHOICES[self.key]}: {', '.join(self.values)}"


@dataclass(frozen=True)
class Text:
    """Keep detections with this text in a name, OBS_ID or SIMBAD identifier or type; case does not matter.

    Parameters
    ----------
    text : str
    """

    text: str
    key: str = "text"

    def mask(self, atlas: Atlas) -> Mask:
        """Which detections pass, shape (n,)."""
        passing: Mask = np.zeros(len(atlas), dtype=bool)
        for name in TEXT_COLUMNS:
            passing |= _contains(atlas.catalogue[name], self.text)
        return passing

    @property
    def words(self) -> str:
        """Text of the chip: "contains “J1927”"."""
        return f"contains “{self.text}”"


Filter = Range | OneOf | Text


def _contains(column: pd.Series, text: str) -> Mask:
    if isinstance(column.dtype, pd.CategoricalDtype):
        found = column.cat.categories.str.contains(text, case=False, regex=False)
        hit: Mask = np.append(np.asarray(found, dtype=bool), False)[column.cat.codes.to_numpy()]
        return hit
    hit = column.str.contains(text, case=False, regex=False, na=False).to_numpy(bool)
    return hit


@lru_cache(maxsize=16)  # a mask is 1 MB at a million detections
def _mask(each: Filter, atlas: Atlas) -> Mask:
    mask = each.mask(atlas)
    mask.flags.writeable = False
    return mask


def passing(filters: Iterable[Filter], atlas: Atlas) -> Mask | None:
    """Which detections pass all filters; None if there is no filter.

    Returns
    -------
    array of bool, shape (n,), read-only; or None
    """
    result: Mask | None = None
    for each in filters:
        mask = _mask(each, atlas)
        result = mask if result is None else result & mask
    return result


def to_plain(each: Filter) -> dict[str, Any]:
    """Return a filter as plain JSON, for addresses and provenance; `from_plain` reads it."""
    if isinstance(each, Range):
        limits = {"low": each.low, "high": each.high}
        return {"key": each.key, **{name: value for name, value in limits.items() if math.isfinite(value)}}
    if isinstance(each, OneOf):
        return {"key": each.key, "values": list(each.values)}
    return {"key": "text", "text": each.text}


def from_plain(plain: Any) -> Filter:
    """Read a filter that `to_plain` wrote.

    Raises
    ------
    OptionError
        For anything else.
    """
    try:
        if plain["key"] == "text":
            return Text(str(plain["text"])[:200])
        if plain["key"] in CHOICES:
            return OneOf(str(plain["key"]), tuple(str(value)[:200] for value in plain["values"][:100]))
        return Range(str(plain["key"]), float(plain.get("low", -math.inf)), float(plain.get("high", math.inf)))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise OptionError(f"not a filter: {str(plain)[:80]!r}") from error
