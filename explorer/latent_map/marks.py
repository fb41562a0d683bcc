"""What is drawn over the image: the picked source, its track, a decoded position, the lasso, the ring under the mouse.

Sizes and offsets are pixels. What depends on the zoom (arrowheads, leaders) is computed again when a frame lands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, CustomJS, Scatter
from bokeh.plotting import figure as bokeh_figure

from explorer.latent_map import track
from explorer.latent_map.renderer import View
from explorer.palette import Palette

#: A step is drawn at half opacity below this significance [sigma] (LOOK.md).
SIGNIFICANT_STEP: Final = 3.0
#: Room that a name needs beside its ring [px].
_NAME_WIDTH: Final = 150.0
#: Distance of the numbers at the ends of a track from their marks [px].
_END_GAP: Final = 14.0
#: Radius of the ring around the picked detection and around the mouse [px].
RING: Final = 8.0

#: Shapes that Bokeh has not, as paths in pixels.
_ARROW: Final = "M-4.5-5.5 5 0-4.5 5.5-2.2 0Z"
_CROSSHAIR: Final = "M-26 0h16m20 0h16M0-26v16m0 20v16M0-6l6 6-6 6-6-6Z"

Columns = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """View and size of the map, and so its pixels per latent unit."""

    view: View
    width: int
    height: int

    @property
    def per_unit(self) -> np.ndarray:
        """Pixels per latent unit in x and y, shape (2,)."""
        return np.array([self.width / self.view.width, self.height / self.view.height])


@dataclass(frozen=True)
class Picked:
    """The picked detection."""

    x: float
    y: float
    sigma_x: float
    sigma_y: float
    name: str
    place: str  #: "observation 5 of 11", or empty
    class_name: str
    class_code: int


@dataclass
class Scene:
    """All that can be marked; None is not drawn."""

    picked: Picked | None = None
    track: pd.DataFrame | None = None  #: from `Atlas.trajectory`, two observations or more
    decoded: tuple[float, float] | None = None
    outline: tuple[Any, Any] | None = None
    selected: int = -1


def short_name(name: str) -> str:
    """Name without its catalogue: "J192719.5+653354" of "XMMSIM J192719.5+653354"."""
    return name.rsplit(" ", 1)[-1]


def number(value: float, digits: int = 2) -> str:
    """Write a number with a true minus."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "" if float(text) == 0 else "−")


def picked_columns(
    picked: Picked | None, track: pd.DataFrame | None, scale: Scale, palette: Palette
) -> dict[str, Columns]:
    """Ring, ellipses, leader and name of the picked detection."""
    if picked is None:
        return {
            "ellipses": _none("x y width height fill line"),
            "ring": _none("x y colour"),
            "leader": _none("x0 y0 x1 y1"),
            "name": _none(_TEXT),
        }
    per_x = float(scale.per_unit[0])
    reach = max(2 * picked.sigma_x * per_x, RING) + 3
    side = _name_side(picked, track, scale, reach)
    align = "left" if side > 0 else "right"
    texts = [(picked.name, -1.0, "mark", "bold")] + ([(picked.place, 14.0, "label", "normal")] if picked.place else [])
    return {
        "ellipses": {
            "x": [picked.x] * 2,
            "y": [picked.y] * 2,
            "width": [4 * picked.sigma_x, 2 * picked.sigma_x],
            "height": [4 * picked.sigma_y, 2 * picked.sigma_y],
            "fill": [0.05, 0.10],
            "line": [0.4, 0.8],
        },
        "ring": {
            "x": [picked.x],
            "y": [picked.y],
            "colour": [palette.class_colour(picked.class_name, picked.class_code)],
        },
        "leader": {
            "x0": [picked.x + side * reach / per_x],
            "x1": [picked.x + side * (reach + 8) / per_x],
            "y0": [picked.y],
            "y1": [picked.y],
        },
        "name": _texts(
            [(picked.x, picked.y, text, side * (reach + 13), dy, align, role, style) for text, dy, role, style in texts]
        ),
    }


def _name_side(picked: Picked, track: pd.DataFrame | None, scale: Scale, reach: float) -> int:
    """1 for a name to the right of the ring, -1 to the left: away from the track, but never out of the map."""
    per_x = float(scale.per_unit[0])
    wished = 1 if track is None or float(track["mu_1"].mean()) <= picked.x else -1
    room = {1: (scale.view.x1 - picked.x) * per_x, -1: (picked.x - scale.view.x0) * per_x}
    needed = reach + _NAME_WIDTH
    return wished if room[wished] > needed or room[-wished] < needed else -wished


def decoded_columns(decoded: tuple[float, float] | None) -> dict[str, Columns]:
    """Cross-hair and label of a decoded position."""
    if decoded is None:
        return {"decoded": _none("x y"), "decoded_name": _none(_TEXT)}
    x, y = decoded
    where = f"({number(x)}, {number(y)})"
    lines = [("Decoded", -1.0, "model", "bold"), (where, 14.0, "label", "normal")]
    return {
        "decoded": {"x": [x], "y": [y]},
        "decoded_name": _texts([(x, y, text, -34.0, dy, "right", role, style) for text, dy, role, style in lines]),
    }


def track_columns(table: pd.DataFrame | None, scale: Scale, palette: Palette) -> dict[str, Columns]:
    """Line, arrowheads, ellipses, marks and end numbers of a track.

    Parameters
    ----------
    table : DataFrame or None
        From `Atlas.trajectory`; nothing is drawn for a single observation.
    scale : Scale
    palette : Palette
    """
    if table is None or len(table) < 2:
        return {
            "line": _none("xs ys"),
            "pieces": _none("xs ys colour"),
            "arrows": _none("x y angle colour"),
            "observations": _none("x y width height colour"),
            "ends": _none(_TEXT),
        }
    latent = table[["mu_1", "mu_2"]].to_numpy(np.float64)
    points = latent * scale.per_unit
    curves = track.step_curves(points)
    shares = np.linspace(0, 1, track.PIECES + 1)
    curve = track.curve_at(curves, shares) / scale.per_unit
    times = track.time_shares(table["mjd_start"].to_numpy(np.float64))
    ramp = palette.time_ramp()
    along = times[:-1, None] + np.diff(times)[:, None] * shares[:-1]
    faint = table["step_significance"].to_numpy(np.float64)[1:] < SIGNIFICANT_STEP
    colours = np.array(track.ramp_colours(ramp, along.ravel())).reshape(along.shape)
    colours = np.where(
        faint[:, None], np.reshape(track.half_faded(list(colours.ravel()), palette["map-bg"]), along.shape), colours
    )
    heads = track.arrows(points, curves)
    head_colours = colours[heads.step, track.PIECES // 2]
    marks = track.ramp_colours(ramp, times)
    ends = [(0, 1, "1"), (len(table) - 1, len(table) - 2, str(len(table)))]
    last = curve[-1, -1:]
    whole = np.vstack([curve[:, :-1].reshape(-1, 2), last])
    return {
        "line": {"xs": [whole[:, 0]], "ys": [whole[:, 1]]},
        "pieces": {
            "xs": list(np.stack([curve[:, :-1, 0], curve[:, 1:, 0]], axis=2).reshape(-1, 2)),
            "ys": list(np.stack([curve[:, :-1, 1], curve[:, 1:, 1]], axis=2).reshape(-1, 2)),
            "colour": list(colours.ravel()),
        },
        "arrows": {
            "x": heads.at[:, 0] / scale.per_unit[0],
            "y": heads.at[:, 1] / scale.per_unit[1],
            "angle": heads.angle,
            "colour": list(head_colours),
        },
        "observations": {
            "x": latent[:, 0],
            "y": latent[:, 1],
            "width": 2 * table["sigma_1"].to_numpy(np.float64),
            "height": 2 * table["sigma_2"].to_numpy(np.float64),
            "colour": marks,
        },
        "ends": _texts(
            [
                (*latent[at], text, *_beyond(points[at] - points[beside]), "center", "label", "bold")
                for at, beside, text in ends
            ]
        ),
    }


def _beyond(step: np.ndarray) -> tuple[float, float]:
    """Offset of an end's number from its mark, on the far side of the step [px, downward]."""
    length = float(np.hypot(*step))
    x, y = step / length if length > 0 else (-1.0, 0.0)
    return _END_GAP * float(x), -_END_GAP * float(y)


def outline_columns(outline: tuple[Any, Any] | None, selected: int, scale: Scale) -> dict[str, Columns]:
    """Outline of the last lasso or box, and its tag."""
    if outline is None or selected < 0:
        return {"outline": _none("xs ys"), "tag": _none("x y text y_offset anchor")}
    xs, ys = (np.asarray(values, dtype=np.float64) for values in outline)
    bottom, top = float(ys.min()), float(ys.max())
    below = (bottom - scale.view.y0) * scale.per_unit[1] > 40  # else the tag would hide under the edge of the map
    return {
        "outline": {"xs": [xs], "ys": [ys]},
        "tag": {
            "x": [float(xs.min() + xs.max()) / 2],
            "y": [bottom if below else top],
            "text": [f"{selected:,} selected"],
            "y_offset": [9.0 if below else -9.0],
            "anchor": ["top_center" if below else "bottom_center"],
        },
    }


_TEXT: Final = "x y text x_offset y_offset align role style"


def _none(names: str) -> Columns:
    return {name: [] for name in names.split()}


def _texts(rows: list[tuple[Any, ...]]) -> Columns:
    return dict(zip(_TEXT.split(), map(list, zip(*rows, strict=True)), strict=True))


class Marks:
    """Glyphs of a figure for a `Scene`; only their data is ever replaced.

    Parameters
    ----------
    figure : bokeh.plotting.figure
    palette : Palette
    """

    def __init__(self, figure: bokeh_figure, palette: Palette) -> None:
        self._palette = palette
        self._scene: tuple[Scene, Scale] | None = None
        names = "outline tag line pieces observations arrows ellipses ring leader ends name decoded decoded_name hover"
        self.sources = {name: ColumnDataSource(name=f"xle-{name}") for name in names.split()}
        self._restyle: list[tuple[Any, str, str]] = []  # glyph, property, token
        self._text_sources = ("ends", "name", "decoded_name")
        self._build(figure)
        self.clear_hover()
        self.style(palette)

    def _build(self, figure: bokeh_figure) -> None:
        add, source = self._add, self.sources
        p = figure.patches
        add(p("xs", "ys", source=source["outline"], line_width=4, fill_color=None), line_color="halo")
        add(
            p("xs", "ys", source=source["outline"], line_width=1.5, line_dash=[5, 4]),
            line_color="select",
            fill_color="select-fill",
        )

        add(
            figure.multi_line("xs", "ys", source=source["line"], line_width=6, line_cap="round", line_join="round"),
            line_color="halo",
        )
        figure.multi_line("xs", "ys", source=source["pieces"], line_width=2.25, line_color="colour")
        figure.ellipse(
            "x",
            "y",
            "width",
            "height",
            source=source["observations"],
            fill_color="colour",
            fill_alpha=0.10,
            line_color="colour",
            line_alpha=0.55,
        )
        arrow = {"marker": "@arrow", "size": 10, "angle": "angle", "defs": {"@arrow": _shape(_ARROW)}}
        add(_scatter(figure, source["arrows"], fill_color=None, line_width=3, **arrow), line_color="halo")
        _scatter(figure, source["arrows"], fill_color="colour", line_color=None, **arrow)
        add(_scatter(figure, source["observations"], size=8, fill_color="colour", line_width=1.5), line_color="halo")

        add(
            figure.ellipse(
                "x", "y", "width", "height", source=source["ellipses"], fill_alpha="fill", line_alpha="line"
            ),
            fill_color="mark",
            line_color="mark",
        )
        for name in ("ring", "hover"):
            add(_scatter(figure, source[name], size=2 * RING, fill_color=None, line_width=6), line_color="halo")
            add(
                _scatter(
                    figure, source[name], size=2 * RING, fill_color=None, line_width=2 if name == "ring" else 1.25
                ),
                line_color="mark",
            )
        add(_scatter(figure, source["ring"], size=7, fill_color="colour", line_width=1.25), line_color="mark")
        add(figure.segment("x0", "y0", "x1", "y1", source=source["leader"], line_alpha=0.7), line_color="mark")

        cross = {"marker": "@crosshair", "size": 52, "defs": {"@crosshair": _shape(_CROSSHAIR)}, "fill_color": None}
        add(_scatter(figure, source["decoded"], line_width=5, **cross), line_color="halo")
        add(_scatter(figure, source["decoded"], line_width=1.75, **cross), line_color="model")

        for name in self._text_sources:
            common = {
                "x": "x",
                "y": "y",
                "text": "text",
                "x_offset": "x_offset",
                "y_offset": "y_offset",
                "text_align": "align",
                "text_baseline": "middle",
                "text_font_style": "style",
                "text_font_size": "11px",
                "source": source[name],
            }
            add(
                figure.text(**common, text_outline_width=3.5),
                text_color="halo",
                text_outline_color="halo",
                text_font="font",
            )
            add(figure.text(**common, text_color="colour"), text_font="font")
        tag = figure.text(
            "x",
            "y",
            "text",
            y_offset="y_offset",
            anchor="anchor",
            source=source["tag"],
            text_font_size="10.5px",
            text_font_style="bold",
            padding=(7, 4),
            border_radius=10,
        )
        add(tag, text_color="map-bg", background_fill_color="select", text_font="font")

    def _add(self, renderer: Any, **tokens: str) -> None:
        self._restyle += [(renderer.glyph, name, token) for name, token in tokens.items()]

    def style(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        for glyph, name, token in self._restyle:
            setattr(glyph, name, {"value": palette[token]} if name == "text_font" else palette[token])
        if self._scene is not None:
            self.draw(*self._scene)

    def draw(self, scene: Scene, scale: Scale) -> None:
        """Show a scene at a scale."""
        self._scene = scene, scale
        columns = (
            picked_columns(scene.picked, scene.track, scale, self._palette)
            | decoded_columns(scene.decoded)
            | track_columns(scene.track, scale, self._palette)
            | outline_columns(scene.outline, scene.selected, scale)
        )
        roles = {"mark": self._palette["mark"], "label": self._palette["map-label"], "model": self._palette["model"]}
        for name, data in columns.items():
            if name in self._text_sources:
                data["colour"] = [roles[role] for role in data["role"]]
            self._replace(name, data)

    def clear_hover(self) -> None:
        """Take the ring under the mouse away."""
        self._replace("hover", _none("x y"))

    def _replace(self, name: str, data: Mapping[str, Any]) -> None:
        old = self.sources[name].data
        if set(old) != set(data) or any(not _same(old[key], data[key]) for key in data):
            self.sources[name].data = dict(data)


def _same(old: Any, new: Any) -> bool:
    if len(old) != len(new):
        return False
    return all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))


def _shape(path: str) -> CustomJS:
    return CustomJS(code=f"export default () => new Path2D('{path}')")


def _scatter(figure: bokeh_figure, source: ColumnDataSource, **looks: Any) -> Any:
    return figure.add_glyph(source, Scatter(x="x", y="y", **looks))
