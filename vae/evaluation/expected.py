"""Counts that a folded shape makes one expect, over the usual background and at its best amplitude."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.spectra.background import background_template, expected_background
from vae.spectra.statistics import profile_amplitude
from vae.spectra.store import Block

#: Expected counts of a bin are never below this, so that one stray count does not make C-stat infinite.
FLOOR: Final = 1e-6

Array = NDArray[Any]


def usual_background(block: Block) -> Array:
    """Return expected background counts of each spectrum, (n, 238), floored."""
    found = expected_background(block.background_counts, block.background_ratio, background_template())
    return np.maximum(found, FLOOR)


def at_amplitude(counts: Array, folded: Array, background: Array) -> Array:
    """Return expected counts at the best amplitude of a folded shape, with background, (n, 238), floored."""
    amplitude = np.nan_to_num(profile_amplitude(counts, folded, background))
    return np.maximum(amplitude[..., None] * folded + background, FLOOR)
