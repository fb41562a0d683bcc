"""Which points lie in a polygon, fast enough for a lasso over millions."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.tools.masks import Mask

Floats = NDArray[np.float64]

#: Points that are worth a thread of their own, and threads.
_PART: Final = 250_000
_THREADS: Final = min(4, os.cpu_count() or 1)
_POOL: Final = ThreadPoolExecutor(_THREADS, thread_name_prefix="polygon")


@numba.njit(nogil=True, cache=True)
def _inside(px: Floats, py: Floats, x: float, y: float) -> bool:
    inside = False
    j = px.size - 1
    for k in range(px.size):
        if (py[k] > y) != (py[j] > y) and x < (px[j] - px[k]) * (y - py[k]) / (py[j] - py[k]) + px[k]:
            inside = not inside
        j = k
    return inside


#: Cells a side of the grid that sorts a polygon's plane into inside, outside and "look closer".
_CELLS: Final = 512

#: A polygon narrower than this has no area; its inverse must be a number.
_SMALLEST: Final = 1e-200


@numba.njit(nogil=True, cache=True)
def _classify_cells(px: Floats, py: Floats, x0: float, y0: float, sx: float, sy: float) -> NDArray[np.uint8]:
    """0 outside, 1 inside, 2 where an edge passes, shape (_CELLS, _CELLS)."""
    cells = np.zeros((_CELLS, _CELLS), np.uint8)
    j = px.size - 1
    for k in range(px.size):
        ax, ay = (px[j] - x0) * sx, (py[j] - y0) * sy
        bx, by = (px[k] - x0) * sx, (py[k] - y0) * sy
        steps = int(2 * max(abs(bx - ax), abs(by - ay))) + 2  # half a cell a step: one cell around covers the edge
        for s in range(steps + 1):
            u0 = int(ax + (bx - ax) * s / steps)
            v0 = int(ay + (by - ay) * s / steps)
            for v in range(max(v0 - 1, 0), min(v0 + 2, _CELLS)):
                for u in range(max(u0 - 1, 0), min(u0 + 2, _CELLS)):
                    cells[v, u] = 2
        j = k
    for v in range(_CELLS):  # no edge passes between two neighbours that are both free: one test serves the run
        known = 2
        for u in range(_CELLS):
            if cells[v, u] == 2:
                known = 2
                continue
            if known == 2:
                known = 1 if _inside(px, py, x0 + (u + 0.5) / sx, y0 + (v + 0.5) / sy) else 0
            cells[v, u] = known
    return cells


@numba.njit(nogil=True, cache=True)
def _in_polygon(x: NDArray[np.float32], y: NDArray[np.float32], px: Floats, py: Floats) -> Mask:
    inside = np.zeros(x.size, np.bool_)
    x0, x1, y0, y1 = px.min(), px.max(), py.min(), py.max()
    if not (x1 - x0 > _SMALLEST and y1 - y0 > _SMALLEST):
        return inside
    sx = _CELLS / (x1 - x0)
    sy = _CELLS / (y1 - y0)
    cells = _classify_cells(px, py, x0, y0, sx, sy)
    for i in range(x.size):
        if not (x0 <= x[i] <= x1 and y0 <= y[i] <= y1):  # nor is NaN
            continue
        u = min(int((x[i] - x0) * sx), _CELLS - 1)
        v = min(int((y[i] - y0) * sy), _CELLS - 1)
        if cells[v, u] == 2:
            inside[i] = _inside(px, py, x[i], y[i])
        else:
            inside[i] = cells[v, u] == 1
    return inside


def in_polygon(x: NDArray[np.float32], y: NDArray[np.float32], polygon_x: Floats, polygon_y: Floats) -> Mask:
    """Which points lie in a polygon (even-odd rule, closed by itself).

    Parameters
    ----------
    x, y : array of float32, shape (n,)
    polygon_x, polygon_y : array of float64, shape (m,)
        Corners.

    Returns
    -------
    array of bool, shape (n,)
        All False for fewer than three corners or a polygon without area.

    Notes
    -----
    A grid over the polygon's box tells most points apart without looking at an edge, so the time hardly depends on m.
    """
    polygon_x = np.ascontiguousarray(polygon_x, dtype=np.float64)
    polygon_y = np.ascontiguousarray(polygon_y, dtype=np.float64)
    if polygon_x.size < 3:
        return np.zeros(x.size, dtype=bool)
    parts = min(-(-x.size // _PART), _THREADS)
    if parts < 2:
        inside: Mask = _in_polygon(x, y, polygon_x, polygon_y)
        return inside
    ends = np.linspace(0, x.size, parts + 1).astype(int)
    spans = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
    rest = [_POOL.submit(_in_polygon, x[span], y[span], polygon_x, polygon_y) for span in spans[1:]]
    first = _in_polygon(x[spans[0]], y[spans[0]], polygon_x, polygon_y)
    return np.concatenate([first, *(part.result() for part in rest)])
