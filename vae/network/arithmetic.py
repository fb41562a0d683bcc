"""What the network computes, in numpy: for a server that has no use for torch."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.network.config import NetworkConfig
from vae.spectra import grid

Array = NDArray[np.float32]

TRUE_WIDTHS: Final = grid.TRUE_WIDTHS.astype(np.float32)


def mlp(x: Array, layers: list[tuple[Array, Array]]) -> Array:
    """Do what `vae.network.encoder.mlp` does: linear layers, pairs of (weight, bias), with SiLU between them."""
    for index, (weight, bias) in enumerate(layers):
        if index:
            x = np.divide(x, 1.0 + np.exp(-np.clip(x, np.float32(-80), None)), dtype=np.float32)
        x = np.matmul(x, weight.T, dtype=np.float32) + bias
    return x


def fold_by_response(
    shapes: Array,
    area: ArrayLike | None,
    response_index: ArrayLike | None,
    redistribution: ArrayLike | None,
    sensitivity: ArrayLike | None,
    exposure_s: ArrayLike | None,
) -> Array:
    """Fold (n, 336) shapes, each through its own area and matrix, to (n, 238); single rows are shared by all."""
    matrices = np.asarray(redistribution, np.float32)
    weighted_area = np.atleast_2d(np.asarray(area, np.float32) * TRUE_WIDTHS)
    weighted = shapes * weighted_area
    index = np.broadcast_to(np.asarray(response_index), len(weighted))
    folded = np.empty((len(weighted), grid.N_BINS), np.float32)
    for response in np.unique(index):
        rows = np.flatnonzero(index == response)
        folded[rows] = weighted[rows] @ matrices[response].T
    if exposure_s is not None:
        exposure = np.asarray(exposure_s, np.float32)
    else:
        caught = np.broadcast_to(weighted_area, weighted.shape)
        per_second = np.einsum("ij,ij->i", caught, matrices.sum(axis=1)[index], dtype=np.float64)
        total = np.atleast_2d(np.asarray(sensitivity)).sum(axis=1, dtype=np.float64)
        exposure = (total / np.maximum(per_second, 1e-30)).astype(np.float32)
    return folded * exposure.reshape(-1, 1)


def weight_shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a network."""
    shapes: dict[str, tuple[int, ...]] = {}
    networks = {
        "encoder.layers": config.encoder_widths,
        "decoder.branch": config.branch_widths,
        "decoder.trunk": config.trunk_widths,
    }
    for name, widths in networks.items():
        for index in range(len(widths) - 1):
            shapes[f"{name}.{2 * index}.weight"] = (widths[index + 1], widths[index])
            shapes[f"{name}.{2 * index}.bias"] = (widths[index + 1],)
    if config.trunk in ("table", "svd"):
        shapes["decoder.trunk.table"] = (config.n_templates, len(config.energies))
    return shapes
