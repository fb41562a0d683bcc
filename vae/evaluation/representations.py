"""Descriptions of a spectrum that need no network: baselines for the latents.

Each is computed from the same counts, background and sensitivity as the encoder's input. PCA is fitted on training
sources only.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from vae.network.scaling import scale_input
from vae.spectra import grid
from vae.spectra.store import Block

#: Edges of the five bands of the four hardness ratios [keV].
HARDNESS_EDGES: Final = (0.3, 0.5, 1.0, 2.0, 4.5, 10.0)

Array = NDArray[Any]


def hardness_ratios(block: Block) -> Array:
    """Four hardness ratios of neighbouring bands, (H - S) / (H + S) of the net counts, shape (n, 4)."""
    net = block.counts - block.background_ratio[:, None] * np.asarray(block.background_counts, np.float64)
    first = np.searchsorted(grid.BIN_CENTRES, HARDNESS_EDGES)
    bands = np.maximum(np.stack([net[:, a:b].sum(1) for a, b in itertools.pairwise(first)], 1), 0.0)
    soft, hard = bands[:, :-1], bands[:, 1:]
    return (hard - soft) / np.maximum(hard + soft, 1e-9)


def fixed_inputs(block: Block, mean_sensitivity: Array) -> dict[str, Array]:
    """Return the three fixed inputs whose principal components are the baselines (FACTS 3), each of shape (n, 238).

    Parameters
    ----------
    block : Block
    mean_sensitivity : array, shape (238,)
        Of the archive: what spectra are brought to, in the last of the three.

    Returns
    -------
    dict of array
        `asinh`: the encoder's input. `unfolded_over_max`: E S / max |E S|. `net_fraction`: share of the net counts that
        the mean instrument would have recorded in each bin.
    """
    sensitivity = np.asarray(block.sensitivity, np.float64)
    net = block.counts - block.background_ratio[:, None] * np.asarray(block.background_counts, np.float64)
    unfolded = np.divide(net, sensitivity, out=np.zeros_like(net), where=sensitivity > 0)
    e_s = unfolded * grid.BIN_CENTRES
    corrected = unfolded * mean_sensitivity
    total = np.maximum(corrected.sum(1), 3 * np.sqrt(np.maximum(block.counts.sum(1), 1)))
    return {
        "asinh": scale_input(block.counts, block.background_counts, block.background_ratio, block.sensitivity),
        "unfolded_over_max": e_s / np.maximum(np.abs(e_s).max(1, keepdims=True), 1e-30),
        "net_fraction": corrected / total[:, None],
    }


def principal_components(training: Block, test: Block, n_components: int = 2) -> dict[str, Array]:
    """Principal components of the fixed inputs of `test`, fitted on `training`.

    Returns
    -------
    dict of array, shape (n_test, n_components)
        `pca_asinh`, `pca_unfolded_over_max`, `pca_net_fraction`; the last is divided by the square root of its mean
        over the training spectra first, which evens out the Poisson scatter of the bins.
    """
    mean_sensitivity = np.asarray(training.sensitivity, np.float64).mean(0)
    fit, apply = fixed_inputs(training, mean_sensitivity), fixed_inputs(test, mean_sensitivity)
    scale = np.sqrt(np.maximum(fit["net_fraction"].mean(0), 1e-9))
    for inputs in (fit, apply):
        inputs["net_fraction"] = inputs["net_fraction"] / scale
    return {
        f"pca_{name}": PCA(n_components, random_state=0).fit(fit[name]).transform(apply[name]).astype(np.float64)
        for name in fit
    }
