"""The few kinds of plot that a report is made of. All are drawn on a page 1 px to the point, within `style.painted`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from vae.evaluation.report.style import BODY, POINTS_PER_INCH, STRONG, TICK
from vae.palette import CLASS_TOKENS, Palette, class_token

Array = NDArray[Any]

#: Width of a drawing [px]: the page's column.
WIDTH: Final = 840.0
ENERGY_TICKS: Final = (0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
#: Room left of a panel for its numbers and their name, and below it [px].
LEFT, BELOW = 52.0, 38.0
_ROW: Final = 24.0


@dataclass(frozen=True)
class Row:
    """One line of `dots`: what is measured, its value and interval, and what it is to be compared with.

    Parameters
    ----------
    name : str
    value, low, high : float
        NaN where there is none.
    token : str
        Of the colour: ``model`` for what the model says, ``text-3`` for baselines, a class's.
    beside : mapping of str to float
        Baselines shown in the same line as hollow marks, by what they are called in the key.
    note : str
        Written at the right end.
    """

    name: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    token: str = "model"
    beside: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def canvas(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of so many pixels."""
    return Figure((width / POINTS_PER_INCH, height / POINTS_PER_INCH))


def panel(figure: Figure, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
    """Place axes by pixels from the figure's upper left corner."""
    full_width, full_height = figure.get_size_inches() * POINTS_PER_INCH
    box = (left / full_width, 1.0 - (top + height) / full_height, width / full_width, height / full_height)
    return figure.add_axes(box, **options)


def panels(figure: Figure, n: int, *, top: float, height: float, left: float = LEFT, gap: float = 56.0) -> list[Axes]:
    """Place n panels beside each other."""
    width = (figure.get_size_inches()[0] * POINTS_PER_INCH - left - 8.0 - (n - 1) * gap) / n
    return [panel(figure, left + i * (width + gap), top, width, height) for i in range(n)]


def dots(
    rows: Sequence[Row],
    colours: Palette,
    *,
    label: str,
    limits: tuple[float, float] | None = None,
    marks: Mapping[str, float] | None = None,
    band: tuple[float, float] | None = None,
    names_px: float = 210.0,
    notes_px: float = 92.0,
) -> Figure:
    """Draw one line a row: a dot, its interval, hollow marks for baselines.

    Parameters
    ----------
    rows : sequence of Row
    colours : Palette
    label : str
        Name and unit of the axis.
    limits : (float, float), optional
        Of the axis; what lies beyond is drawn at its edge.
    marks : mapping of str to float, optional
        Vertical lines and what they mean (chance, for instance).
    band : (float, float), optional
        Where values should lie.
    names_px, notes_px : float
        Room for names and notes.
    """
    besides = list(dict.fromkeys(name for row in rows for name in row.beside))
    keyed = bool(besides) or bool(marks)
    top = 26.0 if keyed else 8.0
    figure = canvas(top + _ROW * len(rows) + BELOW)
    axes = panel(figure, names_px, top, WIDTH - names_px - notes_px, _ROW * len(rows))
    everything = [v for row in rows for v in (row.value, row.low, row.high, *row.beside.values())] + list(
        (marks or {}).values()
    )
    low, high = limits or _around([value for value in everything if np.isfinite(value)])
    axes.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5), xlabel=label)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.tick_params(axis="y", labelsize=BODY, labelcolor=colours["text"], pad=10.0)
    axes.grid(axis="y", visible=False)
    if band is not None:
        axes.axvspan(*band, color=colours["model"], alpha=0.12, linewidth=0)
    for value in (marks or {}).values():
        axes.axvline(value, color=colours["text-3"], linewidth=1.0, linestyle=(0, (1.5, 2.5)))

    def inside(value: float) -> float:
        return float(np.clip(value, low, high))

    for place, row in enumerate(rows):
        if np.isfinite(row.low) and np.isfinite(row.high):
            axes.plot([inside(row.low), inside(row.high)], [place] * 2, color=colours[row.token], linewidth=1.75)
        for name, value in row.beside.items():
            if np.isfinite(value):
                axes.plot(inside(value), place, **_hollow(besides.index(name), colours))
        if np.isfinite(row.value):
            out = row.value < low or row.value > high
            marker = ("<" if row.value < low else ">") if out else "o"
            axes.plot(inside(row.value), place, marker, color=colours[row.token], markersize=7, clip_on=False, zorder=5)
        axes.text(
            1.0, place, row.note, transform=axes.get_yaxis_transform(), ha="right", va="center", color=colours["text-2"]
        ).set_x(1.0 + notes_px / (WIDTH - names_px - notes_px))
    key(
        axes,
        colours,
        [(name, _hollow(index, colours)) for index, name in enumerate(besides)]
        + [
            (f"{name}", {"color": colours["text-3"], "linestyle": (0, (1.5, 2.5)), "linewidth": 1.0})
            for name in marks or {}
        ],
    )
    return figure


def _hollow(index: int, colours: Palette) -> dict[str, Any]:
    """How the index-th baseline is marked."""
    return {
        "marker": ("o", "D", "s", "^")[index % 4],
        "markersize": (6.5, 5.5, 5.5, 6.5)[index % 4],
        "markerfacecolor": "none",
        "markeredgecolor": colours["text-2"],
        "markeredgewidth": 1.25,
        "linestyle": "none",
        "clip_on": False,
    }


def _around(values: Sequence[float]) -> tuple[float, float]:
    """Limits with some air around values."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 0.5
    return (0.0 if 0 <= low < 0.35 * high else low - air), high + air


def key(axes: Axes, colours: Palette, entries: Sequence[tuple[str, Mapping[str, Any]]], *, above: float = 0.0) -> None:
    """Write a key in one line above a panel, by so many px: flush with its left edge, names in second text, no box."""
    if not entries:
        return
    handles = [axes.plot([], [], label=name, **properties)[0] for name, properties in entries]
    legend = axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0 + above / (axes.get_position().height * _height(axes))),
        ncols=len(handles),
        borderaxespad=0.0,
        borderpad=0.35,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.4,
        fontsize=TICK + 1,
        labelcolor=colours["text-2"],
    )
    axes.add_artist(legend)


def _height(axes: Axes) -> float:
    return float(axes.figure.get_size_inches()[1]) * POINTS_PER_INCH  # type: ignore[union-attr]


def title(axes: Axes, text: str, colours: Palette, *, note: str = "") -> None:
    """Name a panel above its upper left corner; a note stands at the right."""
    axes.set_title(text, loc="left", size=BODY, color=colours["text"], pad=7.0, **STRONG)
    if note:
        axes.set_title(note, loc="right", size=TICK + 1, color=colours["text-2"], pad=7.0)


def energy_axis(axes: Axes, *, label: bool = True, ticks: Sequence[float] = ENERGY_TICKS) -> None:
    """Logarithmic energies, 0.3-10 keV, with labels that people read."""
    axes.set_xscale("log")
    axes.set_xlim(0.3, 10.0)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    if label:
        axes.set_xlabel("Energy (keV)")


def counts_axis(axes: Axes, low: float, high: float) -> None:
    """Logarithmic net counts."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [tick for tick in (300, 1000, 3000, 10_000, 30_000, 100_000, 300_000) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("Net counts, 0.3–10 keV")


def signed(axes: Axes, axis: str = "y") -> None:
    """Numbers of an axis with their sign, in true minus."""
    form = FuncFormatter(lambda value, _: f"{value:+g}".replace("-", "−") if value else "0")
    (axes.yaxis if axis == "y" else axes.xaxis).set_major_formatter(form)


def class_colour_token(name: str, position: int = 0) -> str:
    """Token of the colour of a class."""
    return f"c-{class_token(name, position)}"


def in_legend_order(names: Sequence[str]) -> list[str]:
    """Classes in the legend's order, the others after them by name."""
    order = list(CLASS_TOKENS)
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def steps(edges: Array, values: Array) -> tuple[Array, Array]:
    """Corners of a histogram's outline."""
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)
