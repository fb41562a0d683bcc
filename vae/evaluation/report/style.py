"""The explorer's look for matplotlib: its colours and its typeface, for reports and for the README's figures.

One point is one pixel of the page (72 to an inch). Pictures (`themed`) hold twice as many, for sharp screens; drawings
for a page of ours (`painted`) take their colours from the page itself.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from typing import Any, Final

from matplotlib import font_manager, style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, TextArea
from matplotlib.patches import Circle
from matplotlib.transforms import ScaledTranslation

from vae.palette import Palette, Theme, palette
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

#: Drawings on a page stand on its ground.
_GROUNDLESS: Final = {"figure.facecolor": "none", "axes.facecolor": "none"}
#: Inter's static files have no Greek; the page's have. Another face stands in while widths are measured.
_STANDIN: Final = "DejaVu Sans"


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


@contextmanager
def painted() -> Iterator[Palette]:
    """As `themed`, for drawings within a page of ours: `drawing` puts the page's variables in the place of colours.

    So one drawing serves both themes. The colours yielded are marks without meaning: never mix or lighten them.
    """
    _register_fonts()
    colours = Palette("dark", _marks())
    text = {"svg.fonttype": "none", "font.family": ["Inter", _STANDIN]}
    with style.context(["default", _parameters(colours), text, _GROUNDLESS]):
        yield colours


@cache
def _marks() -> dict[str, str]:
    """One mark for each token that is a colour, else its value. Three bytes that no figure has by chance."""
    tokens = palette("dark").tokens
    return {
        name: f"#{0x0D5A00 + index:06x}" if value.startswith("#") else value
        for index, (name, value) in enumerate(tokens.items())
    }


def drawing(figure: Figure, name: str, description: str) -> str:
    """Return a figure made within `painted` as SVG for the page: its text is text, its colours are the page's.

    Parameters
    ----------
    figure : Figure
    name : str
        Identifies the drawing on its page: letters, digits, hyphens.
    description : str
        What it shows, for those who do not see it.
    """
    written = io.StringIO()
    with style.context({"svg.hashsalt": name}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    text = re.sub(r"(?s)^.*?(?=<svg )|<metadata>.*?</metadata>|<!--.*?-->", "", text)
    names = {value: f"var(--{token})" for token, value in _marks().items() if value.startswith("#")}
    text = re.sub(r"#0d5a[0-9a-f]{2}", lambda found: names[found[0]], text)
    # The page has one face with all weights; a hundredth of a pixel is enough.
    text = re.sub(r"font: (\d+) ([\d.]+px) [^;\"]+", r"font-size: \2; font-weight: \1", text)
    text = re.sub(r"font-family: [^;\"]+;? ?|<style.*?</style>|<defs>\s*</defs>", "", text)
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), text).replace("xlink:href", "href")
    used = set(re.findall(r"(?:url\(#|href=\"#)([\w-]+)", text))
    text = re.sub(r' id="([\w.-]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text)
    text = re.sub(r"(url\(#|href=\"#)", rf"\1{name}-", text)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width, height = (size[1], size[2]) if size else ("1", "1")
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(description)}">'
    return re.sub(r"\n\s*", "\n", re.sub(r"<svg [^>]*>", lambda _: head, text, count=1)).strip()


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
    pieces: list[Artist] = []
    for text, properties in parts:
        if text:
            pieces.append(TextArea(text, textprops={"size": HEADING, **properties}))
        else:
            dot = DrawingArea(8.0, 8.0)
            dot.add_artist(Circle((4.0, 4.0), 4.0, facecolor=properties["color"], edgecolor="none"))
            pieces.append(dot)
    raised = ScaledTranslation(0.0, above / POINTS_PER_INCH, _root(axes).dpi_scale_trans)
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


def _root(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("the panel stands in no figure")
    return figure
