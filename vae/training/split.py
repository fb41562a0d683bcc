"""Which sources are never trained on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Share of the sources kept out of training, everywhere in the project.
HELD_OUT_FRACTION: Final = 0.1


def is_held_out(source_id: ArrayLike, fraction: float = HELD_OUT_FRACTION) -> NDArray[np.bool_]:
    """Whether sources are held out: by a hash of their id, so that all detections of a source share one side.

    The same source is on the same side in every store, at every size and in every session.

    Parameters
    ----------
    source_id : array of int64, shape (n,)
    fraction : float
        Share held out, 0...1.

    Returns
    -------
    array of bool, shape (n,)

    References
    ----------
    Mixing function: splitmix64 (Steele, Lea & Flood 2014).
    """
    with np.errstate(over="ignore"):
        mixed = np.asarray(source_id).astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53 < fraction
