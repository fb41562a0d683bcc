"""The panels of the figure of the simulated classes: what each shows, how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from vae.evaluation.report.style import BODY, POINTS_PER_INCH, STRONG, TICK, TITLE, heading
from vae.palette import Palette, class_token
from vae.simulate.population import ODDITIES
from vae.spectra import grid

Array = NDArray[Any]
#: Bins are joined until they hold so many sigma: at least two bins, and never so many that the group has no energy.
SIGMA, LEAST_BINS, MOST_BINS = 3.5, 2, 30
#: Page and its margin, rooms for the labels left of a panel and for the heading and the ticks between two rows,
#: least distance of two cells, heights of a real and of a simulated panel [px].
WIDTH, MARGIN, LABELS, BETWEEN, GUTTER, LARGE, SMALL = 880.0, 24.0, 28.0, 53.0, 10.0, 128.0, 104.0
#: Tops of the title, of the words and of the first panels [px].
TITLE_TOP, WORDS_TOP, PANELS_TOP = 27.0, 52.0, 147.0
COLUMNS: Final = 3
WORDS: Final = (
    "Top: two real sources (crosses) and the nearest of {n_sources:,} simulated ones (line): least C-stat per count, "
    "amplitude free, through the simulated instrument.\n"
    "Below: the most typical source of every class, and four oddities, at {brightnesses} net counts "
    "in {exposure_ks:g} ks (crosses),\n"
    "what was expected (lines), what was sent (dots). Left: folded, counts s$^{{-1}}$ keV$^{{-1}}$. "
    "Right: E F(E), keV cm$^{{-2}}$ s$^{{-1}}$, unfolded, not deconvolved."
)
X_RANGE, X_TICKS = (0.28, 10.5), (0.5, 1.0, 2.0, 5.0)
#: Least rates and fluxes shown of the classes; the most is what the brightest needs, and this much more.
FOLDED_LOW, UNFOLDED_LOW, HEADROOM = 7e-5, 5e-7, 1.4
#: The three brightnesses: how strongly they are drawn; place of their label, above or below the curve [px].
STRENGTH: Final = (0.62, 0.8, 1.0)
LIFT: Final = (-11.0, 8.0, 8.5)
NEAR_LEFT: Final = slice(2, 20)


@dataclass(frozen=True)
class Spectrum:
    """Counts of one spectrum, shape (238,) each, and what turns them into rates and fluxes (sensitivity (238,))."""

    counts: Array
    background_counts: Array
    background_ratio: float
    sensitivity: Array
    exposure_s: float


@dataclass(frozen=True)
class Curve:
    """A line over the bins: folded [counts / s / keV] and unfolded, E F(E) [keV / cm2 / s], shape (238,) each."""

    folded: Array
    unfolded: Array

    @classmethod
    def of(cls, expected: Array, sensitivity: Array, exposure_s: float) -> Curve:
        """Return the line of expected counts, shape (238,), that an instrument of this sensitivity would give."""
        return cls(expected / grid.BIN_WIDTHS / exposure_s, grid.BIN_CENTRES**2 * expected / sensitivity)


@dataclass(frozen=True)
class RealCell:
    """A real spectrum, and the nearest simulated one: its class and what it would have given."""

    title: str
    spectrum: Spectrum
    simulated_class: str
    simulated: Curve


@dataclass(frozen=True)
class ClassCell:
    """The typical source of a class at every brightness: what was drawn and what was expected; what was sent."""

    name: str
    net_counts: Sequence[int]
    spectra: Sequence[Spectrum]
    expected: Sequence[Curve]
    sent: Array


def draw(real: Sequence[RealCell], classes: Sequence[ClassCell], colours: Palette, n_sources: int) -> Figure:
    """Return the figure: real spectra above, `COLUMNS` classes a row below; each cell folded left, unfolded right."""
    n_rows = -(-len(classes) // COLUMNS)
    classes_top = PANELS_TOP + LARGE + BETWEEN + 4.0
    height = classes_top + n_rows * (SMALL + BETWEEN) - BETWEEN + MARGIN + 16.0
    figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH))
    title = {"va": "top", "size": TITLE, **STRONG}
    figure.text(MARGIN / WIDTH, 1.0 - TITLE_TOP / height, "What the simulated archive looks like", **title)
    *fewer, most = (f"{net:,}" for net in classes[0].net_counts)
    words = WORDS.format(
        n_sources=n_sources,
        brightnesses=f"{', '.join(fewer)} and {most}",
        exposure_ks=classes[0].spectra[0].exposure_s / 1e3,
    )
    body = {"va": "top", "size": BODY, "color": colours["text-2"], "linespacing": 1.35}
    figure.text(MARGIN / WIDTH, 1.0 - WORDS_TOP / height, words, **body)
    for cell, (folded, unfolded) in zip(real, _pairs(figure, 1, len(real), PANELS_TOP, LARGE, 2 * GUTTER), strict=True):
        _draw_real(cell, folded, unfolded, colours)
    pairs = _pairs(figure, n_rows, COLUMNS, classes_top, SMALL, GUTTER, shared=True)[: len(classes)]
    for cell, (folded, unfolded) in zip(classes, pairs, strict=True):
        _draw_class(cell, folded, unfolded, colours)
    _label_brightnesses(classes[0], pairs[0][1], colours)
    # Panels of a kind share their axes, so that one limit serves all.
    for axes, low in zip(pairs[0], (FOLDED_LOW, UNFOLDED_LOW), strict=True):
        axes.set_ylim(low, axes.get_ylim()[1] * HEADROOM)
    return figure


def _joined(net: Array, variance: Array) -> list[tuple[int, int]]:
    """Join neighbouring bins until each group is significant; what never is stays out."""
    groups, first = [], 0
    for last in range(1, grid.N_BINS + 1):
        total, error = net[first:last].sum(), np.sqrt(variance[first:last].sum())
        if last - first >= LEAST_BINS and total >= SIGMA * error > 0:
            groups.append((first, last))
            first = last
        elif last - first >= MOST_BINS:
            first += 1
    return groups


def _pairs(
    figure: Figure, n_rows: int, n_columns: int, top: float, height: float, gutter: float, *, shared: bool = False
) -> list[tuple[Axes, Axes]]:
    """Return the panels of a grid of cells whose first row begins at `top`, in reading order."""
    page = figure.get_figheight() * POINTS_PER_INCH
    between = gutter + LABELS
    cell = (WIDTH - 2 * MARGIN + gutter) / n_columns - between
    cells = figure.add_gridspec(
        n_rows,
        n_columns,
        left=(MARGIN + LABELS) / WIDTH,
        right=1.0 - MARGIN / WIDTH,
        top=1.0 - top / page,
        bottom=1.0 - (top + n_rows * (height + BETWEEN) - BETWEEN) / page,
        wspace=between / cell,
        hspace=BETWEEN / height,
    )
    pairs: list[tuple[Axes, Axes]] = []
    for index in range(n_rows * n_columns):
        halves = cells[index].subgridspec(1, 2, wspace=2 * LABELS / (cell - LABELS))
        like = pairs[0] if pairs and shared else (None, None)
        folded, unfolded = (
            figure.add_subplot(half, xscale="log", yscale="log", sharey=first)
            for half, first in zip(halves, like, strict=True)
        )
        pairs.append((folded, unfolded))
    for axes in (axes for pair in pairs for axes in pair):
        axes.margins(y=0.0)
        axes.set_xlim(*X_RANGE)
        axes.set_xticks(X_TICKS, [f"{tick:g}" for tick in X_TICKS])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        unit = {"ha": "right", "va": "top", "color": axes.xaxis.get_ticklabels()[0].get_color(), "size": TICK}
        axes.annotate("keV", (1.0, 0.0), (0.0, -4.0), "axes fraction", "offset points", **unit)
    return pairs


def _draw_real(cell: RealCell, folded: Axes, unfolded: Axes, colours: Palette) -> None:
    colour, soft = colours[f"c-{class_token(cell.simulated_class)}"], {"color": colours["text-3"]}
    for axes, line in ((folded, cell.simulated.folded), (unfolded, cell.simulated.unfolded)):
        axes.plot(grid.BIN_CENTRES, line, color=colour, linewidth=1.5)
    _draw_crosses(cell.spectrum, folded, unfolded, color=colours["data"], alpha=0.9)
    top, middle = np.percentile(cell.simulated.folded, 99), np.median(cell.simulated.unfolded)
    folded.set_ylim(top / 3000, 5 * top)
    unfolded.set_ylim(middle / 10, 6 * middle)
    heading(
        folded,
        ("", {"color": colours["data"]}),
        (cell.title, STRONG),
        ("real", soft),
        ("", {"color": colour}),
        (f"simulated: {cell.simulated_class}", soft),
    )


def _draw_class(cell: ClassCell, folded: Axes, unfolded: Axes, colours: Palette) -> None:
    odd = cell.name in ODDITIES
    colour = colours[f"c-{class_token('Unclassified' if odd else cell.name)}"]
    for spectrum, expected, strength in zip(cell.spectra, cell.expected, STRENGTH, strict=True):
        folded.plot(grid.BIN_CENTRES, expected.folded, color=colour, alpha=0.5)
        unfolded.plot(grid.BIN_CENTRES, expected.unfolded, color=colour, alpha=0.5)
        _draw_crosses(spectrum, folded, unfolded, color=colour, alpha=strength)
    unfolded.plot(grid.BIN_CENTRES, cell.sent, color=colours["text-3"], linestyle=(0, (1, 2)))
    note = [("oddity", {"color": colours["text-3"]})] if odd else []
    heading(folded, ("", {"color": colour}), (cell.name, STRONG), *note)


def _draw_crosses(spectrum: Spectrum, folded: Axes, unfolded: Axes, **look: Any) -> None:
    """Draw what is above the background, bins joined; each cross spans its bins and its error."""
    ratio, background = spectrum.background_ratio, np.asarray(spectrum.background_counts, np.float64)
    net, variance = spectrum.counts - ratio * background, spectrum.counts + ratio**2 * background
    first, last = np.array(_joined(net, variance), np.int64).reshape(-1, 2).T
    low, high = grid.BIN_EDGES[first], grid.BIN_EDGES[last]
    total, spread, area = (
        np.array([values[a:b].sum() for a, b in zip(first, last, strict=True)])
        for values in (net, variance, spectrum.sensitivity)
    )
    centre, error = np.sqrt(low * high), np.sqrt(spread)
    for axes, unit in ((folded, 1.0 / (spectrum.exposure_s * (high - low))), (unfolded, centre**2 / area)):
        reach = (centre - low, high - centre)
        axes.errorbar(centre, total * unit, error * unit, reach, fmt="none", elinewidth=1.0, **look)


def _label_brightnesses(cell: ClassCell, axes: Axes, colours: Palette) -> None:
    halo = [withStroke(linewidth=3.0, foreground=colours["panel"])]
    for net, expected, lift in zip(cell.net_counts, cell.expected, LIFT, strict=True):
        place = (grid.BIN_CENTRES[NEAR_LEFT.start], np.median(expected.unfolded[NEAR_LEFT]))
        axes.annotate(
            f"{net:,}", place, (0.0, lift), textcoords="offset points", va="center", size=9.0, path_effects=halo
        )
