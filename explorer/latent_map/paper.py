"""The map as a figure for a paper: rendered anew at the paper's resolution, its marks as vectors, its keys below."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from explorer.figures.sheet import EDGE_MM, Picture, Sheet, origin
from explorer.figures.spectrum import chip
from explorer.figures.style import LINE_MM, MM_PER_INCH, STRONG, TICK_PT, wrapped
from explorer.filters import quantities
from explorer.latent_map.contours import SHARES
from explorer.latent_map.frame import Contour, Frame, Request
from explorer.latent_map.paper_marks import draw_marks
from explorer.latent_map.ramps import ramp
from explorer.latent_map.renderer import MAX_SIDE, renderer_of
from explorer.latent_map.scene import Scale, Scene
from explorer.palette import Palette, class_token
from explorer.session import Session
from explorer.tools import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Left and right of the map, above it, for its axis below, between the parts below that [mm].
_LEFT, _RIGHT, _TOP, _AXIS, _GAP = 9.5, 1.5, 1.5, 8.5, 2.0
#: A key with its ramp, and the room that one takes in a row [mm].
_KEY, _KEY_WIDTH = 7.5, 42.5
#: Least width of a column of the legend [mm].
_LEGEND_WIDTH: Final = 41.0
#: Tallest map [mm]: what a page holds beside keys, legend and caption.
_TALLEST: Final = 190.0
#: Detections that fill a map two columns wide, dot by dot.
_MANY: Final = 3_000_000
#: Points of paper a pixel of the screen: marks keep their proportions, letters stay legible.
_POINTS_PER_PX: Final = 0.45
_SCALES: Final = {"equal": "equalised", "log": "logarithmic", "linear": "linear"}


@dataclass(frozen=True)
class Snapshot:
    """All that a figure of the map depends on.

    Parameters
    ----------
    session : Session
        Only for what never changes: its services.
    request : Request
        Of the frame on screen.
    scene : Scene
        A copy.
    """

    session: Session
    request: Request
    scene: Scene

    @property
    def classes(self) -> list[str]:
        """Classes on the map, where colour means class."""
        names = self.session.services.class_names
        return [name for name in names if name not in self.request.hidden] if self.request.colour_by == "class" else []

    def map_size(self, width: float) -> tuple[float, float]:
        """Width and height of the map on a sheet of some width [mm], in the proportions of the screen."""
        across = width - _LEFT - _RIGHT
        aspect = self.request.size[1] / self.request.size[0]
        shrink = min(1.0, _TALLEST / (across * aspect))
        return across * shrink, across * aspect * shrink

    def keys(self) -> list[Callable[[Sheet, float, float, Frame], None]]:
        """Return what is to be drawn below the map, beside each other."""
        keys = [_density_key(self)]
        if self.request.colour_by not in ("class", "count"):
            keys.insert(0, _colour_key(self))
        if self.scene.track is not None:
            keys.append(_time_key(self))
        return keys

    def height(self, width: float) -> float:
        """Height of the drawing on a sheet of some width [mm]."""
        _, tall = self.map_size(width)
        rows = -(-len(self.keys()) // max(1, int(width // _KEY_WIDTH)))
        return _TOP + tall + _AXIS + rows * (_KEY + _GAP) + self._legend_height(width) + self._note_height(width)

    def _legend_height(self, width: float) -> float:
        columns = max(1, int((width - 2 * EDGE_MM) // _LEGEND_WIDTH))
        return LINE_MM[TICK_PT] * (1 + -(-len(self.classes) // columns)) if self.classes else 0.0

    @property
    def note(self) -> str:
        """What the marks mean."""
        parts = []
        if self.scene.track is not None:
            parts.append("Ellipses: 1 σ of each observation, 1 and 2 σ of the ringed one. Steps below 3 σ are pale.")
        elif self.scene.picked is not None:
            parts.append("Ellipses: 1 and 2 σ of the latent position.")
        if self.request.contours:
            shares = ", ".join(f"{100 * share:.0f}" for share in SHARES)
            parts.append(
                f"Lines hold {shares} % of what is shown. Dotted: where a class prevails, its share of the labelled."
            )
        return " ".join(parts)

    def _note_lines(self, width: float) -> list[str]:
        return wrapped(self.note, width - 2 * EDGE_MM, TICK_PT) if self.note else []

    def _note_height(self, width: float) -> float:
        lines = len(self._note_lines(width))
        return lines * LINE_MM[TICK_PT] + 1.0 if lines else 0.0

    def draw(self, sheet: Sheet) -> None:
        """Draw the map and what belongs below it."""
        across, tall = self.map_size(sheet.width)
        axes = sheet.axes(_LEFT, _TOP, across, tall, label="map")
        frame = draw_map(axes, self, sheet.colours, (across, tall))
        top, per_row = _TOP + tall + _AXIS, max(1, int(sheet.width // _KEY_WIDTH))
        keys = self.keys()
        for number, draw in enumerate(keys):
            row, column = divmod(number, per_row)
            draw(sheet, EDGE_MM + column * _KEY_WIDTH, top + row * (_KEY + _GAP), frame)
        top += -(-len(keys) // per_row) * (_KEY + _GAP)
        for number, line in enumerate(self._note_lines(sheet.width)):
            sheet.text(EDGE_MM, top + number * LINE_MM[TICK_PT], line, TICK_PT, color=sheet.colours["text-2"])
        top += self._note_height(sheet.width)
        if self.classes:
            self._draw_legend(sheet, top, frame)

    def _draw_legend(self, sheet: Sheet, top: float, frame: Frame) -> None:
        services, colours = self.session.services, sheet.colours
        sheet.text(EDGE_MM, top, "Class, detections in view", TICK_PT, **STRONG)
        top += LINE_MM[TICK_PT]
        columns = max(1, int((sheet.width - 2 * EDGE_MM) // _LEGEND_WIDTH))
        rows, step = -(-len(self.classes) // columns), (sheet.width - 2 * EDGE_MM) / columns
        for number, name in enumerate(self.classes):
            column, row = divmod(number, rows)
            left, line = EDGE_MM + column * step, top + row * LINE_MM[TICK_PT]
            code = services.class_names.index(name)
            chip(sheet, left, line + 0.35, colours[f"c-{class_token(name, code)}"])
            sheet.text(left + 2.8, line, name, TICK_PT)
            count = f"{int(frame.class_counts[code]):,}"
            sheet.text(left + step - 3.0, line, count, TICK_PT, ha="right", color=colours["text-2"])


def draw_map(axes: Axes, snapshot: Snapshot, colours: Palette, size: tuple[float, float]) -> Frame:
    """Render the map into axes of a size [mm], a pixel for each dot of the paper, and draw its marks."""
    request, view = snapshot.request, snapshot.request.view
    box = axes.get_window_extent()
    dots = _dots(len(snapshot.session.services), box.width)
    pixels = min(MAX_SIDE, round(box.width / dots)), min(MAX_SIDE, round(box.height / dots))
    printed = replace(request, size=pixels, theme=colours.theme)
    frame = renderer_of(snapshot.session.services).draw(printed)
    ground = colours["map-bg"] if colours.theme == "dark" else colours["panel"]
    axes.set_facecolor(ground)
    extent = (view.x0, view.x1, view.y0, view.y1)
    image = flattened(frame.image, ground).repeat(dots, axis=0).repeat(dots, axis=1)
    axes.imshow(image, origin="lower", extent=extent, aspect="auto", interpolation="none")
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="Latent μ₁", ylabel="Latent μ₂")
    axes.locator_params(nbins=8)
    axes.spines[["top", "right"]].set_visible(True)
    points = (side / MM_PER_INCH * 72 / _POINTS_PER_PX for side in size)
    scale = Scale(view, *(round(side) for side in points))
    contours: tuple[Contour, ...] = frame.contours
    draw_marks(axes, replace(snapshot.scene, regions=frame.regions), contours, scale, colours, _POINTS_PER_PX)
    return frame


def _dots(detections: int, across: float) -> int:
    """Dots of the paper a pixel: on wide figures of few detections single dots would be too faint to see."""
    return 2 if across > 1200 and detections < _MANY else 1


def flattened(image: Any, ground: str) -> np.ndarray:
    """Lay an image on its ground: paper, and many a journal's printer, knows no opacity.

    Parameters
    ----------
    image : array of uint32, shape (h, w)
        RGBA.
    ground : str
        As "#rrggbb".

    Returns
    -------
    array of uint8, shape (h, w, 3)
    """
    rgba = np.ascontiguousarray(image).view(np.uint8).reshape(*image.shape, 4).astype(np.float32)
    below = np.array([int(ground[k : k + 2], 16) for k in (1, 3, 5)], np.float32)
    alpha = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * alpha + below * (1 - alpha)).astype(np.uint8)


def map_picture(session: Session, request: Request | None, scene: Scene) -> Picture | None:
    """Return the map on screen as a figure; None before its first frame."""
    if request is None:
        return None
    atlas = session.services.atlas
    hidden = [name for name in session.services.class_names if name in session.hidden_classes]
    what = quantities.quantity(session.colour_by)
    facts = (
        f"{session.shown:,} of {len(session.services):,} detections shown",
        "; ".join(each.words for each in session.filters),
        f"without {', '.join(hidden)}" if hidden else "",
        f"{session.selection_count:,} selected ({session.selection_words})" if session.selection_count >= 0 else "",
        f"colours: mean {what.label}" if what else "",
    )
    simulated = "-simulated" if atlas.simulated and "simulated" not in atlas.name else ""
    snapshot = Snapshot(session, request, copy.copy(scene))
    about = origin(atlas, f"Latent map of {atlas.name}", *facts)
    return Picture(f"{atlas.name}{simulated}-map", about, snapshot.height, snapshot.draw)


def _density_key(snapshot: Snapshot) -> Callable[[Sheet, float, float, Frame], None]:
    def draw(sheet: Sheet, left: float, top: float, frame: Frame) -> None:
        view, (high, wide) = frame.view, frame.image.shape
        pixel = f"pixel of {words.significant(view.width / wide, 2)} × {words.significant(view.height / high, 2)}"
        ink = sheet.colours["text"]
        ends = "1", f"{frame.max_per_pixel:,} per {pixel}"
        _ramp_key(sheet, left, top, f"Density, {_SCALES[snapshot.request.density]}", ends, _shades(ink, 0.06, 0.9))

    return draw


def _colour_key(snapshot: Snapshot) -> Callable[[Sheet, float, float, Frame], None]:
    def draw(sheet: Sheet, left: float, top: float, frame: Frame) -> None:
        each = quantities.quantity(snapshot.request.colour_by)
        if each is None or frame.scale is None:
            return
        ends = quantities.in_words(each, frame.scale.low), quantities.in_words(each, frame.scale.high)
        places = quantities.forward(each, np.array([frame.scale.low, frame.scale.high]))
        middle = quantities.in_words(each, float(quantities.inverse(each, places.mean())))
        title = f"Mean {each.label}" + (f", {each.unit}" if each.unit else "")
        _ramp_key(sheet, left, top, title, ends, _colours(ramp(each.kind, sheet.colours.theme)), middle)

    return draw


def _time_key(snapshot: Snapshot) -> Callable[[Sheet, float, float, Frame], None]:
    def draw(sheet: Sheet, left: float, top: float, frame: Frame) -> None:
        track = snapshot.scene.track
        if track is None:
            return
        mjd = track["mjd_start"].to_numpy(float)
        ends = words.date(float(mjd[0]), day=False), words.date(float(mjd[-1]), day=False)
        from matplotlib.colors import LinearSegmentedColormap

        blend = LinearSegmentedColormap.from_list("time", sheet.colours.time_ramp())
        _ramp_key(sheet, left, top, f"Track, {len(track):,} observations", ends, blend(np.linspace(0, 1, 256))[None])

    return draw


def _ramp_key(
    sheet: Sheet, left: float, top: float, title: str, ends: tuple[str, str], image: Any, middle: str = ""
) -> None:
    """Title, ramp, and what its ends mean."""
    width = min(_KEY_WIDTH, sheet.width - left) - 5.0
    sheet.text(left, top, title, TICK_PT, **STRONG)
    bar = sheet.axes(left, top + 3.2, width, 1.3, label=title)
    bar.set_axis_off()
    bar.imshow(image, aspect="auto", interpolation="nearest")
    quiet: dict[str, Any] = {"color": sheet.colours["text-2"]}
    sheet.text(left, top + 5.0, ends[0], TICK_PT, **quiet)
    sheet.text(left + width, top + 5.0, ends[1], TICK_PT, ha="right", **quiet)
    if middle:
        sheet.text(left + width / 2, top + 5.0, middle, TICK_PT, ha="center", **quiet)


def _shades(ink: str, low: float, high: float) -> np.ndarray:
    from matplotlib.colors import to_rgb

    return np.array([[(*to_rgb(ink), alpha) for alpha in np.linspace(low, high, 256)]])


def _colours(names: tuple[str, ...]) -> np.ndarray:
    from matplotlib.colors import to_rgb

    return np.array([[to_rgb(name) for name in names]])
