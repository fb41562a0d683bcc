"""Compiled loops of the map: opacity scale, and colours from the light of each pixel.

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

#: Opacity of the sparsest pixels where density alone is drawn: it must carry all that hue says elsewhere.
ONE_INK: Final = 0.22


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
def _mix_colours(image: Image, counts: Counts, light: Shades, alphas: Shades, whites: Shades, gamma: Shades) -> None:
    h, w = counts.shape
    top = np.float32(255)
    for j in range(h):
        for i in range(w):
            n = counts[j, i]
            if n == 0:
                image[j, i] = 0
                continue
            per = np.float32(1) / light[j, i, 3]
            r, g, b = (
                _encode(light[j, i, 0] * per, gamma),
                _encode(light[j, i, 1] * per, gamma),
                _encode(light[j, i, 2] * per, gamma),
            )
            white = whites[n]
            image[j, i] = _pack(r + white * (top - r), g + white * (top - g), b + white * (top - b), alphas[n])


@numba.njit(nogil=True, cache=True)
def _mix_greys(image: Image, counts: Counts, light: Shades, alphas: Shades, brightness: Any, gamma: Shades) -> None:
    """Fill the pixels of `image` that are still empty with grey of the same luminance (Rec. 709)."""
    h, w = counts.shape
    for j in range(h):
        for i in range(w):
            if counts[j, i] == 0 or image[j, i] != 0:
                continue
            luminance = (
                np.float32(0.2126) * light[j, i, 0]
                + np.float32(0.7152) * light[j, i, 1]
                + np.float32(0.0722) * light[j, i, 2]
            ) / light[j, i, 3]
            grey = _encode(luminance, gamma) * brightness
            image[j, i] = _pack(grey, grey, grey, alphas[counts[j, i]])


@dataclass(frozen=True)
class Inks:
    """How opacity follows density.

    Parameters
    ----------
    dark : bool
        Theme: opacity 0.58 + 0.42 t^0.9 and a touch of white at the top, else 0.50 + 0.50 t^0.75.
    one_ink : bool
        Density alone is drawn: opacity from `ONE_INK` up, and no white.
    """

    dark: bool
    one_ink: bool = False

    def opacities(self, ranks: Floats) -> Shades:
        """Opacity, 0 to 255, of ranks 0 to 1."""
        floor, power = (0.58, 0.9) if self.dark else (0.50, 0.75)
        if self.one_ink:
            floor, power = ONE_INK, 1.0
        return (255 * (floor + (1 - floor) * ranks**power)).astype(np.float32)

    def whites(self, ranks: Floats) -> Shades:
        """Share of white, 0 to 1, at ranks 0 to 1."""
        above = np.maximum(ranks - WHITE_START, 0.0) / (1.0 - WHITE_START)
        return ((WHITE_SHARE if self.dark and not self.one_ink else 0.0) * above).astype(np.float32)


def mix_colours(counts: Counts, light: Shades, ranks: Floats, inks: Inks) -> Image:
    """Colour every pixel.

    Parameters
    ----------
    counts : array of uint32, shape (h, w)
        Shown detections in each pixel.
    light : array of float32, shape (h, w, 4)
        Sum of their weighted linear red, green, blue, and of the weights; above 0 where there are any.
    ranks : array of float64, shape (most + 1,)
        From `opacity_table`.
    inks : Inks

    Returns
    -------
    array of uint32, shape (h, w)
        RGBA, 0 where nothing is shown.
    """
    image = np.empty(counts.shape, np.uint32)
    _mix_colours(image, counts, light, inks.opacities(ranks), inks.whites(ranks), _GAMMA)
    return image


def mix_greys(image: Image, counts: Counts, light: Shades, ranks: Floats, inks: Inks) -> None:
    """Fill what is still empty in an image of the selected detections with the others, in grey (in place).

    Parameters
    ----------
    image : array of uint32, shape (h, w)
        From `mix_colours` of the selected detections alone; changed.
    counts, light, ranks, inks
        As in `mix_colours`, of all shown detections.
    """
    opacity, brightness = (1.0, GREY_BRIGHTNESS) if inks.dark else (GREY_OPACITY, 1.0)
    alphas = (opacity * inks.opacities(ranks)).astype(np.float32)
    _mix_greys(image, counts, light, alphas, np.float32(brightness), _GAMMA)
