"""What a model expects of each spectrum, count by count, and how well that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.encoding import Generates, decoded_counts, encoded
from vae.spectra.background import background_template, expected_background
from vae.spectra.statistics import cstat_z, profile_amplitude
from vae.spectra.store import Block

#: Expected counts of a bin are never below this, so that one stray count does not make C-stat infinite.
FLOOR: Final = 1e-6

Array = NDArray[Any]


@dataclass(frozen=True)
class Reconstruction:
    """Expected counts of n spectra at their posterior means.

    Parameters
    ----------
    mu, sigma : array, shape (n, d)
    expected : array, shape (n, 238)
        Background included, amplitude profiled.
    cstat_z : array, shape (n,)
    """

    mu: Array
    sigma: Array
    expected: Array
    cstat_z: Array


def usual_background(block: Block) -> Array:
    """Return expected background counts of each spectrum, (n, 238), floored."""
    found = expected_background(block.background_counts, block.background_ratio, background_template())
    return np.maximum(found, FLOOR)


def at_amplitude(counts: Array, folded: Array, background: Array) -> Array:
    """Return expected counts at the best amplitude of a folded shape, with background, (n, 238), floored."""
    amplitude = np.nan_to_num(profile_amplitude(counts, folded, background))
    return np.maximum(amplitude[..., None] * folded + background, FLOOR)


def reconstruct(model: Generates, block: Block, redistribution: Array) -> Reconstruction:
    """Encode spectra, decode their means, fold them through their own responses and add the background.

    Parameters
    ----------
    model : Generates
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    """
    mu, sigma = encoded(model, block)
    folded = decoded_counts(model, mu, block, redistribution)
    expected = at_amplitude(block.counts, folded, usual_background(block))
    return Reconstruction(mu, sigma, expected, cstat_z(block.counts, expected))
