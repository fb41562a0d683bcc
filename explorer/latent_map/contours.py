"""Contours of density: lines around the densest parts of the map that hold given shares of what is shown."""

from __future__ import annotations

from typing import Final

import contourpy
import numpy as np
from scipy.ndimage import gaussian_filter

from explorer.latent_map.frame import Contour, View
from explorer.latent_map.kernels import Floats

#: Shares of the shown detections inside the lines.
SHARES: Final = (0.9, 0.6, 0.3)
#: Cells a side of the grid that is contoured; about three pixels of a full map each.
CELLS: Final = 320
#: Room around the whole map, so that lines close, as a share of it.
_MARGIN: Final = 0.15
#: Smoothing, as a share of Scott's rule, which takes all for one normal distribution; and at least so many cells.
_SCOTT_SHARE: Final = 0.35
_LEAST: Final = 1.6
#: Pieces shorter than this are noise [cells].
_SHORTEST: Final = 12.0


def around(home: View) -> View:
    """View that is contoured: the whole map and a margin."""
    across, up = _MARGIN * home.width, _MARGIN * home.height
    return View(home.x0 - across, home.x1 + across, home.y0 - up, home.y1 + up)


def smooth(counts: np.ndarray) -> Floats:
    """Blur counts as much as their number asks for.

    Parameters
    ----------
    counts : array, shape (h, w)
        Detections in each cell.

    Returns
    -------
    array of float64, shape (h, w)
    """
    total = counts.sum()
    if total == 0:
        return counts.astype(np.float64)
    widths = []
    for axis in (1, 0):
        along, at = counts.sum(axis=axis) / total, np.arange(counts.shape[1 - axis])
        widths.append(np.sqrt(along @ (at - along @ at) ** 2))
    scott = np.array(widths) * float(total) ** (-1 / 6)
    return np.asarray(gaussian_filter(counts.astype(np.float64), np.maximum(_SCOTT_SHARE * scott, _LEAST)))


def level(density: Floats, share: float) -> float:
    """Density above which a share of the whole lies.

    Parameters
    ----------
    density : array of float64, shape (h, w)
        Not all 0.
    share : float
        0 to 1.
    """
    falling = np.sort(density, axis=None)[::-1]
    inside = np.cumsum(falling)
    return float(falling[np.searchsorted(inside, share * inside[-1])])


def lines(counts: np.ndarray, view: View, shares: tuple[float, ...] = SHARES) -> tuple[Contour, ...]:
    """Contours of counts.

    Parameters
    ----------
    counts : array, shape (h, w)
        Detections in each cell, bottom row first.
    view : View
        What the cells cover.
    shares : tuple of float
        0 to 1.

    Returns
    -------
    tuple of Contour
        In the order of `shares`, several pieces for each; none where there are no detections.
    """
    if not counts.any():
        return ()
    density = smooth(counts)
    height, width = counts.shape
    x = view.x0 + (np.arange(width) + 0.5) * view.width / width
    y = view.y0 + (np.arange(height) + 0.5) * view.height / height
    cell = np.array([view.width / width, view.height / height])
    generator = contourpy.contour_generator(x, y, density, line_type=contourpy.LineType.Separate)
    pieces = [
        (share, np.asarray(piece, dtype=np.float64))
        for share in shares
        for piece in generator.lines(level(density, share))
    ]
    return tuple(
        Contour(share, piece[:, 0].copy(), piece[:, 1].copy())
        for share, piece in pieces
        if np.hypot(*(np.diff(piece, axis=0) / cell).T).sum() >= _SHORTEST
    )
