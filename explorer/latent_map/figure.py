"""The map as a Bokeh figure: live under pan and zoom, with pick, decode, lasso, disc and hover."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import panel as pn
import param
from bokeh.plotting import figure as bokeh_figure

from explorer.figures.sheet import Picture
from explorer.latent_map.axes import Axes
from explorer.latent_map.cells import cells_of
from explorer.latent_map.frame import Frame, Request, View
from explorer.latent_map.frame_loop import FrameLoop
from explorer.latent_map.gestures import Gestures
from explorer.latent_map.marks import Marks
from explorer.latent_map.paper import map_picture
from explorer.latent_map.renderer import renderer_of
from explorer.latent_map.scene import Picked, Scale, Scene
from explorer.latent_map.still import still
from explorer.latent_map.viewport import Viewport
from explorer.latent_map.wire import Parcel, Wire
from explorer.palette import palette
from explorer.services import Services
from explorer.session import Session
from explorer.tools import words

_LOG = logging.getLogger(__name__)
#: For marks drawn before the browser has laid the figure out; drawn again with the first frame [px].
_ASSUMED_SIZE: Final = (900, 800)
#: Bokeh measures text without the page's tabular figures, so it must draw without them too.
#: The look's focus ring instead of Bokeh's dotted line; pointer.js takes it away for those who came by mouse.
_STYLE: Final = """
:host { font-feature-settings: normal; font-variant-numeric: normal; }
.bk-Canvas { --outline-width: var(--map-focus, 2px); --outline-style: solid; --highlight-color: var(--focus); }
"""
#: What a frame depends on; its watchers ask for a new one.
_DRAWN: Final = ["hidden_classes", "density", "grey_unselected", "colour_by", "contours", "filters"]


def warm_up(services: Services) -> None:
    """Compile and index what the first visitor would wait for."""
    renderer_of(services)
    cells_of(services)


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
    viewport : Viewport
        What the browser looks at.
    frame : Frame or None
        The frame on screen.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.frame: Frame | None = None
        self._services = services = session.services
        self._told: Frame | None = None
        self._scene = Scene()
        self.viewport = Viewport(View(*services.home), self._looked)
        self.figure = _empty_figure(self.viewport)
        self._wire = Wire(self.figure)
        self.viewport.listen(self.figure, self._wire.image)
        self.marks = Marks(self.figure, palette(session.theme))
        self.gestures = Gestures(self.figure, session, cells_of(services), self.marks.sources, self._scene)
        self._axes = Axes(self.figure)
        document = pn.state.curdoc
        self._loop = FrameLoop(services, renderer_of(services), document, self._request, self._arrived, self._not_drawn)
        if document is not None:
            document.on_session_destroyed(lambda _context: self._loop.close())
        self._style()
        self._follow_session()
        self._mark_picked()
        self._mark_selection()

    # -- what others may ask -----------------------------------------------------------------------------------------
    def zoom(self, factor: float) -> None:
        """Zoom about the middle; above 1 is closer."""
        self.viewport.zoom(factor)

    def home(self) -> None:
        """Show the whole map."""
        self.viewport.home()

    def pan(self, fx: float, fy: float) -> None:
        """Move by fractions of the view, to the right and up."""
        self.viewport.pan(fx, fy)

    @property
    def view(self) -> View:
        """What is on screen, in latent units."""
        return self.viewport.view

    # -- session -----------------------------------------------------------------------------------------------------
    def picture(self) -> Picture | None:
        """Return what is on screen as a figure for a paper; None before the page is laid out."""
        return map_picture(self.session, self._request(), self._scene)

    def foresee(self, size: tuple[int, int]) -> str | None:
        """Draw the first frame before anyone asks for it, for the size that the map will probably have.

        The page carries it: as an image to look at while it opens, and as the frame that it opens with.

        Returns
        -------
        str or None
            The image as a data URI; None where there is no telling: with equal scales the view depends on the size.
        """
        if self.session.equal_aspect:
            return None
        try:
            self._loop.foresee(self._request_at(size))
        except Exception:  # the page still opens, and the frame that it asks for then says what is wrong
            _LOG.exception("the first frame of the map could not be drawn")
            return None
        assert self.frame is not None
        return still(self.frame, palette(self.session.theme)["map-bg"])

    def _follow_session(self) -> None:
        session, watch = self.session, self.session.param.watch
        watch(lambda *_: self._loop.request(), _DRAWN)
        watch(self._changed_theme, "theme")
        watch(lambda event: self.gestures.take(event.new), "tool")
        watch(lambda event: self.viewport.show(View(*event.new)), "wanted_view", onlychanged=False)
        watch(lambda event: self.viewport.keep_equal(event.new), "equal_aspect")
        # after the inspector, which sends for the spectrum: it is read while the marks are made
        watch(lambda *_: self._mark_picked(), ["picked", "decoded"], precedence=1)
        watch(lambda *_: self._mark_selection(), ["selection_count", "outline"])
        if session.equal_aspect:
            self.viewport.keep_equal(True)

    def _changed_theme(self, *_events: param.parameterized.Event) -> None:
        self._style()
        self._mark_picked()
        self._loop.request()

    def _style(self) -> None:
        colours = palette(self.session.theme)
        self._axes.style(colours)
        self.gestures.style(colours)
        self.marks.style(colours)

    # -- frames ------------------------------------------------------------------------------------------------------
    def _looked(self) -> None:
        """Hear that the browser looks elsewhere, rests, or has shown a frame."""
        size = self.viewport.size
        self.gestures.scale = None if size is None else Scale(self.viewport.view, *size)
        if self.viewport.seen == self._wire.sent:
            self._loop.seen()
        self._loop.request()
        self._tell()

    def _request(self) -> Request | None:
        size = self.viewport.size
        return None if size is None else self._request_at(size)

    def _request_at(self, size: tuple[int, int]) -> Request:
        session = self.session
        return Request(
            self.viewport.view,
            size,
            session.hidden_classes,
            session.density,
            session.theme,
            session.colour_by,
            selection=session.selection if session.grey_unselected else None,
            passing=session.passing,
            contours=session.contours,
        )

    def _arrived(self, parcel: Parcel) -> None:
        self._wire.send(parcel)
        self.frame = parcel.frame
        self.marks.contours(parcel.frame.contours)
        self._scene.regions = parcel.frame.regions
        self._draw_marks()
        self._tell()

    def _not_drawn(self, error: BaseException) -> None:
        _LOG.error("a frame of the map could not be drawn", exc_info=error)
        self.session.notice = "The map could not be drawn here: move it, or see the server's log."

    def _tell(self) -> None:
        """Tell the session what is on screen once the hand rests: every number in the page would follow it."""
        frame = self.frame
        if frame is None or frame is self._told or self.viewport.moving:
            return
        self._told = frame
        view = frame.view
        self.session.param.update(
            max_per_pixel=frame.max_per_pixel,
            frame_ms=frame.milliseconds,
            view=(view.x0, view.x1, view.y0, view.y1),
            counts_in_view=frame.class_counts,
            colour_scale=None if frame.scale is None else asdict(frame.scale),
        )

    # -- marks -------------------------------------------------------------------------------------------------------
    @property
    def _scale(self) -> Scale:
        return Scale(self.view, *(self.viewport.size or _ASSUMED_SIZE))

    def _draw_marks(self) -> None:
        self.marks.draw(self._scene, self._scale)
        self._axes.enlarge(self._scale.large)

    def _mark_picked(self) -> None:
        session, atlas = self.session, self._services.atlas
        scene = self._scene
        scene.decoded, scene.picked, scene.track = session.decoded, None, None
        if session.picked is not None:
            row = session.picked
            track = atlas.trajectory(int(atlas.catalogue["source_id"].iat[row]))
            several = len(track) > 1
            place = int(np.flatnonzero(track["row"] == row)[0]) + 1
            scene.track = track if several else None
            sigma_x, sigma_y = (float(value) for value in atlas.sigmas[row, :2])
            scene.picked = Picked(
                x=float(self._services.x[row]),
                y=float(self._services.y[row]),
                sigma_x=sigma_x,
                sigma_y=sigma_y,
                name=words.short_name(str(atlas.catalogue["name"].iat[row])),
                place=f"observation {place} of {len(track)}" if several else "",
                class_name=self._services.class_of(row),
                class_code=int(self._services.class_codes[row]),
            )
        self._draw_marks()

    def _mark_selection(self) -> None:
        self._scene.outline, self._scene.selected = self.session.outline, self.session.selection_count
        self._draw_marks()
        self._loop.request()


def _empty_figure(viewport: Viewport) -> bokeh_figure:
    options: dict[str, Any] = {"lod_threshold": None, "lod_timeout": 120, "lod_interval": 120}
    figure = bokeh_figure(
        css_classes=["xle-map"],
        stylesheets=[_STYLE],
        sizing_mode="stretch_both",
        x_range=viewport.x,
        y_range=viewport.y,
        tools=[],
        toolbar_location=None,
        min_border=0,
        outline_line_color=None,
        background_fill_color=None,  # the page's own colour, and its still image until the first frame has come
        border_fill_color=None,
        **options,
    )
    figure.grid.visible = False
    return figure
