"""What a hand does on the map: click, enclose, point."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from bokeh.events import DoubleTap, MouseLeave, MouseMove, Pan, PanEnd, PanStart, SelectionGeometry, Tap
from bokeh.models import BoxSelectTool, ColumnDataSource, LassoSelectTool, PanTool, Tool, WheelZoomTool
from bokeh.plotting import figure as bokeh_figure

from explorer.latent_map import pointer
from explorer.latent_map.cells import Cells
from explorer.latent_map.scene import Scale, Scene
from explorer.palette import Palette
from explorer.selection.polygon import in_polygon
from explorer.session import Session
from explorer.tools.messages import in_one_message
from explorer.tools.scripts import callback

#: The server hears of the mouse at most this often [ms].
_CURSOR_PAUSE: Final = 50
_HERE: Final = Path(__file__).parent


class Gestures:
    """Turns what the mouse does on a figure into calls of the session's methods.

    Parameters
    ----------
    figure : bokeh.plotting.figure
    session : Session
    cells : Cells
    marks : dict of ColumnDataSource
        Sources "hover" and "disc", which the browser draws by itself.
    scene : Scene
        What is marked on the map: observations of the track are picked first.
    """

    def __init__(
        self, figure: bokeh_figure, session: Session, cells: Cells, marks: dict[str, ColumnDataSource], scene: Scene
    ) -> None:
        self._session, self._cells, self._scene = session, cells, scene
        self.scale: Scale | None = None  #: None before the browser has laid the figure out
        self._tools: dict[str, Tool] = {
            "pan": PanTool(),
            "lasso": LassoSelectTool(continuous=False, renderers=[]),
            "box": BoxSelectTool(continuous=False, renderers=[]),
        }
        wheel = WheelZoomTool(zoom_on_axis=False)
        figure.add_tools(*self._tools.values(), wheel)
        figure.toolbar.active_scroll = wheel
        figure.toolbar.active_tap = None
        figure.toolbar.active_inspect = None
        for name in ("lasso", "box"):
            self._tools[name].overlay.syncable = False  # its corners are no news to the server before the mouse is up
        figure.toolbar.active_drag = self._tools.get(session.tool)
        self._tool = ColumnDataSource({"tool": [session.tool]}, name="xle-tool")
        take = callback(_HERE / "tool.js", figure=figure, wanted=self._tool, **self._tools)
        self._tool.js_on_change("data", take)
        for event in (PanStart, PanEnd):
            figure.js_on_event(event, take)

        self._cursor = ColumnDataSource({name: [] for name in ("x", "y", "x_px", "y_px")}, name="xle-cursor")
        self._cursor.on_change("data", in_one_message(self._pointed))
        follow = callback(_HERE / "pointer.js", cursor=self._cursor, hover=marks["hover"], pause_ms=_CURSOR_PAUSE)
        for event in (MouseMove, MouseLeave, PanStart, PanEnd):
            figure.js_on_event(event, follow)

        self._disc = ColumnDataSource({name: [] for name in ("x", "y", "rx", "ry")}, name="xle-disc-drawn")
        self._disc.on_change("data", in_one_message(self._drew_disc))
        draw = callback(_HERE / "disc.js", figure=figure, disc=marks["disc"], drawn=self._disc)
        for event in (PanStart, Pan, PanEnd):
            figure.js_on_event(event, draw)

        for event in (Tap, DoubleTap):  # a second click within 300 ms is a DoubleTap and no Tap
            figure.on_event(event, in_one_message(self._clicked))
        figure.on_event(SelectionGeometry, in_one_message(self._enclosed))

    def take(self, tool: str) -> None:
        """Say what a drag does; the disc is drawn by our own script, with none of Bokeh's tools active."""
        self._tool.data = {"tool": [tool]}

    def style(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        for name in ("lasso", "box"):
            self._tools[name].overlay.update(
                fill_color=palette["select-fill"], line_color=palette["select"], line_width=1.5, line_dash=[5, 4]
            )

    def _clicked(self, event: Tap) -> None:
        """Pick the nearest detection on the map within reach, observations of the track first; else decode."""
        session, scale, track = self._session, self.scale, self._scene.track
        if event.x is None or event.y is None or scale is None:
            return
        if track is not None:
            rows = track["row"].to_numpy(np.int64)
            distance = pointer.distances(session.services, rows, event.x, event.y, scale)
            if distance.min() <= pointer.REACH:
                session.pick(int(rows[distance.argmin()]))
                return
        found = pointer.around(self._cells, session, event.x, event.y, scale)
        if found.nearest >= 0:
            session.pick(found.nearest)
        else:
            session.decode(event.x, event.y)

    def _enclosed(self, event: SelectionGeometry) -> None:
        """Select what a lasso or box holds, once the mouse is up."""
        if not event.final:
            return
        outline = _corners(event.geometry)
        if outline is not None:
            services = self._session.services
            self._session.select(in_polygon(services.x, services.y, *outline), outline)

    def _drew_disc(self, _attribute: str, _old: Any, new: dict[str, Any]) -> None:
        if len(new["x"]):
            self._session.select_disc(*(float(new[name][0]) for name in ("x", "y", "rx", "ry")))

    def _pointed(self, _attribute: str, _old: Any, new: dict[str, Any]) -> None:
        session = self._session
        if len(new["x"]) == 0 or self.scale is None:
            session.param.update(cursor=None, hover=None)
            return
        x, y, *at = (float(new[name][0]) for name in ("x", "y", "x_px", "y_px"))
        under = pointer.hover(self._cells, session, x, y, (at[0], at[1]), self.scale)
        session.param.update(cursor=(x, y), hover=under)


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
