"""Quantities a person may filter by, colour by and see as histograms: names in words, units, scales, values."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explorer.tools.words import minus, superscript
from vae.atlas import Atlas

Kind = Literal["linear", "log", "signed", "asinh", "date"]

#: Where an "asinh" scale turns from linear to logarithmic [the quantity's unit]; z = 3 is the edge of chance.
ASINH_TURN: Final = 3.0
#: Share of the archive beyond each limit of a scale [%].
_BEYOND: Final = 0.05
#: Scales that do not depend on the archive.
_FIXED: Final = {"hr1": (-1.0, 1.0), "hr2": (-1.0, 1.0), "hr3": (-1.0, 1.0), "rarity": (0.0, 100.0)}
#: Day 0 of the modified Julian date (proleptic Gregorian calendar).
MJD_ZERO: Final = datetime.date(1858, 11, 17)


@dataclass(frozen=True)
class Quantity:
    """One number of each detection.

    Parameters
    ----------
    key : str
        Name in addresses and messages; the catalogue's column, unless `values` says otherwise.
    label : str
        In words, as a title.
    unit : str
        Empty where there is none.
    kind : {"linear", "log", "signed", "asinh", "date"}
        How it is laid out: "signed" is linear about zero, "asinh" linear near zero and logarithmic in the tails,
        "date" an MJD shown as a calendar date.
    meaning : str
        One sentence.
    wraps : float
        Period of an angle; 0 for anything else.
    """

    key: str
    label: str
    unit: str
    kind: Kind
    meaning: str
    wraps: float = 0.0


#: All that may be offered, in the order of the menus; `quantities` leaves out what an atlas lacks.
QUANTITIES: Final = (
    Quantity("net_counts", "Net counts", "", "log", "Background-subtracted counts, 0.3–10 keV"),
    Quantity("net_snr", "Net S/N", "", "log", "Net counts over their error"),
    Quantity("background_fraction", "Background share", "", "linear", "Expected background over gross counts"),
    Quantity("flux_0p3_10", "Flux", "erg/cm²/s", "log", "Observed flux of the decoded spectrum, 0.3–10 keV"),
    Quantity("hr1", "Hardness 1", "", "signed", "0.5–1 keV against 0.3–0.5 keV, net counts"),
    Quantity("hr2", "Hardness 2", "", "signed", "1–2 keV against 0.5–1 keV, net counts"),
    Quantity("hr3", "Hardness 3", "", "signed", "2–4.5 keV against 1–2 keV, net counts"),
    Quantity("cstat_z", "Misfit z", "σ", "asinh", "C-stat minus its expectation, in its standard deviations"),
    Quantity("rarity", "Rarity", "%", "linear", "Percentile: 100 is the loneliest place of the archive"),
    Quantity("sigma", "Latent σ", "", "log", "Geometric mean of the posterior's standard deviations"),
    Quantity("mjd_start", "Date", "", "date", "Start of the observation"),
    Quantity("exposure_s", "Exposure", "s", "log", "Live time of the spectrum"),
    Quantity("offaxis_arcmin", "Off-axis angle", "arcmin", "linear", "Distance from the optical axis"),
    Quantity("position_error_arcsec", "Position error", "arcsec", "linear", "One standard deviation"),
    Quantity("match_separation_arcsec", "Match separation", "arcsec", "linear", "Distance to the counterpart"),
    Quantity("ra_deg", "Right ascension", "°", "linear", "ICRS; from 350 to 10 goes through 0", wraps=360.0),
    Quantity("dec_deg", "Declination", "°", "signed", "ICRS"),
)
_BY_KEY: Final = {quantity.key: quantity for quantity in QUANTITIES}


def quantity(key: str) -> Quantity | None:
    """Return the quantity of this key; None for an unknown one."""
    return _BY_KEY.get(key)


@lru_cache(maxsize=8)
def quantities(atlas: Atlas) -> tuple[Quantity, ...]:
    """Quantities that an atlas holds for at least one detection."""
    return tuple(each for each in QUANTITIES if _any(values(atlas, each.key)))


def _any(value: NDArray[Any]) -> bool:
    return not np.isnan(value[:1000]).all() or not np.isnan(value).all()


def values(atlas: Atlas, key: str) -> NDArray[np.floating[Any]]:
    """Value of each detection; NaN where it is absent. Not a copy: leave it as it is.

    Parameters
    ----------
    atlas : Atlas
    key : str
        Of a `Quantity`.

    Returns
    -------
    array of float32 or float64, shape (n,)
        In the catalogue's own precision.
    """
    if key == "sigma":
        return _mean_sigma(atlas)
    column: pd.Series = atlas.catalogue[_BY_KEY[key].key]
    dtype = column.dtype if column.dtype in (np.float32, np.float64) else np.float64
    numbers: NDArray[np.floating[Any]] = column.to_numpy(dtype, na_value=np.nan)
    return numbers


@lru_cache(maxsize=4)  # the only quantity that is computed: a logarithm for each latent axis of each detection
def _mean_sigma(atlas: Atlas) -> NDArray[np.float32]:
    with np.errstate(divide="ignore"):
        mean: NDArray[np.float32] = np.exp(np.log(atlas.sigmas).mean(axis=1, dtype=np.float32))
    mean.flags.writeable = False
    return mean


def forward(each: Quantity, value: ArrayLike) -> NDArray[np.floating[Any]]:
    """Position on the quantity's scale: its logarithm for "log", asinh for "asinh", else the value.

    −inf or NaN where a logarithm has none.
    """
    value = np.asarray(value)
    if value.dtype.kind != "f":
        value = value.astype(np.float64)
    if each.kind == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm: NDArray[np.floating[Any]] = np.log10(value)
        return logarithm
    if each.kind == "asinh":
        stretched: NDArray[np.floating[Any]] = np.arcsinh(value / value.dtype.type(ASINH_TURN))
        return stretched
    return value


def inverse(each: Quantity, position: ArrayLike) -> NDArray[np.float64]:
    """Value at a position on the quantity's scale: undoes `forward`."""
    place = np.asarray(position, np.float64)
    if each.kind == "log":
        power: NDArray[np.float64] = 10.0**place
        return power
    if each.kind == "asinh":
        value: NDArray[np.float64] = ASINH_TURN * np.sinh(place)
        return value
    return place


@lru_cache(maxsize=64)
def limits(atlas: Atlas, key: str) -> tuple[float, float]:
    """Values between which a scale runs: all but the outermost 0.05 % of the archive on each side, low < high.

    Angles that wrap run over their whole period, hardness ratios from −1 to 1, percentiles from 0 to 100.
    """
    each = _BY_KEY[key]
    if each.wraps:
        return 0.0, each.wraps
    if key in _FIXED:
        return _FIXED[key]
    value = values(atlas, key)
    value = value[np.isfinite(value)]
    if each.kind == "log":
        value = value[value > 0]
    if value.size == 0:
        return (1.0, 10.0) if each.kind == "log" else (0.0, 1.0)
    # the order statistics themselves: nothing lies between two detections
    low, high = (
        float(edge)
        for edge in np.quantile(value, [_BEYOND / 100, 1 - _BEYOND / 100], method="nearest", overwrite_input=True)
    )
    if each.kind == "linear" and 0 < low < 0.2 * high:
        low = 0.0  # most of these begin at nothing
    if not low < high:
        low, high = (low / 2, low * 2) if each.kind == "log" else (low - 0.5, low + 0.5)
    return low, high


def in_words(each: Quantity, value: float) -> str:
    """Return a value as chips and axes show it: three digits, a true minus, dates as 2018-12-05."""
    if not np.isfinite(value):
        return "−∞" if value < 0 else "∞" if value > 0 else "–"
    if each.kind == "date":
        return (MJD_ZERO + datetime.timedelta(days=math.floor(value))).isoformat()
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        ten = f"10{superscript(int(exponent))}"
        return minus({"1": ten, "-1": f"-{ten}"}.get(mantissa, f"{mantissa} × {ten}"))
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return minus(text)
