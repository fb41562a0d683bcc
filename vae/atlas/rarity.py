"""How rare a latent position is in its archive."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

#: Cells along each axis of the density map, and groups of detections with similar sigma.
_CELLS: Final = 384
_SIGMA_GROUPS: Final = 8
#: Neighbour whose distance gives the density where the latent space has not two dimensions.
_NEIGHBOUR: Final = 64

Array = NDArray[Any]


def rarity(mu: Array, sigma: Array) -> NDArray[np.float32]:
    """Percentile (0-100) of -log density of the archive at each detection's mean; high is rare.

    In two dimensions the density is the aggregated posterior, the mean of all N(mu, sigma^2), on a grid: detections
    are grouped by sigma and each group's histogram is blurred by its median sigma. In other dimensions it follows from
    the distance to the 64th neighbour.

    Parameters
    ----------
    mu, sigma : array, shape (n, d)

    Returns
    -------
    array of float32, shape (n,)
    """
    n, dimension = mu.shape
    if n < 2:
        return np.zeros(n, np.float32)
    log_density = _aggregated_posterior(mu, sigma) if dimension == 2 else _neighbour_density(mu)
    return (100.0 * (pd.Series(-log_density).rank().to_numpy() - 0.5) / n).astype(np.float32)


def _aggregated_posterior(mu: Array, sigma: Array) -> Array:
    low, high = mu.min(axis=0), mu.max(axis=0)
    # One cell is at most half the sharpest group's sigma wherever the range allows; margins keep the blur inside.
    margin = 0.02 * (high - low) + 1e-6
    low, high = low - margin, high + margin
    cell = (high - low) / _CELLS
    place = (mu - low) / cell
    index = np.clip(place.astype(np.int64), 0, _CELLS - 1)
    flat = index[:, 0] * _CELLS + index[:, 1]
    size = np.log(sigma).sum(axis=1)
    group_edges = np.quantile(size, np.linspace(0, 1, _SIGMA_GROUPS + 1)[1:-1])
    group = np.searchsorted(group_edges, size)
    density = np.zeros((_CELLS, _CELLS))
    for number in np.unique(group):
        members = group == number
        histogram = np.bincount(flat[members], minlength=_CELLS**2).reshape(_CELLS, _CELLS)
        # Half a cell more stands for the width of the cells themselves.
        width = np.median(sigma[members], axis=0) / cell + 0.5
        density += gaussian_filter(histogram.astype(np.float64), np.minimum(width, _CELLS / 8), mode="constant")
    values = map_coordinates(density, (place - 0.5).T, order=1, mode="nearest")
    return np.log(np.maximum(values, 1e-12))


def _neighbour_density(mu: Array) -> Array:
    k = min(_NEIGHBOUR, len(mu) - 1)
    distance, _ = cKDTree(mu, balanced_tree=False).query(mu, k=[k + 1], workers=-1)
    return -mu.shape[1] * np.log(np.maximum(distance[:, 0], 1e-9))
