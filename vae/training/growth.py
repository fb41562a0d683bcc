"""Waking latent dimensions that a network has stopped using.

A dimension whose mean says nothing yet is noise to the decoder, which learns to ignore it; then nothing draws the
encoder to put anything there (posterior collapse; Lucas et al. 2019, arXiv 1911.02469). Neither a smaller weight of the
KL term nor free bits end that. What the network leaves unexplained does: its principal components, told from the
spectra by the encoder's own features, are where a dimension starts that the decoder has a reason to listen to.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vae.network.autoencoder import Autoencoder
from vae.network.likelihood import expected_counts, profile_amplitude
from vae.training.data import ResidentSpectra

#: Mean KL divergence [nats] below which a dimension is asleep.
ASLEEP: Final = 0.05
#: Spectra looked at, and net counts from which on a spectrum shows what is unexplained above its noise.
_ROWS: Final = 32_768
_BRIGHT: Final = 1000.0
#: Net counts at which features have strength one, and those beyond which a spectrum weighs no more.
_UNIT, _LIMIT = 300.0, 3000.0
#: Where an awakened dimension starts: spread of its mean and log sigma^2 (their KL is about half a nat), size of the
#: weights by which the decoder hears it, and what is added to the diagonal of the regression, relative to its mean.
_SPREAD: Final = 0.8
_LOGVAR: Final = -1.0
_HEARD: Final = 0.1
_RIDGE: Final = 1e-3
#: Largest residual in units of the noise: a few misfits must not be all that is explained.
_RESIDUAL_MAX: Final = 8.0

Array = NDArray[np.float64]


@torch.no_grad()
def awaken(network: Autoencoder, training: ResidentSpectra, *, seed: int = 0) -> list[int]:
    """Start the sleeping latent dimensions anew, from what the others leave unexplained; in place.

    What the network says about the other dimensions stays as it is, and so does what it decodes where the awakened ones
    are zero. The optimiser's memory of the changed weights should be cleared.

    Parameters
    ----------
    network : Autoencoder
    training : ResidentSpectra
        Of the network's likelihood.
    seed : int
        Of the spectra looked at and of the decoder's weights.

    Returns
    -------
    list of int
        Dimensions awakened, first the one that explains most; empty where none slept.
    """
    generator = torch.Generator(training.device).manual_seed(seed)
    batch = training.batch(training.draw(min(_ROWS, len(training)), generator))
    features = network.encoder.layers[:-1](batch.x)
    mu, logvar = network.encoder.layers[-1](features).chunk(2, dim=1)
    divergence = 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar).mean(0)
    asleep = torch.nonzero(divergence < ASLEEP).flatten().tolist()
    if not asleep:
        return []
    mu[:, asleep] = 0.0
    folded = batch.fold(network.decode_shape(mu))
    amplitude = profile_amplitude(batch.counts, folded, batch.background)
    expected = expected_counts(folded, amplitude, batch.background)
    noise = expected.sqrt().clamp(min=0.05)  # a bin that expects next to nothing must not outweigh all others
    residual = ((batch.counts - expected) / noise).clamp(-_RESIDUAL_MAX, _RESIDUAL_MAX)
    net = (batch.counts - batch.background).sum(1)
    known, unexplained, brightness = (part.double().cpu().numpy() for part in (features, residual, net))
    weights, offsets = _directions(known, unexplained, brightness, len(asleep))

    last, first = network.encoder.layers[-1], network.decoder.branch[0]
    assert isinstance(last, nn.Linear)
    assert isinstance(first, nn.Linear)
    found = asleep[: weights.shape[1]]
    spread_rows = [network.config.latent_dim + index for index in found]
    last.weight[found] = torch.from_numpy(weights.T).to(last.weight)
    last.bias[found] = torch.from_numpy(offsets).to(last.bias)
    last.weight[spread_rows], last.bias[spread_rows] = 0.0, _LOGVAR
    heard = torch.randn((len(first.weight), len(found)), generator=torch.Generator().manual_seed(seed))
    first.weight[:, found] = _HEARD * heard.to(first.weight)
    return found


def _directions(features: Array, residual: Array, net: Array, number: int) -> tuple[Array, Array]:
    """Regress the principal components of residuals on features.

    Parameters
    ----------
    features : array, shape (n, n_features)
    residual : array, shape (n, 238)
        In units of the noise.
    net : array, shape (n,)
        Net counts.
    number : int
        Components wanted.

    Returns
    -------
    weights : array, shape (n_features, number)
    offsets : array, shape (number,)
        features @ weights + offsets has mean 0 and the spread that a dimension starts with.
    """
    bright = residual[net > min(_BRIGHT, float(np.median(net)))]
    _, vectors = np.linalg.eigh(np.cov(bright.T))
    # The strength of a feature does not depend on the counts, its significance grows with their square root.
    strength = residual @ vectors[:, : -1 - number : -1] / np.sqrt(np.maximum(net, _UNIT) / _UNIT)[:, None]
    strength -= strength.mean(axis=0)
    mean = features.mean(axis=0)
    weight = np.sqrt(np.clip(net, _UNIT, _LIMIT) / _UNIT)[:, None]
    centred = (features - mean) * weight
    square = centred.T @ centred
    square[np.diag_indices_from(square)] += _RIDGE * np.trace(square) / len(square)
    slopes: Any = np.linalg.solve(square, centred.T @ (strength * weight))
    slopes *= _SPREAD / np.maximum(((features - mean) @ slopes).std(axis=0), 1e-12)
    return slopes, -mean @ slopes
