"""Can a linear classifier read the classes from a representation? On the split of the kNN test, with its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vae.evaluation.scores import recalls
from vae.evaluation.separation import Split

#: Enough for a handful of columns to converge; a representation of hundreds of columns would need more.
_ITERATIONS: Final = 2000

Array = NDArray[Any]


def linear_probe(
    representations: Mapping[str, Array], labels: Array, source_id: Array, split: Split, *, against: str, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Balanced accuracy of multinomial logistic regression on each representation, columns scaled to unit variance.

    Parameters
    ----------
    representations : mapping of array, shape (n, d)
        Rows as in `labels`.
    labels, source_id : array, shape (n,)
    split : Split
        Trained on its reference rows, asked on its query rows.
    against : str
        The representation that the others are compared with.

    Returns
    -------
    dict
        For each what `vae.evaluation.scores.recalls` says.
    """
    truth, known = labels[split.query].astype(str), labels[split.reference].astype(str)
    right = {}
    for name, values in representations.items():
        values = np.asarray(values, np.float64).reshape(len(labels), -1)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))
        right[name] = probe.fit(values[split.reference], known).predict(values[split.query]) == truth
    return recalls(right, truth, split.classes, source_id[split.query], against=against, seed=seed)
