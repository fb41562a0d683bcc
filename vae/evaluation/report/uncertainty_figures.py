"""Figures of uncertainties: pulls of split exposures, ranks, sigma beside the exact posterior's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray
from scipy.stats import binom, norm

from vae.evaluation.report.plots import LEFT, canvas, key, panels, steps, title
from vae.palette import Palette

Array = NDArray[Any]

#: Latent dimensions that fit beside each other.
_MOST_PANELS: Final = 4
_HEIGHT: Final = 190.0


def pull_histograms(edges: Array, histogram: Array, dimensions: Sequence[int], colours: Palette) -> Figure:
    """Draw pulls of split exposures beside the unit Gaussian that they follow where sigma is right.

    Parameters
    ----------
    edges : array, shape (k + 1,)
    histogram : array, shape (d, k)
        Densities.
    dimensions : sequence of int
        From 1.
    """
    figure = canvas(30 + _HEIGHT + 38)
    fine = np.linspace(edges[0], edges[-1], 201)
    for index, axes in enumerate(panels(figure, min(len(histogram), _MOST_PANELS), top=30, height=_HEIGHT)):
        x, y = steps(edges, histogram[index])
        axes.fill_between(x, y, color=colours["model"], alpha=0.22, linewidth=0)
        drawn = axes.plot(x, y, color=colours["model"], linewidth=1.5)[0]
        axes.plot(fine, norm.pdf(fine), color=colours["text-2"], linewidth=1.5, linestyle=(0, (4, 2.5)))
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, None), xlabel="Pull (σ)")
        axes.set_ylabel("Density" if index == 0 else "")
        title(axes, "", colours, note=f"Dimension {dimensions[index]}")
        if index == 0:
            line = {"color": colours["text-2"], "linewidth": 1.5, "linestyle": (0, (4, 2.5))}
            key(axes, colours, [("pulls", {"color": drawn.get_color()}), ("unit Gaussian", line)])
    return figure


def rank_histograms(edges: Array, histograms: Mapping[str, Array], n: Mapping[str, int], colours: Palette) -> Figure:
    """Ranks of known positions in the posteriors: flat where these are right.

    Parameters
    ----------
    edges : array, shape (k + 1,)
    histograms : mapping of array, shape (d, k)
        Densities: `encoder`, and `exact` where posteriors were summed.
    n : mapping of int
        Spectra behind each.
    """
    figure = canvas(30 + _HEIGHT + 38)
    encoder = histograms["encoder"]
    share, total = 1.0 / (len(edges) - 1), n["encoder"]
    low, high = binom.ppf([0.025, 0.975], total, share) / (total * share)
    for index, axes in enumerate(panels(figure, min(len(encoder), _MOST_PANELS), top=30, height=_HEIGHT)):
        axes.axhspan(low, high, color=colours["text-3"], alpha=0.16, linewidth=0)
        axes.axhline(1.0, color=colours["zero"])
        entries: list[tuple[str, Mapping[str, Any]]] = []
        if "exact" in histograms:
            merged = _merged(edges, histograms["exact"][index], 4)
            style: dict[str, Any] = {"color": colours["text-2"], "linewidth": 1.25, "linestyle": (0, (4, 2.5))}
            axes.plot(*steps(*merged), **style)
            entries.append(("exact posterior", style))
        axes.plot(*steps(edges, encoder[index]), color=colours["model"], linewidth=1.75)
        entries.insert(0, ("encoder", {"color": colours["model"], "linewidth": 1.75}))
        top = 1.15 * max(float(encoder[index].max()), 1.5)
        axes.set(xlim=(0, 1), ylim=(0, top), xlabel="Rank of the true position")
        axes.set_ylabel("Density" if index == 0 else "")
        title(axes, "", colours, note=f"Dimension {index + 1}")
        if index == 0:
            key(axes, colours, entries)
    return figure


def _merged(edges: Array, density: Array, by: int) -> tuple[Array, Array]:
    """Join bins by so many: the exact posteriors are few."""
    return edges[::by], density.reshape(-1, by).mean(axis=1)


def sigma_beside_exact(encoder: Array, exact: Array, colours: Palette) -> Figure:
    """Sigma of the encoder against that of the exact posterior, one panel a dimension.

    Parameters
    ----------
    encoder, exact : array, shape (n, d)
    """
    figure = canvas(30 + 260 + 38)
    for index, axes in enumerate(panels(figure, encoder.shape[1], top=30, height=260.0, left=LEFT + 6)):
        x, y = exact[:, index], encoder[:, index]
        both = np.concatenate([x, y])
        low, high = float(both.min()) / 1.15, float(both.max()) * 1.15
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), xlabel="σ of the exact posterior")
        axes.set_ylabel("σ of the encoder" if index == 0 else "")
        axes.plot([low, high], [low, high], color=colours["text-2"], linewidth=1.25, linestyle=(0, (4, 2.5)))
        axes.plot(x, y, "o", color=colours["model"], alpha=0.55, markersize=4.5, markeredgewidth=0)
        ticks = [tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if low <= tick <= high]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.set_minor_formatter(NullFormatter())
        title(axes, f"Dimension {index + 1}", colours)
    return figure
