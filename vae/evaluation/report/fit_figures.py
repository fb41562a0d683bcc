"""Figures of the fit: C-stat z against counts and by class, and stacked residuals against energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vae.evaluation.report.plots import (
    LEFT,
    WIDTH,
    Row,
    canvas,
    class_colour_token,
    counts_axis,
    dots,
    energy_axis,
    in_legend_order,
    key,
    panel,
    signed,
    title,
)
from vae.palette import Palette
from vae.spectra import grid

Array = NDArray[Any]

#: z beyond these is drawn at the edge.
_Z_RANGE: Final = (-5.0, 10.0)
#: Most single spectra drawn.
_MOST_POINTS: Final = 900
#: Windows in ln(counts): how many, how wide, and the least spectra that make a percentile.
_MIDDLES, _WINDOW, _LEAST_ROWS = 60, 0.6, 12


def z_against_counts(net: Array, z: Mapping[str, Array], colours: Palette) -> Figure:
    """C-stat z of the model against net counts: quantiles, single spectra, and the best absorbed power law's median.

    Parameters
    ----------
    net : array, shape (n,)
    z : mapping of array, shape (n,)
        `model` and `best_absorbed_power_law`.
    """
    figure = canvas(26 + 276 + 38)
    axes = panel(figure, LEFT, 26, WIDTH - LEFT - 12, 276)
    top = float(np.ceil(max(net.max(), 2000.0)))
    counts_axis(axes, 300.0, top * 1.05)
    low, high = _Z_RANGE
    axes.set(ylim=(low, high), ylabel="C-stat z (σ)")
    signed(axes)
    axes.axhspan(-3, 3, color=colours["text-3"], alpha=0.10, linewidth=0)
    axes.axhline(0, color=colours["zero"])
    model = np.nan_to_num(z["model"], nan=high + 1)
    shown = np.random.default_rng(0).permutation(len(net))[:_MOST_POINTS]
    inside = shown[np.abs(model[shown] - (low + high) / 2) <= (high - low) / 2]
    axes.plot(net[inside], model[inside], ".", color=colours["data"], alpha=0.4, markersize=4, markeredgewidth=0)
    beyond = np.flatnonzero(model > high)
    axes.plot(net[beyond], np.full(beyond.size, high - 0.15), "^", color=colours["data"], alpha=0.5, markersize=4)
    centres, bands = _running(net, model, (2.5, 16, 50, 84, 97.5))
    for first, last, alpha in ((0, 4, 0.14), (1, 3, 0.24)):
        axes.fill_between(
            centres,
            bands[first].clip(low, high),
            bands[last].clip(low, high),
            color=colours["model"],
            alpha=alpha,
            linewidth=0,
        )
    axes.plot(centres, bands[2].clip(low, high), color=colours["model"], linewidth=2.25)
    entries: list[tuple[str, Mapping[str, Any]]] = [
        ("model, median with 68 and 95 %", {"color": colours["model"], "linewidth": 2.25})
    ]
    null = z.get("best_absorbed_power_law")
    if null is not None:
        style: dict[str, Any] = {"color": colours["text-2"], "linewidth": 1.5, "linestyle": (0, (4, 2.5))}
        centres, bands = _running(net, np.nan_to_num(null, nan=high + 1), (50,))
        axes.plot(centres, bands[0].clip(low, high), **style)
        entries.append(("best absorbed power law, median", style))
    entries.append(
        (
            "single spectra",
            {"marker": ".", "linestyle": "none", "color": colours["data"], "alpha": 0.5, "markersize": 5},
        )
    )
    key(axes, colours, entries)
    return figure


def _running(x: Array, values: Array, percentiles: Sequence[float]) -> tuple[Array, Array]:
    """Percentiles of values along log x, in overlapping windows: their middles, shape (m,), and shape (p, m)."""
    order = np.argsort(x)
    where = np.log(x[order])
    centres, rows = [], []
    for centre in np.linspace(where[0], where[-1], _MIDDLES):
        near = np.flatnonzero(np.abs(where - centre) < _WINDOW / 2)
        if near.size >= _LEAST_ROWS:
            centres.append(np.exp(where[near].mean()))
            rows.append(np.percentile(values[order[near]], percentiles))
    return np.array(centres), np.array(rows).reshape(-1, len(percentiles)).T


def fit_by_class(by_class: Mapping[str, Any], colours: Palette) -> Figure:
    """Share of the spectra within 3 sigma, class by class, beside the best absorbed power law."""
    rows = []
    for position, name in enumerate(in_legend_order(list(by_class))):
        entry = by_class[name]
        model, null = entry["model"], entry.get("best_absorbed_power_law", {})
        rows.append(
            Row(
                name,
                100 * model["fraction_within_3"],
                100 * model.get("fraction_within_3_low", np.nan),
                100 * model.get("fraction_within_3_high", np.nan),
                class_colour_token(name, position),
                {"best absorbed power law": 100 * null.get("fraction_within_3", np.nan)},
                f"{entry['rows']:,} rows",
            )
        )
    return dots(rows, colours, label="Spectra with |z| < 3 (%)", limits=(0.0, 100.0))


def stacked_residuals(stacks: Sequence[Mapping[str, Any]], colours: Palette) -> Figure:
    """Stacked counts over stacked expectation, less one, against energy; one panel a stack.

    Parameters
    ----------
    stacks : sequence of mapping
        `name`, `rows`, `energies` (m,), `half_widths` (m,), `ratio` (m,), `error` (m,).
    """
    height, gap, top = 116.0, 34.0, 26.0
    figure = canvas(top + len(stacks) * height + (len(stacks) - 1) * gap + 38)
    for index, stack in enumerate(stacks):
        last = index == len(stacks) - 1
        axes = panel(figure, LEFT + 8, top + index * (height + gap), WIDTH - LEFT - 20, height)
        energy_axis(axes, label=last)
        if not last:
            axes.tick_params(labelbottom=False)
        excess, error = 100 * (np.asarray(stack["ratio"]) - 1), 100 * np.asarray(stack["error"])
        widest = float(np.nanpercentile(np.abs(excess) + error, 97))
        limit = float(np.clip(1.15 * widest, 2.0, 100.0))
        axes.set(ylim=(-limit, limit), ylabel="Excess (%)")
        signed(axes)
        axes.axhline(0, color=colours["model"], linewidth=1.25)
        axes.errorbar(
            stack["energies"],
            np.where(np.abs(excess) <= limit, excess, np.nan),
            yerr=error,
            xerr=stack["half_widths"],
            fmt=".",
            color=colours["data"],
            markersize=3.5,
            elinewidth=1.0,
        )
        for sign, marker in ((1, "^"), (-1, "v")):
            out = np.flatnonzero(sign * excess > limit)
            at = np.asarray(stack["energies"])[out]
            axes.plot(at, np.full(out.size, 0.93 * sign * limit), marker, color=colours["data"], markersize=5)
        title(axes, str(stack["name"]), colours, note=f"{stack['rows']:,} spectra")
    return figure


def misfits(names: Sequence[str], expected: Mapping[str, Array], colours: Palette) -> Figure:
    """Residuals of single spectra: the model's, and those of a fit of the same counts.

    Parameters
    ----------
    names : sequence of str
    expected : mapping of array, shape (n, 238)
        `counts`, and expected counts of the `model` and of the `fit`.
    """
    columns, height, gap_x, gap_y, top = 2, 108.0, 34.0, 40.0, 50.0
    rows = -(-len(names) // columns)
    width = (WIDTH - LEFT - 8 - gap_x) / columns
    figure = canvas(top + rows * height + (rows - 1) * gap_y + 38)
    styles: dict[str, dict[str, Any]] = {
        "fit": {"color": colours["text-2"], "linewidth": 1.0},
        "model": {"color": colours["model"], "linewidth": 1.75},
    }
    for index, name in enumerate(names):
        row, column = divmod(index, columns)
        axes = panel(figure, LEFT + column * (width + gap_x), top + row * (height + gap_y), width, height)
        last = index + columns >= len(names)
        energy_axis(axes, label=last)
        if not last:
            axes.tick_params(labelbottom=False)
        counts = expected["counts"][index]
        groups = joined_bins(expected["model"][index], least=25.0)
        edges = grid.BIN_EDGES[[*(first for first, _ in groups), groups[-1][1]]]
        for key_, style in styles.items():
            if key_ in expected:
                pulls = _pulls(counts, expected[key_][index], groups)
                axes.plot(np.repeat(edges, 2)[1:-1], np.repeat(pulls, 2).clip(-12, 12), **style)
        axes.axhspan(-3, 3, color=colours["text-3"], alpha=0.12, linewidth=0)
        axes.set(ylim=(-12.5, 12.5), yticks=(-10, 0, 10), ylabel="Residual (σ)" if column == 0 else "")
        signed(axes)
        if index == 0:
            key(axes, colours, [("model", styles["model"]), ("absorbed power law fit", styles["fit"])], above=24.0)
        title(axes, name, colours)
    return figure


def joined_bins(expected: Array, *, least: float) -> list[tuple[int, int]]:
    """Join bins until each group expects so many counts; what is left at the end joins the last group."""
    groups, start, held = [], 0, 0.0
    for index, value in enumerate(np.asarray(expected, np.float64)):
        held += value
        if held >= least:
            groups.append((start, index + 1))
            start, held = index + 1, 0.0
    if not groups:
        return [(0, len(expected))]
    return [*groups[:-1], (groups[-1][0], len(expected))]


def _pulls(counts: Array, expected: Array, groups: Sequence[tuple[int, int]]) -> Array:
    pairs = np.array([[counts[a:b].sum(), expected[a:b].sum()] for a, b in groups])
    return np.asarray((pairs[:, 0] - pairs[:, 1]) / np.sqrt(np.maximum(pairs[:, 1], 1.0)))
