"""Where a class prevails: its densest parts on the map, and how pure it is there."""

from __future__ import annotations

from typing import Final

import contourpy
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from explorer.latent_map import contours
from explorer.latent_map.frame import Region, View
from explorer.latent_map.kernels import Floats
from explorer.latent_map.points import Points
from explorer.tools.masks import Mask

#: Classes that say nothing about the kind of source; shares are among the others.
UNLABELLED: Final = frozenset({"Unclassified", "No match"})
#: Share of a class inside its outline (LOOK.md).
_INSIDE: Final = 0.6
#: A class is named where so many of the labelled detections are its own,
_PREVAILS: Final = 0.5
#: where at least so many are, and this share of all labelled ones.
_FEWEST: Final = 30
_LEAST_SHARE: Final = 0.002
#: A part of a class is outlined when it holds this share of the class.
_LEAST_PART: Final = 0.12


def count_classes(points: Points, view: View, n_classes: int, passing: Mask | None) -> NDArray[np.int64]:
    """Count the detections of each class in the cells of a grid.

    Parameters
    ----------
    points : Points
    view : View
        What the grid covers.
    n_classes : int
    passing : array of bool, shape (n,), optional
        In drawing order.

    Returns
    -------
    array of int64, shape (n_classes, CELLS, CELLS)
        Bottom row first.
    """
    cells = contours.CELLS
    counts = np.zeros((n_classes, cells, cells), np.int64)
    place = np.array([view.x0, cells / view.width, view.y0, cells / view.height])
    _count_classes(
        points.x, points.y, points.codes, np.ones(0, np.bool_) if passing is None else passing, place, counts
    )
    return counts


@numba.njit(nogil=True, cache=True)
def _count_classes(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    codes: NDArray[np.uint8],
    passing: Mask,
    place: Floats,
    counts: NDArray[np.int64],
) -> None:
    cells = counts.shape[1]
    for k in range(x.size):
        if passing.size and not passing[k]:
            continue
        u, v = (x[k] - place[0]) * place[1], (y[k] - place[2]) * place[3]
        if 0 <= u < cells and 0 <= v < cells:
            counts[codes[k], int(v), int(u)] += 1


def regions(counts: NDArray[np.int64], names: tuple[str, ...], view: View) -> tuple[Region, ...]:
    """Find where classes prevail.

    Parameters
    ----------
    counts : array of int64, shape (n_classes, h, w)
        Of shown detections; nothing where a class is hidden.
    names : tuple of str
        Classes.
    view : View
        What the cells cover.

    Returns
    -------
    tuple of Region
        The largest class first; one for each part of a class.
    """
    labelled = np.array([name not in UNLABELLED for name in names])
    everyone = counts[labelled].sum(axis=0)
    fewest = max(_FEWEST, _LEAST_SHARE * everyone.sum())
    found: list[Region] = []
    for code in np.argsort(-counts.sum(axis=(1, 2)), kind="stable"):
        if labelled[code] and counts[code].sum() >= fewest:
            found += _parts(counts[code], everyone, names[code], view)
    return tuple(found)


def _parts(own: NDArray[np.int64], everyone: NDArray[np.int64], name: str, view: View) -> list[Region]:
    """Parts of a class that are large, and where it prevails."""
    density = contours.smooth(own)
    level = contours.level(density, _INSIDE)
    height, width = own.shape
    x = view.x0 + (np.arange(width) + 0.5) * view.width / width
    y = view.y0 + (np.arange(height) + 0.5) * view.height / height
    parts, n_parts = label(density >= level, np.ones((3, 3)))
    found = []
    for part in range(1, n_parts + 1):
        inside = parts == part
        members, labelled = int(own[inside].sum()), int(everyone[inside].sum())
        if members < _LEAST_PART * own.sum() or members < _PREVAILS * labelled:
            continue
        alone = np.where((parts == 0) | inside, density, 0.0)  # its neighbours are not crossed by its line
        generator = contourpy.contour_generator(x, y, alone, line_type=contourpy.LineType.Separate)
        rings = [np.asarray(ring, dtype=np.float64) for ring in generator.lines(level)]
        if rings:
            outer = max(rings, key=_area)
            top = outer[outer[:, 1].argmax()]
            found.append(
                Region(name, members / labelled, outer[:, 0].copy(), outer[:, 1].copy(), float(top[0]), float(top[1]))
            )
    return found


def _area(ring: NDArray[np.float64]) -> float:
    """Area inside a closed line (shoelace)."""
    x, y = ring.T
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2
