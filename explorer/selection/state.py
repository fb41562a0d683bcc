"""What is selected in one tab: the standing selection, those before it, and those kept under a name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.selection.recipes import Outline
from explorer.selection.steps import Saved, Step, Steps, in_words, made, steps_from_plain, steps_to_plain
from explorer.services import Services
from explorer.tools.masks import Mask, combine
from vae.errors import OptionError

#: Undo goes back so far, or as far as this much memory holds: a selection is 125 kB at a million detections.
UNDO_STEPS: Final = 40
UNDO_BYTES: Final = 3_000_000
#: Names kept in a session, and their length.
MAX_SAVED: Final = 16
MAX_NAME: Final = 40


@dataclass(frozen=True, eq=False)
class Chosen:
    """One selection.

    Parameters
    ----------
    packed : array of uint8
        Its mask, one bit a detection.
    count : int
    outline : (array, array) or None
        Last lasso, box or disc: xs and ys in latent units.
    steps : tuple of Step
        How it was made.
    """

    packed: NDArray[np.uint8]
    count: int
    outline: Outline | None
    steps: Steps

    def mask(self, size: int) -> Mask:
        """Return the mask, shape (size,)."""
        return np.unpackbits(self.packed, count=size).view(np.bool_)

    @property
    def words(self) -> str:
        """How it was made."""
        return in_words(self.steps)


class SelectionHistory:
    """Undo and redo; what lies too far back is forgotten."""

    def __init__(self) -> None:
        self._states: list[Chosen | None] = [None]
        self._at = 0

    def push(self, chosen: Chosen | None) -> None:
        """Record a new state; states that were undone are forgotten."""
        self._states = [*self._states[: self._at + 1], chosen]
        each = max((state.packed.nbytes for state in self._states if state is not None), default=1)
        del self._states[: -max(min(UNDO_STEPS, UNDO_BYTES // max(each, 1)), 2) - 1]
        self._at = len(self._states) - 1

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier state."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone state."""
        return self._at < len(self._states) - 1

    def undo(self) -> Chosen | None:
        """Step back and return that state (None: nothing selected)."""
        self._at = max(self._at - 1, 0)
        return self._states[self._at]

    def redo(self) -> Chosen | None:
        """Step forward and return that state."""
        self._at = min(self._at + 1, len(self._states) - 1)
        return self._states[self._at]


class Selections:
    """The selections of one tab.

    Parameters
    ----------
    services : Services

    Attributes
    ----------
    chosen : Chosen or None
        The standing selection; None if nothing was selected.
    mask : array of bool, shape (n,), or None
        The same as a mask; never changed in place.
    history : SelectionHistory
    saved : dict of str to Chosen
        Selections kept under a name, oldest first.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self.chosen: Chosen | None = None
        self.mask: Mask | None = None
        self.history = SelectionHistory()
        self.saved: dict[str, Chosen] = {}

    def choose(self, mask: Mask, step: Step, outline: Outline | None) -> None:
        """Combine a mask with the standing selection as the step's mode says.

        Parameters
        ----------
        mask : array of bool, shape (n,)
            Of detections on the map.
        step : Step
            How the mask was made.
        outline : (array, array) or None
        """
        steps = (*(self.chosen.steps if self.chosen else ()), step)
        recipe = step.recipe
        if step.mode == "replace" or (step.mode == "add" and self.chosen is None):
            # A recalled selection that nothing on the map cuts is that selection.
            whole = isinstance(recipe, Saved) and not step.hidden and not step.filters
            steps = recipe.steps if isinstance(recipe, Saved) and whole else (replace(step, mode="replace"),)
        self._stand(combine(self.mask, mask, step.mode), steps, outline)
        self.history.push(self.chosen)

    def clear(self) -> None:
        """Select nothing."""
        self.chosen, self.mask = None, None
        self.history.push(None)

    def undo(self) -> bool:
        """Return to the selection before; False if there is none."""
        return self.history.can_undo and self._restore(self.history.undo())

    def redo(self) -> bool:
        """Undo the undoing; False if nothing was undone."""
        return self.history.can_redo and self._restore(self.history.redo())

    def _restore(self, chosen: Chosen | None) -> bool:
        self.chosen = chosen
        self.mask = None if chosen is None else chosen.mask(len(self._services))
        return True

    def _stand(self, mask: Mask, steps: Steps, outline: Outline | None) -> None:
        self.mask = mask
        self.chosen = Chosen(np.packbits(mask), int(np.count_nonzero(mask)), outline, steps)

    # -- names -------------------------------------------------------------------------------------------------------
    def save(self, name: str) -> str:
        """Keep the standing selection under a name; the same name again replaces what it held.

        Returns
        -------
        str
            The name as it was kept.

        Raises
        ------
        OptionError
            If nothing is selected, the name is empty, or there are too many.
        """
        name = _tidy(name)
        if self.chosen is None:
            raise OptionError("nothing is selected", todo="Select something, then save it")
        if name not in self.saved and len(self.saved) >= MAX_SAVED:
            raise OptionError(f"{MAX_SAVED} selections are saved already", todo="Delete one first")
        self.saved[name] = self.chosen
        return name

    def recall(self, name: str) -> tuple[Mask, Saved, Outline | None]:
        """Return a saved selection as something that can be selected; KeyError for an unknown name."""
        chosen = self.saved[name]
        return chosen.mask(len(self._services)), Saved(name, chosen.steps), chosen.outline

    def rename(self, old: str, new: str) -> str:
        """Give a saved selection another name, in the same place of the list.

        Raises
        ------
        OptionError
            If the new name is empty or another's.
        """
        new = _tidy(new)
        if new != old and new in self.saved:
            raise OptionError(f"there is a selection “{new}” already", todo="Choose another name")
        self.saved = {new if name == old else name: chosen for name, chosen in self.saved.items()}
        return new

    def drop(self, name: str) -> None:
        """Forget a saved selection; unknown names are ignored."""
        self.saved.pop(name, None)

    # -- links -------------------------------------------------------------------------------------------------------
    def to_plain(self) -> dict[str, Any]:
        """As JSON, for links: what can be made again from a short recipe. Empty if there is nothing."""
        plain: dict[str, Any] = {}
        if self.chosen is not None and (steps := steps_to_plain(self.chosen.steps)) is not None:
            plain["now"] = steps
        kept = {name: steps_to_plain(chosen.steps) for name, chosen in self.saved.items()}
        if saved := {name: steps for name, steps in kept.items() if steps is not None}:
            plain["saved"] = saved
        return plain

    def from_plain(self, plain: Any) -> list[str]:
        """Make again what `to_plain` wrote.

        Returns
        -------
        list of str
            What could not be made, in words, and why.
        """
        if not isinstance(plain, dict):
            return ["selections: not understood"]
        ignored: list[str] = []
        saved = plain.get("saved", {})
        wanted = [("", plain["now"])] if "now" in plain else []
        wanted += list(saved.items())[:MAX_SAVED] if isinstance(saved, dict) else []
        for name, steps_plain in wanted:
            try:
                steps = steps_from_plain(steps_plain)
                mask = made(steps, self._services)
                outline = steps[-1].recipe.outline
                chosen = Chosen(np.packbits(mask), int(np.count_nonzero(mask)), outline, steps)
                if name:
                    self.saved[_tidy(str(name))] = chosen
                else:
                    self.chosen, self.mask = chosen, mask
                    self.history.push(chosen)
            except OptionError as error:
                ignored.append(f"selection{f' “{str(name)[:MAX_NAME]}”' if name else ''}: {error.what}")
        return ignored


def _tidy(name: str) -> str:
    """Shorten a name to one line."""
    name = " ".join(name.split())[:MAX_NAME].strip()
    if not name:
        raise OptionError("the name is empty", todo="Write a name of a few letters")
    return name
