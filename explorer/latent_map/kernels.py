"""Compiled loops of the map: opacity scale, colour mixing, growth of lonely points, point in polygon.

All release the GIL, so that frames of several sessions render side by side, and are cached on disk, so that a server
starts without compiling. Images are ``uint32`` RGBA as Bokeh's `image_rgba` wants them, first row at the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.uint32]
Image: TypeAlias = NDArray[np.uint32]
Shades: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]

#: Steps of the table from linear light to sRGB; 4096 keeps the error below one of 255 levels.
_GAMMA_STEPS: Final = 4096

#: Opacity scales, in the order of `opacity_table`'s `scale`.
DENSITIES: Final = ("equal", "log", "linear")

#: A point grows arms when at most this many detections lie in the (2 SPARSE_REACH + 1)^2 pixels around it (LOOK.md).
SPARSE_COUNT: Final = 5
SPARSE_REACH: Final = 3

#: From this opacity rank on, the dark theme mixes up to `WHITE_SHARE` of white (LOOK.md).
WHITE_START: Final = 0.8
WHITE_SHARE: Final = 0.11

#: Unselected detections: brightness of their grey (dark theme), and its opacity (light theme) (LOOK.md).
GREY_BRIGHTNESS: Final = 0.42
GREY_OPACITY: Final = 0.38


def srgb_to_linear(srgb: Floats) -> Floats:
    """Linear light of sRGB values, both 0 to 1 (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, dtype=np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Floats) -> Floats:
    """Return sRGB values of linear light, both 0 to 1 (IEC 61966-2-1)."""
    linear = np.asarray(linear, dtype=np.float64)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055)


_GAMMA: Final = np.rint(255 * linear_to_srgb(np.linspace(0.0, 1.0, _GAMMA_STEPS))).astype(np.float32)


@numba.njit(nogil=True, cache=True)
def pixel_totals(counts: Counts, visible: Mask) -> tuple[Counts, Counts, int]:
    """Sum the classes of each pixel.

    Parameters
    ----------
    counts : array of uint32, shape (h, w, n_classes)
    visible : array of bool, shape (n_classes,)

    Returns
    -------
    whole, shown : array of uint32, shape (h, w)
        Detections of all classes, and of the visible ones.
    most : int
        Largest of `whole`.
    """
    h, w, n_classes = counts.shape
    whole = np.empty((h, w), np.uint32)
    shown = np.empty((h, w), np.uint32)
    most = 0
    for j in range(h):
        for i in range(w):
            total = 0
            seen = 0
            for k in range(n_classes):
                c = counts[j, i, k]
                total += c
                if visible[k]:
                    seen += c
            whole[j, i] = total
            shown[j, i] = seen
            most = max(most, total)
    return whole, shown, most


@numba.njit(nogil=True, cache=True)
def opacity_table(whole: Counts, most: int, scale: int) -> Floats:
    """Rank of every number of detections a pixel can hold, from the whole archive in this view.

    Parameters
    ----------
    whole : array of uint32, shape (h, w)
        Detections of all classes in each pixel.
    most : int
        Largest of `whole`.
    scale : int
        0: half equal-histogram rank, half logarithm ("equal"); 1: logarithm; 2: linear.

    Returns
    -------
    array of float64, shape (most + 1,)
        0 to 1. Empty pixels do not count. The rank is the share of occupied pixels that hold no more, stretched so that
        the smallest occupied value has rank 0; where all occupied pixels are alike, all have rank 1.
    """
    table = np.zeros(most + 1)
    if most == 0:
        return table
    if scale == 2:
        for v in range(1, most + 1):
            table[v] = v / most
        return table
    for v in range(1, most + 1):
        table[v] = np.log1p(v) / np.log1p(most)
    if scale == 1:
        return table
    histogram = np.zeros(most + 1, np.int64)
    h, w = whole.shape
    for j in range(h):
        for i in range(w):
            histogram[whole[j, i]] += 1
    occupied = h * w - histogram[0]
    lowest = 0
    below = 0
    for v in range(1, most + 1):
        below += histogram[v]
        if lowest == 0:
            lowest = below
        rank = (below - lowest) / (occupied - lowest) if occupied > lowest else 1.0
        if below == 0:  # fewer detections than any pixel holds; reached where classes are hidden
            rank = 0.0
        table[v] = 0.5 * rank + 0.5 * table[v]
    return table


@numba.njit(nogil=True, cache=True)
def _mean_light(counts: Counts, paints: Shades) -> tuple[Any, Any, Any]:
    """Mean of the class colours of one pixel; a skipped zero is cheaper than a multiplied one."""
    r = g = b = norm = np.float32(0)
    for k in range(counts.size):
        if counts[k]:
            count = np.float32(counts[k])
            r += count * paints[0, k]
            g += count * paints[1, k]
            b += count * paints[2, k]
            norm += count * paints[3, k]
    return r / norm, g / norm, b / norm


@numba.njit(nogil=True, cache=True)
def _encode(linear: Any, gamma: Shades) -> Any:
    return gamma[np.int32(linear * np.float32(gamma.size - 1) + np.float32(0.5))]


@numba.njit(nogil=True, cache=True)
def _pack(r: Any, g: Any, b: Any, alpha: Any) -> Any:
    half = np.float32(0.5)
    return (
        np.uint32(r + half)
        | (np.uint32(g + half) << np.uint32(8))
        | (np.uint32(b + half) << np.uint32(16))
        | (np.uint32(alpha + half) << np.uint32(24))
    )


@numba.njit(nogil=True, cache=True)
def _mix_colours(counts: Counts, shown: Counts, paints: Shades, alphas: Shades, whites: Shades, gamma: Shades) -> Image:
    h, w = shown.shape
    image = np.zeros((h, w), np.uint32)
    for j in range(h):
        for i in range(w):
            total = shown[j, i]
            if total == 0:
                continue
            red, green, blue = _mean_light(counts[j, i], paints)
            r, g, b = _encode(red, gamma), _encode(green, gamma), _encode(blue, gamma)
            white = whites[total]
            top = np.float32(255)
            image[j, i] = _pack(r + white * (top - r), g + white * (top - g), b + white * (top - b), alphas[total])
    return image


@numba.njit(nogil=True, cache=True)
def _mix_greys(
    image: Image, counts: Counts, shown: Counts, paints: Shades, alphas: Shades, brightness: Any, gamma: Shades
) -> None:
    """Fill the pixels of `image` that are still empty with grey of the same luminance (Rec. 709)."""
    h, w = shown.shape
    for j in range(h):
        for i in range(w):
            if shown[j, i] == 0 or image[j, i] != 0:
                continue
            red, green, blue = _mean_light(counts[j, i], paints)
            luminance = np.float32(0.2126) * red + np.float32(0.7152) * green + np.float32(0.0722) * blue
            grey = _encode(luminance, gamma) * brightness
            image[j, i] = _pack(grey, grey, grey, alphas[shown[j, i]])


@dataclass(frozen=True)
class Inks:
    """What turns counts into colours: class colours, weights, and the theme's opacity and white.

    Parameters
    ----------
    paints : array of float32, shape (4, n_classes)
        Weighted linear red, green, blue and the weight itself; all 0 where a class is hidden.
    dark : bool
        Theme: opacity 0.58 + 0.42 t^0.9 and a touch of white at the top, else 0.50 + 0.50 t^0.75.
    """

    paints: NDArray[np.float32]
    dark: bool

    @classmethod
    def of(cls, linear_rgb: Floats, weights: Floats, visible: Mask, *, dark: bool) -> Inks:
        """Prepare inks.

        Parameters
        ----------
        linear_rgb : array of float64, shape (n_classes, 3)
            Class colours in linear light, 0 to 1.
        weights : array of float64, shape (n_classes,)
            Weight of a class in the mixture, above 0.
        visible : array of bool, shape (n_classes,)
        dark : bool
        """
        share = np.where(visible, weights, 0.0)
        return cls(np.vstack([linear_rgb.T * share, share]).astype(np.float32), dark)

    def opacities(self, ranks: Floats) -> NDArray[np.float32]:
        """Opacity, 0 to 255, of ranks 0 to 1."""
        floor, span, power = (0.58, 0.42, 0.9) if self.dark else (0.50, 0.50, 0.75)
        return (255 * (floor + span * ranks**power)).astype(np.float32)

    def whites(self, ranks: Floats) -> NDArray[np.float32]:
        """Share of white, 0 to 1, at ranks 0 to 1."""
        above = np.maximum(ranks - WHITE_START, 0.0) / (1.0 - WHITE_START)
        return ((WHITE_SHARE if self.dark else 0.0) * above).astype(np.float32)


def mix_colours(counts: Counts, shown: Counts, ranks: Floats, inks: Inks) -> Image:
    """Colour every pixel by its classes.

    Parameters
    ----------
    counts : array of uint32, shape (h, w, n_classes)
        Detections of each class in each pixel.
    shown : array of uint32, shape (h, w)
        Detections of the visible classes, from `pixel_totals`.
    ranks : array of float64, shape (most + 1,)
        From `opacity_table`.
    inks : Inks

    Returns
    -------
    array of uint32, shape (h, w)
        RGBA, 0 where nothing is visible.
    """
    image: Image = _mix_colours(counts, shown, inks.paints, inks.opacities(ranks), inks.whites(ranks), _GAMMA)
    return image


def mix_greys(image: Image, counts: Counts, shown: Counts, ranks: Floats, inks: Inks) -> None:
    """Fill what is still empty in an image of the selected detections with the others, in grey (in place).

    Parameters
    ----------
    image : array of uint32, shape (h, w)
        From `mix_colours` of the selected detections alone; changed.
    counts, shown, ranks, inks
        As in `mix_colours`, of all detections.
    """
    opacity, brightness = (1.0, GREY_BRIGHTNESS) if inks.dark else (GREY_OPACITY, 1.0)
    alphas = (opacity * inks.opacities(ranks)).astype(np.float32)
    _mix_greys(image, counts, shown, inks.paints, alphas, np.float32(brightness), _GAMMA)


@numba.njit(nogil=True, cache=True)
def _faded(pixel: Any, share: float) -> Any:
    """Return the same colour at a share of its opacity."""
    alpha = np.uint32(((pixel >> np.uint32(24)) & np.uint32(255)) * share + 0.5)
    return (pixel & np.uint32(0x00FFFFFF)) | (alpha << np.uint32(24))


@numba.njit(nogil=True, cache=True)
def grow_lonely(image: Image, shown: Counts) -> Image:
    """Grow points in sparse neighbourhoods to a plus whose arms have half the opacity.

    Parameters
    ----------
    image : array of uint32, shape (h, w)
    shown : array of uint32, shape (h, w)
        Visible detections in each pixel.

    Returns
    -------
    array of uint32, shape (h, w)
        A point with at most `SPARSE_COUNT` detections in the 7 x 7 pixels around it lends its colour to its empty
        direct neighbours; where two lend, the more opaque one wins.
    """
    h, w = image.shape
    grown = image.copy()
    columns = np.zeros(w, np.int64)  # detections in the rows j - reach ... j + reach of each column
    for j in range(min(SPARSE_REACH, h)):
        for i in range(w):
            columns[i] += shown[j, i]
    for j in range(h):
        if j + SPARSE_REACH < h:
            for i in range(w):
                columns[i] += shown[j + SPARSE_REACH, i]
        if j - SPARSE_REACH - 1 >= 0:
            for i in range(w):
                columns[i] -= shown[j - SPARSE_REACH - 1, i]
        near = 0
        for i in range(min(SPARSE_REACH, w)):
            near += columns[i]
        for i in range(w):
            if i + SPARSE_REACH < w:
                near += columns[i + SPARSE_REACH]
            if i - SPARSE_REACH - 1 >= 0:
                near -= columns[i - SPARSE_REACH - 1]
            if shown[j, i] == 0 or near > SPARSE_COUNT:
                continue
            arm = _faded(image[j, i], 0.5)
            for dj, di in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                v = j + dj
                u = i + di
                if 0 <= v < h and 0 <= u < w and shown[v, u] == 0 and arm >> 24 > grown[v, u] >> 24:
                    grown[v, u] = arm
    return grown


def disc(width: int) -> Floats:
    """Share of each pixel that a disc covers.

    Parameters
    ----------
    width : int
        Odd number of pixels across.

    Returns
    -------
    array of float64, shape (width, width)
    """
    fine = 16
    at = (np.arange(width * fine) + 0.5) / fine - width / 2
    inside = at[:, None] ** 2 + at[None, :] ** 2 <= (width / 2) ** 2
    cover: Floats = inside.reshape(width, fine, width, fine).mean(axis=(1, 3))
    return cover


@numba.njit(nogil=True, cache=True)
def grow_discs(image: Image, shown: Counts, stamp: Floats) -> Image:
    """Draw every occupied pixel as a disc; where discs overlap, the more opaque one wins.

    Parameters
    ----------
    image : array of uint32, shape (h, w)
    shown : array of uint32, shape (h, w)
        Visible detections in each pixel.
    stamp : array of float64, shape (m, m)
        Coverage, from `disc`.

    Returns
    -------
    array of uint32, shape (h, w)
    """
    h, w = image.shape
    reach = stamp.shape[0] // 2
    grown = np.zeros((h, w), np.uint32)
    for j in range(h):
        for i in range(w):
            if shown[j, i] == 0:
                continue
            for v in range(max(j - reach, 0), min(j + reach + 1, h)):
                for u in range(max(i - reach, 0), min(i + reach + 1, w)):
                    cover = stamp[v - j + reach, u - i + reach]
                    if cover > 0:
                        lent = _faded(image[j, i], cover)
                        if lent >> 24 > grown[v, u] >> 24:
                            grown[v, u] = lent
    return grown


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
    if not (x1 > x0 and y1 > y0):
        return inside
    sx = _CELLS / (x1 - x0)
    sy = _CELLS / (y1 - y0)
    cells = _classify_cells(px, py, x0, y0, sx, sy)
    for i in range(x.size):
        if x[i] < x0 or x[i] > x1 or y[i] < y0 or y[i] > y1:
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
    inside: Mask = _in_polygon(x, y, polygon_x, polygon_y)
    return inside
