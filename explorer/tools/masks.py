"""Selections as masks over the catalogue, and how they combine."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

SelectionMode = Literal["replace", "add", "subtract", "intersect"]
SELECTION_MODES: Final[tuple[SelectionMode, ...]] = ("replace", "add", "subtract", "intersect")

Mask = NDArray[np.bool_]


def combine(current: Mask | None, new: Mask, mode: SelectionMode) -> Mask:
    """Combine the standing selection (None: nothing selected) with a new one.

    Parameters
    ----------
    current : array of bool, shape (n,), or None
    new : array of bool, shape (n,)
    mode : {"replace", "add", "subtract", "intersect"}

    Returns
    -------
    array of bool, shape (n,)
    """
    if mode == "replace":
        return new
    if current is None:
        return new if mode == "add" else np.zeros_like(new)
    if mode == "add":
        return current | new
    if mode == "subtract":
        return current & ~new
    return current & new
