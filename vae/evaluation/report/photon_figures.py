"""Figures of decoded photon spectra: their bias in bands of energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vae.evaluation.report.plots import LEFT, WIDTH, canvas, energy_axis, key, panel, signed
from vae.palette import Palette

Array = NDArray[Any]

_LINES: Final = {
    "unfolded": ("unfolded, median", (0, (1.5, 2.0))),
    "best_absorbed_power_law": ("best absorbed power law, median", (0, (4, 2.5))),
}


def band_bias(plots: Mapping[str, Array], colours: Palette) -> Figure:
    """Ratio of decoded to true photons in bands, beside what other ways give.

    Parameters
    ----------
    plots : mapping of array
        `band_edges` (13,) and ``bias <name>`` (3, 12) of `vae.evaluation.fidelity.fidelity`.
    """
    figure = canvas(30 + 220 + 38)
    axes = panel(figure, LEFT + 8, 30, WIDTH - LEFT - 20, 220)
    edges = np.asarray(plots["band_edges"])
    middles = np.sqrt(edges[1:] * edges[:-1])
    low, middle, high = np.asarray(plots["bias decoded"])
    energy_axis(axes)
    limit = 1.15 * float(np.nanmax(np.abs([low, high])))
    axes.set(ylim=(-limit, limit), ylabel="log10 (decoded / true)")
    signed(axes)
    axes.axhline(0, color=colours["zero"])
    axes.fill_between(middles, low, high, color=colours["model"], alpha=0.2, linewidth=0)
    axes.plot(middles, middle, "o-", color=colours["model"], linewidth=2.0, markersize=5)
    entries: list[tuple[str, Mapping[str, Any]]] = [
        ("decoded, median with 68 %", {"color": colours["model"], "linewidth": 2.0})
    ]
    for name, (label, dashes) in _LINES.items():
        if f"bias {name}" in plots:
            style: dict[str, Any] = {"color": colours["text-2"], "linewidth": 1.5, "linestyle": dashes}
            axes.plot(middles, np.asarray(plots[f"bias {name}"])[1], **style)
            entries.append((label, style))
    key(axes, colours, entries)
    return figure
