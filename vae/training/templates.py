"""Templates found in the training data before training, for networks whose trunk is not trained."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from vae.network.autoencoder import Autoencoder
from vae.network.decoder import TableTrunk
from vae.spectra import grid
from vae.training.data import ResidentSpectra

#: Spectra that share a mean, at least: together they have counts where one alone has none.
_GROUP_ROWS: Final = 32
#: Most groups, and components of the scaled spectra that part them in turn.
_GROUPS_MAX: Final = 1024
_COMPONENTS: Final = 4
#: Floor of a mean spectrum, as a share of its mean over the bins: beyond it a logarithm would be of noise.
_FLOOR: Final = 1e-3
_BATCH: Final = 4096

Array = NDArray[Any]


def fill_templates(network: Autoencoder, training: ResidentSpectra) -> None:
    """Fill the fixed templates of an ``svd`` trunk; does nothing to other networks.

    Spectra that look alike (halved again and again along the principal components of the scaled input) are added up and
    unfolded without a model; the templates are the singular vectors of the logarithms of those means, each scaled so
    that weights of order one give back the means.

    Parameters
    ----------
    network : Autoencoder
    training : ResidentSpectra
        Of the network's likelihood.
    """
    trunk = network.decoder.trunk
    if not isinstance(trunk, TableTrunk) or isinstance(trunk.table, torch.nn.Parameter):
        return
    means = np.log(_mean_spectra(training))
    means -= means.mean(axis=1, keepdims=True)  # the amplitude is free
    n_templates, energies = network.config.n_templates, network.config.energies
    on_energies = np.stack([np.interp(np.log(energies), np.log(grid.BIN_CENTRES), line) for line in means])
    _, sizes, vectors = np.linalg.svd(on_energies, full_matrices=False)
    found = min(n_templates, len(sizes))
    scale = sizes[:found] * np.sqrt(n_templates / len(means))
    table = np.zeros((n_templates, len(energies)), np.float32)
    table[:found] = scale[:, None] * vectors[:found]
    trunk.table.copy_(torch.from_numpy(table))


def _mean_spectra(training: ResidentSpectra) -> Array:
    """Mean unfolded spectra of groups that look alike, positive, (n_groups, 238)."""
    net, flat, group = [], [], _groups(training)
    for batch in training.batches(_BATCH):
        source = (batch.counts - batch.background).double()
        # What a flat spectrum of as many photons would leave in the bins.
        ones = batch.fold(torch.ones_like(batch.weight)).double()
        net.append(source.cpu().numpy())
        flat.append((ones * source.sum(1, keepdim=True).clamp(min=1.0)).cpu().numpy())
    number = int(group.max()) + 1
    sums = [np.zeros((number, grid.N_BINS)) for _ in range(2)]
    for total, parts in zip(sums, (net, flat), strict=True):
        np.add.at(total, group, np.concatenate(parts))
    mean = sums[0] / np.maximum(sums[1], 1e-30)
    return np.maximum(mean, _FLOOR * mean.mean(axis=1, keepdims=True))


def _groups(training: ResidentSpectra) -> NDArray[np.int64]:
    """Group of every row, (n,): halves of halves along the principal components of the scaled spectra, in turn."""
    x = torch.cat([batch.x for batch in training.batches(_BATCH)]).cpu().numpy().astype(np.float64)
    x -= x.mean(axis=0)
    _, vectors = np.linalg.eigh(x.T @ x)
    scores = x @ vectors[:, : -1 - _COMPONENTS : -1]
    groups = [np.arange(len(x))]
    for level in range(int(np.log2(max(1, min(_GROUPS_MAX, len(x) // _GROUP_ROWS))))):
        halves: list[NDArray[np.int64]] = []
        for rows in groups:
            ordered = rows[np.argsort(scores[rows, level % _COMPONENTS], kind="stable")]
            halves += np.array_split(ordered, 2)
        groups = halves
    labels = np.empty(len(x), np.int64)
    for index, rows in enumerate(groups):
        labels[rows] = index
    return labels
