"""Glyphs over the image: the picked source, its track, a decoded position, the lasso, the ring under the mouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from bokeh.models import (
    Ellipse,
    Glyph,
    MultiLine,
    Patches,
    Scatter,
    Segment,
    Text,
)
from bokeh.plotting import figure as bokeh_figure

from explorer.latent_map import scene as scenes
from explorer.latent_map.frame import Contour
from explorer.latent_map.scene import RING, Scale, Scene
from explorer.palette import Palette
from explorer.tools.glyphs import Glyphs
from explorer.tools.scripts import callback

#: Shapes that Bokeh has not, as paths in pixels.
_ARROW: Final = "M-4.5-5.5 5 0-4.5 5.5-2.2 0Z"
_CROSSHAIR: Final = "M-26 0h16m20 0h16M0-26v16m0 20v16M0-6l6 6-6 6-6-6Z"
_SHAPE_SIZES: Final = {_ARROW: 10, _CROSSHAIR: 52}

#: How much larger marks and letters are on a large screen (LOOK.md: 11.5 px instead of 10.5, a 3 px track).
LARGER: Final = {"line_width": 1.25, "size": 1.25, "text_font_size": 1.1}

_RING_SCRIPT: Final = Path(__file__).with_name("ring.js")
_SHAPE_SCRIPT: Final = Path(__file__).with_name("shape.js")

_SOURCES: Final = (
    "contours regions region_names disc outline tag line pieces observations arrows ellipses ring leader ends name "
    "decoded decoded_name hover"
)
_TEXT_SOURCES: Final = ("region_names", "ends", "name", "decoded_name")


class Marks:
    """Glyphs of a figure for a `Scene`; only their data is ever replaced.

    They are made when there is first something to mark or by `complete`, whichever comes first: a page opens the sooner
    without half of its models, of which it shows none.

    Parameters
    ----------
    figure : bokeh.plotting.figure
    palette : Palette

    Attributes
    ----------
    sources : dict of ColumnDataSource
        By part: "ring", "track", "name" and so on; in the document they are named "xle-ring" and so on.
    """

    def __init__(self, figure: bokeh_figure, palette: Palette) -> None:
        self._palette = palette
        self._scene: tuple[Scene, Scale] | None = None
        self._tokens: list[tuple[Glyph, str, str]] = []
        self._pixels: list[tuple[Glyph, str, float]] = []
        self._large = False
        self._glyphs = Glyphs(figure)
        self.sources = {name: self._glyphs.source(name=f"xle-{name}") for name in _SOURCES.split()}
        self.sources["hover"].data = scenes.no_rows("x y")  # written by the browser alone: pointer.js
        self.sources["disc"].data = scenes.no_rows("x y size")  # and disc.js
        closing = callback(_RING_SCRIPT, figure=figure, x=figure.x_range, y=figure.y_range)
        self.sources["ring"].js_on_change("data", closing)
        self._contours: Sequence[Contour] = ()
        self.sources["contours"].data = scenes.contour_columns(())
        self._complete = False

    def complete(self) -> None:
        """Make the glyphs, if that has not been done."""
        if self._complete:
            return
        self._complete = True
        self._add_contours()
        self._add_outline()
        self._add_track()
        self._add_picked()
        self._add_decoded()
        self._add_texts()
        self._colour()
        self._resize()
        self._glyphs.show()

    def _add(self, source: str, glyph: Glyph, **tokens: str) -> None:
        """Draw a glyph; its `tokens` take their colour from the theme, its sizes follow the screen.

        On the overlay, which Bokeh repaints alone: with a mark on the other canvas, each move of the mouse would
        repaint the image of the map too.
        """
        self._glyphs.add(self.sources[source], glyph, level="overlay")
        self._tokens += [(glyph, name, token) for name, token in tokens.items()]
        for name in LARGER:
            value = getattr(glyph, name, None)
            if isinstance(value, int | float):
                self._pixels.append((glyph, name, float(value)))
            elif isinstance(value, dict) and str(value.get("value", "")).endswith("px"):
                self._pixels.append((glyph, name, float(value["value"][:-2])))

    def _add_contours(self) -> None:
        lines = {"xs": "xs", "ys": "ys", "line_join": "round"}
        self._add("contours", MultiLine(**lines, line_width=3.5, line_alpha=0.55), line_color="halo")
        self._add("contours", MultiLine(**lines, line_width=1.25, line_alpha="alpha"), line_color="map-label")
        self._add("regions", MultiLine(**lines, line_width=3.5, line_alpha=0.55), line_color="halo")
        self._add("regions", MultiLine(**lines, line_width=1.25, line_dash=[1, 4], line_cap="round"), line_color="mark")

    def _add_outline(self) -> None:
        patch = {"xs": "xs", "ys": "ys"}
        self._add("outline", Patches(**patch, line_width=4, fill_color=None), line_color="halo")
        dashes = Patches(**patch, line_width=1.5, line_dash=[5, 4])
        self._add("outline", dashes, line_color="select", fill_color="select-fill")
        disc = _dot(size="size", line_width=1.5, line_dash=[5, 4])
        self._add("disc", disc, line_color="select", fill_color="select-fill")

    def _add_track(self) -> None:
        lines = {"xs": "xs", "ys": "ys"}
        self._add("line", MultiLine(**lines, line_width=6, line_cap="round", line_join="round"), line_color="halo")
        # not a line each: Bokeh sends every array of a list in a message of its own, and a track has hundreds
        self._add("pieces", Segment(x0="x0", y0="y0", x1="x1", y1="y1", line_width=2.25, line_color="colour"))
        colours = {"fill_color": "colour", "fill_alpha": 0.10, "line_color": "colour", "line_alpha": 0.55}
        self._add("observations", _ellipse(**colours))
        self._add("arrows", _shape(_ARROW, angle="angle", fill_color=None, line_width=3), line_color="halo")
        self._add("arrows", _shape(_ARROW, angle="angle", fill_color="colour", line_color=None))
        self._add("observations", _dot(size=8, fill_color="colour", line_width=1.5), line_color="halo")

    def _add_picked(self) -> None:
        self._add("ellipses", _ellipse(fill_alpha="fill", line_alpha="line"), fill_color="mark", line_color="mark")
        for source, width, size in (("ring", 2.0, "size"), ("hover", 1.25, 2 * RING)):
            self._add(source, _dot(size=size, fill_color=None, line_width=6), line_color="halo")
            self._add(source, _dot(size=size, fill_color=None, line_width=width), line_color="mark")
        self._add("ring", _dot(size=7, fill_color="colour", line_width=1.25), line_color="mark")
        self._add("leader", Segment(x0="x0", y0="y0", x1="x1", y1="y1", line_alpha=0.7), line_color="mark")

    def _add_decoded(self) -> None:
        for width, token in ((5.0, "halo"), (1.75, "model")):
            self._add("decoded", _shape(_CROSSHAIR, fill_color=None, line_width=width), line_color=token)

    def _add_texts(self) -> None:
        look: dict[str, Any] = {"text_align": "align", "text_font_style": "style", "x_offset": "x_offset"}
        for source in _TEXT_SOURCES:
            # Bokeh strokes over the letters, so the halo is a text of its own below them
            halo = _text("11px", text_baseline="middle", text_outline_width=3.5, **look)
            self._add(source, halo, text_color="halo", text_outline_color="halo", text_font="font")
            letters = _text("11px", text_baseline="middle", text_color="colour", **look)
            self._add(source, letters, text_font="font")
        tag = _text("10.5px", text_font_style="bold", anchor="anchor", padding=(7, 4), border_radius=10)
        self._add("tag", tag, text_color="map-bg", background_fill_color="select", text_font="font")

    def style(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        self._colour()
        if self._scene is not None:
            self.draw(*self._scene)

    def draw(self, scene: Scene, scale: Scale) -> None:
        """Show a scene at a scale."""
        self._scene = scene, scale
        self._enlarge(scale.large)
        columns = (
            scenes.picked_columns(scene.picked, scene.track, scale, self._palette)
            | scenes.decoded_columns(scene.decoded)
            | scenes.track_columns(scene.track, scale, self._palette)
            | scenes.outline_columns(scene.outline, scene.selected, scale)
            | scenes.region_columns(scene.regions)
        )
        roles = {"mark": self._palette["mark"], "label": self._palette["map-label"], "model": self._palette["model"]}
        for name, data in columns.items():
            if name in _TEXT_SOURCES:
                data["colour"] = [roles[role] for role in data["role"]]
            self._replace(name, data)

    def contours(self, lines: Sequence[Contour]) -> None:
        """Show these contours of density; the same ones a second time cost nothing."""
        if lines is not self._contours:
            self._contours = lines
            self._replace("contours", scenes.contour_columns(lines))

    def _colour(self) -> None:
        for glyph, name, token in self._tokens:
            value = self._palette[token]
            setattr(glyph, name, {"value": value} if name == "text_font" else value)

    def _enlarge(self, large: bool) -> None:
        if large != self._large:
            self._large = large
            self._resize()

    def _resize(self) -> None:
        for glyph, name, pixels in self._pixels:
            value = pixels * (LARGER[name] if self._large else 1)
            setattr(glyph, name, {"value": f"{value:.1f}px"} if name == "text_font_size" else value)

    def _replace(self, name: str, data: Mapping[str, Any]) -> None:
        if any(len(column) for column in data.values()):
            self.complete()
        old = self.sources[name].data
        if set(old) != set(data) or any(not _same(old[key], data[key]) for key in data):
            self.sources[name].data = dict(data)


def _same(old: Any, new: Any) -> bool:
    return len(old) == len(new) and all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))


def _dot(**looks: Any) -> Scatter:
    return Scatter(x="x", y="y", marker="circle", **looks)


def _ellipse(**looks: Any) -> Ellipse:
    return Ellipse(x="x", y="y", width="width", height="height", **looks)


def _text(size: str, **looks: Any) -> Text:
    return Text(x="x", y="y", text="text", y_offset="y_offset", text_font_size={"value": size}, **looks)


def _shape(path: str, **looks: Any) -> Scatter:
    """Scatter of a shape of our own; `size` scales it."""
    size = _SHAPE_SIZES[path]
    # A function, and no module: for a module Bokeh would wait in the midst of making the glyphs, and what changed
    # meanwhile would never be drawn by those made before.
    draw = callback(_SHAPE_SCRIPT, outline=path, size=size)
    return Scatter(x="x", y="y", marker={"value": "@shape"}, defs={"@shape": draw}, size=size, **looks)
