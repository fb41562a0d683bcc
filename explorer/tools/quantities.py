"""Quantities a person may filter by, colour by and see as histograms: names in words, units, scales, values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from astropy.time import Time
from numpy.typing import NDArray

from vae.atlas import Atlas

Kind = Literal["linear", "log", "signed", "date"]


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
    kind : {"linear", "log", "signed", "date"}
        How it is laid out: "signed" is linear about zero, "date" an MJD shown as a calendar date.
    meaning : str
        One sentence.
    """

    key: str
    label: str
    unit: str
    kind: Kind
    meaning: str


#: All that may be offered, in the order of the menus; `quantities` leaves out what an atlas lacks.
QUANTITIES: Final = (
    Quantity("net_counts", "Net counts", "", "log", "Background-subtracted counts, 0.3–10 keV"),
    Quantity("net_snr", "Net S/N", "", "log", "Net counts over their error"),
    Quantity("background_fraction", "Background share", "", "linear", "Expected background over gross counts"),
    Quantity("flux_0p3_10", "Flux", "erg/cm²/s", "log", "Observed flux of the decoded spectrum, 0.3–10 keV"),
    Quantity("hr1", "Hardness 1", "", "signed", "0.5–1 keV against 0.3–0.5 keV, net counts"),
    Quantity("hr2", "Hardness 2", "", "signed", "1–2 keV against 0.5–1 keV, net counts"),
    Quantity("hr3", "Hardness 3", "", "signed", "2–4.5 keV against 1–2 keV, net counts"),
    Quantity("cstat_z", "Misfit z", "σ", "signed", "C-stat minus its expectation, in its standard deviations"),
    Quantity("rarity", "Rarity", "%", "linear", "Percentile: 100 is the loneliest place of the archive"),
    Quantity("sigma", "Latent σ", "", "log", "Geometric mean of the posterior's standard deviations"),
    Quantity("mjd_start", "Date", "", "date", "Start of the observation"),
    Quantity("exposure_s", "Exposure", "s", "log", "Live time of the spectrum"),
    Quantity("offaxis_arcmin", "Off-axis angle", "arcmin", "linear", "Distance from the optical axis"),
    Quantity("position_error_arcsec", "Position error", "arcsec", "linear", "One standard deviation"),
    Quantity("match_separation_arcsec", "Match separation", "arcsec", "linear", "Distance to the counterpart"),
    Quantity("sum_flag", "Quality flag", "", "linear", "SUM_FLAG of the catalogue: 0 is good, 4 is bad"),
    Quantity("ra_deg", "Right ascension", "deg", "linear", "ICRS"),
    Quantity("dec_deg", "Declination", "deg", "signed", "ICRS"),
)
_BY_KEY: Final = {quantity.key: quantity for quantity in QUANTITIES}


def quantity(key: str) -> Quantity | None:
    """Return the quantity of this key; None for an unknown one."""
    return _BY_KEY.get(key)


def quantities(atlas: Atlas) -> tuple[Quantity, ...]:
    """Quantities that an atlas holds for at least one detection."""
    return tuple(each for each in QUANTITIES if not np.isnan(values(atlas, each.key)).all())


def values(atlas: Atlas, key: str) -> NDArray[np.float64]:
    """Value of each detection; NaN where it is absent.

    Parameters
    ----------
    atlas : Atlas
    key : str
        Of a `Quantity`.

    Returns
    -------
    array of float64, shape (n,)
    """
    if key == "sigma":
        with np.errstate(divide="ignore"):
            mean: NDArray[np.float64] = np.exp(np.log(atlas.sigmas.astype(np.float64)).mean(axis=1))
        return mean
    column: pd.Series = atlas.catalogue[_BY_KEY[key].key]
    numbers: NDArray[np.float64] = column.to_numpy(np.float64, na_value=np.nan)
    return numbers


def in_words(each: Quantity, value: float) -> str:
    """Return a value as chips and axes show it: three digits, a true minus, dates as 2018-12-05."""
    if not np.isfinite(value):
        return "−∞" if value < 0 else "∞" if value > 0 else "–"
    if each.kind == "date":
        return str(Time(value, format="mjd", scale="tt").utc.strftime("%Y-%m-%d"))
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa} × 10^{int(exponent)}".replace("-", "−")
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")
