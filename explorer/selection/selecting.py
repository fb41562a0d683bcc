"""The part of a session that selects: what is selected, what the next selection does, undo, names."""

from __future__ import annotations

from typing import Any

import numpy as np
import param
from numpy.typing import NDArray

from explorer.filters.filters import Filter
from explorer.selection.query import Query
from explorer.selection.recipes import ByQuery, Disc, Lasso, Listed, OfClass, Outline, Recipe, Shown
from explorer.selection.state import SelectionHistory, Selections
from explorer.selection.steps import Step
from explorer.services import Services
from explorer.tools.masks import SELECTION_MODES, Mask, SelectionMode

#: Classes left off the map, filters, and which detections are shown (None: all of them).
OnMap = tuple[frozenset[str], tuple[Filter, ...], Mask | None]


class Selecting(param.Parameterized):
    """Selections of one tab, to be watched and changed as parts of its session.

    Parameters
    ----------
    services : Services
    """

    selection_mode = param.Selector(default="replace", objects=list(SELECTION_MODES), doc="What a new selection does.")
    held_mode = param.Selector(default="", objects=["", *SELECTION_MODES], doc="Mode while a key is held down.")
    selection_count = param.Integer(default=-1, doc="Detections selected; -1: nothing was selected. Watch this one.")
    saved = param.ClassSelector(
        default=(), class_=tuple, doc="Selections kept under a name: (name, detections) of each."
    )
    outline = param.Parameter(default=None, doc="Last lasso or box: (xs, ys) in latent units, or None.")

    def __init__(self, services: Services, **params: Any) -> None:
        super().__init__(**params)
        self.services = services
        self.selections = Selections(services)

    def _on_map(self) -> OnMap:
        """Return what is on the map: only that is selected."""
        raise NotImplementedError

    def _after_selecting(self) -> None:
        """Hear that a person selected something."""

    @property
    def selection(self) -> Mask | None:
        """Which detections are selected, shape (n,); None if nothing was. Never changed in place."""
        return self.selections.mask

    @property
    def history(self) -> SelectionHistory:
        """What undo and redo lead to."""
        return self.selections.history

    @property
    def selection_words(self) -> str:
        """How the selection was made; empty if nothing is selected."""
        return self.selections.chosen.words if self.selections.chosen else ""

    @property
    def mode(self) -> SelectionMode:
        """What the next selection does: the mode of the key that is held, else the one chosen."""
        mode: SelectionMode = self.held_mode or self.selection_mode
        return mode

    def select(self, mask: Mask, outline: Outline | None = None, recipe: Recipe | None = None) -> None:
        """Combine detections (only those on the map) with the selection, as `mode` says.

        Parameters
        ----------
        mask : array of bool, shape (n,)
        outline : (array, array), optional
            A lasso or box to draw around them: xs and ys in latent units.
        recipe : Recipe, optional
            How the mask was made; without one it is the outline.
        """
        if recipe is None:
            recipe = Listed("a list of detections") if outline is None else Lasso(*outline)
        hidden, filters, shown = self._on_map()
        step = Step(self.mode, recipe, hidden, filters)
        self.selections.choose(mask if shown is None else mask & shown, step, outline)
        self._tell_selection()
        self._after_selecting()

    def select_by(self, recipe: Recipe) -> None:
        """Select what a recipe makes: a disc, a query, a class.

        Raises
        ------
        OptionError
            For a query over what the atlas lacks, or an unknown class.
        """
        self.select(recipe.mask(self.services, self._on_map()[2]), recipe.outline, recipe)

    def select_disc(self, x: float, y: float, rx: float, ry: float) -> None:
        """Select what lies within an ellipse along the axes; latent units."""
        self.select_by(Disc(x, y, rx, ry))

    def select_class(self, name: str) -> None:
        """Select all detections of a display class."""
        self.select_by(OfClass(name))

    def select_shown(self) -> None:
        """Select everything on the map."""
        self.select_by(Shown())

    def select_query(self, text: str) -> None:
        """Select what a query holds for; OptionError says what is wrong with it."""
        self.select_by(ByQuery(Query(text)))

    def select_rows(self, rows: NDArray[np.integer], how: str) -> None:
        """Select catalogue rows; `how` says where the list came from."""
        mask = np.zeros(len(self.services), dtype=bool)
        mask[rows] = True
        self.select(mask, None, Listed(how))

    def clear_selection(self) -> None:
        """Select nothing."""
        if self.selection is not None:
            self.selections.clear()
            self._tell_selection()

    def undo(self) -> None:
        """Return to the selection before."""
        if self.selections.undo():
            self._tell_selection()

    def redo(self) -> None:
        """Undo the undoing."""
        if self.selections.redo():
            self._tell_selection()

    def _tell_selection(self) -> None:
        chosen = self.selections.chosen
        count = -1 if chosen is None else chosen.count
        with param.parameterized.batch_call_watchers(self):
            self.outline = None if chosen is None else chosen.outline
            if count == self.selection_count:  # another mask of the same size is a change too
                self.param.trigger("selection_count")
            self.selection_count = count

    # -- selections kept under a name ------------------------------------------------------------------------------
    def save_selection(self, name: str) -> str:
        """Keep the selection under a name, and return the name; OptionError where that cannot be."""
        name = self.selections.save(name)
        self._tell_saved()
        return name

    def recall_selection(self, name: str) -> None:
        """Select again what was saved under a name, as `mode` says; unknown names are ignored."""
        if name in self.selections.saved:
            mask, recipe, outline = self.selections.recall(name)
            self.select(mask, outline, recipe)

    def rename_selection(self, old: str, new: str) -> None:
        """Give a saved selection another name; OptionError where it is another's."""
        self.selections.rename(old, new)
        self._tell_saved()

    def drop_selection(self, name: str) -> None:
        """Forget a saved selection."""
        self.selections.drop(name)
        self._tell_saved()

    def _tell_saved(self) -> None:
        saved = tuple((name, chosen.count) for name, chosen in self.selections.saved.items())
        if saved == self.saved:  # another selection of the same size under the same name is a change too
            self.param.trigger("saved")
        self.saved = saved

    def selections_to_plain(self) -> dict[str, Any]:
        """Return the standing and the saved selections as JSON for a link, where they are small; may be empty."""
        return self.selections.to_plain()

    def restore_selections(self, plain: Any) -> list[str]:
        """Make again what `selections_to_plain` wrote; returns what was ignored, in words."""
        ignored = self.selections.from_plain(plain)
        self._tell_selection()
        self._tell_saved()
        return ignored
