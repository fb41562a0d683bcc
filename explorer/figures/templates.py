"""The templates of a decoded spectrum as a figure for a paper: curve, weight before the archive's range, variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.figures.sheet import EDGE_MM, Sheet
from explorer.figures.spectrum import Heading, draw_heading
from explorer.figures.style import TICK_PT

#: Height of a template, of the headings above the first and of the axis below the last [mm].
_ROW, _HEADINGS, _BELOW = 9.0, 4.5, 7.5


def templates_height(width: float, rows: int, heading: Heading) -> float:
    """Height of the figure [mm]."""
    return heading.height(width) + _HEADINGS + rows * _ROW + _BELOW


def draw_templates(sheet: Sheet, rows: Sequence[dict[str, Any]], energies: Sequence[float], heading: Heading) -> None:
    """Draw the leading templates.

    Parameters
    ----------
    sheet : Sheet
    rows : sequence of dict
        Of `explorer.components.template_view.content`.
    energies : sequence of float
        At which the curves are given [keV].
    heading : Heading
    """
    draw_heading(sheet, heading)
    colours, room = sheet.colours, sheet.width - 2 * EDGE_MM
    left, gap, texts = EDGE_MM + 2.0, 4.0, 22.0
    curve = 0.33 * room
    scale = left + curve + gap
    bar = room - curve - texts - gap - 4.0
    edges = sheet.width - EDGE_MM
    top = heading.height(sheet.width)
    small: dict[str, Any] = {"size": TICK_PT, "color": colours["text-3"]}
    sheet.text(left, top, "Template", **small)
    sheet.text(scale, top, "Weight, and 90 % of the archive", **small)
    sheet.text(edges, top, "Variance", ha="right", **small)
    for number, row in enumerate(rows):
        above = top + _HEADINGS + number * _ROW
        axes = sheet.axes(left, above, curve, _ROW - 1.2, label=f"template {number + 1}")
        axes.set(xscale="log", xlim=(energies[0], energies[-1]), ylim=(-1.15, 1.15), yticks=[])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.axhline(0, color=colours["zero"], lw=0.4)
        axes.plot(energies, row["curve"], color=colours["model"], lw=0.9)
        axes.tick_params(axis="x", which="both", length=0, labelbottom=False)
        weights = sheet.axes(scale, above, bar, _ROW - 1.2, label=f"weight {number + 1}")
        weights.set(xlim=(0, 1), ylim=(-1, 1))
        weights.set_axis_off()
        weights.barh(0, row["high"] - row["low"], left=row["low"], height=0.9, color=colours["line"], lw=0)
        weights.barh(
            0, row["at"] - row["zero"], left=row["zero"], height=0.34, color=colours["model"], alpha=0.55, lw=0
        )
        weights.plot([row["zero"]] * 2, [-0.7, 0.7], color=colours["zero"], lw=0.5)
        weights.plot([row["at"]] * 2, [-0.6, 0.6], color=colours["model"], lw=1.1)
        middle = above + (_ROW - 1.2) / 2
        sheet.text(edges - 11.5, middle, row["weight"], ha="right", va="center")
        sheet.text(edges, middle, row["share"], ha="right", va="center", color=colours["text-2"])
    axes.spines["bottom"].set_visible(True)
    axes.set_xticks([0.3, 1, 10], ["0.3", "1", "10"])
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.tick_params(axis="x", which="both", length=2, labelbottom=True)
    axes.set_xlabel("Energy, keV")


def energies_of(points: int) -> list[float]:
    """Return where a small curve of so many points is given [keV]."""
    return [float(energy) for energy in np.geomspace(0.3, 10.0, points)]
