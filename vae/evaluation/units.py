"""Which axes of a latent space carry anything, and how much: activity, divergence from the prior, information."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from vae.evaluation.scores import interval, source_weights, weighted_mean

#: Variance of the posterior means above which an axis is active (Burda, Grosse & Salakhutdinov 2016).
ACTIVE: Final = 0.01
#: Spectra among which the aggregated posterior is estimated; the information cannot exceed the log of their number.
_INFORMATION_ROWS: Final = 4096
_INFORMATION_SLAB: Final = 512

Array = NDArray[Any]


def latent_units(mu: Array, sigma: Array, source_id: Array, *, seed: int = 0) -> dict[str, Any]:
    """Activity and divergence of every latent axis, against the noise of counting.

    Parameters
    ----------
    mu, sigma : array, shape (n, d)
        Posterior means and standard deviations.
    source_id : array, shape (n,)
        Sources are what intervals resample.
    seed : int

    Returns
    -------
    dict
        `dimensions`, `active` (axes with a variance of mu above `threshold`), `axes`, for each axis in its order:
        `variance` of mu, `noise` (variance that counting alone gives mu: the mean of s^2 (1 - s^2)), `signal_to_noise`
        (their ratio less 1), `kl` (mean divergence of the posterior from the prior) [nats], variance and kl with `_low`
        and `_high`, and `active`; `kl_total`; `principal_variances` of mu, greatest first, which do not depend
        on the choice of axes; `information`, see `mutual_information`, and `information_limit` [nats].

    References
    ----------
    Burda, Grosse & Salakhutdinov (2016), arXiv 1509.00519.
    """
    mu, sigma = np.asarray(mu, np.float64), np.asarray(sigma, np.float64)
    weights = source_weights(source_id, seed, 200)
    noise = np.mean(sigma**2 * np.maximum(1.0 - sigma**2, 0.0), axis=0)
    divergence = 0.5 * (mu**2 + sigma**2 - 1.0 - 2.0 * np.log(sigma))
    axes = []
    for axis in range(mu.shape[1]):
        mean = weighted_mean(mu[:, axis], weights)
        variance = weighted_mean(mu[:, axis] ** 2, weights) - mean**2
        kl = weighted_mean(divergence[:, axis], weights)
        entry: dict[str, Any] = {"variance": float(variance[0]), "kl": float(kl[0]), "noise": float(noise[axis])}
        entry["variance_low"], entry["variance_high"] = interval(variance[1:])
        entry["kl_low"], entry["kl_high"] = interval(kl[1:])
        entry["signal_to_noise"] = float(max(variance[0] / max(noise[axis], 1e-12) - 1.0, 0.0))
        entry["active"] = bool(variance[0] > ACTIVE)
        axes.append(entry)
    principal = np.linalg.eigvalsh(np.atleast_2d(np.cov(mu.T)))[::-1]
    information, limit = mutual_information(mu, sigma, seed=seed)
    return {
        "spectra": len(mu),
        "dimensions": mu.shape[1],
        "active": sum(entry["active"] for entry in axes),
        "threshold": ACTIVE,
        "axes": axes,
        "kl_total": float(divergence.sum(axis=1).mean()),
        "principal_variances": principal.tolist(),
        "information": information,
        "information_limit": limit,
    }


def mutual_information(mu: Array, sigma: Array, *, seed: int = 0) -> tuple[float, float]:
    """Information that latents carry of the spectra, E log q(z|x) - E log q(z), and the most that can be seen [nats].

    q(z) is the mean of the posteriors of the spectra at hand (at most 4,096 of them): the estimate cannot exceed the
    log of their number, which is the second value.

    Parameters
    ----------
    mu, sigma : array, shape (n, d)
    seed : int

    References
    ----------
    Hoffman & Johnson (2016), "ELBO surgery", NIPS workshop on advances in approximate Bayesian inference.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(mu))[:_INFORMATION_ROWS]
    mu, sigma = np.asarray(mu, np.float64)[rows], np.asarray(sigma, np.float64)[rows]
    z = mu + sigma * rng.standard_normal(mu.shape)
    constant = -np.log(sigma).sum(axis=1)  # the powers of 2 pi cancel
    own = constant - 0.5 * (((z - mu) / sigma) ** 2).sum(axis=1)
    mixed = np.empty(len(z))
    precision = 1.0 / sigma**2
    offset = constant - 0.5 * (mu**2 * precision).sum(axis=1)
    for start in range(0, len(z), _INFORMATION_SLAB):
        part = z[start : start + _INFORMATION_SLAB]
        log = offset + part @ (mu * precision).T - 0.5 * part**2 @ precision.T
        mixed[start : start + _INFORMATION_SLAB] = logsumexp(log, axis=1) - np.log(len(z))
    return float(np.mean(own - mixed)), float(np.log(len(z)))
