"""What lies around a position on the map: detections sorted into cells, so that only those nearby are looked at."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.services import Services

#: Cells on each side of the home view: at a million detections the fullest hold some tens.
_CELLS: Final = 512

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Around:
    """Detections within an ellipse of the latent plane that are a circle on screen.

    Parameters
    ----------
    counts : array of int64, shape (n_classes,)
    nearest : int
        Catalogue row; -1 where there is none.
    distance : float
        Of the nearest, in radii: 0 at the middle, 1 at the edge; NaN where there is none.
    """

    counts: Counts
    nearest: int
    distance: float


class Cells:
    """Rows of an atlas by cell of the latent plane; five bytes for each detection.

    Parameters
    ----------
    services : Services
        What lies outside the home view belongs to the cells at its border.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        x0, x1, y0, y1 = services.home
        self._low = np.array([x0, y0])
        self._per_unit = _CELLS / np.array([x1 - x0, y1 - y0])
        column, row = (
            np.clip((values - low) * scale, 0, _CELLS - 1).astype(np.int32)
            for values, low, scale in zip((services.x, services.y), self._low, self._per_unit, strict=True)
        )
        cells = row * _CELLS + column
        self._rows = np.argsort(cells, kind="stable").astype(np.int32)
        self._starts = np.zeros(_CELLS**2 + 1, np.int32)
        np.cumsum(np.bincount(cells, minlength=_CELLS**2), out=self._starts[1:])

    def around(
        self, x: float, y: float, reach: tuple[float, float], visible: Mask, passing: Mask | None = None
    ) -> Around:
        """Look around a position.

        Parameters
        ----------
        x, y : float
            Latent units.
        reach : (float, float)
            Half axes of the ellipse, in latent units.
        visible : array of bool, shape (n_classes,)
            Classes on the map.
        passing : array of bool, shape (n,), optional
            Detections that pass the filters.

        Returns
        -------
        Around
        """
        services, at, half = self._services, np.array([x, y]), np.array(reach)
        ends = np.stack([at - half, at + half])  # a cell to spare on either side: rounding
        first, last = np.clip((ends - self._low) * self._per_unit + [[-1], [1]], 0, _CELLS - 1).astype(np.int64)
        counts, nearest, distance = _around(
            self._rows,
            self._starts,
            services.x,
            services.y,
            services.class_codes,
            visible,
            np.ones(0, np.bool_) if passing is None else passing,
            at,
            half,
            first,
            last,
        )
        return Around(counts, int(nearest), float(np.sqrt(distance)) if nearest >= 0 else float("nan"))


@numba.njit(nogil=True, cache=True)
def _around(
    rows: Any,
    starts: Any,
    x: Any,
    y: Any,
    codes: Any,
    visible: Any,
    passing: Any,
    at: Any,
    half: Any,
    first: Any,
    last: Any,
) -> Any:
    counts = np.zeros(visible.size, np.int64)
    nearest = -1
    smallest = np.inf
    for line in range(first[1], last[1] + 1):
        for k in range(starts[line * _CELLS + first[0]], starts[line * _CELLS + last[0] + 1]):
            row = rows[k]
            dx = (x[row] - at[0]) / half[0]
            dy = (y[row] - at[1]) / half[1]
            away = dx * dx + dy * dy
            if away > 1 or not visible[codes[row]] or (passing.size and not passing[row]):
                continue
            counts[codes[row]] += 1
            if away < smallest or (away == smallest and row < nearest):
                smallest = away
                nearest = row
    return counts, nearest, smallest


_LOCK = threading.Lock()
_CELLS_OF: dict[int, tuple[Services, Cells]] = {}


def cells_of(services: Services) -> Cells:
    """Return the one index of these services, made and compiled on the first call."""
    with _LOCK:
        if id(services) not in _CELLS_OF:  # the services are kept beside it, so that an id is never used again
            cells = Cells(services)
            visible = np.ones(len(services.class_names), dtype=bool)
            for passing in (None, np.ones(len(services), dtype=bool)):
                cells.around(0.0, 0.0, (1e-3, 1e-3), visible, passing)
            _CELLS_OF[id(services)] = services, cells
        return _CELLS_OF[id(services)][1]
