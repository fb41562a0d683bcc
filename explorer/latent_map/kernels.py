"""Compiled loops of the map: opacity scale and colour mixing.

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
