"""What the recipes for kinds of sources share: time lines, draws that belong to a source, blank models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

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
        How long the show of a transient lasts; 0 where there is none.
    nh_galactic : array, shape (n_sources,)
        Galactic hydrogen in front of each source [1e22 cm-2].
    """

    source: NDArray[np.int64]
    n_sources: int
    days: NDArray[np.float64]
    span_days: float
    nh_galactic: NDArray[np.float64]

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


class Draws:
    """Random numbers for the sources of one kind.

    What is drawn belongs to a source and is the same in all its detections, except for `flicker`.

    Parameters
    ----------
    rng : Generator
    line : TimeLine
    """

    def __init__(self, rng: np.random.Generator, line: TimeLine) -> None:
        self._rng, self._line = rng, line

    def _spread(self, per_source: NDArray[Any]) -> NDArray[Any]:
        return per_source[self._line.source]

    @property
    def nh(self) -> NDArray[np.float64]:
        """Galactic column [1e22 cm-2], shape (n,)."""
        return self._spread(self._line.nh_galactic)

    @property
    def famous(self) -> NDArray[np.bool_]:
        """Whether the detection is of a textbook case, shape (n,)."""
        return self._spread(self._line.famous)

    def uniform(self, low: float, high: float) -> NDArray[np.float64]:
        """Return uniform draws, shape (n,)."""
        return self._spread(self._rng.uniform(low, high, self._line.n_sources))

    def normal(self, mean: float, sd: float, low: float = -np.inf, high: float = np.inf) -> NDArray[np.float64]:
        """Return normal draws, held between limits, shape (n,)."""
        return self._spread(np.clip(self._rng.normal(mean, sd, self._line.n_sources), low, high))

    def lognormal(self, median: float, dex: float, low: float = 0.0, high: float = np.inf) -> NDArray[np.float64]:
        """Return log-normal draws of given median and scatter in dex, held between limits, shape (n,)."""
        return self._spread(np.clip(median * 10 ** self._rng.normal(0.0, dex, self._line.n_sources), low, high))

    def chance(self, share: float) -> NDArray[np.bool_]:
        """Return True for that share of the sources, shape (n,)."""
        return self._spread(self._rng.random(self._line.n_sources) < share)

    def flicker(self, sd: float) -> NDArray[np.float64]:
        """Return normal draws about 0, a new one each detection, shape (n,)."""
        return self._rng.normal(0.0, sd, len(self._line))

    def now(self, share: float) -> NDArray[np.bool_]:
        """Return True for that share of the detections, shape (n,)."""
        return self._rng.random(len(self._line)) < share


def interpolate(phase: NDArray[np.float64], nodes: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """Return a piecewise linear law of phase."""
    return np.interp(phase, np.asarray(nodes, np.float64), np.asarray(values, np.float64))


def brighten(models: NDArray[np.void], factor: NDArray[np.float64]) -> None:
    """Multiply the flux of every component, in place."""
    for name in FLUX_FIELDS:
        models[name] *= factor
