"""Nearest-neighbour classification, balanced accuracy, bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[Any]


def knn_predict(reference: Array, labels: Array, query: Array, k: int) -> Array:
    """Class of each query by majority of its k nearest reference points; ties go to the nearer class.

    Parameters
    ----------
    reference : array, shape (n, d)
    labels : array of int, shape (n,)
        0...n_classes - 1.
    query : array, shape (m, d)
    k : int

    Returns
    -------
    array of int, shape (m,)
    """
    k = min(k, len(reference))
    _, rows = cKDTree(reference).query(query, k=np.arange(1, k + 1))
    votes = labels[rows]
    counts = np.zeros((len(query), int(labels.max()) + 1))
    nearness = 1.0 + 1e-6 * np.arange(k, 0, -1)  # decides ties only
    np.add.at(counts, (np.arange(len(query))[:, None], votes), nearness)
    return counts.argmax(axis=1)


def balanced_accuracy(labels: Array, predicted: Array) -> float:
    """Mean over classes of the share classified right."""
    return float(np.mean([np.mean(predicted[labels == label] == label) for label in np.unique(labels)]))


def balanced_bootstrap(labels: Array, right: Array, draws: int, rng: np.random.Generator) -> Array:
    """Bootstrap distribution of balanced accuracies, resampling queries within each class.

    Parameters
    ----------
    labels : array of int, shape (m,)
    right : array of bool, shape (m, n_representations)
        Paired: one resampling serves all representations, so that differences may be taken.
    draws : int
    rng : Generator

    Returns
    -------
    array, shape (draws, n_representations)
    """
    total = np.zeros((draws, right.shape[1]))
    classes = np.unique(labels)
    for label in classes:
        members = right[labels == label].astype(np.float64)
        weights = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
        total += weights @ members / len(members)
    return total / len(classes)
