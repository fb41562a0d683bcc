"""Rare classes found again: of the other members of a class, how many are among a member's nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from vae.evaluation.separation import NEIGHBOURS

#: A class is rare below this share of the rows.
RARE_SHARE: Final = 0.01

Array = NDArray[Any]


def rare_retrieval(
    representations: Mapping[str, Array], labels: Array, source_id: Array, *, k: int = NEIGHBOURS
) -> dict[str, dict[str, float]]:
    """Recall among the k nearest neighbours of other sources, for each rare class.

    Parameters
    ----------
    representations : mapping of array, shape (n, d)
        Every column is scaled to unit variance.
    labels, source_id : array, shape (n,)
    k : int
        Neighbours asked.

    Returns
    -------
    dict
        For each class with fewer than `RARE_SHARE` of the rows and at least two sources: `rows`, `sources`, `chance`
        (the recall of k rows drawn blindly) and the mean recall of each representation: members of the class among the
        k, over how many could be.
    """
    labels = labels.astype(str)
    names, sizes = np.unique(labels, return_counts=True)
    out: dict[str, dict[str, float]] = {}
    for name, size in zip(names, sizes, strict=True):
        if size < RARE_SHARE * len(labels):
            rows = np.flatnonzero(labels == name)
            n_sources = np.unique(source_id[rows]).size
            if n_sources > 1:
                out[str(name)] = {"rows": float(size), "sources": float(n_sources), "chance": 0.0}
    for key, values in representations.items():
        scaled = values / np.maximum(values.std(0), 1e-12)
        tree = cKDTree(scaled)
        for name, entry in out.items():
            rows = np.flatnonzero(labels == name)
            own = np.bincount(np.unique(source_id[rows], return_inverse=True)[1]).max()
            near = tree.query(scaled[rows], k=min(k + int(own), len(labels)))[1]
            recall, blind = [], []
            for row, found in zip(rows, near, strict=True):
                others = found[source_id[found] != source_id[row]][:k]
                members = int(np.sum(source_id[rows] != source_id[row]))
                recall.append(np.sum(labels[others] == name) / min(k, members))
                blind.append(k * members / (len(labels) - 1) / min(k, members))
            entry[key], entry["chance"] = float(np.mean(recall)), float(np.mean(blind))
    return out
