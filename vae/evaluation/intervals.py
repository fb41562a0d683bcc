"""95 % bootstrap intervals of any figure, by source: detections of one source are never independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

BOOTSTRAPS: Final = 400
_PERCENTILES: Final = (2.5, 97.5)


def resamples(source_id: ArrayLike, n: int = BOOTSTRAPS, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield rows of n archives of as many sources, drawn with replacement, each with all its detections.

    Parameters
    ----------
    source_id : array, shape (n_rows,)
    n : int
        Archives.
    seed : int
    """
    rng = np.random.default_rng(seed)
    sources, place, sizes = np.unique(np.asarray(source_id), return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    starts = np.cumsum(sizes) - sizes
    for _ in range(n):
        drawn = rng.integers(0, sources.size, sources.size)
        length = sizes[drawn]
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        yield order[np.repeat(starts[drawn], length) + within]


def interval(
    statistic: Callable[[NDArray[np.int64]], ArrayLike], source_id: ArrayLike, n: int = BOOTSTRAPS, seed: int = 0
) -> tuple[Array, Array, Array]:
    """Return a figure and the limits of its 95 % bootstrap interval.

    Parameters
    ----------
    statistic : callable
        Takes rows, returns a figure or an array of them; NaN where a draw has none.
    source_id : array, shape (n_rows,)
    n, seed : int
        See `resamples`.

    Returns
    -------
    value, low, high : array
        Each of the shape of what `statistic` returns; percentile intervals (Efron 1979, Ann. Stat. 7, 1).
    """
    value = np.asarray(statistic(np.arange(np.size(source_id))), np.float64)
    draws = np.array([statistic(rows) for rows in resamples(source_id, n, seed)], np.float64)
    out = np.full((2, *value.shape), np.nan)
    some = np.isfinite(draws).any(axis=0)
    out[:, some] = np.nanpercentile(draws[:, some] if value.ndim else draws, _PERCENTILES, axis=0).reshape(2, -1)
    return value, out[0], out[1]


def scores(
    names: tuple[str, ...],
    statistic: Callable[[NDArray[np.int64]], ArrayLike],
    source_id: ArrayLike,
    n: int = BOOTSTRAPS,
    seed: int = 0,
) -> dict[str, Any]:
    """Return named figures of a statistic, each as `value`, `low` and `high` (plain floats, or lists of them).

    Parameters
    ----------
    names : tuple of str
        One for each entry along the first axis of what `statistic` returns.
    statistic, source_id, n, seed
        See `interval`.
    """
    value, low, high = (part.tolist() for part in interval(statistic, source_id, n, seed))
    return {name: {"value": a, "low": b, "high": c} for name, a, b, c in zip(names, value, low, high, strict=True)}
