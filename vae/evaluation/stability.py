"""Do two trainings tell the same story? Neighbours in common, and positions once one map is laid onto the other."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree, procrustes
from scipy.stats import spearmanr

from vae.evaluation.encoding import Encodes, encoded
from vae.evaluation.pulls import halves
from vae.evaluation.scores import interval, source_weights, weighted_mean
from vae.evaluation.separation import NEIGHBOURS
from vae.spectra.store import Block

#: Pairs of spectra whose distances are compared.
_PAIRS: Final = 20_000

Array = NDArray[Any]


def nearest(values: Array, k: int = NEIGHBOURS) -> NDArray[np.int64]:
    """Return the k nearest other rows of each row, (n, k)."""
    found = cKDTree(values).query(values, k=k + 1)[1]
    # Where rows coincide, a row need not be its own first neighbour.
    own = found == np.arange(len(values))[:, None]
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(values), k).astype(np.int64)


def overlap(first: Array, second: Array, source_id: Array, *, k: int = NEIGHBOURS, seed: int = 0) -> dict[str, float]:
    """Share of the k nearest neighbours of each spectrum that two descriptions have in common.

    Parameters
    ----------
    first, second : array, shape (n, d1) and (n, d2)
    source_id : array, shape (n,)
        Sources are what the interval resamples.

    Returns
    -------
    dict
        `overlap`, its mean, `low`, `high` (95 %), and `chance`: what blind draws have in common.
    """
    k = min(k, len(first) - 1)
    near = (nearest(first, k), nearest(second, k))
    both = np.sort(np.concatenate(near, axis=1), axis=1)  # no row is twice in one list
    shared = (both[:, 1:] == both[:, :-1]).sum(axis=1) / k
    means = weighted_mean(shared, source_weights(source_id, seed, 200))
    low, high = interval(means[1:])
    return {"overlap": float(means[0]), "low": low, "high": high, "chance": k / (len(first) - 1)}


def halves_overlap(model: Encodes, block: Block, source_id: Array, *, seed: int = 0) -> dict[str, float]:
    """Overlap of the neighbours that two halves of each exposure have: what counting noise alone leaves.

    Parameters
    ----------
    model : Encodes
    block : Block
    source_id : array, shape (n,)
    seed : int
        Of the split.
    """
    first, second = (encoded(model, half)[0] for half in halves(block, np.random.default_rng(seed)))
    return overlap(first, second, source_id, seed=seed)


def agreement(first: Array, second: Array, *, seed: int = 0) -> dict[str, float]:
    """How well one set of positions lies on another after shift, turn, mirror and scale, and whether distances agree.

    Parameters
    ----------
    first, second : array, shape (n, d)
    seed : int
        Of the pairs whose distances are compared.

    Returns
    -------
    dict
        `position_correlation`, of coordinates after Procrustes superposition; `distance_correlation`, Spearman's, of
        the distances of random pairs: it sees no difference between maps that are bent, as Procrustes does.
    """
    _, _, disparity = procrustes(first, second)
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, len(first), (2, _PAIRS))
    distances = [np.linalg.norm(values[a] - values[b], axis=1) for values in (first, second)]
    return {
        "position_correlation": float(np.sqrt(max(1.0 - disparity, 0.0))),
        "distance_correlation": float(spearmanr(*distances).statistic),
    }
