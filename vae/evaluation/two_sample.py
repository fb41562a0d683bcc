"""Can a classifier tell real spectra from simulated partners? An AUC of 0.5 says that it cannot.

Every real spectrum has the same number of partners, matched to it in what is not asked about (counts, exposure). The
partners come in copies: the k-th partners of all real spectra form one simulated copy of the whole sample, so that
whatever the sample shares (one observation, one background) is shared within a copy too, and any copy may stand in for
the real one. That is the null: how well the classifier tells one *simulated* copy from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

Array = NDArray[Any]

_FOLDS: Final = 5
_BOOTSTRAPS: Final = 2000
#: Shallow and few trees: there are some sixty real spectra.
_BOOSTING: Final[Mapping[str, Any]] = {
    "n_estimators": 50,
    "learning_rate": 0.15,
    "max_depth": 2,
    "min_samples_leaf": 10,
    "subsample": 0.7,
}
METHODS: Final = ("boosting", "logistic")


@dataclass(frozen=True)
class Verdict:
    """How well one classifier tells real from simulated.

    Parameters
    ----------
    auc : float
        Share of real-partner pairs, each real spectrum with its own partners, in which the real one scores higher.
    low, high : float
        95 % bootstrap interval over sources.
    null, null_low, null_high : float
        Mean and 95 % range of the AUC when simulated copies stand in for the real sample; NaN where none was tried.
    importance : dict of str to float
        Loss of AUC when a feature is shuffled among the held-out spectra, greatest first.
    """

    auc: float
    low: float
    high: float
    null: float
    null_low: float
    null_high: float
    importance: dict[str, float]


def two_sample(
    real: Array,
    partners: Array,
    sources: Array,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    method: str = "boosting",
    repeats: int = 3,
    n_null: int = 12,
) -> Verdict:
    """Ask a classifier to tell real spectra from their simulated partners.

    Parameters
    ----------
    real : array, shape (n, d)
        Features of the real spectra.
    partners : array, shape (n, k, d)
        Features of their partners; `partners[:, j]` is one simulated copy of the sample.
    sources : array, shape (n,)
        Sky object of each real spectrum: folds are cut between objects, partners go with theirs.
    names : sequence of str
        Of the d features.
    rng : Generator
    method : str
        One of `METHODS`.
    repeats : int
        Times the folds are drawn anew; scores are averaged.
    n_null : int
        Simulated copies that stand in for the real sample.
    """
    both = np.concatenate([real[:, None], partners], axis=1)
    scores, importance = _out_of_fold(both, sources, rng, method, repeats, names)
    per_spectrum = _wins(scores)
    drawn = _resampled(per_spectrum, sources, rng)
    low, high = np.percentile(drawn, [2.5, 97.5])
    null = []
    for copy in rng.permutation(partners.shape[1])[:n_null]:
        posed = np.concatenate([partners[:, copy : copy + 1], np.delete(partners, copy, axis=1)], axis=1)
        null.append(float(_wins(_out_of_fold(posed, sources, rng, method, 1, ())[0]).mean()))
    null_low, null_high = np.percentile(null, [2.5, 97.5]) if null else (np.nan, np.nan)
    return Verdict(
        auc=float(per_spectrum.mean()),
        low=float(low),
        high=float(high),
        null=float(np.mean(null)) if null else float("nan"),
        null_low=float(null_low),
        null_high=float(null_high),
        importance=dict(sorted(importance.items(), key=lambda item: -item[1])),
    )


def mean_shifts(real: Array, partners: Array, names: Sequence[str]) -> dict[str, float]:
    """Mean of real minus partners' mean of each feature, in standard errors, greatest first.

    Parameters
    ----------
    real : array, shape (n, d)
    partners : array, shape (n, k, d)
    names : sequence of str
    """
    difference = real - partners.mean(axis=1)
    error = difference.std(axis=0, ddof=1) / np.sqrt(len(real))
    value = np.divide(difference.mean(axis=0), error, out=np.zeros(real.shape[1]), where=error > 0)
    return {names[j]: float(value[j]) for j in np.argsort(-np.abs(value))}


def _out_of_fold(
    both: Array, sources: Array, rng: np.random.Generator, method: str, repeats: int, names: Sequence[str]
) -> tuple[Array, dict[str, float]]:
    """Scores of all spectra by classifiers that never saw their source, and the importance of the features `names`."""
    n, k, d = both.shape
    truth = np.zeros((n, k), np.int64)
    truth[:, 0] = 1
    unique, member = np.unique(sources, return_inverse=True)
    scores = np.zeros((n, k))
    loss = np.zeros(len(names))
    for _ in range(repeats):
        fold = rng.permutation(np.arange(unique.size) % min(_FOLDS, unique.size))[member]
        held, shuffled = np.zeros((n, k)), np.zeros((len(names), n, k))
        for part in np.unique(fold):
            inside = fold == part
            model = _fitted(both[~inside].reshape(-1, d), truth[~inside].ravel(), method, rng)
            rows = both[inside].reshape(-1, d)
            held[inside] = model.decision_function(rows).reshape(-1, k)
            if len(names):
                mixed = np.repeat(rows[None], len(names), axis=0)
                for j in range(len(names)):
                    mixed[j, :, j] = rng.permutation(rows[:, j])
                shuffled[:, inside] = model.decision_function(mixed.reshape(-1, d)).reshape(len(names), -1, k)
        # Folds are compared within a spectrum and its partners only, so that their scales need not agree.
        scores += held / repeats
        loss += [(_wins(held).mean() - _wins(one).mean()) / repeats for one in shuffled]
    return scores, dict(zip(names, loss.tolist(), strict=True))


def _fitted(rows: Array, truth: Array, method: str, rng: np.random.Generator) -> Any:
    """Return a classifier in which both sides weigh the same."""
    seed = int(rng.integers(2**31))
    weight = np.where(truth == 1, 0.5 / truth.mean(), 0.5 / (1.0 - truth.mean()))
    if method == "boosting":
        return GradientBoostingClassifier(**_BOOSTING, random_state=seed).fit(rows, truth, sample_weight=weight)
    pipe = Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression(C=0.1, max_iter=2000, random_state=seed))])
    return pipe.fit(rows, truth, fit__sample_weight=weight)


def _wins(scores: Array) -> Array:
    """Share of its partners that each real spectrum, in column 0, outscores; ties count half. Shape (n,)."""
    first, others = scores[:, :1], scores[:, 1:]
    return np.asarray((first > others).mean(axis=1) + 0.5 * (first == others).mean(axis=1))


def _resampled(values: Array, sources: Array, rng: np.random.Generator) -> Array:
    """Bootstrap means over sources."""
    unique, member = np.unique(sources, return_inverse=True)
    total, size = np.bincount(member, values), np.bincount(member)
    drawn = rng.integers(0, unique.size, (_BOOTSTRAPS, unique.size))
    return np.asarray(total[drawn].sum(axis=1) / size[drawn].sum(axis=1))
