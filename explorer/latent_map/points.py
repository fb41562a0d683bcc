"""The detections in drawing order: sorted by cells of the map, so that a view touches only what it shows."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.filters import quantities
from explorer.latent_map import ramps
from explorer.latent_map.frame import View
from explorer.services import Services
from explorer.tools.masks import Mask
from vae.errors import OptionError

#: Cells a side. Neighbours on the map are neighbours in memory, which makes counting three to four times faster.
_CELLS: Final = 512

#: Masks and quantities are kept in drawing order up to this much memory each [bytes].
_KEEP: Final = 16 * 2**20

#: Ends of a quantity's colour scale, of the whole archive [percent]. A pixel shows a mean, which is rarely extreme.
_ENDS: Final = (5.0, 95.0)

Runs = NDArray[np.int64]


class Points:
    """Positions and classes of all detections, sorted by cells of the map.

    Parameters
    ----------
    services : Services

    Attributes
    ----------
    x, y : array of float32, shape (n,)
    codes : array of uint8, shape (n,)
        Class of each.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._grids = _Grid(services.x), _Grid(services.y)
        column, row = (grid.cells(values) for grid, values in zip(self._grids, (services.x, services.y), strict=True))
        cells = row * _CELLS + column
        self._order, self._starts = sort_by_cell(cells, _CELLS**2)
        self.x: NDArray[np.float32] = gather(services.x, self._order)
        self.y: NDArray[np.float32] = gather(services.y, self._order)
        self.codes: NDArray[np.uint8] = gather(services.class_codes, self._order)
        self._masks = _Kept()
        self._columns: OrderedDict[str, Column] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.x.size

    def runs(self, view: View) -> Runs:
        """Rows that may lie in a view, as runs; all others surely do not.

        Parameters
        ----------
        view : View

        Returns
        -------
        array of int64, shape (m, 2)
            First row of each run, and the row after its last.
        """
        (left, right), (below, above) = (
            grid.span(*ends) for grid, ends in zip(self._grids, ((view.x0, view.x1), (view.y0, view.y1)), strict=True)
        )
        rows = np.arange(below, above + 1) * _CELLS
        runs = np.column_stack([self._starts[rows + left], self._starts[rows + right + 1]]).astype(np.int64)
        return runs[runs[:, 1] > runs[:, 0]]

    def sorted(self, mask: Mask) -> Mask:
        """Return a mask of detections in drawing order; remembered while the mask lives.

        Parameters
        ----------
        mask : array of bool, shape (n,)
            In catalogue order; never changed in place.
        """
        found = self._masks.get(mask)
        if found is None:
            found = np.asarray(gather(mask, self._order))
            self._masks.put(mask, found)
        return found

    def column(self, key: str) -> Column:
        """Return a quantity in drawing order, scaled to its colours; the last few are remembered."""
        with self._lock:
            found = self._columns.get(key)
            if found is None:
                found = Column.of(key, quantities.values(self._services.atlas, key), self._order)
                self._columns[key] = found
                while len(self._columns) > max(1, _KEEP // (4 * max(len(self), 1))):
                    self._columns.popitem(last=False)
            self._columns.move_to_end(key)
            return found


@numba.njit(nogil=True, cache=True)
def sort_by_cell(cells: NDArray[np.int32], n_cells: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sort rows by cell; those of a cell stay in order.

    Parameters
    ----------
    cells : array of int32, shape (n,)
        0 to ``n_cells - 1``.
    n_cells : int

    Returns
    -------
    order : array of int32, shape (n,)
        Rows, sorted.
    starts : array of int32, shape (n_cells + 1,)
        Where each cell begins in `order`.
    """
    starts = np.zeros(n_cells + 1, np.int32)
    for cell in cells:
        starts[cell + 1] += 1
    for cell in range(n_cells):
        starts[cell + 1] += starts[cell]
    free = starts.copy()
    order = np.empty(cells.size, np.int32)
    for row in range(cells.size):
        order[free[cells[row]]] = row
        free[cells[row]] += 1
    return order, starts


@numba.njit(nogil=True, cache=True)
def gather(values: Any, order: NDArray[np.int32]) -> Any:
    """Return ``values[order]``: numpy would keep all other threads waiting.

    Parameters
    ----------
    values : array, shape (n,)
    order : array of int32, shape (m,)
    """
    found = np.empty(order.size, values.dtype)
    for at in range(order.size):
        found[at] = values[order[at]]
    return found


class Column:
    """A quantity of every detection, on the scale of its colours.

    Parameters
    ----------
    key : str
    kind : str
        Of the quantity.
    low, high : float
        Ends of the colours, in the quantity's unit; robust, of the whole archive.
    shares : array of float32, shape (n,)
        0 at the low end, 1 at the high end, beyond them outside; NaN where absent. On `quantities.forward`.
    """

    def __init__(self, key: str, kind: str, low: float, high: float, shares: NDArray[np.float32]) -> None:
        self.key, self.kind, self.low, self.high, self.shares = key, kind, low, high, shares

    @classmethod
    def of(cls, key: str, values: NDArray[np.floating[Any]], order: NDArray[np.int32]) -> Column:
        """Scale values of a quantity, which come in catalogue order.

        Parameters
        ----------
        key : str
        values : array of float, shape (n,)
        order : array of int32, shape (n,)
            Drawing order.

        Raises
        ------
        OptionError
            When there is no such quantity.
        """
        what = quantities.quantity(key)
        if what is None:
            raise OptionError(f"there is no quantity {key!r} to colour by")
        place = quantities.forward(what, values)
        known = place[np.isfinite(place)]
        low, high = (float(end) for end in np.percentile(known, _ENDS)) if known.size else (0.0, 1.0)
        if what.kind in ramps.DIVERGING_KINDS:
            high = max(abs(low), abs(high))
            low = -high
        if not high > low:
            low, high = low - 0.5, low + 0.5
        shares = gather(((place - low) / (high - low)).astype(np.float32), order)
        shares[~np.isfinite(shares)] = np.nan  # the logarithm of what is not positive
        ends = quantities.inverse(what, np.array([low, high]))
        return cls(key, what.kind, float(ends[0]), float(ends[1]), shares)


class _Grid:
    """Equal steps between the extremes of some values."""

    def __init__(self, values: NDArray[np.float32]) -> None:
        self._low = float(values.min()) if values.size else 0.0
        high = float(values.max()) if values.size else 1.0
        self._per_unit = _CELLS / max(high - self._low, 1e-30)

    def cells(self, values: NDArray[np.float32]) -> NDArray[np.int32]:
        steps = (values.astype(np.float64) - self._low) * self._per_unit
        return np.minimum(steps, _CELLS - 1).astype(np.int32)

    def span(self, start: float, end: float) -> tuple[int, int]:
        """First and last step of an interval, with one to spare on either side: rounding."""
        steps = (np.array([start, end]) - self._low) * self._per_unit
        first, last = np.clip(np.floor(steps) + np.array([-1, 1]), 0, _CELLS - 1)
        return int(first), int(last)


class _Kept:
    """Masks in drawing order, as long as the masks themselves live and room is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: OrderedDict[int, tuple[weakref.ref[Mask], Mask]] = OrderedDict()

    def get(self, mask: Mask) -> Mask | None:
        with self._lock:
            item = self._items.get(id(mask))
            if item is None or item[0]() is not mask:  # another mask may have lived at the same address
                return None
            self._items.move_to_end(id(mask))
            return item[1]

    def put(self, mask: Mask, found: Mask) -> None:
        with self._lock:
            self._items[id(mask)] = weakref.ref(mask), found
            for key in [key for key, (alive, _) in self._items.items() if alive() is None]:
                del self._items[key]
            while len(self._items) > max(4, _KEEP // max(found.nbytes, 1)):
                self._items.popitem(last=False)
