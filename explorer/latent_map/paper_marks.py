"""Marks of the map on a figure for a paper, as vectors: contours, outline, track, picked and decoded position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from explorer.figures.style import STRONG, TICK_PT, split_alpha
from explorer.latent_map import scene as scenes
from explorer.latent_map.frame import Contour
from explorer.latent_map.scene import Columns, Scale, Scene
from explorer.palette import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Corners of an arrowhead that points to the right, as on screen [px].
_ARROW: Final = ((-4.5, -5.5), (5.0, 0.0), (-4.5, 5.5), (-2.2, 0.0), (-4.5, -5.5))
#: The cross-hair of a decoded position: four strokes, and a diamond.
_STROKES: Final = (((-26, 0), (-10, 0)), ((10, 0), (26, 0)), ((0, -26), (0, -10)), ((0, 10), (0, 26)))
_DIAMOND: Final = ((0, -6), (6, 0), (0, 6), (-6, 0), (0, -6))


def draw_marks(
    axes: Axes, scene: Scene, contours: Sequence[Contour], scale: Scale, colours: Palette, px: float
) -> None:
    """Draw what is marked on the map.

    Parameters
    ----------
    axes : Axes
        In latent units.
    scene : Scene
    contours : sequence of Contour
    scale : Scale
        Size of the axes in pixels of the screen, of which each becomes `px` points.
    colours : Palette
    px : float
        Points of paper a pixel of the screen.
    """
    pen = _Pen(axes, colours, px)
    pen.contours(scenes.contour_columns(contours))
    pen.regions(scenes.region_columns(scene.regions))
    pen.outline(scenes.outline_columns(scene.outline, scene.selected, scale))
    pen.track(scenes.track_columns(scene.track, scale, colours))
    pen.picked(scenes.picked_columns(scene.picked, scene.track, scale, colours))
    pen.decoded(scenes.decoded_columns(scene.decoded))


class _Pen:
    """Draws columns of `explorer.latent_map.scene`, in its sizes [px]."""

    def __init__(self, axes: Axes, colours: Palette, px: float) -> None:
        self._axes, self._colours, self._px = axes, colours, px
        self._halo, self._halo_alpha = split_alpha(colours["halo"])

    def contours(self, columns: Columns) -> None:
        for xs, ys, alpha in zip(columns["xs"], columns["ys"], columns["alpha"], strict=True):
            self._line(xs, ys, self._halo, 3.5, alpha=0.55, zorder=2.0)
            self._line(xs, ys, self._colours["map-label"], 1.25, alpha=alpha, zorder=2.1, gid="contour")

    def regions(self, columns: dict[str, Columns]) -> None:
        for xs, ys in zip(columns["regions"]["xs"], columns["regions"]["ys"], strict=True):
            self._line(xs, ys, self._halo, 3.5, alpha=0.55, zorder=2.2)
            self._line(xs, ys, self._colours["mark"], 1.25, ls=(0, (0.8, 3.2)), zorder=2.3, gid="region")
        self._texts(columns["region_names"])

    def outline(self, columns: dict[str, Columns]) -> None:
        for xs, ys in zip(columns["outline"]["xs"], columns["outline"]["ys"], strict=True):
            closed = np.append(xs, xs[0]), np.append(ys, ys[0])
            fill, alpha = split_alpha(self._colours["select-fill"])
            self._axes.fill(xs, ys, color=fill, alpha=alpha, lw=0, zorder=3.0)
            self._line(*closed, self._halo, 4.0, alpha=self._halo_alpha, zorder=3.0)
            self._line(*closed, self._colours["select"], 1.5, ls=(0, (5 / 1.5, 4 / 1.5)), zorder=3.1, gid="outline")
        tag = columns["tag"]
        for x, y, text, dy, anchor in zip(*(tag[name] for name in "x y text y_offset anchor".split()), strict=True):
            self._axes.annotate(
                text,
                (x, y),
                (0, -dy * self._px),
                textcoords="offset points",
                size=TICK_PT - 0.5,
                ha="center",
                va="top" if anchor.startswith("top") else "bottom",
                color=self._colours["map-bg"],
                bbox={"boxstyle": "round,pad=0.35,rounding_size=0.9", "fc": self._colours["select"], "lw": 0},
                zorder=9,
                **STRONG,
            )

    def track(self, columns: dict[str, Columns]) -> None:
        for xs, ys in zip(columns["line"]["xs"], columns["line"]["ys"], strict=True):
            self._line(xs, ys, self._halo, 6.0, alpha=self._halo_alpha, zorder=4.0, solid_capstyle="round")
        pieces = columns["pieces"]
        for x0, x1, y0, y1, colour in zip(*(pieces[k] for k in "x0 x1 y0 y1 colour".split()), strict=True):
            self._line([x0, x1], [y0, y1], colour, 2.25, zorder=4.1, solid_capstyle="butt", gid="track")
        seen = columns["observations"]
        for x, y, width, height, colour in zip(*(seen[k] for k in "x y width height colour".split()), strict=True):
            self._ellipse(x, y, width, height, colour, 0.10, 0.55, zorder=4.2)
        arrows = columns["arrows"]
        for x, y, angle, colour in zip(*(arrows[k] for k in "x y angle colour".split()), strict=True):
            cosine, sine = np.cos(angle), np.sin(angle)
            turned = [(a * cosine - b * sine, a * sine + b * cosine) for a, b in _ARROW]
            self._shape(x, y, turned, mfc=colour, mec=self._halo, mew=1.0 * self._px, zorder=4.3)
        for x, y, colour in zip(seen["x"], seen["y"], seen["colour"], strict=True):
            self._dot(x, y, 8.0, mfc=colour, mec=self._halo, mew=1.5 * self._px, zorder=4.4, gid="observation")
        self._texts(columns["ends"])

    def picked(self, columns: dict[str, Columns]) -> None:
        mark, rings = self._colours["mark"], columns["ellipses"]
        for x, y, width, height, fill, line in zip(
            *(rings[name] for name in "x y width height fill line".split()), strict=True
        ):
            self._ellipse(x, y, width, height, mark, fill, line, zorder=5.0)
        for x, y, colour in zip(*(columns["ring"][name] for name in ("x", "y", "colour")), strict=True):
            self._dot(x, y, 2 * scenes.RING, mfc="none", mec=self._halo, mew=6 * self._px, zorder=5.1)
            self._dot(x, y, 2 * scenes.RING, mfc="none", mec=mark, mew=2 * self._px, zorder=5.2, gid="picked")
            self._dot(x, y, 7.0, mfc=colour, mec=mark, mew=1.25 * self._px, zorder=5.3)
        leader = columns["leader"]
        for x0, y0, x1, y1 in zip(*(leader[name] for name in "x0 y0 x1 y1".split()), strict=True):
            self._line([x0, x1], [y0, y1], mark, 1.0, alpha=0.7, zorder=5.2)
        self._texts(columns["name"])

    def decoded(self, columns: dict[str, Columns]) -> None:
        for x, y in zip(columns["decoded"]["x"], columns["decoded"]["y"], strict=True):
            for colour, width in ((self._halo, 5.0), (self._colours["model"], 1.75)):
                look = {"mec": colour, "mew": width * self._px, "zorder": 5.4}
                for stroke in _STROKES:
                    self._shape(x, y, stroke, **look)
                self._shape(x, y, _DIAMOND, **look)
        self._texts(columns["decoded_name"])

    def _line(self, xs: Any, ys: Any, colour: str, width: float, **look: Any) -> None:
        self._axes.plot(xs, ys, color=colour, lw=width * self._px, scalex=False, scaley=False, **look)

    def _dot(self, x: float, y: float, size: float, **look: Any) -> None:
        self._axes.plot([x], [y], "o", ms=size * self._px, scalex=False, scaley=False, **look)

    def _shape(self, x: float, y: float, corners: Sequence[tuple[float, float]], **look: Any) -> None:
        """Draw a shape of our own, its corners in pixels from a place; a marker's size is that of its widest reach."""
        from matplotlib.path import Path

        reach = max(abs(value) for corner in corners for value in corner)
        size, look = 2 * reach * self._px, {"mfc": "none", "scalex": False, "scaley": False, **look}
        self._axes.plot([x], [y], marker=Path(corners), ms=size, lw=0, **look)

    def _ellipse(
        self, x: float, y: float, width: float, height: float, colour: str, fill: float, line: float, zorder: float
    ) -> None:
        from matplotlib.colors import to_rgba
        from matplotlib.patches import Ellipse

        face, edge = to_rgba(colour, fill), to_rgba(colour, line)
        shape = Ellipse((x, y), width, height, fc=face, ec=edge, lw=self._px, zorder=zorder, gid="sigma")
        self._axes.add_patch(shape)

    def _texts(self, columns: Columns) -> None:
        from matplotlib.patheffects import withStroke

        roles = {"mark": self._colours["mark"], "label": self._colours["map-label"], "model": self._colours["model"]}
        for x, y, text, dx, dy, align, role, style in zip(*(columns[k] for k in scenes.TEXT.split()), strict=True):
            self._axes.annotate(
                text,
                (x, y),
                (dx * self._px, -dy * self._px),
                textcoords="offset points",
                size=TICK_PT,
                ha=align,
                va="center",
                color=roles[role],
                path_effects=[withStroke(linewidth=3.5 * self._px, foreground=self._halo)],
                zorder=8,
                **(STRONG if style == "bold" else {}),
            )
