"""What a query works with: numbers, texts and truths of every detection, absent values among them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from astropy.time import Time
from numpy.typing import NDArray

from explorer.services import Services
from explorer.tools.masks import Mask

#: Short names for columns that people ask for most.
ALIASES: Final = {
    "z": "cstat_z",
    "flux": "flux_0p3_10",
    "snr": "net_snr",
    "ra": "ra_deg",
    "dec": "dec_deg",
    "offaxis": "offaxis_arcmin",
    "exposure": "exposure_s",
}
#: Columns with so few values are told of when another value is asked for.
_FEW: Final = 30
#: Integers beyond are taken for it: they have no float64.
_HUGE: Final = float(np.finfo(np.float64).max)
COMPARISONS: Final = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_RECKON: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}


@dataclass(frozen=True)
class Truth:
    """Where a condition holds and where it does not; neither where a value is absent (Kleene's logic).

    Parameters
    ----------
    yes, no : array of bool, shape (n,) or ()
    """

    yes: Mask
    no: Mask

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> Truth:
        return Truth(self.no, self.yes)

    @property
    def known(self) -> Mask:
        """Where the condition is decided."""
        return self.yes | self.no


@dataclass(frozen=True)
class Number:
    """A number of every detection, NaN where absent; or one number for all.

    Parameters
    ----------
    values : array, shape (n,) or ()
        Columns keep their type: identifiers are compared exactly, and 0.3 is what float32 holds for 0.3.
    """

    values: NDArray[Any]

    @classmethod
    def constant(cls, value: float) -> Number:
        """One number for all; integers beyond int64 become float64."""
        if isinstance(value, int) and abs(value) < 2**63:
            return cls(np.asarray(value, dtype=np.int64))
        return cls(np.asarray(min(max(value, -_HUGE), _HUGE), dtype=np.float64))

    @property
    def known(self) -> Mask:
        """Where there is a number."""
        present: Mask = ~np.isnan(self.values)
        return present

    def compare(self, sign: str, other: Number) -> Truth:
        """Compare with another number."""
        a, b = self.values, other.values
        if a.ndim and not b.ndim and a.dtype == np.float32:
            b = b.astype(np.float32)
        elif b.ndim and not a.ndim and b.dtype == np.float32:
            a = a.astype(np.float32)
        yes, no = np.asarray(_COMPARE[sign](a, b)), np.asarray(_COMPARE[_OPPOSITE[sign]](a, b))
        if sign in ("==", "!="):  # NaN is unequal to everything
            known = self.known & other.known
            yes, no = yes & known, no & known
        return Truth(yes, no)

    def reckon(self, operation: type[ast.operator], other: Number) -> Number:
        """Add, subtract, multiply, divide or raise; in float64."""
        result = _RECKON[operation](self.values.astype(np.float64), other.values.astype(np.float64))
        return Number(np.asarray(result))

    def __neg__(self) -> Number:
        return Number(np.negative(self.values))


@dataclass(frozen=True)
class Text:
    """A text of every detection; texts are compared without regard to case.

    Parameters
    ----------
    name : str
    texts : pyarrow.Array
        All texts, or the distinct ones where there are codes.
    codes : array of int, shape (n,), or None
        Place in `texts`; negative where absent.
    """

    name: str
    texts: pa.Array
    codes: NDArray[Any] | None = None

    @property
    def choices(self) -> list[str]:
        """The distinct texts where they are few; else empty."""
        few = self.codes is not None and len(self.texts) <= _FEW
        return [str(text) for text in self.texts.to_pylist()] if few else []

    @property
    def known(self) -> Mask:
        """Where there is a text."""
        present: Mask = self.texts.is_valid().to_numpy(zero_copy_only=False) if self.codes is None else self.codes >= 0
        return present

    def equal(self, text: str) -> Truth:
        """Whether the text is this one."""
        return self._where(pc.equal(pc.utf8_lower(self.texts), text.lower()))

    def contains(self, text: str) -> Truth:
        """Whether this text is in it."""
        return self._where(pc.match_substring(self.texts, text, ignore_case=True))

    def _where(self, found: pa.Array) -> Truth:
        hit: Mask = found.fill_null(False).to_numpy(zero_copy_only=False)
        if self.codes is not None:
            hit = np.append(hit, False)[self.codes]  # −1, for absent ones, is the False at the end
        return Truth(hit, ~hit & self.known)


Column = Number | Text | Truth


@dataclass(frozen=True)
class Function:
    """A function of the language.

    Parameters
    ----------
    example : str
    of_numbers : callable
        Takes the services and the arguments.
    of_text : callable
        Takes a text instead, where `takes_text`.
    arguments : int
    """

    example: str
    of_numbers: Callable[..., Number] = lambda *_: Number(np.asarray(np.nan))
    of_text: Callable[[str], Number] = lambda _: Number(np.asarray(np.nan))
    arguments: int = 1
    takes_text: bool = False


def _elementwise(function: Callable[[Any], Any]) -> Callable[..., Number]:
    return lambda _, number: Number(np.asarray(function(number.values.astype(np.float64))))


def _mjd(date: str) -> Number:
    if not 4 <= len(date) <= 30:
        raise ValueError(date)
    if len(date) == 4:
        date = f"{date}-01-01"
    return Number.constant(float(Time(date, scale="utc").tt.mjd))


def _separation(services: Services, ra: Number, dec: Number) -> Number:
    """Angle to a position [arcsec], by the haversine, which is exact where positions are close."""
    catalogue = services.atlas.catalogue
    there = [np.radians(catalogue[name].to_numpy(np.float64)) for name in ("ra_deg", "dec_deg")]
    here = [np.radians(number.values.astype(np.float64)) for number in (ra, dec)]
    half = np.sin((there[1] - here[1]) / 2) ** 2
    half += np.cos(there[1]) * np.cos(here[1]) * np.sin((there[0] - here[0]) / 2) ** 2
    return Number(np.degrees(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))) * 3600)


FUNCTIONS: Final = {
    "abs": Function("abs(z) < 3", _elementwise(np.abs)),
    "log10": Function("log10(flux) > -13", _elementwise(np.log10)),
    "sqrt": Function("sqrt(net_counts) > 20", _elementwise(np.sqrt)),
    "mjd": Function('mjd_start > mjd("2015-06-01")', of_text=_mjd, takes_text=True),
    "separation": Function("separation(83.63, 22.01) < 30", _separation, arguments=2),
    "known": Function("known(flux)"),
}


def known_names(services: Services) -> list[str]:
    """Names that a query may use, in the order of the catalogue; aliases last."""
    columns = [str(name) for name in services.atlas.catalogue.columns]
    return ["class", *columns, "sigma", *(short for short, name in ALIASES.items() if name in columns)]


def column_of(services: Services, name: str) -> Column | None:
    """Return a column, or None for an unknown name.

    Parameters
    ----------
    services : Services
    name : str
        Of `known_names`: a column of the catalogue, an alias, "class" (the display class) or "sigma" (the geometric
        mean of the latent standard deviations).
    """
    if name == "class":
        return Text("class", pa.array(services.class_names, pa.string()), services.class_codes)
    if name == "sigma":
        with np.errstate(divide="ignore"):
            return Number(np.exp(np.log(services.atlas.sigmas.astype(np.float64)).mean(axis=1)))
    name = ALIASES.get(name, name)
    catalogue = services.atlas.catalogue
    return _column(catalogue[name]) if name in catalogue.columns else None


def _column(series: pd.Series) -> Column:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Text(
            str(series.name), pa.array(dtype.categories.astype("str"), pa.string()), series.cat.codes.to_numpy()
        )
    if isinstance(dtype, pd.StringDtype):
        texts = pa.array(series, pa.string(), from_pandas=True)
        return Text(str(series.name), texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts)
    if dtype.kind == "b":
        yes, no = (series == value for value in (True, False))
        return Truth(yes.to_numpy(bool, na_value=False), no.to_numpy(bool, na_value=False))
    if isinstance(dtype, np.dtype):
        return Number(series.to_numpy())
    return Number(series.to_numpy(np.float64, na_value=np.nan))  # a nullable integer
