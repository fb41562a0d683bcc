"""What lies where in latent space: positions and classes, and the spectra decoded among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.atlas import Atlas
from vae.evaluation.rows import labelled

Array = NDArray[Any]

#: Share of the detections outside the limits of the map, at each end [%].
_CUT: Final = 0.4
_ENERGIES: Final = np.geomspace(0.3, 10.0, 60)


@dataclass(frozen=True)
class Landscape:
    """A view of the latent space along two of its axes.

    Parameters
    ----------
    axes_shown : (int, int)
        From 1: those along which the means vary most, in order of their number.
    positions : array, shape (n, 2)
    labels : array of str, shape (n,)
        "" where no class is known.
    """

    axes_shown: tuple[int, int]
    positions: Array
    labels: NDArray[np.str_]


def landscape(atlas: Atlas, *, rows: int = 200_000, seed: int = 0) -> tuple[Landscape, NDArray[np.int64]]:
    """Take the positions of at most so many detections, and their rows."""
    chosen = np.arange(len(atlas))
    if len(atlas) > rows:
        chosen = np.sort(np.random.default_rng(seed).choice(len(atlas), rows, replace=False))
    spread = atlas.latents[chosen].var(axis=0)
    first, second = sorted(np.argsort(-spread, kind="stable")[:2].tolist()) if len(spread) > 1 else (0, 0)
    known = labelled(atlas.catalogue.iloc[chosen], simulated=atlas.simulated)
    positions = atlas.latents[chosen][:, [first, second]].astype(np.float64)
    return Landscape((first + 1, second + 1), positions, known.labels), chosen


def map_limits(positions: Array) -> tuple[float, float, float, float]:
    """Limits of a map that holds all but the outermost detections: x low, x high, y low, y high."""
    low, high = np.percentile(positions, [_CUT, 100 - _CUT], axis=0)
    air = 0.06 * np.maximum(high - low, 1e-6)
    (left, bottom), (right, top) = low - air, high + air
    return float(left), float(right), float(bottom), float(top)


def decoded_cells(
    atlas: Atlas,
    view: Landscape,
    rows: NDArray[np.int64],
    limits: tuple[float, float, float, float],
    cells: tuple[int, int] = (9, 7),
    *,
    least: int = 3,
) -> list[dict[str, Any]]:
    """Decode the median position of the detections in each cell of the plane.

    Parameters
    ----------
    atlas : Atlas
    view : Landscape
    rows : array of int64, shape (n,)
        Those of the view.
    limits : x low, x high, y low, y high
    cells : (int, int)
        Columns and rows.
    least : int
        Detections that make a cell worth decoding.

    Returns
    -------
    list of dict
        `column`, `row`, `members`, `energies` [keV] and `e_f_e` (arbitrary unit).
    """
    low, high = np.array(limits[::2]), np.array(limits[1::2])
    place = np.floor((view.positions - low) / (high - low) * np.array(cells)).astype(np.int64)
    inside = np.all((place >= 0) & (place < np.array(cells)), axis=1)
    number = np.where(inside, place[:, 1] * cells[0] + place[:, 0], -1)
    out = []
    for cell in np.unique(number[inside]):
        members = np.flatnonzero(number == cell)
        if members.size < least:
            continue
        z = np.median(atlas.latents[rows[members]], axis=0)
        photons = np.asarray(atlas.model.decode(z, _ENERGIES), np.float64)
        row, column = divmod(int(cell), cells[0])
        out.append(
            {
                "column": column,
                "row": row,
                "members": int(members.size),
                "energies": _ENERGIES,
                "e_f_e": _ENERGIES**2 * photons,
            }
        )
    return out
