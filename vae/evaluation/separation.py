"""How well a representation keeps classes apart: k nearest neighbours on held-out sources, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from vae.errors import ExplorerError

#: Neighbours asked (DESIGN).
NEIGHBOURS: Final = 25
#: Rows that a class needs to be told apart: its 40 of reference outnumber the neighbours asked. Rarer ones are left
#: out, or a handful of oddities would cut every class down to a handful.
LEAST_ROWS: Final = 60
_BOOTSTRAPS: Final = 400

Array = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Rows of a class-balanced test: neighbours are looked for in `reference`, for each of `query`.

    Parameters
    ----------
    reference, query : array of int64
        Rows; no source is in both, every class is there equally often.
    classes : array of str
    left_out : dict of str to int
        Classes too rare to be told apart, with their rows.
    """

    reference: NDArray[np.int64]
    query: NDArray[np.int64]
    classes: NDArray[np.str_]
    left_out: dict[str, int] = field(default_factory=dict)


def balanced_split(
    labels: Array,
    source_id: Array,
    rows: NDArray[np.int64],
    *,
    most: int,
    least: int = LEAST_ROWS,
    seed: int = 0,
) -> Split:
    """Draw equally many rows of each class, two thirds of them for reference, parted by source.

    Parameters
    ----------
    labels, source_id : array, shape (n,)
        Of all rows.
    rows : array of int64
        Rows to draw from.
    most : int
        Of a class; the rarest class decides if it has fewer.
    least : int
        Classes with fewer of the rows are left out.

    Raises
    ------
    ExplorerError
        When fewer than two classes are left.
    """
    names, sizes = np.unique(labels[rows].astype(str), return_counts=True)
    classes = names[sizes >= least]
    left_out = {str(name): int(size) for name, size in zip(names, sizes, strict=True) if size < least}
    if classes.size < 2:
        raise ExplorerError(
            f"{classes.size} classes have {least} or more of the {len(rows)} detections asked about; two are needed",
            todo="Evaluate a larger atlas",
        )
    rng = np.random.default_rng(seed)
    sources = np.unique(source_id[rows])
    chosen = rng.permutation(sources)[: len(sources) // 3]
    in_query = np.isin(source_id[rows], chosen)
    parts: dict[bool, list[NDArray[np.int64]]] = {True: [], False: []}
    for side, share in ((True, most // 3), (False, most - most // 3)):
        pools = [rows[(in_query == side) & (labels[rows] == name)] for name in classes]
        size = min(share, *(len(pool) for pool in pools))
        parts[side] = [rng.choice(pool, size, replace=False) for pool in pools]
    return Split(np.concatenate(parts[False]), np.concatenate(parts[True]), classes, left_out)


def separation(
    representations: Mapping[str, Array], labels: Array, source_id: Array, split: Split, *, against: str, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Balanced accuracy of each representation, and its difference to one of them, with 95 % bootstrap intervals.

    Parameters
    ----------
    representations : mapping of array, shape (n, d)
        Rows as in `labels`; every column is scaled to unit variance over the reference rows.
    labels, source_id : array, shape (n,)
    split : Split
    against : str
        The representation that the others are compared with.

    Returns
    -------
    dict
        For each: `balanced_accuracy`, `low`, `high`, `difference`, `difference_low`, `difference_high` (`against`
        minus this one; queries are resampled by source).
    """
    truth = labels[split.query].astype(str)
    right: dict[str, Array] = {}
    for name, values in representations.items():
        scale = np.maximum(values[split.reference].std(0), 1e-12)
        model = KNeighborsClassifier(NEIGHBOURS).fit(
            values[split.reference] / scale, labels[split.reference].astype(str)
        )
        right[name] = model.predict(values[split.query] / scale) == truth
    rng = np.random.default_rng(seed)
    _, source = np.unique(source_id[split.query], return_inverse=True)
    code = np.searchsorted(split.classes, truth)
    n_sources = int(source.max()) + 1
    weights = [np.ones(len(truth))]
    for _ in range(_BOOTSTRAPS):
        drawn = np.bincount(rng.integers(0, n_sources, n_sources), minlength=n_sources)
        weights.append(drawn[source].astype(np.float64))
    scores = {name: np.array([_balanced(hit, code, weight) for weight in weights]) for name, hit in right.items()}
    out = {}
    for name, score in scores.items():
        difference = scores[against] - score
        low, high = np.percentile(score[1:], [2.5, 97.5])
        difference_low, difference_high = np.percentile(difference[1:], [2.5, 97.5])
        out[name] = {
            "balanced_accuracy": float(score[0]),
            "low": float(low),
            "high": float(high),
            "difference": float(difference[0]),
            "difference_low": float(difference_low),
            "difference_high": float(difference_high),
        }
    return out


def _balanced(right: Array, code: Array, weight: Array) -> float:
    hits, totals = np.bincount(code, right * weight), np.bincount(code, weight)
    return float(np.mean(hits[totals > 0] / totals[totals > 0]))
