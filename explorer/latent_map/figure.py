"""The map as a Bokeh figure: live under pan and zoom, with pick, decode, lasso and hover."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import panel as pn
import param
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.events import DoubleTap, MouseLeave, MouseMove, SelectionGeometry, Tap
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    LassoSelectTool,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.plotting import figure as bokeh_figure

from explorer.latent_map import pointer
from explorer.latent_map.axes import Axes
from explorer.latent_map.marks import Marks
from explorer.latent_map.renderer import Frame, Renderer, Selected, View, renderer_of
from explorer.latent_map.scene import Picked, Scale, Scene
from explorer.palette import Theme, palette
from explorer.session import Session
from explorer.tools import words
from explorer.tools.polygon import in_polygon
from explorer.tools.selection import Mask

#: The server hears of the mouse at most this often [ms].
_CURSOR_PAUSE: Final = 50
#: Deepest and widest view, as a share of the whole map.
_ZOOM_LIMITS: Final = (1e-4, 8.0)
#: For marks drawn before the browser has laid the figure out; drawn again with the first frame [px].
_ASSUMED_SIZE: Final = (900, 800)
#: Bokeh measures text without the page's tabular figures, so it must draw without them too.
#: The look's focus ring instead of Bokeh's dotted line; figure.js takes it away for those who came by mouse.
_STYLE: Final = """
:host { font-feature-settings: normal; font-variant-numeric: normal; }
.bk-Canvas { --outline-width: var(--map-focus, 2px); --outline-style: solid; --highlight-color: var(--focus); }
"""
_FOLLOW_MOUSE: Final = Path(__file__).with_name("figure.js").read_text(encoding="utf-8")


class LatentMap:
    """The map of one browser tab.

    Watches the session and calls its methods on gestures; draws in the services' threads and touches Bokeh models only
    under the document's lock.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    figure : bokeh.plotting.figure
        With ``css_classes=["xle-map"]``; stretches to fill its slot.
    frame : Frame or None
        The frame on screen; `Session.frame_ms` changes with it.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.frame: Frame | None = None
        self._services = session.services
        self._renderer: Renderer = renderer_of(self._services)
        self._document = pn.state.curdoc
        self._closed = False
        self._busy = False
        self._again = False
        self._drawn: _Job | None = None
        self._scene = Scene()
        self._selected: tuple[Mask | None, Selected | None] = None, None
        home = View(*self._services.home)
        self._x = _range(home.x0, home.x1)
        self._y = _range(home.y0, home.y1)
        self._image = ColumnDataSource({name: [] for name in ("image", "x", "y", "dw", "dh")}, name="xle-image")
        self._cursor = ColumnDataSource({name: [] for name in ("x", "y", "x_px", "y_px")}, name="xle-cursor")
        self._tools = {
            "pan": PanTool(),
            "lasso": LassoSelectTool(continuous=False, renderers=[]),
            "box": BoxSelectTool(continuous=False, renderers=[]),
        }
        self.figure = self._build()
        self.marks = Marks(self.figure, palette(session.theme))
        self._axes = Axes(self.figure)
        self._style()
        self._listen()
        self._follow_session()
        self._mark_picked()
        self._mark_selection()

    # -- what others may ask -----------------------------------------------------------------------------------------
    def zoom(self, factor: float) -> None:
        """Zoom about the middle; above 1 is closer."""
        view = self.view
        half_width, half_height = view.width / factor / 2, view.height / factor / 2
        x, y = (view.x0 + view.x1) / 2, (view.y0 + view.y1) / 2
        smallest, largest = (limit * (self._services.home[1] - self._services.home[0]) for limit in _ZOOM_LIMITS)
        if smallest <= 2 * half_width <= largest:
            self._show(View(x - half_width, x + half_width, y - half_height, y + half_height))

    def home(self) -> None:
        """Show the whole map."""
        self._show(View(*self._services.home))

    def pan(self, fx: float, fy: float) -> None:
        """Move by fractions of the view, to the right and up."""
        view = self.view
        dx, dy = fx * view.width, fy * view.height
        self._show(View(view.x0 + dx, view.x1 + dx, view.y0 + dy, view.y1 + dy))

    @property
    def view(self) -> View:
        """What is on screen, in latent units."""
        return View(float(self._x.start), float(self._x.end), float(self._y.start), float(self._y.end))

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None before the browser has laid the figure out."""
        try:
            size = self.figure.inner_width, self.figure.inner_height
        except UnsetValueError:
            return None
        return size if min(size) > 0 else None

    def _show(self, view: View) -> None:
        self._x.update(start=view.x0, end=view.x1)
        self._y.update(start=view.y0, end=view.y1)

    # -- building ----------------------------------------------------------------------------------------------------
    def _build(self) -> bokeh_figure:
        fig = bokeh_figure(
            css_classes=["xle-map"],
            stylesheets=[_STYLE],
            sizing_mode="stretch_both",
            x_range=self._x,
            y_range=self._y,
            tools=[],
            toolbar_location=None,
            min_border=0,
            outline_line_color=None,
            lod_timeout=120,  # Bokeh holds wheel events back for so long; its default is 500
            lod_interval=120,
        )
        fig.grid.visible = False
        wheel = WheelZoomTool()
        fig.add_tools(*self._tools.values(), wheel)
        fig.toolbar.active_scroll = wheel
        fig.toolbar.active_drag = self._tools[self.session.tool]
        fig.toolbar.active_tap = None
        fig.toolbar.active_inspect = None
        for name in ("lasso", "box"):
            self._tools[name].overlay.syncable = False  # its corners are no news to the server before the mouse is up
        fig.image_rgba("image", "x", "y", "dw", "dh", source=self._image, level="image")
        return fig

    def _style(self) -> None:
        colours = palette(self.session.theme)
        self.figure.background_fill_color = self.figure.border_fill_color = colours["map-bg"]
        for name in ("lasso", "box"):
            self._tools[name].overlay.update(
                fill_color=colours["select-fill"], line_color=colours["select"], line_width=1.5, line_dash=[5, 4]
            )
        self._axes.style(colours)
        self.marks.style(colours)

    def _listen(self) -> None:
        fig = self.figure
        for event in (Tap, DoubleTap):  # a second click within 300 ms is a DoubleTap and no Tap
            fig.on_event(event, self._clicked)
        fig.on_event(SelectionGeometry, self._enclosed)
        for value in (self._x, self._y):
            for end in ("start", "end"):
                value.on_change(end, self._changed)  # RangesUpdate would come only when a drag ends
        for side in ("inner_width", "inner_height"):
            fig.on_change(side, self._changed)
        self._cursor.on_change("data", self._moved)
        args = {"cursor": self._cursor, "hover": self.marks.sources["hover"], "pause_ms": _CURSOR_PAUSE}
        follow = CustomJS(args=args, code=_FOLLOW_MOUSE)
        fig.js_on_event(MouseMove, follow)
        fig.js_on_event(MouseLeave, follow)
        if self._document is not None:
            self._document.on_session_destroyed(self._close)

    def _follow_session(self) -> None:
        watch = self.session.param.watch
        watch(self._changed_session, ["hidden_classes", "density", "grey_unselected"])
        watch(self._changed_theme, "theme")
        watch(self._changed_tool, "tool")
        watch(lambda event: self._show(View(*event.new)), "wanted_view", onlychanged=False)
        watch(lambda *_: self._mark_picked(), ["picked", "decoded"])
        watch(lambda *_: self._mark_selection(), ["selection_count", "outline"])

    def _close(self, _context: Any) -> None:
        self._closed = True

    # -- frames ------------------------------------------------------------------------------------------------------
    def _changed(self, _attribute: str, _old: Any, _new: Any) -> None:
        self.request()

    def _changed_session(self, *_events: param.parameterized.Event) -> None:
        self.request()

    def _changed_theme(self, *_events: param.parameterized.Event) -> None:
        self._style()
        self._mark_picked()
        self.request()

    def _changed_tool(self, *_events: param.parameterized.Event) -> None:
        self.figure.toolbar.active_drag = self._tools[self.session.tool]

    def request(self) -> None:
        """Ask for a new frame; while one is being drawn, only the latest request is kept."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        if self._document is None:
            self._start()
        else:  # on the next tick all four ends of the ranges have arrived
            self._document.add_next_tick_callback(self._start)

    def _start(self) -> None:
        self._again = False
        job = self._job()
        if job is None or job == self._drawn:
            self._busy = False
            return
        future = self._services.pool.submit(self._draw, job)
        if self._document is None:
            self._land(job, future)
        else:
            future.add_done_callback(lambda done: self._document.add_next_tick_callback(partial(self._land, job, done)))

    def _job(self) -> _Job | None:
        size, session = self.size, self.session
        if size is None:
            return None
        greying = session.grey_unselected and session.selection is not None
        selection = session.selection if greying else None
        return _Job(self.view, size, session.hidden_classes, session.density, session.theme, selection)

    def _draw(self, job: _Job) -> Frame:
        """Run in a thread of the pool, one at a time for each map."""
        if job.selection is not self._selected[0]:
            self._selected = job.selection, None if job.selection is None else self._renderer.selected(job.selection)
        return self._renderer.render(
            job.view,
            job.size,
            visible=np.array([name not in job.hidden for name in self._services.class_names]),
            density=job.density,
            theme=job.theme,
            selection=self._selected[1],
        )

    def _land(self, job: _Job, future: Future[Frame]) -> None:
        self._busy = False
        if self._closed:
            return
        frame = future.result()
        self._drawn, self.frame = job, frame
        view = frame.view
        self._image.data = {
            "image": [frame.image],
            "x": [view.x0],
            "y": [view.y0],
            "dw": [view.width],
            "dh": [view.height],
        }
        self._draw_marks()
        self.session.param.update(
            max_per_pixel=frame.max_per_pixel, frame_ms=frame.milliseconds, view=(view.x0, view.x1, view.y0, view.y1)
        )
        if self._again:
            self.request()

    # -- marks -------------------------------------------------------------------------------------------------------
    @property
    def _scale(self) -> Scale:
        return Scale(self.view, *(self.size or _ASSUMED_SIZE))

    def _draw_marks(self) -> None:
        self.marks.draw(self._scene, self._scale)
        self._axes.enlarge(self._scale.large)

    def _mark_picked(self) -> None:
        session, atlas = self.session, self._services.atlas
        scene = self._scene
        scene.decoded, scene.picked, scene.track = session.decoded, None, None
        if session.picked is not None:
            row = session.picked
            source = atlas.catalogue.iloc[row]
            track = atlas.trajectory(int(source["source_id"]))
            several = len(track) > 1
            place = int(np.flatnonzero(track["row"] == row)[0]) + 1
            scene.track = track if several else None
            sigma_x, sigma_y = (float(value) for value in atlas.sigmas[row, :2])
            scene.picked = Picked(
                x=float(self._services.x[row]),
                y=float(self._services.y[row]),
                sigma_x=sigma_x,
                sigma_y=sigma_y,
                name=words.short_name(str(source["name"])),
                place=f"observation {place} of {len(track)}" if several else "",
                class_name=self._services.class_of(row),
                class_code=int(self._services.class_codes[row]),
            )
        self._draw_marks()

    def _mark_selection(self) -> None:
        self._scene.outline, self._scene.selected = self.session.outline, self.session.selection_count
        self._draw_marks()
        self.request()

    # -- gestures ----------------------------------------------------------------------------------------------------
    def _clicked(self, event: Tap) -> None:
        """Pick the nearest visible detection within reach, observations of the track first; else decode."""
        if event.x is None or event.y is None or self.size is None:
            return
        scale, track = self._scale, self._scene.track
        if track is not None:
            rows = track["row"].to_numpy(np.int64)
            distance = pointer.distances(self._services, rows, event.x, event.y, scale)
            if distance.min() <= pointer.REACH:
                self.session.pick(int(rows[distance.argmin()]))
                return
        rows, _ = pointer.near(self._services, self.session.visible, event.x, event.y, scale)
        if rows.size:
            self.session.pick(int(rows[0]))
        else:
            self.session.decode(event.x, event.y)

    def _enclosed(self, event: SelectionGeometry) -> None:
        """Select what a lasso or box holds, once the mouse is up."""
        if not event.final:
            return
        outline = _corners(event.geometry)
        if outline is not None:
            self.session.select(in_polygon(self._services.x, self._services.y, *outline), outline)

    def _moved(self, _attribute: str, _old: Any, new: dict[str, Any]) -> None:
        session = self.session
        if len(new["x"]) == 0 or self.size is None:
            session.param.update(cursor=None, hover=None)
            return
        x, y, *at = (float(new[name][0]) for name in ("x", "y", "x_px", "y_px"))
        under = pointer.hover(self._services, session.visible, x, y, (at[0], at[1]), self._scale)
        session.param.update(cursor=(x, y), hover=under)


@dataclass(frozen=True, eq=False)
class _Job:
    """All that a frame depends on."""

    view: View
    size: tuple[int, int]
    hidden: frozenset[str]
    density: str
    theme: Theme
    selection: Mask | None

    def __eq__(self, other: object) -> bool:
        """Whether both draw the same frame. Masks are never changed in place, so their identity will do."""
        return isinstance(other, _Job) and self.selection is other.selection and self._plain == other._plain

    @property
    def _plain(self) -> tuple[Any, ...]:
        return self.view, self.size, self.hidden, self.density, self.theme


def _range(start: float, end: float) -> Range1d:
    smallest, largest = (limit * (end - start) for limit in _ZOOM_LIMITS)
    return Range1d(start, end, min_interval=smallest, max_interval=largest)


def _corners(geometry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Corners of a lasso or box in latent units; None for what encloses nothing."""
    if geometry["type"] == "rect":
        x0, x1, y0, y1 = (float(geometry[name]) for name in ("x0", "x1", "y0", "y1"))
        x, y = np.array([x0, x1, x1, x0]), np.array([y0, y0, y1, y1])
    elif geometry["type"] == "poly":
        x, y = (_floats(geometry[name]) for name in ("x", "y"))
    else:
        return None
    return (x, y) if x.size >= 3 and np.isfinite(x).all() and np.isfinite(y).all() else None


def _floats(values: Any) -> np.ndarray:
    """Bokeh sends typed arrays as arrays, lists, or mappings from index to value."""
    return np.asarray(list(values.values()) if isinstance(values, dict) else values, dtype=np.float64)
