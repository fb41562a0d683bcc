"""The state of one browser tab: what is picked, selected, hidden. Values only; views watch it and never each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

import numpy as np
import param
from numpy.typing import NDArray

from explorer.filters import filters as filtering
from explorer.filters.filters import Filter
from explorer.filters.histograms import count
from explorer.selection.selecting import OnMap, Selecting
from explorer.services import Services
from explorer.tools.masks import Mask

TABS = ("spectrum", "trajectory", "similar", "selection")
TOOLS = ("pan", "lasso", "box", "disc")
#: A view of the map in latent units: x0, x1, y0, y1.
Extent = tuple[float, float, float, float]


class Hover(TypedDict):
    """What is under the mouse, for the card beside it; the value of `Session.hover`."""

    x_px: float  #: position in the map's figure [pixels from the left]
    y_px: float  #: and from the top
    radius_px: float  #: detections within this radius are described
    n: int  #: visible detections there
    shares: list[tuple[str, float]]  #: classes and their fraction of `n`, largest first, at most three, then "Other"
    nearest: str  #: name of the nearest visible detection
    distance_px: float  #: how far away it is


class Session(Selecting):
    """State of one tab.

    Change it through the methods; watch the parameters. At most one of `picked` and `decoded` is set.
    """

    theme = param.Selector(default="dark", objects=["dark", "light"], doc="Colour theme.")
    tab = param.Selector(default="spectrum", objects=list(TABS), doc="Tab of the inspector.")
    tool = param.Selector(default="pan", objects=list(TOOLS), doc="What a drag on the map does.")
    density = param.Selector(default="equal", objects=["equal", "log", "linear"], doc="Opacity scale of the map.")
    colour_by = param.String(default="class", doc="What colours the map: class, count, or the key of a quantity.")
    contours = param.Boolean(default=False, doc="Draw contours of density over the map.")
    equal_aspect = param.Boolean(default=False, doc="One latent unit is as long in x as in y.")
    grey_unselected = param.Boolean(default=True, doc="Show what is not selected in grey.")
    hidden_classes = param.ClassSelector(default=frozenset(), class_=frozenset, doc="Class names left off the map.")
    filters = param.ClassSelector(default=(), class_=tuple, doc="Filters that all must pass; one for each key.")
    view = param.NumericTuple(default=None, length=4, allow_None=True, doc="What the map shows: x0, x1, y0, y1.")
    wanted_view = param.NumericTuple(default=None, length=4, allow_None=True, doc="Where the map is asked to go.")
    picked = param.Integer(default=None, allow_None=True, doc="Catalogue row of the picked detection.")
    decoded = param.NumericTuple(default=None, length=2, allow_None=True, doc="Latent position decoded, not a source.")
    cursor = param.Parameter(default=None, doc="Latent position under the mouse, or None.")
    hover = param.Dict(default=None, allow_None=True, doc="What is under the mouse: see `Hover`; None for nothing.")
    max_per_pixel = param.Integer(default=0, doc="Detections in the fullest pixel of the last map frame.")
    shown = param.Integer(default=0, doc="Detections of visible classes that pass the filters.")
    counts_in_view = param.Parameter(default=None, doc="Passing detections of each class in view, hidden ones too.")
    colour_scale = param.Dict(default=None, allow_None=True, doc="Quantity that colours the map: key, low, high.")
    frame_ms = param.Number(default=float("nan"), doc="Server time of the last map frame [ms].")
    notice = param.String(default="", doc="One sentence for the status line; empty for none.")

    def __init__(self, services: Services, **params: Any) -> None:
        super().__init__(services, **params)
        self.shown = len(services)
        self.passing: Mask | None = None
        self._passing_counts: tuple[Mask | None, NDArray[np.int64]] = None, services.class_counts
        self._observations: tuple[int | None, NDArray[np.int64]] = None, np.zeros(0, np.int64)

    # -- picking ---------------------------------------------------------------------------------------------------
    def pick(self, row: int) -> None:
        """Pick a detection by its catalogue row."""
        with param.parameterized.batch_call_watchers(self):
            self.decoded = None
            self.picked = int(row)
            self._leave_selection()

    def hop(self, row: int) -> None:
        """Pick a detection and, where it lies outside the view, bring the view there."""
        self.pick(row)
        x, y = float(self.services.x[row]), float(self.services.y[row])
        x0, x1, y0, y1 = self.view or self.services.home
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            half_width, half_height = (x1 - x0) / 2, (y1 - y0) / 2
            self.show_view((x - half_width, x + half_width, y - half_height, y + half_height))

    def show_view(self, view: Extent) -> None:
        """Ask the map to go to a view, at once and without animation."""
        self.wanted_view = view
        self.param.trigger("wanted_view")

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

    def invert_classes(self) -> None:
        """Show the hidden classes and hide the shown ones."""
        self._hide(frozenset(self.services.class_names) - self.hidden_classes)

    def hide_classes(self, names: frozenset[str]) -> None:
        """Hide exactly these classes; unknown names are ignored."""
        self._hide(names & frozenset(self.services.class_names))

    def _hide(self, names: frozenset[str]) -> None:
        with param.parameterized.batch_call_watchers(self):
            self.hidden_classes = frozenset(names)
            self.shown = int(self.passing_counts[self.visible].sum())

    @property
    def visible(self) -> Mask:
        """Which classes are on the map, shape (n_classes,)."""
        return np.array([name not in self.hidden_classes for name in self.services.class_names])

    # -- filters ---------------------------------------------------------------------------------------------------
    def set_filter(self, each: Filter) -> None:
        """Add a filter, in the place of the one with the same key if there is one."""
        at = [other.key for other in self.filters]
        kept = list(self.filters)
        if each.key in at:
            kept[at.index(each.key)] = each
        else:
            kept.append(each)
        self.set_filters(kept)

    def remove_filter(self, key: str) -> None:
        """Take a filter away."""
        self.set_filters(each for each in self.filters if each.key != key)

    def set_filters(self, filters: Iterable[Filter]) -> None:
        """Replace all filters. `passing` is up to date when watchers hear of it."""
        filters = tuple(filters)
        if filters == self.filters:
            return
        self.passing = filtering.passing(filters, self.services.atlas)
        with param.parameterized.batch_call_watchers(self):
            self.filters = filters
            self.shown = int(self.passing_counts[self.visible].sum())

    @property
    def passing_counts(self) -> NDArray[np.int64]:
        """Detections of each class that pass the filters, shape (n_classes,)."""
        passing, counts = self._passing_counts
        if passing is not self.passing:
            counts = count(self.services.class_codes, self.passing, len(self.services.class_names))
            self._passing_counts = self.passing, counts
        return counts

    @property
    def shown_mask(self) -> Mask | None:
        """Which detections are on the map, shape (n,); None for all of them."""
        if not self.hidden_classes:
            return self.passing
        visible = self.visible[self.services.class_codes]
        return visible if self.passing is None else visible & self.passing

    # -- what `Selecting` asks ------------------------------------------------------------------------------------
    def _on_map(self) -> OnMap:
        return self.hidden_classes, self.filters, self.shown_mask

    def _after_selecting(self) -> None:
        self.tab = "selection"
