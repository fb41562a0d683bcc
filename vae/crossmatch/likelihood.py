"""Which candidate is the counterpart: a likelihood ratio from distances, errors and how dense objects lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from vae.archive.simbad.sphere import chord, unit_vectors

#: Sources whose surroundings are averaged for the density at one, and how far away they may be [arcsec].
_NEIGHBOURS: Final = 16
_NEAR_ARCSEC: Final = 300.0
#: Steps of the search for the most likely prior, and when it has been found.
_STEPS: Final = 500
_SETTLED: Final = 1e-6

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Matches:
    """Probabilities of all candidates.

    Parameters
    ----------
    ratio : array, shape (n_candidates,)
        Likelihood ratio f(r) / n.
    probability : array, shape (n_candidates,)
        That the candidate is the counterpart.
    any : array, shape (n_sources,)
        That one of the source's candidates is.
    prior : float
        Share of sources with a counterpart.
    """

    ratio: Array
    probability: Array
    any: Array
    prior: float


def match(
    source: NDArray[np.int64],
    separation: Array,
    sigma: Array,
    density: Array,
    *,
    n_sources: int,
    prior: float | None = None,
) -> Matches:
    """Weigh the candidates of each source against each other and against there being no counterpart.

    Parameters
    ----------
    source : array of int, shape (n_candidates,)
        Row of the source.
    separation, sigma : array, shape (n_candidates,)
        Distance, and its standard error along one axis [arcsec].
    density : array, shape (n_candidates,)
        Unrelated objects per square arcsec.
    n_sources : int
    prior : float, optional
        Share Q of sources with a counterpart. By default the one that maximises the likelihood of all that was found,
        prod_s (1 - Q + Q sum_i LR_i), by expectation maximisation: Q is the mean of the probabilities it leads to.
        One source with and one without counterpart are added, so that few sources make no certainty.

    Notes
    -----
    Sutherland & Saunders 1992 (MNRAS 259, 413), without magnitudes. LR_i = f(r_i) / n, with
    f(r) = exp(-r^2 / 2 sigma^2) / (2 pi sigma^2) and n the density of unrelated objects. The reliability of candidate i
    is

        P_i = Q LR_i / (sum_j Q LR_j + 1 - Q),

    and 1 - sum P_i that of none. It is the posterior of Budavari & Szalay 2008 (ApJ 679, 301) for two catalogues.
    """
    ratio = np.exp(-0.5 * (separation / sigma) ** 2) / (2.0 * np.pi * sigma**2) / density
    total = np.bincount(source, ratio, minlength=n_sources)
    share = prior
    if share is None:
        share = 0.5
        for _ in range(_STEPS):
            better = (float(np.sum(share * total / (share * total + 1.0 - share))) + 1.0) / (n_sources + 2.0)
            settled = abs(better - share) < _SETTLED
            share = better
            if settled:
                break
    whole = share * total + 1.0 - share
    return Matches(ratio, share * ratio / whole[source], share * total / whole, share)


def local_density(
    ra_deg: Array, dec_deg: Array, outside: NDArray[np.int64], area: Array
) -> Array:  # fmt: skip
    """Density of unrelated objects at each source, per square arcsec.

    Parameters
    ----------
    ra_deg, dec_deg : array, shape (n_sources,)
    outside : array of int, shape (n_sources,)
        Objects around the source but beyond its search radius.
    area : array, shape (n_sources,)
        Of the ring they lie in [arcsec^2].

    Notes
    -----
    Counts and areas are summed over the source and its nearest neighbours, within 5 arcmin; one object at the mean
    density of all, n0, is added as what is known before: n = (N + 1) / (A + 1 / n0). So n is never zero.
    """
    mean = (outside.sum() + 1.0) / area.sum()
    vectors = unit_vectors(ra_deg, dec_deg)
    k = min(_NEIGHBOURS, len(vectors))
    _, near = cKDTree(vectors).query(vectors, k=k, distance_upper_bound=float(chord(_NEAR_ARCSEC)))
    near = near.reshape(len(vectors), k)
    found = near < len(vectors)
    counts, areas = (np.append(np.asarray(values, np.float64), 0.0) for values in (outside, area))
    rows = np.where(found, near, len(vectors))
    return (counts[rows].sum(1) + 1.0) / (areas[rows].sum(1) + 1.0 / mean)


def chance_matches(
    sigma: Array, density: Array, radius: Array, *, prior: float, threshold: float
) -> Array:  # fmt: skip
    """Return how many unrelated objects are expected to be taken for the counterpart of each source.

    A lone object is accepted where its probability reaches the threshold t, that is within r with

        r^2 = 2 sigma^2 ln( Q (1 - t) / ((1 - Q) t 2 pi sigma^2 n) ),

    at most the search radius; unrelated objects lie in that circle n pi r^2 times.
    """
    with np.errstate(divide="ignore"):
        odds = prior * (1.0 - threshold) / ((1.0 - prior) * threshold * 2.0 * np.pi * sigma**2 * density)
        square = np.clip(2.0 * sigma**2 * np.log(odds), 0.0, radius**2)
    return density * np.pi * square
