"""Helpers that the recipes for kinds of sources share: time lines, blank models, clipped draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.plasma import ELEMENTS
from vae.simulate.spectral_model import FLUX_FIELDS, MODEL_DTYPE

#: Campaign targets with this many observations are textbook cases: their recipes leave out the odd variants, and their
#: class is known. A demo tells its stories with them.
FAMOUS: Final = 8


@dataclass(frozen=True)
class TimeLine:
    """The observations of all sources of one kind, one row a detection, in order of source, then date.

    Parameters
    ----------
    source : array of int64, shape (n,)
        Index of the source within its kind, 0...n_sources-1.
    n_sources : int
    days : array, shape (n,)
        Days since the beginning of the source's time line (its outburst, for a transient).
    span_days : float
        Length of the kind's campaigns; 0 where it has none.
    """

    source: NDArray[np.int64]
    n_sources: int
    days: NDArray[np.float64]
    span_days: float

    def __len__(self) -> int:
        return len(self.source)

    @property
    def famous(self) -> NDArray[np.bool_]:
        """Whether each source has at least `FAMOUS` observations, shape (n_sources,)."""
        return np.bincount(self.source, minlength=self.n_sources) >= FAMOUS


def blank(n: int) -> NDArray[np.void]:
    """Return models without any flux, solar abundances, and harmless values elsewhere."""
    models = np.zeros(n, MODEL_DTYPE)
    set_abundances(models, 1.0)
    for name in ("kt_blackbody", "kt_disc", "kt_hot", "kt_cool", "photon_index"):
        models[name] = 1.0
    models["line_1_energy"], models["line_1_sigma"] = 6.4, 0.05
    models["line_2_energy"], models["line_2_sigma"] = 6.7, 0.05
    models["line_3_energy"], models["line_3_sigma"] = 1.0, 0.16
    return models


def set_abundances(models: NDArray[np.void], metals: ArrayLike, **elements: ArrayLike) -> None:
    """Set the abundances of the models' plasmas relative to solar, in place.

    Parameters
    ----------
    models : record array of `MODEL_DTYPE`, shape (n,)
    metals : array, shape (n,) or ()
        Of every element but those named.
    **elements : array, shape (n,) or ()
        Of single elements, by their symbol: ``Fe=0.3``.
    """
    models["abundances"] = np.broadcast_to(np.asarray(metals, np.float64), models.shape)[..., None]
    for element, abundance in elements.items():
        models["abundances"][:, ELEMENTS.index(element)] = abundance


def normal(
    rng: np.random.Generator, mean: float, sd: float, n: int, low: float = -np.inf, high: float = np.inf
) -> NDArray[np.float64]:
    """Return normal draws, held between limits."""
    return np.clip(rng.normal(mean, sd, n), low, high)


def lognormal(
    rng: np.random.Generator, median: float, dex: float, n: int, low: float = 0.0, high: float = np.inf
) -> NDArray[np.float64]:
    """Return log-normal draws of given median and scatter in dex, held between limits."""
    return np.clip(median * 10 ** rng.normal(0.0, dex, n), low, high)


def high_latitude_nh(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return Galactic columns away from the plane [1e22 cm-2]: median 2.8e20."""
    return lognormal(rng, 0.028, 0.3, n, 0.005, 0.3)


def plane_nh(rng: np.random.Generator, n: int, median: float = 0.7, dex: float = 0.45) -> NDArray[np.float64]:
    """Return columns along the Galactic plane [1e22 cm-2]."""
    return lognormal(rng, median, dex, n, 0.02, 12.0)


def interpolate(phase: NDArray[np.float64], nodes: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """Return a piecewise linear law of phase."""
    return np.interp(phase, np.asarray(nodes, np.float64), np.asarray(values, np.float64))


def brighten(models: NDArray[np.void], factor: NDArray[np.float64]) -> None:
    """Multiply the flux of every component, in place."""
    for name in FLUX_FIELDS:
        models[name] *= factor
