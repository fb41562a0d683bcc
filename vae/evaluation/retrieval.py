"""Rare classes found again: of the other members of a class, how many are among a member's nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from vae.evaluation.scores import interval, source_weights, weighted_mean
from vae.evaluation.separation import NEIGHBOURS

#: A class is rare below this share of the rows.
RARE_SHARE: Final = 0.01
#: Neighbours asked for: a screenful, the kNN test's, a long evening's.
DEPTHS: Final = (10, NEIGHBOURS, 100)

Array = NDArray[Any]


def retrieval(
    representations: Mapping[str, Array],
    labels: Array,
    source_id: Array,
    *,
    depths: Sequence[int] = DEPTHS,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Recall among the nearest neighbours of other sources, for each rare class.

    Parameters
    ----------
    representations : mapping of array, shape (n, d)
        Distances are taken as it is: scaling would blow up latent axes that carry nothing.
    labels, source_id : array, shape (n,)
        Rows labelled "" belong to no class; they are in the way like all others.
    depths : sequence of int
        Numbers k of neighbours asked for.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        For each class with fewer than `RARE_SHARE` of the rows and at least two sources: `rows`, `sources` and `at`,
        for each k (as text) `chance` (the recall of k rows drawn blindly) and, for each representation, `recall`, `low`
        and `high`: members of the class among the k, over how many could be, on average over its rows; 95 % intervals
        resample its sources.
    """
    labels = labels.astype(str)
    names, sizes = np.unique(labels, return_counts=True)
    members = {}
    for name, size in zip(names, sizes, strict=True):
        rows = np.flatnonzero(labels == name)
        if name and size < RARE_SHARE * len(labels) and np.unique(source_id[rows]).size > 1:
            members[str(name)] = rows
    out: dict[str, dict[str, Any]] = {}
    for name, rows in members.items():
        others = np.array([np.sum(source_id[rows] != source_id[row]) for row in rows])
        at: dict[str, dict[str, Any]] = {}
        for k in depths:
            at[str(k)] = {"chance": float(np.mean(k * others / (len(labels) - 1) / np.minimum(k, others)))}
        out[name] = {"rows": len(rows), "sources": int(np.unique(source_id[rows]).size), "at": at}
    for key, values in representations.items():
        points = np.asarray(values, np.float64).reshape(len(labels), -1)
        tree = cKDTree(points)
        for name, rows in members.items():
            weights = source_weights(source_id[rows], seed)
            for k, recall in _found(tree, points, rows, source_id, depths).items():
                low, high = interval((means := weighted_mean(recall, weights))[1:])
                out[name]["at"][str(k)][key] = {"recall": float(means[0]), "low": low, "high": high}
    return out


def _found(
    tree: cKDTree, points: Array, rows: Array, source_id: Array, depths: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """Share of the other members of a class found among the k nearest rows of other sources, by k, each (n_rows,)."""
    member = np.zeros(len(points), bool)
    member[rows] = True
    own = np.bincount(np.unique(source_id[rows], return_inverse=True)[1]).max()
    near = tree.query(points[rows], k=min(max(depths) + int(own), len(points)))[1]
    out = {k: np.zeros(len(rows)) for k in depths}
    for place, (row, found) in enumerate(zip(rows, near, strict=True)):
        others = member[found[source_id[found] != source_id[row]]]
        possible = int(np.sum(source_id[rows] != source_id[row]))
        for k in depths:
            out[k][place] = others[:k].sum() / min(k, possible)
    return out
