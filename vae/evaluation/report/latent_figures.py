"""Figures of the latent space: where the classes lie, what is decoded where, what the decoder is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from vae.evaluation.report.plots import (
    LEFT,
    WIDTH,
    Row,
    canvas,
    class_colour_token,
    dots,
    energy_axis,
    in_legend_order,
    panel,
    signed,
    title,
)
from vae.evaluation.report.style import BODY
from vae.palette import CLASS_TOKENS, Palette, class_weight

Array = NDArray[Any]

#: Hexagons across the map; the side of the map [px].
_HEXAGONS, _SIDE = 84, 540.0
#: Cells of the map of decoded spectra; decades that one spans.
_CELLS, _DECADES = (9, 7), 2.5


def latent_map(
    positions: Array,
    labels: NDArray[np.str_],
    limits: tuple[float, float, float, float],
    colours: Palette,
    *,
    axes_shown: tuple[int, int],
) -> Figure:
    """Hexagons in the colour of their commonest class, the more opaque the more detections they hold.

    Parameters
    ----------
    positions : array, shape (n, 2)
    labels : array of str, shape (n,)
        "" counts as "No match"; unmatched detections weigh as in the explorer.
    limits : x low, x high, y low, y high
    colours : Palette
    axes_shown : (int, int)
        Latent dimensions, from 1.
    """
    figure = canvas(_SIDE + 12 + 38)
    axes = panel(figure, LEFT, 12, _SIDE, _SIDE)
    names = in_legend_order(list(np.unique(np.where(labels == "", "No match", labels))))
    code = np.searchsorted(np.sort(names), np.where(labels == "", "No match", labels))
    by_code = list(np.sort(names))
    weights = np.array([class_weight(name) for name in by_code])
    options: dict[str, Any] = {"gridsize": (_HEXAGONS, _HEXAGONS * 4 // 7), "extent": limits, "mincnt": 1}

    def commonest(members: Array | list[float]) -> float:
        votes = np.bincount(np.asarray(members, np.int64), minlength=len(by_code))
        return float(np.argmax(votes * weights))

    x, y = positions[:, 0], positions[:, 1]
    filled = axes.hexbin(x, y, C=code, reduce_C_function=commonest, linewidths=0, **options)
    number = axes.hexbin(x, y, C=np.ones(len(x)), reduce_C_function=len, linewidths=0, **options)
    which, size = np.asarray(filled.get_array(), np.int64), np.asarray(number.get_array(), np.float64)
    number.remove()
    strength = 0.22 + 0.78 * np.log1p(size) / np.log1p(size.max())
    inks = [colours[class_colour_token(name, position)] for position, name in enumerate(by_code)]
    faces = [to_rgba(inks[w], round(float(a), 1)) for w, a in zip(which, strength, strict=True)]
    filled.set_array(None)
    filled.set_facecolor(faces)
    axes.set(xlim=limits[:2], ylim=limits[2:], xlabel=f"μ{axes_shown[0]}", ylabel=f"μ{axes_shown[1]}")
    signed(axes)
    signed(axes, "x")
    axes.grid(visible=False)
    side = panel(figure, LEFT + _SIDE + 28, 12, WIDTH - LEFT - _SIDE - 28, 23.0 * len(names) + 4)
    side.set(xlim=(0, 1), ylim=(len(names), 0))
    side.set_axis_off()
    total = np.bincount(code, minlength=len(by_code))
    for place, name in enumerate(names):
        index = by_code.index(name)
        filled_chip = inks[index] if name in CLASS_TOKENS else "none"  # others borrow a colour
        side.plot(0.02, place + 0.5, "s", color=inks[index], markerfacecolor=filled_chip, markersize=7)
        side.text(0.09, place + 0.5, name, va="center", size=BODY)
        side.text(1.0, place + 0.5, f"{total[index]:,}", va="center", ha="right", size=BODY, color=colours["text-2"])
    return figure


def decoded_map(
    cells: Sequence[Mapping[str, Any]],
    limits: tuple[float, float, float, float],
    colours: Palette,
    *,
    axes_shown: tuple[int, int],
) -> Figure:
    """Draw the spectra decoded where detections are: E F(E) over its highest value, in cells of the latent plane.

    Parameters
    ----------
    cells : sequence of mapping
        `column`, `row` (from the lower left), `members`, `energies` (m,) and `e_f_e` (m,) of each cell that holds
        detections.
    limits : x low, x high, y low, y high
    colours : Palette
    axes_shown : (int, int)
        Latent dimensions, from 1.
    """
    columns, rows = _CELLS
    width, height = WIDTH - LEFT - 12, 0.56 * (WIDTH - LEFT)
    figure = canvas(height + 12 + 38)
    axes = panel(figure, LEFT, 12, width, height)
    axes.set(xlim=limits[:2], ylim=limits[2:], xlabel=f"μ{axes_shown[0]}", ylabel=f"μ{axes_shown[1]}")
    axes.grid(visible=False)
    signed(axes)
    signed(axes, "x")
    step = ((limits[1] - limits[0]) / columns, (limits[3] - limits[2]) / rows)
    most = max((cell["members"] for cell in cells), default=1)
    lines = []
    for cell in cells:
        left, bottom = limits[0] + cell["column"] * step[0], limits[2] + cell["row"] * step[1]
        strength = 0.03 + 0.13 * np.log1p(cell["members"]) / np.log1p(most)
        axes.add_patch(
            Rectangle(
                (left + 0.03 * step[0], bottom + 0.04 * step[1]),
                0.94 * step[0],
                0.92 * step[1],
                color=colours["text-3"],
                alpha=round(float(strength), 2),
                linewidth=0,
            )
        )
        energies, values = np.log10(cell["energies"]), np.log10(np.maximum(cell["e_f_e"], 1e-30))
        across = (energies - energies[0]) / (energies[-1] - energies[0])
        up = 1.0 + (values - values.max()) / _DECADES
        shown = up > 0
        lines.append(
            np.column_stack(
                [left + step[0] * (0.1 + 0.8 * across[shown]), bottom + step[1] * (0.12 + 0.74 * up[shown])]
            )
        )
    axes.add_collection(LineCollection(lines, colors=[colours["model"]], linewidths=1.6))
    return figure


def templates(energies: Array, values: Array, share: Array, colours: Palette, *, n: int = 8) -> Figure:
    """Orthonormalised templates of the decoder's trunk, those first that tell spectra apart most.

    Parameters
    ----------
    energies : array, shape (m,)
        [keV]
    values : array, shape (T, m)
    share : array, shape (T,)
        Of the variance over the atlas's detections.
    """
    n = min(n, len(values))
    columns, height, gap_x, gap_y, top = 4, 104.0, 30.0, 54.0, 24.0
    rows = -(-n // columns)
    width = (WIDTH - LEFT - 8 - (columns - 1) * gap_x) / columns
    figure = canvas(top + rows * height + (rows - 1) * gap_y + 38)
    limit = 1.1 * float(np.abs(values[:n]).max())
    for index in range(n):
        row, column = divmod(index, columns)
        axes = panel(figure, LEFT + column * (width + gap_x), top + row * (height + gap_y), width, height)
        energy_axis(axes, label=row == rows - 1 and column == 0, ticks=(0.5, 1.0, 2.0, 5.0))
        axes.set(ylim=(-limit, limit))
        axes.axhline(0, color=colours["zero"])
        axes.plot(energies, values[index], color=colours["model"], linewidth=1.75)
        signed(axes)
        if column:
            axes.tick_params(labelleft=False)
        per_cent = 100 * float(share[index])
        title(axes, f"{index + 1}", colours, note=f"{per_cent:.1f} %" if per_cent >= 0.05 else "< 0.1 %")
    return figure


def units(dimensions: Sequence[Mapping[str, float]], colours: Palette) -> Figure:
    """KL of each latent dimension, beside the variance of its means.

    Parameters
    ----------
    dimensions : sequence of mapping
        `kl` [nats], with `kl_low` and `kl_high` where known, and `variance` of mu.
    """
    rows = [
        Row(
            f"Dimension {index + 1}",
            entry["kl"],
            entry.get("kl_low", np.nan),
            entry.get("kl_high", np.nan),
            note=f"var(μ) {entry['variance']:.2f}",
        )
        for index, entry in enumerate(dimensions)
    ]
    top = 1.1 * max([row.value for row in rows] + [0.5])
    return dots(rows, colours, label="Mean KL to the prior (nats)", limits=(0.0, top), names_px=130.0, notes_px=104.0)
