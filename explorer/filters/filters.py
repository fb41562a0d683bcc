"""Filters: which detections are shown at all. Each is small and immutable, says itself in words, and makes a mask."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.filters import quantities
from explorer.tools.masks import Mask
from vae.atlas import Atlas
from vae.errors import OptionError

#: Columns that may be filtered by their values, and their names in words.
CHOICES: Final = {
    "filter": "Optical filter",
    "mode": "Data mode",
    "sum_flag": "Quality flag",
    "class_origin": "Class from",
}
#: What the values of a column mean.
_MEANINGS: Final = {
    "filter": "Blocks optical light; the thicker, the fewer soft photons",
    "mode": "How the camera was read out",
    "sum_flag": "SUM_FLAG of the catalogue: 0 is good, 4 is bad",
    "class_origin": "Who says what the source is",
}
#: Values that do not speak for themselves.
_WORDS: Final = {
    "mode": {
        "ff": "full frame",
        "ef": "extended full frame",
        "lw": "large window",
        "sw": "small window",
        "ti": "timing",
        "bu": "burst",
    }
}
#: Columns that a text filter looks into.
TEXT_COLUMNS: Final = ("name", "obs_id", "simbad_main_id", "simbad_otype")
#: A column of more values than this is no choice.
_MAX_CHOICES: Final = 24
#: Longest text and longest list taken from an address.
_MAX_TEXT: Final = 200
_MAX_VALUES: Final = 100


@dataclass(frozen=True)
class Range:
    """Keep what lies between two values, both included; detections without the value are left out.

    Parameters
    ----------
    key : str
        Of a `explorer.filters.quantities.Quantity`.
    low, high : float
        −inf and inf where there is no limit. Angles that wrap may run through 0: 350 to 10.
    """

    key: str
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        each = quantities.quantity(self.key)
        if each is None:
            raise OptionError(f"there is no quantity {self.key!r} to filter by")
        through_zero = bool(each.wraps) and math.isfinite(self.low) and math.isfinite(self.high)
        if not (self.low <= self.high or (through_zero and self.low > self.high)):
            raise OptionError(
                f"{each.label}: the range ends before it begins, "
                f"{quantities.in_words(each, self.low)} to {quantities.in_words(each, self.high)}"
            )

    def mask(self, atlas: Atlas) -> Mask:
        """Which detections pass, shape (n,)."""
        value = quantities.values(atlas, self.key)
        # limits in the values' own precision: what is shown as 0.3 passes "≥ 0.3"
        low, high = value.dtype.type(self.low), value.dtype.type(self.high)
        above: Mask = value >= low
        below: Mask = value <= high
        return above | below if self.low > self.high else above & below

    @property
    def words(self) -> str:
        """Text of the chip: "Net counts ≥ 300", "|Misfit z| ≤ 3 σ"."""
        what = quantities.quantity(self.key)
        assert what is not None
        low, high = (quantities.in_words(what, value) for value in (self.low, self.high))
        unit = what.unit if what.unit in ("", "°", "%") else f" {what.unit}"
        if what.kind == "date":
            if self.high == math.inf:
                return f"{what.label} from {low}"
            return f"{what.label} until {high}" if self.low == -math.inf else f"{low} to {high}"
        if self.low == -self.high:
            return f"|{what.label}| ≤ {high}{unit}"
        if self.high == math.inf:
            return f"{what.label} ≥ {low}{unit}"
        if self.low == -math.inf:
            return f"{what.label} ≤ {high}{unit}"
        between = " to " if "−" in low + high else "–"
        return f"{what.label} {low}{between}{high}{unit}"


@dataclass(frozen=True)
class OneOf:
    """Keep detections whose column holds one of these values.

    Parameters
    ----------
    key : str
        Of `CHOICES`.
    values : tuple of str
        As `choices` spells them.
    """

    key: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.key not in CHOICES:
            raise OptionError(f"there is no column {self.key!r} to filter by")

    def mask(self, atlas: Atlas) -> Mask:
        """Which detections pass, shape (n,)."""
        names, codes = choices(atlas, self.key)
        wanted = np.zeros(256, dtype=bool)
        wanted[[place for place, name in enumerate(names) if name in self.values]] = True
        passing: Mask = wanted[codes]
        return passing

    @property
    def words(self) -> str:
        """Text of the chip: "Optical filter: thin, medium"."""
        return f"{CHOICES[self.key]}: {', '.join(value_in_words(self.key, value) for value in self.values)}"


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


def meaning(key: str) -> str:
    """One sentence on what the values of a column of `CHOICES` are."""
    return _MEANINGS[key]


def value_in_words(key: str, value: str) -> str:
    """Return a value of a column of `CHOICES` as a person says it: "full frame" for "ff"."""
    return _WORDS.get(key, {}).get(value, value)


@lru_cache(maxsize=16)
def choices(atlas: Atlas, key: str) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Return the values that a column of `CHOICES` holds, and which of them each detection has.

    Returns
    -------
    names : tuple of str
        Values that occur, in the column's own order; at most the 24 commonest.
    codes : array of uint8, shape (n,), read-only
        Index into `names`; 255 where there is no value, or a rarer one.
    """
    column = atlas.catalogue[key]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")
    places = column.cat.codes.to_numpy()
    counts = np.bincount(places[places >= 0], minlength=len(column.cat.categories))
    commonest = np.argsort(-counts, kind="stable")[:_MAX_CHOICES]
    kept = np.sort(commonest[counts[commonest] > 0])
    lookup = np.full(len(counts) + 1, 255, np.uint8)  # the last is for code −1, no value
    lookup[kept] = np.arange(len(kept))
    codes = lookup[places]
    codes.flags.writeable = False
    return tuple(str(column.cat.categories[place]) for place in kept), codes


def _contains(column: pd.Series, text: str) -> Mask:
    if isinstance(column.dtype, pd.CategoricalDtype):
        found = column.cat.categories.astype("str").str.contains(text, case=False, regex=False)
        hit: Mask = np.append(np.asarray(found, dtype=bool), False)[column.cat.codes.to_numpy()]
        return hit
    hit = column.str.contains(text, case=False, regex=False, na=False).to_numpy(bool)
    return hit


@lru_cache(maxsize=16)  # a mask is 1 MB at a million detections; those in use are asked for with every change
def mask_of(each: Filter, atlas: Atlas) -> Mask:
    """Which detections pass one filter, shape (n,), read-only; the last few are remembered."""
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
        mask = mask_of(each, atlas)
        result = mask if result is None else result & mask
    if result is not None:
        result.flags.writeable = False
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
            return Text(str(plain["text"])[:_MAX_TEXT])
        if plain["key"] in CHOICES:
            values = plain["values"]
            if isinstance(values, str):
                raise TypeError("a list of values is meant")
            return OneOf(str(plain["key"]), tuple(str(value)[:_MAX_TEXT] for value in values[:_MAX_VALUES]))
        return Range(str(plain["key"]), float(plain.get("low", -math.inf)), float(plain.get("high", math.inf)))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise OptionError(f"not a filter: {str(plain)[:80]!r}") from error
