"""The inspector's spectrum as a figure for a paper: what is on screen, value for value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.figures.sheet import DPI, EDGE_MM, Sheet
from explorer.figures.style import (
    BODY_PT,
    LINE_MM,
    MM_PER_INCH,
    STRONG,
    TICK_PT,
    TITLE_PT,
    clipped,
    split_alpha,
    text_mm,
    wrapped,
)
from explorer.palette import Palette
from explorer.tools.spectra import ENERGY_LABEL, LABELLED_ENERGIES, MINOR_ENERGIES, RESIDUAL_LIMIT
from explorer.tools.words import MINUS, superscript

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Columns = Mapping[str, NDArray[Any]]

#: Left of the axes and right of them, between the two frames, the energy axis below [mm].
_LEFT, _RIGHT, _BETWEEN, _BELOW = 12.0, 2.5, 1.8, 8.0
#: Share of the residuals in the height of both frames.
_RESIDUALS: Final = 0.21
#: A chip and its distance from the words after it [mm].
_CHIP: Final = 2.7
#: Corners where a key may stand, best first, with signs of x and y.
_CORNERS: Final = {"upper right": (1, 1), "lower left": (-1, -1), "lower right": (1, -1), "upper left": (-1, 1)}


@dataclass(frozen=True)
class Heading:
    """Who is shown, above a figure.

    Parameters
    ----------
    name : str
    label : str
        Class, and where it comes from; may be empty.
    colour : str
        Token of the class's colour, as in ``--c-agn``; may be empty.
    lines : tuple of str
        Facts and verdict.
    """

    name: str
    label: str = ""
    colour: str = ""
    lines: tuple[str, ...] = ()

    def height(self, width: float) -> float:
        """Of all its lines on a sheet of some width [mm]."""
        return EDGE_MM + LINE_MM[TITLE_PT] + LINE_MM[BODY_PT] * len(self.below(width)) + 1.0

    def beside(self, width: float) -> bool:
        """Whether the class finds room beside the name."""
        room = width - 2 * EDGE_MM - text_mm(self.name, TITLE_PT, **STRONG) - _CHIP - 2.5
        return not self.label or text_mm(self.label, BODY_PT) <= room

    def below(self, width: float) -> list[str]:
        """Lines below the name; the first is the class's if there is no room beside it."""
        lines = [] if self.beside(width) else [self.label]
        for line in self.lines:
            lines += wrapped(line, width - 2 * EDGE_MM, BODY_PT)
        return lines


@dataclass(frozen=True)
class Drawn:
    """A spectrum as a plot shows it.

    Parameters
    ----------
    points, steps : mapping of arrays
        Columns of `explorer.tools.plots.SpectrumPlot`; no points for a decoded spectrum.
    low, high : float
        Ends of the vertical axis.
    label : str
        Of the vertical axis, with its unit.
    key : mapping
        Of `explorer.components.plot_key`.
    """

    points: Columns
    steps: Columns
    low: float
    high: float
    label: str
    key: Mapping[str, Any]

    @property
    def counted(self) -> bool:
        """Whether there are counts, and so residuals."""
        return len(self.points["mid"]) > 0


def draw_heading(sheet: Sheet, heading: Heading) -> None:
    """Write who is shown into the upper left corner of a sheet."""
    quiet: dict[str, Any] = {"color": sheet.colours["text-2"]}
    beside = heading.beside(sheet.width)
    name = clipped(heading.name, sheet.width - 2 * EDGE_MM, TITLE_PT, **STRONG)
    sheet.text(EDGE_MM, EDGE_MM, name, TITLE_PT, **STRONG)
    left, top = EDGE_MM + sheet.mm(name, TITLE_PT, **STRONG) + 2.5, EDGE_MM + 0.45
    if not beside:
        left, top = EDGE_MM, EDGE_MM + LINE_MM[TITLE_PT]
    if heading.label and heading.colour:
        chip(sheet, left, top + 0.4, sheet.colours[heading.colour.removeprefix("--")])
    if heading.label:
        sheet.text(left + (_CHIP if heading.colour else 0.0), top, heading.label, **quiet)
    for number, line in enumerate(heading.below(sheet.width)):
        if beside or number:
            sheet.text(EDGE_MM, EDGE_MM + LINE_MM[TITLE_PT] + number * LINE_MM[BODY_PT], line, **quiet)


def chip(sheet: Sheet, left: float, top: float, colour: str, size: float = 1.9) -> None:
    """Draw a chip of a class's colour at a place [mm]."""
    from matplotlib.patches import Rectangle

    x, y, width, height = sheet.box(left, top, size, size)
    edge = sheet.colours["text-3"]
    patch = Rectangle((x, y), width, height, facecolor=colour, edgecolor=edge, lw=0.25, transform=_whole(sheet))
    sheet.figure.add_artist(patch)


def _whole(sheet: Sheet) -> Any:
    return sheet.figure.transFigure


def spectrum_height(width: float, heading: Heading) -> float:
    """Height of a spectrum's figure [mm]: wide ones are flatter."""
    return heading.height(width) + (0.78 * width if width < 120 else 0.5 * width)


def draw_spectrum(sheet: Sheet, drawn: Drawn, heading: Heading) -> None:
    """Draw a spectrum, and below it its residuals if there are counts.

    Parameters
    ----------
    sheet : Sheet
    drawn : Drawn
    heading : Heading
    """
    draw_heading(sheet, heading)
    top = heading.height(sheet.width)
    height = sheet.height - top - _BELOW
    width = sheet.width - _LEFT - _RIGHT
    upper = (height - _BETWEEN) * (1 - _RESIDUALS) if drawn.counted else height
    main = sheet.axes(_LEFT, top, width, upper, label="spectrum")
    _draw_main(main, drawn, sheet.colours)
    lowest = main
    if drawn.counted:
        main.tick_params(axis="x", labelbottom=False)
        lowest = sheet.axes(_LEFT, top + upper + _BETWEEN, width, height - upper - _BETWEEN, label="residuals")
        _draw_residuals(lowest, drawn, sheet.colours)
    lowest.set_xlabel(ENERGY_LABEL)
    for axes in {main, lowest}:
        axes.yaxis.set_label_coords(-(_LEFT - 3.2) / width, 0.5)


def _draw_main(axes: Axes, drawn: Drawn, colours: Palette) -> None:
    axes.set_yscale("log")
    _energy_axis(axes, colours)
    axes.set_ylim(drawn.low, drawn.high)
    axes.set_ylabel(drawn.label)
    axes.yaxis.set_major_formatter(lambda value, _: decade(value))
    axes.yaxis.set_minor_formatter(lambda *_: "")
    steps, points = drawn.steps, drawn.points
    band, alpha = split_alpha(colours["band"])
    model, data = colours["model"], colours["data"]
    axes.fill_between(steps["e"], steps["band_lo"], steps["band_hi"], color=band, alpha=alpha, lw=0, gid="band")
    axes.plot(steps["e"], steps["background"], color=colours["background"], lw=0.8, ls=(0, (1, 1.5)), gid="background")
    axes.plot(steps["e"], steps["decoded"], color=model, lw=0.7, ls=(0, (4, 2.4)), alpha=0.8, gid="decoded")
    axes.plot(steps["e"], steps["model"], color=model, lw=1.0, gid="model")
    if drawn.counted:
        _crosses(axes, points, "y", "y_lo", "y_hi", data, "counts")
        limits = np.isfinite(np.asarray(points["limit"], float))
        if limits.any():
            lo, hi, mid, at = (np.asarray(points[name], float)[limits] for name in ("lo", "hi", "mid", "limit"))
            axes.hlines(at, lo, hi, color=data, lw=0.5, alpha=0.6)
            axes.plot(mid, at, "v", color=data, ms=2.4, mew=0, alpha=0.6, gid="limits")
    _draw_key(axes, drawn, colours)


def _draw_residuals(axes: Axes, drawn: Drawn, colours: Palette) -> None:
    _energy_axis(axes, colours)
    points, data = drawn.points, colours["data"]
    axes.set_ylim(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)
    axes.set_yticks([-3, 0, 3], [f"{MINUS}3", "0", "+3"])
    axes.set_ylabel("Resid., σ")
    axes.axhspan(-1, 1, color=colours["background"], alpha=0.12, lw=0)
    axes.axhline(0, color=colours["model"], lw=0.7)
    _crosses(axes, points, "residual_shown", "residual_lo", "residual_hi", data, "residuals")
    axes.plot(points["mid"], points["beyond_up"], "^", color=data, ms=3, mew=0, gid="beyond_up")
    axes.plot(points["mid"], points["beyond_down"], "v", color=data, ms=3, mew=0, gid="beyond_down")


def _crosses(axes: Axes, points: Columns, y: str, low: str, high: str, colour: str, name: str) -> None:
    """Bars across each group and along its error, as segments: what errors of a NaN would leave out stays drawn."""
    lo, hi, mid = (np.asarray(points[column], float) for column in ("lo", "hi", "mid"))
    at, below, above = (np.asarray(points[column], float) for column in (y, low, high))
    axes.hlines(at, lo, hi, color=colour, lw=0.5, gid=f"{name}-bins")
    axes.vlines(mid, below, above, color=colour, lw=0.5, gid=f"{name}-errors")
    axes.plot(mid, at, "o", color=colour, ms=1.5, mew=0, gid=name)


def _energy_axis(axes: Axes, colours: Palette) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.3, 10.0)
    axes.set_xticks(LABELLED_ENERGIES, [f"{energy:g}" for energy in LABELLED_ENERGIES])
    axes.set_xticks(MINOR_ENERGIES, minor=True)
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.grid(color=colours["plot-grid"], lw=0.4)
    axes.set_axisbelow(True)


def _draw_key(axes: Axes, drawn: Drawn, colours: Palette) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    key = drawn.key
    band, alpha = split_alpha(colours["band"])
    data, model = colours["data"], colours["model"]
    cross = (Line2D([], [], color=data, lw=0.5), Line2D([], [], color=data, marker="o", ms=1.8, lw=0, mew=0))
    marks: dict[str, Any] = {
        "counts": cross,
        "limit": Line2D([], [], color=data, marker="v", ms=3, mew=0, lw=0.5, alpha=0.6),
        "model": Line2D([], [], color=model, lw=1.0),
        "decoded": Line2D([], [], color=model, lw=0.7, ls=(0, (4, 2.4)), alpha=0.8),
        "band": Patch(facecolor=band, alpha=alpha, lw=0),
        "background": Line2D([], [], color=colours["background"], lw=0.8, ls=(0, (1, 1.5))),
    }
    lines: list[tuple[Any, str, str]] = [(marks[glyph], label, "text-2") for glyph, label in key.get("lines", [])]
    nothing = Line2D([], [], lw=0)
    lines += [
        (nothing, key[kind], token) for kind, token in (("warning", "caution"), ("note", "model")) if key.get(kind)
    ]
    handles, labels, tokens = zip(*lines, strict=True)
    corner = _clear_corner(axes, drawn, len(lines))
    legend = axes.legend(
        handles,
        labels,
        loc=corner,
        borderpad=0.1,
        borderaxespad=0.2,
        labelspacing=0.25,
        handlelength=1.6,
        handletextpad=0.6,
        markerfirst=corner.endswith("left"),
        alignment="left" if corner.endswith("left") else "right",
        handler_map={tuple: HandlerTuple(ndivide=1, pad=0)},
    )
    for text, token in zip(legend.get_texts(), tokens, strict=True):
        text.set(color=colours[token], size=TICK_PT)


def _clear_corner(axes: Axes, drawn: Drawn, lines: int) -> Any:
    """Corner of the frame where the least is drawn under a key of so many lines."""
    frame = axes.get_window_extent()
    wide = 36.0 / (frame.width / DPI * MM_PER_INCH)
    tall = (1.0 + lines * LINE_MM[TICK_PT]) / (frame.height / DPI * MM_PER_INCH)
    columns = [(drawn.steps["e"], drawn.steps[name]) for name in ("model", "band_lo", "band_hi", "background")]
    columns += [(drawn.points["mid"], drawn.points[name]) for name in ("y", "y_hi", "y_lo")]
    x, y = (np.concatenate([np.asarray(pair[k], float) for pair in columns]) for k in (0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.log(x / 0.3) / np.log(10.0 / 0.3)
        y = np.log(y / drawn.low) / np.log(drawn.high / drawn.low)
    under = {
        corner: int(np.count_nonzero(((1 - x if right > 0 else x) < wide) & ((1 - y if up > 0 else y) < tall)))
        for corner, (right, up) in _CORNERS.items()
    }
    return min(under, key=lambda corner: under[corner])


def decade(value: float) -> str:
    """Label of a power of ten: 0.1, 1 and 10 are no powers."""
    power = round(float(np.log10(value))) if value > 0 else 0
    return {-1: "0.1", 0: "1", 1: "10"}.get(power, f"10{superscript(power)}")


def as_arrays(columns: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[Any]]:
    """Copy of a plot's columns: what is drawn later is what was on screen."""
    return {name: np.array(values) for name, values in columns.items()}
