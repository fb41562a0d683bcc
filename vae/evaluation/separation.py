"""How well a representation keeps classes apart: k nearest neighbours on held-out sources, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from vae.errors import ExplorerError
from vae.evaluation.scores import recalls

#: Neighbours asked (DESIGN).
NEIGHBOURS: Final = 25
#: Rows that a class needs to be told apart: its 40 of reference outnumber the neighbours asked. Rarer ones are left
#: out, or a handful of oddities would cut every class down to a handful.
LEAST_ROWS: Final = 60
#: Ways to measure distances in a representation.
SCALINGS: Final = ("as it is", "unit variance")

Array = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Rows of a test of classes: neighbours are looked for in `reference`, for each of `query`.

    Parameters
    ----------
    reference, query : array of int64
        Rows; no source is in both. Every class is in `reference` equally often.
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
    """Draw equally many rows of reference of each class, and as many to ask about as there are, parted by source.

    Parameters
    ----------
    labels, source_id : array, shape (n,)
        Of all rows.
    rows : array of int64
        Rows to draw from.
    most : int
        Of a class, two thirds of them for reference. The rarest class decides how many each has there, or the common
        ones would win by their numbers; those asked about need not be as many, as every class counts the same.
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
        least_of_all = min(len(pool) for pool in pools)
        drawn = [min(share, len(pool) if side else least_of_all) for pool in pools]
        parts[side] = [rng.choice(pool, size, replace=False) for pool, size in zip(pools, drawn, strict=True)]
    return Split(np.concatenate(parts[False]), np.concatenate(parts[True]), classes, left_out)


def separation(
    representations: Mapping[str, Array], labels: Array, source_id: Array, split: Split, *, against: str, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Balanced accuracy of kNN in each representation, and its difference to one of them, with 95 % intervals.

    Distances are taken in the representation as it is or with every column scaled to unit variance, whichever tells
    the reference rows better apart, each from the others: scaling blows up the axes of a latent space that carry
    nothing, and leaving it out drowns a hardness ratio that varies little.

    Parameters
    ----------
    representations : mapping of array, shape (n, d)
        Rows as in `labels`.
    labels, source_id : array, shape (n,)
    split : Split
    against : str
        The representation that the others are compared with.

    Returns
    -------
    dict
        For each what `vae.evaluation.scores.recalls` says, and `scaling`: "as it is" or "unit variance".
    """
    truth = labels[split.query].astype(str)
    known = labels[split.reference].astype(str)
    right: dict[str, Array] = {}
    scaling: dict[str, str] = {}
    for name, values in representations.items():
        values = np.asarray(values, np.float64).reshape(len(labels), -1)
        spread = np.maximum(values[split.reference].std(0), 1e-12)
        best, chosen = -1.0, (np.ones(1), SCALINGS[0])
        for choice in zip((np.ones_like(spread), spread), SCALINGS, strict=True):
            hits = _told_apart(values[split.reference] / choice[0], known, source_id[split.reference])
            score = float(np.mean([hits[known == label].mean() for label in split.classes]))
            if score > best:
                best, chosen = score, choice
        scale, scaling[name] = chosen
        model = KNeighborsClassifier(NEIGHBOURS).fit(values[split.reference] / scale, known)
        right[name] = model.predict(values[split.query] / scale) == truth
    scores = recalls(right, truth, split.classes, source_id[split.query], against=against, seed=seed)
    return {name: {**score, "scaling": scaling[name]} for name, score in scores.items()}


def _told_apart(values: Array, labels: Array, source_id: Array) -> NDArray[np.bool_]:
    """Whether each row is recognised by its nearest rows of other sources, (n,)."""
    _, code = np.unique(labels, return_inverse=True)
    spare = min(2 * NEIGHBOURS, len(values))
    near = NearestNeighbors(n_neighbors=spare).fit(values).kneighbors(values, return_distance=False)
    other = source_id[near] != source_id[:, None]
    counted = other & (np.cumsum(other, axis=1) <= NEIGHBOURS)
    votes = np.stack([np.sum(counted & (code[near] == label), axis=1) for label in range(code.max() + 1)], axis=1)
    return np.asarray(votes.argmax(axis=1) == code)
