"""Figures that compare trained models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vae.evaluation.report.plots import canvas, key, panels, title
from vae.evaluation.report.words import number
from vae.palette import Palette


def dimension_sweep(rows: Sequence[Mapping[str, Any]], baselines: Mapping[str, float], colours: Palette) -> Figure:
    """Classes told apart, good fits and active axes against the number of latent dimensions.

    Parameters
    ----------
    rows : sequence of mapping
        Of `vae.evaluation.models_table.compare_models`.
    baselines : mapping of str to float
        Balanced accuracies, by name.
    colours : Palette
    """
    figure = canvas(46 + 190 + 38)
    dims = np.array([int(row["latent_dim"]) for row in rows])
    accuracy = np.array(
        [[number((row.get("knn") or {}).get(name)) for name in ("balanced_accuracy", "low", "high")] for row in rows]
    )
    fits = np.array([100 * number(row["cstat_z"]["all"]["fraction_within_3"]) for row in rows])
    active = np.array([int(row["units"]["active"]) for row in rows])
    first, second, third = panels(figure, 3, top=46, height=190.0)
    point: dict[str, Any] = {"marker": "o", "markersize": 6, "linestyle": "none", "color": colours["model"]}
    first.vlines(dims, accuracy[:, 1], accuracy[:, 2], color=colours["model"], linewidth=1.75)
    first.plot(dims, accuracy[:, 0], **point)
    entries: list[tuple[str, Mapping[str, Any]]] = []
    for (name, value), dashes in zip(baselines.items(), ((0, (4, 2.5)), (0, (1.5, 2.0))), strict=False):
        style: dict[str, Any] = {"color": colours["text-2"], "linewidth": 1.25, "linestyle": dashes}
        first.axhline(value, color=colours["text-2"], linewidth=1.25, linestyle=dashes)
        entries.append((name, style))
    second.plot(dims, fits, **point)
    third.plot(dims, active, **point)
    top = int(dims.max())
    third.plot([0, top], [0, top], color=colours["text-2"], linewidth=1.25, linestyle=(0, (4, 2.5)))
    key(third, colours, [("all of them", {"color": colours["text-2"], "linestyle": (0, (4, 2.5))})], above=20.0)
    key(first, colours, entries, above=20.0)
    for axes, name in zip(
        (first, second, third), ("kNN balanced accuracy", "Good fits (%)", "Active axes"), strict=True
    ):
        axes.set_xticks(np.unique(dims), [str(dim) for dim in np.unique(dims)])
        axes.set(xlim=(0, top + 1), xlabel="Latent dimensions")
        title(axes, name, colours)
    return figure
