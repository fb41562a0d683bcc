"""Figures in the explorer's look: its colours and its typeface, for reports and the README.

One point is one pixel of the page (72 to an inch), and pictures hold twice as many, for sharp screens.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from matplotlib import font_manager, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, TextArea
from matplotlib.patches import Circle
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from explorer.palette import Palette, Theme, palette
from vae.resources import asset

#: Static instances, since matplotlib reads no variable fonts: npm's @fontsource/inter 5.3.0, unpacked from WOFF,
#: without hints and the layout features that no figure uses.
FONT_FILES: Final = ("inter-latin-regular.ttf", "inter-latin-semibold.ttf")
#: Properties of strong text: by its names, the semi-bold is a family of its own.
STRONG: Final[dict[str, Any]] = {"family": "Inter SemiBold", "weight": 600}
POINTS_PER_INCH: Final = 72
PIXELS_PER_POINT: Final = 2
#: Text sizes [px]: heading of a figure, heading of a panel, running text, ticks.
TITLE, HEADING, BODY, TICK = 15.0, 11.5, 11.5, 9.5


@contextmanager
def themed(theme: Theme) -> Iterator[Palette]:
    """Make figures that are drawn and saved within the block look like the explorer; yields the colours.

    The reader's own matplotlibrc has no say, and no window is ever opened: use `matplotlib.figure.Figure`, not pyplot.

    Parameters
    ----------
    theme : {"dark", "light"}
    """
    _register_fonts()
    colours = palette(theme)
    with style.context(["default", _parameters(colours)]):
        yield colours


@cache
def _register_fonts() -> None:
    for name in FONT_FILES:
        font_manager.fontManager.addfont(asset("fonts", name))


def _parameters(colours: Palette) -> dict[str, Any]:
    strong, regular = STRONG["family"], "Inter"
    return {
        "figure.dpi": POINTS_PER_INCH * PIXELS_PER_POINT,
        "figure.facecolor": colours["bg"],
        "font.family": regular,
        "font.size": BODY,
        "text.color": colours["text"],
        "text.hinting": "none",
        "mathtext.fontset": "custom",
        **{f"mathtext.{face}": regular for face in ("rm", "it", "cal", "sf", "tt")},
        **{f"mathtext.{face}": f"{strong}:semibold" for face in ("bf", "bfit")},
        "mathtext.default": "rm",
        "axes.facecolor": colours["panel"],
        **{f"axes.spines.{side}": False for side in ("left", "right", "bottom", "top")},
        "axes.labelcolor": colours["text-2"],
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.formatter.min_exponent": 2,  # 0.1, 1 and 10 are no powers
        "grid.color": colours["line"],
        "grid.linewidth": 1.0,
        **{
            f"{axis}tick.{key}": value
            for axis in "xy"
            for key, value in {
                "major.size": 0.0,
                "minor.size": 0.0,
                "major.pad": 4.0,
                "color": colours["text-3"],
                "labelsize": TICK,
            }.items()
        },
        "lines.linewidth": 1.0,
        "legend.frameon": False,
    }


def heading(axes: Axes, *parts: tuple[str, dict[str, Any]], gap: float = 6.0, above: float = 5.0) -> None:
    """Write a line of differently styled pieces above a panel, flush with its left edge.

    Parameters
    ----------
    axes : Axes
    *parts : (str, dict)
        Text and its properties; an empty text makes a dot of the property ``color``.
    gap, above : float
        Between the pieces, and between the line and the panel [px].
    """
    pieces = []
    for text, properties in parts:
        if text:
            pieces.append(TextArea(text, textprops={"size": HEADING, **properties}))
        else:
            dot = DrawingArea(8.0, 8.0)
            dot.add_artist(Circle((4.0, 4.0), 4.0, facecolor=properties["color"], edgecolor="none"))
            pieces.append(dot)
    raised = ScaledTranslation(0.0, above / POINTS_PER_INCH, axes.get_figure(root=True).dpi_scale_trans)
    line = HPacker(children=pieces, align="baseline", pad=0.0, sep=gap)
    box = AnchoredOffsetbox(
        "lower left",
        child=line,
        pad=0.0,
        borderpad=0.0,
        frameon=False,
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=axes.transAxes + raised,
    )
    axes.add_artist(box)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG: the same bytes for the same figure, since neither time nor version stands in them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    # 256 colours are enough for our figures, and take a third of the space.
    picture = Image.open(drawn).convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    picture.save(path, format="PNG", optimize=True)
    return path
