"""How figures for papers look in matplotlib: typeface, sizes, colours, and widths of text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from explorer.palette import Palette, Theme, palette
from vae.resources import asset

MM_PER_INCH: Final = 25.4
#: Text sizes [pt]: name, running text and axis titles, ticks and keys, origin.
TITLE_PT, BODY_PT, TICK_PT, ORIGIN_PT = 8.5, 7.0, 6.5, 5.0
#: Height of a line of each [mm], and of what lies between drawing and origin.
LINE_MM: Final = {TITLE_PT: 4.0, BODY_PT: 3.3, TICK_PT: 3.0, ORIGIN_PT: 2.2}

#: Made from Inter (OFL): Fontsource's Latin and the page's Greek at two fixed weights, since matplotlib reads no
#: variable fonts; super- and subscript digits are its digits at 62 %.
_FONT_FILES: Final = ("inter-figure-regular.ttf", "inter-figure-semibold.ttf")
_FAMILIES: Final = ["Inter Figure", "DejaVu Sans"]  # the second for letters of names in other scripts
STRONG: Final[dict[str, Any]] = {"family": ["Inter Figure SemiBold", "DejaVu Sans"]}


@contextmanager
def styled(theme: Theme, salt: str) -> Iterator[Palette]:
    """Make figures of the block look like the page; the reader's own matplotlibrc has no say."""
    from matplotlib import style

    _register_fonts()
    colours = palette(theme)
    with style.context(["default", _parameters(colours), {"svg.hashsalt": salt}]):
        yield colours


@cache
def _register_fonts() -> None:
    from matplotlib import font_manager

    for name in _FONT_FILES:
        font_manager.fontManager.addfont(asset("fonts", name))


def _parameters(colours: Palette) -> dict[str, Any]:
    ground = colours["panel"]
    ticks = {
        "major.size": 2.0,
        "minor.size": 1.2,
        "major.width": 0.5,
        "minor.width": 0.4,
        "major.pad": 2.0,
        "direction": "out",
        "color": colours["text-3"],
        "labelcolor": colours["text-2"],
        "labelsize": TICK_PT,
    }
    return {
        "figure.facecolor": ground,
        "savefig.facecolor": ground,
        "axes.facecolor": "none",
        "font.family": _FAMILIES,
        "font.size": BODY_PT,
        "text.color": colours["text"],
        "text.parse_math": False,  # a dollar in a name is a dollar
        "text.hinting": "none",
        "axes.edgecolor": colours["text-3"],
        "axes.labelcolor": colours["text"],
        "axes.labelsize": BODY_PT,
        "axes.labelpad": 2.0,
        "axes.linewidth": 0.5,
        "axes.unicode_minus": True,
        **{f"{axis}tick.{key}": value for axis in "xy" for key, value in ticks.items()},
        "lines.linewidth": 0.9,
        "legend.frameon": False,
        "legend.fontsize": TICK_PT,
        "svg.fonttype": "path",  # the same letters wherever it is opened
        "pdf.fonttype": 42,  # fonts that editors and journals read, instead of Type 3
        "pdf.compression": 6,
    }


def wrapped(words: str, width: float, size: float) -> list[str]:
    """Break a line of text where it is wider than `width` [mm]; call while a figure is being drawn."""
    lines, line = [], ""
    for word in words.split(" "):
        longer = f"{line} {word}" if line else word
        if line and text_mm(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def clipped(words: str, width: float, size: float, **font: Any) -> str:
    """Shorten a line of text to a width [mm], with an ellipsis."""
    if text_mm(words, size, **font) <= width:
        return words
    while words and text_mm(words + "…", size, **font) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def text_mm(words: str, size: float, **font: Any) -> float:
    """Width of a line of text [mm]."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    properties = FontProperties(size=size, **({"family": _FAMILIES} | font))
    width, _, _ = text_to_path.get_text_width_height_descent(words, properties, False)
    return float(width) / 72 * MM_PER_INCH


def split_alpha(colour: str) -> tuple[str, float]:
    """Split ``#rrggbbaa`` into colour and opacity."""
    return (colour[:7], int(colour[7:9], 16) / 255) if len(colour) == 9 else (colour, 1.0)
