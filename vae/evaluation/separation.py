"""How well classes of faint sources separate, in latent space and in the baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae.atlas import Atlas
from vae.errors import AtlasError
from vae.evaluation.baselines import PCA_INPUTS, Pca, hardness_ratios
from vae.evaluation.knn import balanced_accuracy, balanced_bootstrap, knn_predict
from vae.spectra.store import Block, SpectraStore
from vae.training import is_held_out

Array = NDArray[Any]
_ROW_ARRAYS = ("counts", "background_counts", "background_ratio", "sensitivity")


@dataclass(frozen=True)
class SeparationOptions:
    """What is compared.

    Parameters
    ----------
    net_low, net_high : float
        Range of net counts.
    k : int
        Neighbours that vote.
    per_class : int
        Detections of each class, at most; all classes have as many as the smallest.
    pca_spectra : int
        Training spectra the PCAs are fitted to, at most.
    bootstrap : int
        Draws behind the intervals.
    seed : int
    """

    net_low: float = 300.0
    net_high: float = 1000.0
    k: int = 25
    per_class: int = 1000
    pca_spectra: int = 20_000
    bootstrap: int = 2000
    seed: int = 0


def separation(atlas: Atlas, options: SeparationOptions | None = None) -> dict[str, Any]:
    """Balanced accuracy of kNN classification of held-out simulated sources, beside baselines in the same run.

    Only sources the model was never trained on (`vae.training.is_held_out`). Every class has equally many detections;
    two thirds of them (by source) vote, the rest are classified. PCAs are fitted to training sources.

    Parameters
    ----------
    atlas : Atlas
        Of a simulated archive.
    options : SeparationOptions, optional

    Returns
    -------
    dict
        ``representations``: name, dimension, balanced accuracy and its 95 % interval of each; ``difference``: latents
        minus the best PCA of the same dimension, with interval; ``classes``, ``per_class``, ``queries``, ``chance``.

    Raises
    ------
    AtlasError
        When the true classes are unknown or too few detections are left.
    """
    options = options or SeparationOptions()
    rng = np.random.default_rng(options.seed)
    table = atlas.catalogue
    if not table["true_class"].notna().any():
        raise AtlasError("its true classes are unknown", where=atlas.path, todo="Evaluate a simulated atlas")
    in_range = table["net_counts"].between(options.net_low, options.net_high).to_numpy()
    held_out = is_held_out(table["source_id"].to_numpy())
    rows, labels, classes = _balanced(table["true_class"], in_range & held_out, options.per_class, rng)
    if len(classes) < 2 or len(rows) < 10 * len(classes):
        raise AtlasError("too few held-out detections", where=atlas.path, todo="Evaluate a larger atlas")
    # Another cut through the same hash: sources, not detections, are reference or query.
    query = is_held_out(np.bitwise_not(table["source_id"].to_numpy()[rows]), 1 / 3)
    store = SpectraStore.open(atlas.path)
    training = np.flatnonzero(in_range & ~held_out)
    training = np.sort(rng.choice(training, min(options.pca_spectra, len(training)), replace=False))
    dimension = atlas.latent_dim
    spaces = {f"latents, {dimension}-D": atlas.latents[rows].astype(np.float64)}
    spaces.update(_baselines(_read(store, rows), _read(store, training), dimension))
    predicted = {name: knn_predict(z[~query], labels[~query], z[query], options.k) for name, z in spaces.items()}
    truth = labels[query]
    right = np.stack([found == truth for found in predicted.values()], axis=1)
    draws = balanced_bootstrap(truth, right, options.bootstrap, rng)
    names = list(spaces)
    accuracy = np.array([balanced_accuracy(truth, predicted[name]) for name in names])
    pca = [index for index, name in enumerate(names) if name.startswith("PCA")]
    best = pca[int(np.argmax(accuracy[pca]))]
    return {
        "representations": [
            {
                "name": name,
                "dimension": int(spaces[name].shape[1]),
                "balanced_accuracy": float(accuracy[index]),
                "interval_95": np.percentile(draws[:, index], [2.5, 97.5]).tolist(),
            }
            for index, name in enumerate(names)
        ],
        "difference": {
            "of": f"{names[0]} - {names[best]}",
            "balanced_accuracy": float(accuracy[0] - accuracy[best]),
            "interval_95": np.percentile(draws[:, 0] - draws[:, best], [2.5, 97.5]).tolist(),
        },
        "classes": classes,
        "by_class": {
            name: float(np.mean(predicted[names[0]][truth == code] == code))
            for code, name in enumerate(classes)
            if (truth == code).any()
        },
        "per_class": len(rows) // len(classes),
        "queries": int(query.sum()),
        "chance": 1.0 / len(classes),
        "net_counts": [options.net_low, options.net_high],
        "k": options.k,
    }


def _balanced(
    true_class: Any, wanted: NDArray[np.bool_], per_class: int, rng: np.random.Generator
) -> tuple[Array, Array, list[str]]:
    """Rows with equally many of each class, ascending, their codes, and the class names."""
    names = [str(name) for name in true_class.cat.categories if bool((wanted & (true_class == name)).any())]
    members = [np.flatnonzero(wanted & (true_class == name).to_numpy()) for name in names]
    size = min([per_class, *(len(rows) for rows in members)])
    chosen = [rng.choice(rows, size, replace=False) for rows in members]
    rows, labels = np.concatenate(chosen), np.repeat(np.arange(len(names)), size)
    order = np.argsort(rows)
    return rows[order], labels[order], names


def _read(store: SpectraStore, rows: Array) -> Block:
    """Scattered rows of a store, read a shard at a time."""
    parts: dict[str, list[Array]] = {name: [] for name in _ROW_ARRAYS}
    for start, block in store.blocks():
        here = rows[(rows >= start) & (rows < start + len(block))] - start
        for name in _ROW_ARRAYS:
            parts[name].append(getattr(block, name)[here])
    none = np.empty((len(rows), 0), np.float32)
    return Block(**{name: np.concatenate(part) for name, part in parts.items()}, area=none, response_index=none[:, :0])


def _baselines(spectra: Block, training: Block, dimension: int) -> dict[str, Array]:
    mean_sensitivity = training.sensitivity.mean(axis=0, dtype=np.float64)
    out: dict[str, Array] = {}
    represent: Callable[[Block, Array], Array]
    for name, represent, root_mean in PCA_INPUTS:
        pca = Pca.fit(represent(training, mean_sensitivity), dimension, root_mean=root_mean)
        out[f"PCA-{dimension} of {name}"] = pca(represent(spectra, mean_sensitivity))
    out["four hardness ratios"] = hardness_ratios(spectra)
    return out
