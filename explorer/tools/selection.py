"""Selections as masks over the catalogue: combining them, undo and redo."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

SelectionMode = Literal["replace", "add", "subtract", "intersect"]
SELECTION_MODES: Final[tuple[SelectionMode, ...]] = ("replace", "add", "subtract", "intersect")
#: Steps of undo; each is a packed mask of 125 kB at a million detections.
UNDO_STEPS: Final = 40

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


class SelectionHistory:
    """Undo and redo over packed masks.

    Parameters
    ----------
    size : int
        Number of detections.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._states: list[NDArray[np.uint8] | None] = [None]
        self._at = 0

    def push(self, mask: Mask | None) -> None:
        """Record a new state; states that were undone are forgotten."""
        del self._states[self._at + 1 :]
        self._states.append(None if mask is None else np.packbits(mask))
        del self._states[: -UNDO_STEPS - 1]
        self._at = len(self._states) - 1

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier state."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone state."""
        return self._at < len(self._states) - 1

    def undo(self) -> Mask | None:
        """Step back and return that state (None: nothing selected)."""
        self._at = max(self._at - 1, 0)
        return self._current()

    def redo(self) -> Mask | None:
        """Step forward and return that state."""
        self._at = min(self._at + 1, len(self._states) - 1)
        return self._current()

    def _current(self) -> Mask | None:
        packed = self._states[self._at]
        return None if packed is None else np.unpackbits(packed, count=self._size).astype(bool)
