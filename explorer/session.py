"""The state of one browser tab: what is picked, selected, hidden. Values only; views watch it and never each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

import numpy as np
import param
from numpy.typing import NDArray

from explorer.services import Services
from explorer.tools import filters as filtering
from explorer.tools.filters import Filter
from explorer.tools.histograms import count
from explorer.tools.query import Query
from explorer.tools.recipes import ByQuery, Disc, Lasso, Listed, OfClass, Outline, Recipe, Shown
from explorer.tools.selection import SELECTION_MODES, Mask, SelectionMode
from explorer.tools.selection_state import SelectionHistory, Selections
from explorer.tools.steps import Step

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


class Session(param.Parameterized):
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
    selection_mode = param.Selector(default="replace", objects=list(SELECTION_MODES), doc="What a new selection does.")
    held_mode = param.Selector(default="", objects=["", *SELECTION_MODES], doc="Mode while a key is held down.")
    selection_count = param.Integer(default=-1, doc="Detections selected; -1: nothing was selected. Watch this one.")
    saved = param.ClassSelector(
        default=(), class_=tuple, doc="Selections kept under a name: (name, detections) of each."
    )
    outline = param.Parameter(default=None, doc="Last lasso or box: (xs, ys) in latent units, or None.")
    cursor = param.Parameter(default=None, doc="Latent position under the mouse, or None.")
    hover = param.Dict(default=None, allow_None=True, doc="What is under the mouse: see `Hover`; None for nothing.")
    max_per_pixel = param.Integer(default=0, doc="Detections in the fullest pixel of the last map frame.")
    shown = param.Integer(default=0, doc="Detections of visible classes that pass the filters.")
    counts_in_view = param.Parameter(default=None, doc="Passing detections of each class in view, hidden ones too.")
    colour_scale = param.Dict(default=None, allow_None=True, doc="Quantity that colours the map: key, low, high.")
    frame_ms = param.Number(default=float("nan"), doc="Server time of the last map frame [ms].")
    notice = param.String(default="", doc="One sentence for the status line; empty for none.")

    def __init__(self, services: Services, **params: Any) -> None:
        super().__init__(**params)
        self.services = services
        self.selections = Selections(services)
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

    # -- selection -------------------------------------------------------------------------------------------------
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
        shown = self.shown_mask
        step = Step(self.mode, recipe, self.hidden_classes, self.filters)
        self.selections.choose(mask if shown is None else mask & shown, step, outline)
        self._tell_selection()
        self.tab = "selection"

    def select_by(self, recipe: Recipe) -> None:
        """Select what a recipe makes: a disc, a query, a class.

        Raises
        ------
        OptionError
            For a query over what the atlas lacks, or an unknown class.
        """
        self.select(recipe.mask(self.services, self.shown_mask), recipe.outline, recipe)

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
