"""The detections most similar to one, as a figure for a paper: small spectra with names and distances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from explorer.figures.sheet import EDGE_MM, Sheet
from explorer.figures.spectrum import Heading, chip, draw_heading
from explorer.figures.style import LINE_MM, STRONG, TICK_PT, clipped
from explorer.tools.words import short_class

#: Height of a row, width of a small spectrum and of the gap after it, least width of a column [mm].
_ROW, _SPARK, _GAP = 10.5, 11.0, 1.8
_COLUMN: Final = 42.0


def similar_height(width: float, count: int, heading: Heading) -> float:
    """Height of the figure on a sheet of some width [mm]."""
    return heading.height(width) + 1.0 + _rows(width, count) * _ROW


def draw_similar(
    sheet: Sheet, items: Sequence[dict[str, Any]], sparks: Sequence[Sequence[float]], heading: Heading
) -> None:
    """Draw the list, the most similar first, column by column.

    Parameters
    ----------
    sheet : Sheet
    items : sequence of dict
        Of `explorer.panels.neighbours`.
    sparks : sequence of sequence of float
        Heights of the small spectra, 0 to 1.
    heading : Heading
    """
    draw_heading(sheet, heading)
    colours, rows = sheet.colours, _rows(sheet.width, len(items))
    step = (sheet.width - 2 * EDGE_MM) / _columns(sheet.width)
    for number, item in enumerate(items):
        column, row = divmod(number, rows)
        left, top = EDGE_MM + column * step, heading.height(sheet.width) + 1.0 + row * _ROW
        spark = sheet.axes(left, top, _SPARK, _ROW - 2.2, label=item["name"])
        spark.set(xlim=(0, 1), ylim=(-0.04, 1.04), xticks=[], yticks=[])
        spark.spines["left"].set_visible(False)
        heights = sparks[number] if number < len(sparks) else []
        if heights:
            last = max(1, len(heights) - 1)
            spark.plot([k / last for k in range(len(heights))], heights, color=colours["data"], lw=0.7)
        words = left + _SPARK + _GAP
        room = step - _SPARK - _GAP - 1.2
        chip(sheet, words, top + 0.4, colours[item["token"].removeprefix("--")], 1.7)
        sheet.text(words + 2.4, top, clipped(item["short_name"], room - 2.4, TICK_PT, **STRONG), TICK_PT, **STRONG)
        quiet: dict[str, Any] = {"color": colours["text-2"]}
        about = clipped(f"{short_class(item['class_label'])}, {item['counts']}", room, TICK_PT)
        sheet.text(words, top + LINE_MM[TICK_PT], about, TICK_PT, **quiet)
        same = ", same within σ" if item["same"] else ""
        sheet.text(
            words, top + 2 * LINE_MM[TICK_PT], clipped(f"{item['distance']}{same}", room, TICK_PT), TICK_PT, **quiet
        )


def _columns(width: float) -> int:
    return max(1, int((width - 2 * EDGE_MM) // _COLUMN))


def _rows(width: float, count: int) -> int:
    return -(-count // _columns(width))
