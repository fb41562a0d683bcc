"""Distances between detections: each is a Gaussian with diagonal covariance in latent space."""

from __future__ import annotations

import threading
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.special import chdtri

from vae.errors import AtlasError

#: How similar two detections are. ``wasserstein``: W2 of the Gaussians, |dmu|^2 + sum (s1 - s2)^2, so that a faint
#: detection with a broad sigma is not everyone's neighbour. ``bhattacharyya``: overlap of the Gaussians.
#: ``euclidean``: the means alone.
Metric = Literal["wasserstein", "bhattacharyya", "euclidean"]
METRICS: Final = get_args(Metric)

Array = NDArray[Any]


def bhattacharyya(mu: Array, sigma: Array, mus: Array, sigmas: Array) -> Array:
    """Bhattacharyya distance of one diagonal Gaussian to others, (n,).

    1/8 sum dmu^2 / v + 1/2 sum ln(v / (s1 s2)), v = (s1^2 + s2^2) / 2 (Bhattacharyya 1943).
    """
    variance = 0.5 * (sigma**2 + sigmas**2)
    return ((mus - mu) ** 2 / (8.0 * variance) + 0.5 * np.log(variance / (sigma * sigmas))).sum(axis=1)


def same_within_errors(distance: ArrayLike, latent_dim: int) -> NDArray[np.bool_]:
    """Whether two detections could be one spectrum, from their Bhattacharyya distance.

    Two measurements of one spectrum with equal errors have 4 D distributed as chi-square with `latent_dim` degrees of
    freedom; the limit is its 95 % point. Unequal errors add to D, so a broad posterior does not match everything.
    """
    return np.asarray(distance) < 0.25 * chdtri(latent_dim, 0.05)


class Similarity:
    """Exact nearest neighbours among detections. Trees are built on first use; safe to call from many threads.

    Parameters
    ----------
    mu, sigma : array of float32, shape (n, d)
        Means and standard deviations, one row a detection.
    source_id : array of int64, shape (n,)
    """

    def __init__(self, mu: Array, sigma: Array, source_id: Array) -> None:
        self.mu, self.sigma, self.source_id = mu, sigma, source_id
        self._lock = threading.Lock()
        self._trees: dict[str, cKDTree] = {}

    @property
    def tree(self) -> cKDTree:
        """Tree over the means."""
        return self._tree("euclidean")

    def nearest(self, z: ArrayLike, k: int = 1) -> NDArray[np.int64]:
        """Rows of the k detections whose means lie nearest to a latent position, nearest first."""
        position = np.asarray(z, np.float64)
        if position.shape != self.mu.shape[1:] or not np.isfinite(position).all():
            raise AtlasError(f"a latent position has {self.mu.shape[1]} finite coordinates, not {position.tolist()}")
        _, rows = self.tree.query(position, k=min(max(k, 1), len(self.mu)))
        return np.atleast_1d(rows).astype(np.int64)

    def neighbours(self, row: int, k: int, metric: str, *, include_same_source: bool) -> pd.DataFrame:
        """Return the k most similar detections, at most one of each other source; see `Atlas.neighbours`."""
        if metric not in METRICS:
            raise AtlasError(f"unknown metric {metric!r}", todo=f"Choose one of {', '.join(METRICS)}")
        search = self._brute_force if metric == "bhattacharyya" else self._by_tree
        wanted, fetch = min(k, len(self.mu) - 1), 10 * k + 50
        while True:
            rows, distances = search(row, metric, min(fetch, len(self.mu)))
            keep = self._one_a_source(row, rows, include_same_source=include_same_source)
            if keep.sum() >= wanted or fetch >= len(self.mu):
                break
            fetch *= 4
        rows, distances = rows[keep][:k], distances[keep][:k]
        overlap = bhattacharyya(*self._gaussian(row), *self._gaussian(rows))
        return pd.DataFrame(
            {"row": rows, "distance": distances, "same_within_errors": same_within_errors(overlap, self.mu.shape[1])}
        )

    def _gaussian(self, rows: Any) -> tuple[Array, Array]:
        return self.mu[rows].astype(np.float64), self.sigma[rows].astype(np.float64)

    def _one_a_source(self, row: int, rows: Array, *, include_same_source: bool) -> NDArray[np.bool_]:
        sources = self.source_id[rows]
        keep = np.zeros(len(rows), bool)
        keep[np.unique(sources, return_index=True)[1]] = True
        keep[sources == self.source_id[row]] = include_same_source
        keep[rows == row] = False
        return keep

    def _points(self, metric: str) -> Array:
        # W2 between diagonal Gaussians is the Euclidean distance of (mu, sigma): a tree over both is exact.
        return self.mu if metric == "euclidean" else np.hstack([self.mu, self.sigma])

    def _tree(self, metric: str) -> cKDTree:
        with self._lock:
            if metric not in self._trees:
                self._trees[metric] = cKDTree(self._points(metric), balanced_tree=False, compact_nodes=False)
            return self._trees[metric]

    def _by_tree(self, row: int, metric: str, k: int) -> tuple[Array, Array]:
        point = self.mu[row] if metric == "euclidean" else np.concatenate([self.mu[row], self.sigma[row]])
        distances, rows = self._tree(metric).query(point, k=k)
        return np.atleast_1d(rows).astype(np.int64), np.atleast_1d(distances)

    def _brute_force(self, row: int, metric: str, k: int) -> tuple[Array, Array]:
        del metric
        distance = bhattacharyya(self.mu[row], self.sigma[row], self.mu, self.sigma)
        rows = np.argpartition(distance, k - 1)[:k] if k < len(distance) else np.arange(len(distance))
        rows = rows[np.argsort(distance[rows], kind="stable")]
        return rows.astype(np.int64), distance[rows].astype(np.float64)


def step_significance(mu: Array, sigma: Array) -> NDArray[np.float64]:
    """Length of each step along a trajectory in units of its error, (n,); NaN for the first.

    sqrt(sum_i dmu_i^2 / (s1_i^2 + s2_i^2)): the per-dimension significances of FACTS 3 added in quadrature.
    """
    out = np.full(len(mu), np.nan)
    steps = np.diff(mu.astype(np.float64), axis=0) ** 2 / (sigma[1:].astype(np.float64) ** 2 + sigma[:-1] ** 2)
    out[1:] = np.sqrt(steps.sum(axis=1))
    return out
