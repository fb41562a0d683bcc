"""A selection as a figure for a paper: its classes, and its histograms beside those of the archive."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from explorer.figures.sheet import EDGE_MM, Picture, Sheet, origin
from explorer.figures.spectrum import Heading, chip, draw_heading
from explorer.figures.style import LINE_MM, TICK_PT, clipped
from explorer.filters.histograms import Histogram, histogram
from explorer.selection import summary as selection_summary
from explorer.services import Services
from explorer.tools.masks import Mask

#: A class's line, what lies between classes and histograms, a histogram with its axes, left of it [mm].
_LINE, _GAP, _PLOT, _LEFT = 3.5, 4.0, 27.0, 9.0
#: Name of a class and its numbers [mm]; the bar takes what is left.
_NAME, _NUMBERS = 36.0, 24.0
#: Bins of the page joined to one of a figure: those of a few hundred detections are empty otherwise.
_JOINED: Final = 2


def selection_picture(services: Services, mask: Mask, how: str) -> Picture:
    """Return the selection as a figure.

    Parameters
    ----------
    services : Services
    mask : array of bool, shape (n,)
        Never changed afterwards.
    how : str
        How it was made, in words; may be empty.
    """
    count, atlas = int(np.count_nonzero(mask)), services.atlas
    share = selection_summary.percent(count / max(1, len(services)))
    lines = (f"{share} of {len(services):,} detections", *([how[:1].upper() + how[1:]] if how else []))
    heading = Heading(f"{count:,} detection{'' if count == 1 else 's'} selected", lines=lines)
    makeup = selection_summary.makeup(services, mask)
    plots = [histogram(atlas, each.key) for each in selection_summary.shown_quantities(services)]
    about = origin(
        atlas, heading.name, "histograms: fraction of the selected (line) and of the archive (grey) in a bin"
    )
    simulated = "-simulated" if atlas.simulated and "simulated" not in atlas.name else ""

    def height(width: float) -> float:
        rows = -(-len(plots) // _per_row(width))
        return heading.height(width) + len(makeup) * _LINE + _GAP + rows * _PLOT

    def draw(sheet: Sheet) -> None:
        draw_heading(sheet, heading)
        top = heading.height(sheet.width)
        _draw_makeup(sheet, makeup, top)
        _draw_histograms(sheet, plots, mask, top + len(makeup) * _LINE + _GAP)

    return Picture(f"{atlas.name}{simulated}-{count}-selected", about, height, draw)


def _per_row(width: float) -> int:
    return 2 if width < 120 else 4


def _draw_makeup(sheet: Sheet, makeup: list[dict[str, Any]], top: float) -> None:
    colours = sheet.colours
    left, width = EDGE_MM + _NAME, sheet.width - 2 * EDGE_MM - _NAME - _NUMBERS
    bars = sheet.axes(left, top, width, max(1, len(makeup)) * _LINE, label="classes")
    bars.set(xlim=(0, 1), ylim=(len(makeup), 0))
    bars.set_axis_off()
    for number, line in enumerate(makeup):
        colour = colours[line["token"].removeprefix("--")]
        bars.barh(number + 0.5, 1, height=0.5, color=colours["line"], lw=0)
        bars.barh(number + 0.5, line["share"], height=0.5, color=colour, lw=0, gid=f"class {line['name']}")
        above = top + number * _LINE + (_LINE - LINE_MM[TICK_PT]) / 2
        chip(sheet, EDGE_MM, above + 0.4, colour, 1.7)
        sheet.text(EDGE_MM + 2.6, above, clipped(line["name"], _NAME - 3.6, TICK_PT), TICK_PT)
        right = sheet.width - EDGE_MM
        sheet.text(right - 10.5, above, line["count"], TICK_PT, ha="right")
        sheet.text(right, above, line["percent"], TICK_PT, ha="right", color=colours["text-2"])


def _draw_histograms(sheet: Sheet, plots: list[Histogram], mask: Mask, top: float) -> None:
    columns = _per_row(sheet.width)
    step = (sheet.width - EDGE_MM) / columns
    for number, bins in enumerate(plots):
        row, column = divmod(number, columns)
        place = (column * step + _LEFT, top + row * _PLOT, step - _LEFT - 2.0, _PLOT - 9.5)
        axes = sheet.axes(*place, label=bins.quantity.key)
        every, those = fractions(bins, None), fractions(bins, mask)
        edges = np.linspace(0.0, 1.0, len(every) + 1)
        grey, ink = sheet.colours["zero"], sheet.colours["data"]
        axes.stairs(every, edges, fill=True, color=grey, alpha=0.7, lw=0, gid="archive")
        axes.stairs(those, edges, color=ink, lw=0.8, gid="selected")
        axes.set(xlim=(0, 1), ylim=(0, 1.08 * max(every.max(), those.max(), 1e-9)))
        ticks = bins.ticks()
        axes.set_xticks([place for place, _ in ticks], [words for _, words in ticks])
        axes.locator_params(axis="y", nbins=3)
        unit = f", {bins.quantity.unit}" if bins.quantity.unit else ""
        axes.set_xlabel(f"{bins.quantity.label}{unit}")
        if column == 0:
            axes.set_ylabel("Fraction")


def fractions(bins: Histogram, mask: Mask | None) -> np.ndarray:
    """Fraction of the detections of a mask (None: of the archive) in each bin of a figure; they sum to 1 or to 0."""
    counts = bins.count(mask).reshape(-1, _JOINED).sum(axis=1).astype(np.float64)
    parts: np.ndarray = counts / max(1.0, counts.sum())
    return parts
