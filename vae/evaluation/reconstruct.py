"""What a model expects of each spectrum, count by count, and how well that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from vae.evaluation.encoding import Generates, decoded_counts, encoded
from vae.evaluation.expected import at_amplitude, usual_background
from vae.spectra.statistics import cstat_z
from vae.spectra.store import Block

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
