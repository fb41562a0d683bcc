"""The state of one browser tab: what is picked, selected, hidden. Values only; views watch it and never each other."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
import param
from numpy.typing import NDArray

from explorer.services import Services
from explorer.tools.selection import SELECTION_MODES, Mask, SelectionHistory, combine

TABS = ("spectrum", "trajectory", "similar", "selection")


class Hover(TypedDict):
    """What is under the mouse, for the card beside it; the value of `Session.hover`."""

    x_px: float  #: position in the map's figure [pixels from the left]
    y_px: float  #: and from the top
    radius_px: float  #: detections within this radius are described
    n: int  #: visible detections there
    shares: list[tuple[str, float]]  #: classes and their fraction of `n`, largest first, at most three, then "Other"
    nearest: str  #: name of the nearest visible detection
    distance_px: float  #: how far away it is


class Session(param.Parameterized):
    """State of one tab.

    Change it through the methods; watch the parameters. At most one of `picked` and `decoded` is set.
    """

    theme = param.Selector(default="dark", objects=["dark", "light"], doc="Colour theme.")
    tab = param.Selector(default="spectrum", objects=list(TABS), doc="Tab of the inspector.")
    tool = param.Selector(default="pan", objects=["pan", "lasso", "box"], doc="What a drag on the map does.")
    density = param.Selector(default="equal", objects=["equal", "log", "linear"], doc="Opacity scale of the map.")
    grey_unselected = param.Boolean(default=True, doc="Show what is not selected in grey.")
    hidden_classes = param.ClassSelector(default=frozenset(), class_=frozenset, doc="Class names left off the map.")
    picked = param.Integer(default=None, allow_None=True, doc="Catalogue row of the picked detection.")
    decoded = param.NumericTuple(default=None, length=2, allow_None=True, doc="Latent position decoded, not a source.")
    selection_mode = param.Selector(default="replace", objects=list(SELECTION_MODES), doc="What a new selection does.")
    selection_count = param.Integer(default=-1, doc="Detections selected; -1: nothing was selected. Watch this one.")
    outline = param.Parameter(default=None, doc="Last lasso or box: (xs, ys) in latent units, or None.")
    cursor = param.Parameter(default=None, doc="Latent position under the mouse, or None.")
    hover = param.Dict(default=None, allow_None=True, doc="What is under the mouse: see `Hover`; None for nothing.")
    max_per_pixel = param.Integer(default=0, doc="Detections in the fullest pixel of the last map frame.")
    shown = param.Integer(default=0, doc="Detections of visible classes.")
    frame_ms = param.Number(default=float("nan"), doc="Server time of the last map frame [ms].")
    notice = param.String(default="", doc="One sentence for the status line; empty for none.")

    def __init__(self, services: Services, **params: Any) -> None:
        super().__init__(**params)
        self.services = services
        self.selection: Mask | None = None
        self.history = SelectionHistory(len(services))
        self.shown = len(services)
        self._observations: tuple[int | None, NDArray[np.int64]] = None, np.zeros(0, np.int64)

    # -- picking ---------------------------------------------------------------------------------------------------
    def pick(self, row: int) -> None:
        """Pick a detection by its catalogue row."""
        with param.parameterized.batch_call_watchers(self):
            self.decoded = None
            self.picked = int(row)
            self._leave_selection()

    def decode(self, x: float, y: float) -> None:
        """Decode a latent position where there is no source."""
        with param.parameterized.batch_call_watchers(self):
            self.picked = None
            self.decoded = (float(x), float(y))
            self._leave_selection()

    def _leave_selection(self) -> None:
        if self.tab == "selection":
            self.tab = "spectrum"

    def clear_pick(self) -> None:
        """Pick and decode nothing."""
        with param.parameterized.batch_call_watchers(self):
            self.picked = None
            self.decoded = None

    @property
    def detection_id(self) -> int | None:
        """Identifier of the picked detection."""
        return None if self.picked is None else int(self.services.atlas.catalogue["detection_id"].iat[self.picked])

    def observations(self) -> NDArray[np.int64]:
        """Catalogue rows of all observations of the picked source in time order; empty if nothing is picked."""
        if self.picked is None:
            return np.zeros(0, np.int64)
        source = int(self.services.atlas.catalogue["source_id"].iat[self.picked])
        if self._observations[0] != source:
            rows = self.services.atlas.trajectory(source)["row"].to_numpy(np.int64)
            self._observations = source, rows
        return self._observations[1]

    def step_observation(self, by: int) -> None:
        """Pick the observation of the same source that is `by` places later; stops at the first and last."""
        rows = self.observations()
        if rows.size:
            at = int(np.flatnonzero(rows == self.picked)[0])
            self.pick(rows[min(max(at + by, 0), rows.size - 1)])

    # -- classes ---------------------------------------------------------------------------------------------------
    def toggle_class(self, name: str) -> None:
        """Hide a class, or show it again."""
        self._hide(self.hidden_classes ^ {name})

    def solo_class(self, name: str) -> None:
        """Show one class only; a second time shows all again."""
        others = frozenset(self.services.class_names) - {name}
        self._hide(frozenset() if self.hidden_classes == others else others)

    def show_all_classes(self) -> None:
        """Show every class."""
        self._hide(frozenset())

    def _hide(self, names: frozenset[str]) -> None:
        with param.parameterized.batch_call_watchers(self):
            self.hidden_classes = frozenset(names)
            self.shown = int(self.services.class_counts[self.visible].sum())

    @property
    def visible(self) -> Mask:
        """Which classes are on the map, shape (n_classes,)."""
        return np.array([name not in self.hidden_classes for name in self.services.class_names])

    # -- selection -------------------------------------------------------------------------------------------------
    def select(self, mask: Mask, outline: tuple[Any, Any] | None = None) -> None:
        """Combine detections (visible classes only) with the selection, as `selection_mode` says."""
        if self.hidden_classes:
            mask = mask & self.visible[self.services.class_codes]
        combined = combine(self.selection, mask, self.selection_mode)
        self.history.push(combined)
        self._set_selection(combined, outline)
        self.tab = "selection"

    def clear_selection(self) -> None:
        """Select nothing."""
        if self.selection is not None:
            self.history.push(None)
            self._set_selection(None, None)

    def undo(self) -> None:
        """Return to the selection before."""
        if self.history.can_undo:
            self._set_selection(self.history.undo(), None)

    def redo(self) -> None:
        """Undo the undoing."""
        if self.history.can_redo:
            self._set_selection(self.history.redo(), None)

    def _set_selection(self, mask: Mask | None, outline: tuple[Any, Any] | None) -> None:
        self.selection = mask
        count = -1 if mask is None else int(np.count_nonzero(mask))
        with param.parameterized.batch_call_watchers(self):
            self.outline = outline
            if count == self.selection_count:  # another mask of the same size is a change too
                self.param.trigger("selection_count")
            self.selection_count = count
