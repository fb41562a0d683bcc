"""How many of each class were recognised, with bootstrap intervals that resample sources, not detections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BOOTSTRAPS: Final = 400

Array = NDArray[Any]


def source_weights(source_id: Array, seed: int, n: int = _BOOTSTRAPS) -> Array:
    """Weights of rows in `n` bootstrap samples of their sources, shape (n + 1, n_rows); the first are all 1."""
    rng = np.random.default_rng(seed)
    _, source = np.unique(source_id, return_inverse=True)
    n_sources = int(source.max()) + 1 if source.size else 0
    weights = np.ones((n + 1, len(source)))
    for row in weights[1:]:
        row[:] = np.bincount(rng.integers(0, n_sources, n_sources), minlength=n_sources)[source]
    return weights


def interval(values: Array) -> tuple[float, float]:
    """Return the central 95 % of bootstrap values; NaN for none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan"), float("nan")
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def weighted_mean(values: Array, weights: Array) -> Array:
    """Mean of values under each row of weights, shape (n_weights,); NaN where no weight is left."""
    total = weights.sum(axis=1)
    return np.divide(weights @ values, total, out=np.full(len(weights), np.nan), where=total > 0)


def recalls(
    right: Mapping[str, Array], truth: Array, classes: Array, source_id: Array, *, against: str, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Balanced accuracy and the recall of every class, and the difference to one of the contestants.

    Parameters
    ----------
    right : mapping of array of bool, shape (n,)
        Whether each contestant recognised each row.
    truth : array of str, shape (n,)
    classes : array of str
    source_id : array, shape (n,)
        Sources are what is resampled.
    against : str
        The contestant that the others are compared with.

    Returns
    -------
    dict
        For each: `balanced_accuracy`, `low`, `high`, `difference` (`against` minus this one), `difference_low`,
        `difference_high`, and `per_class`, a dict of `recall`, `low`, `high`. Intervals are of 95 %.
    """
    weights = source_weights(source_id, seed)
    members = [np.flatnonzero(truth == name) for name in classes]
    parts = {
        name: np.stack([weighted_mean(hit[rows].astype(np.float64), weights[:, rows]) for rows in members])
        for name, hit in right.items()
    }
    scores = {name: np.nanmean(part, axis=0) for name, part in parts.items()}
    out: dict[str, dict[str, Any]] = {}
    for name, score in scores.items():
        difference = scores[against] - score
        (low, high), (difference_low, difference_high) = interval(score[1:]), interval(difference[1:])
        per_class = {}
        for label, recall in zip(classes, parts[name], strict=True):
            class_low, class_high = interval(recall[1:])
            per_class[str(label)] = {"recall": float(recall[0]), "low": class_low, "high": class_high}
        out[name] = {
            "balanced_accuracy": float(score[0]),
            "low": low,
            "high": high,
            "difference": float(difference[0]),
            "difference_low": difference_low,
            "difference_high": difference_high,
            "per_class": per_class,
        }
    return out
