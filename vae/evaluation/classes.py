"""Are classes kept apart? Held-out spectra of equally many of each class, described by the latents and by baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.evaluation.probe import linear_probe
from vae.evaluation.representations import baselines
from vae.evaluation.rows import labelled, read_rows, unseen
from vae.evaluation.separation import NEIGHBOURS, Split, balanced_split, separation
from vae.network.trained import TrainedModel
from vae.spectra.store import Block, SpectraStore

#: Net counts between which classes are told apart (DESIGN): counts alone must not give a class away.
BAND: Final = (300.0, 1000.0)
#: A real archive has too few labelled spectra for a narrow band.
_WIDE_BAND: Final = (300.0, float("inf"))

Array = NDArray[Any]


@dataclass(frozen=True)
class ClassSample:
    """Spectra of a class-balanced test, and those that baselines are fitted on.

    Parameters
    ----------
    rows : array of int64, shape (n,)
        Rows of the store, ascending.
    labels : array of str, shape (n,)
    source_id : array of int64, shape (n,)
    split : Split
        Indices into the sample, not into the store.
    test, fitting : Block
        Spectra of the sample, with `area`; and others, of other sources.
    about : dict
        What the sample is, for metrics.json.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.str_]
    source_id: NDArray[np.int64]
    split: Split
    test: Block
    fitting: Block
    about: dict[str, Any]


def class_sample(
    store: SpectraStore, model: TrainedModel, *, per_class: int = 900, fit_rows: int = 30_000, seed: int = 0
) -> ClassSample:
    """Draw spectra that the model was not trained on, equally many of each class.

    Parameters
    ----------
    store : SpectraStore
        Or an atlas opened as one: simulated, or real and labelled in part.
    model : TrainedModel
        Decides which rows were trained on.
    per_class : int
        Most spectra of a class.
    fit_rows : int
        Most spectra that baselines are fitted on.
    seed : int

    Raises
    ------
    ExplorerError
        When fewer than two classes have enough labelled spectra.
    """
    table = store.detections
    source_id = table["source_id"].to_numpy()
    net = table["net_counts"].to_numpy(np.float64)
    known = labelled(table, simulated=store.simulated)
    fresh, why = unseen(store, model)
    band = BAND if store.simulated else _WIDE_BAND
    candidates = np.flatnonzero(known.known & fresh & (net > band[0]) & (net <= band[1]))
    split = balanced_split(known.labels, source_id, candidates, most=per_class, seed=seed)
    rows = np.sort(np.concatenate([split.reference, split.query]))
    local = replace(split, reference=np.searchsorted(rows, split.reference), query=np.searchsorted(rows, split.query))
    others = np.flatnonzero(~np.isin(source_id, source_id[rows]) & (~fresh if not fresh.all() else fresh))
    others = np.sort(np.random.default_rng(seed).choice(others, min(fit_rows, others.size), replace=False))
    if not others.size:
        raise ExplorerError("no spectra of other sources are left to fit baselines on", todo="Evaluate a larger atlas")
    about = {
        "neighbours": NEIGHBOURS,
        "net_counts": [band[0], band[1] if np.isfinite(band[1]) else None],
        "classes": split.classes.tolist(),
        "too_rare": split.left_out,
        "chance": 1.0 / len(split.classes),
        "reference_rows": len(split.reference),
        "query_rows": len(split.query),
        "labels": known.origin,
        "asked_about": why,
    }
    test, fitting = read_rows(store, rows, area=True), read_rows(store, others)
    return ClassSample(rows, known.labels[rows], source_id[rows], local, test, fitting, about)


def class_tests(
    sample: ClassSample,
    latents: Array,
    *,
    extra: Mapping[str, Array] | None = None,
    umap: bool = True,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Ask nearest neighbours and a linear probe for the classes, in the latents and in every baseline.

    Parameters
    ----------
    sample : ClassSample
    latents : array, shape (n, d)
        Of the rows of the sample.
    extra : mapping of array, shape (n, d), optional
        Further representations of the sample, such as a supervised ceiling.
    umap : bool
        With UMAP among the baselines.
    seed : int

    Returns
    -------
    dict
        `knn` and `probe` of metrics.json: what the sample is, `left_out` (baselines that could not be had, and why)
        and `balanced_accuracy`, for each representation what `vae.evaluation.scores.recalls` says.
    """
    known, left_out = baselines(sample.fitting, sample.test, umap=umap, seed=seed)
    latents = np.asarray(latents, np.float64)
    shuffled = latents[np.random.default_rng(seed).permutation(len(latents))]
    contestants = {"latents": latents, **known, **(extra or {}), "shuffled_labels": shuffled}
    asked: dict[str, Any] = {"against": "latents", "seed": seed}
    scores = {
        "knn": separation(contestants, sample.labels, sample.source_id, sample.split, **asked),
        "probe": linear_probe(contestants, sample.labels, sample.source_id, sample.split, **asked),
    }
    return {name: {**sample.about, "left_out": left_out, "balanced_accuracy": score} for name, score in scores.items()}
