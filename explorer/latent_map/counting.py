"""Compiled loops over detections: how many lie in each pixel, and the light that they add up to there.

One pass serves all that a frame needs. datashader would aggregate up to three times, once for each of the archive, what
passes the filters, and the selection, and by class, which is sixteen numbers a pixel where colours need four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.latent_map.frame import View
from explorer.latent_map.kernels import Counts, Shades
from explorer.latent_map.points import Points, Runs
from explorer.tools.masks import Mask


@dataclass(frozen=True)
class Tally:
    """What lies in the pixels of a view.

    Parameters
    ----------
    whole : array of uint32, shape (h, w)
        Detections of the whole archive.
    shown : array of uint32, shape (h, w)
        Those of visible classes that pass the filters; the same array as `whole` where all do.
    light : array of float32, shape (h, w, 4)
        Sums over the shown ones: weighted linear red, green, blue and the weight; or value, 0, 0 and 1.
    chosen, chosen_light
        The same of those that are selected, too; empty without a selection.
    by_class : array of int64, shape (256,)
        Passing detections of each class, hidden ones too.
    """

    whole: Counts
    shown: Counts
    light: Shades
    chosen: Counts
    chosen_light: Shades
    by_class: NDArray[np.int64]


def count(
    points: Points,
    view: View,
    size: tuple[int, int],
    paints: Shades,
    visible: Mask,
    *,
    passing: Mask | None = None,
    selection: Mask | None = None,
    shares: Shades | None = None,
) -> Tally:
    """Count what a view shows.

    Parameters
    ----------
    points : Points
    view : View
    size : (int, int)
        Width and height in pixels.
    paints : array of float32, shape (n_classes, 4)
        Weighted linear red, green, blue of each class, and its weight.
    visible : array of bool, shape (n_classes,)
    passing, selection : array of bool, shape (n,), optional
        In drawing order, from `Points.sorted`.
    shares : array of float32, shape (n,), optional
        A quantity in drawing order, to sum in the place of paints; NaN does not count.

    Notes
    -----
    Positions on the edge of two pixels fall as in datashader's `Canvas.points`.
    """
    width, height = size
    whole = np.zeros((height, width), np.uint32)
    plain = passing is None and bool(visible.all())
    shown = whole if plain else np.zeros((height, width), np.uint32)
    light = np.zeros((height, width, 4), np.float32)
    chosen, chosen_light = np.zeros((0, 0), np.uint32), np.zeros((0, 0, 4), np.float32)
    if selection is not None:
        chosen, chosen_light = np.zeros((height, width), np.uint32), np.zeros((height, width, 4), np.float32)
    by_class = np.zeros(256, np.int64)
    per_x, per_y = width / view.width, height / view.height
    _count(
        points.x,
        points.y,
        points.codes,
        points.runs(view),
        np.array([view.x0, view.x1, per_x, -view.x0 * per_x, view.y0, view.y1, per_y, -view.y0 * per_y]),
        width,
        height,
        paints,
        visible,
        _NO_MASK if passing is None else passing,
        _NO_MASK if selection is None else selection,
        _NO_SHARES if shares is None else shares,
        whole.reshape(-1),
        shown.reshape(-1),
        light.reshape(-1, 4),
        chosen.reshape(-1),
        chosen_light.reshape(-1, 4),
        by_class,
        plain,
    )
    return Tally(whole, shown, light, chosen, chosen_light, by_class)


_NO_MASK = np.zeros(0, np.bool_)
_NO_SHARES = np.zeros(0, np.float32)


@numba.njit(nogil=True, cache=True)
def _add_paint(light: Shades, at: Any, paints: Shades, code: Any) -> None:
    light[at, 0] += paints[code, 0]
    light[at, 1] += paints[code, 1]
    light[at, 2] += paints[code, 2]
    light[at, 3] += paints[code, 3]


@numba.njit(nogil=True, cache=True)
def _add_share(light: Shades, at: Any, share: Any) -> None:
    if share == share:
        light[at, 0] += share
        light[at, 3] += np.float32(1)


@numba.njit(nogil=True, cache=True)
def _count(
    x: Shades,
    y: Shades,
    codes: NDArray[np.uint8],
    runs: Runs,
    place: NDArray[np.float64],
    width: int,
    height: int,
    paints: Shades,
    visible: Mask,
    passing: Mask,
    selection: Mask,
    shares: Shades,
    whole: Counts,
    shown: Counts,
    light: Shades,
    chosen: Counts,
    chosen_light: Shades,
    by_class: NDArray[np.int64],
    plain: bool,
) -> None:
    """Fill a tally; pixels are numbered along rows. Unsigned indices spare numba's test for negative ones."""
    x0, x1, per_x, from_x, y0, y1, per_y, from_y = place
    one = np.uint32(1)
    for run in range(runs.shape[0]):
        for k in range(np.uint64(runs[run, 0]), np.uint64(runs[run, 1])):
            at_x, at_y = np.float64(x[k]), np.float64(y[k])
            if not (x0 <= at_x <= x1 and y0 <= at_y <= y1):
                continue
            i = min(int(at_x * per_x + from_x), width - 1)
            j = min(int(at_y * per_y + from_y), height - 1)
            at = np.uint64(j * width + i)
            whole[at] += one
            if passing.size and not passing[k]:
                continue
            code = np.uint64(codes[k])
            by_class[code] += 1
            if not plain:
                if not visible[code]:
                    continue
                shown[at] += one
            if shares.size:
                _add_share(light, at, shares[k])
            else:
                _add_paint(light, at, paints, code)
            if selection.size and selection[k]:
                chosen[at] += one
                if shares.size:
                    _add_share(chosen_light, at, shares[k])
                else:
                    _add_paint(chosen_light, at, paints, code)


@numba.njit(nogil=True, cache=True)
def shares_to_light(counts: Counts, light: Shades, ramp: Shades, unknown: Shades) -> None:
    """Turn sums of a quantity into the light of its mean (in place).

    Parameters
    ----------
    counts : array of uint32, shape (h, w)
    light : array of float32, shape (h, w, 4)
        Sum of shares of the way along the ramp, and how many were summed; becomes red, green, blue and 1.
    ramp : array of float32, shape (m, 3)
        Linear red, green, blue.
    unknown : array of float32, shape (3,)
        Where there are detections, but none has a value.
    """
    h, w = counts.shape
    steps = ramp.shape[0]
    for j in range(h):
        for i in range(w):
            if counts[j, i] == 0:
                continue
            if light[j, i, 3] > 0:
                mean = light[j, i, 0] / light[j, i, 3]
                step = int(min(max(mean, np.float32(0)), np.float32(1)) * (steps - 1) + np.float32(0.5))
                for c in range(3):
                    light[j, i, c] = ramp[step, c]
            else:
                for c in range(3):
                    light[j, i, c] = unknown[c]
            light[j, i, 3] = 1
