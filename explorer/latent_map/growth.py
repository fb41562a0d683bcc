"""Points that stand alone grow, so that a sparse view can be seen: arms, and discs when zoomed in far (LOOK.md)."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

from explorer.latent_map.kernels import Counts, Floats, Image

#: A point grows arms when at most this many detections lie in the (2 SPARSE_REACH + 1)^2 pixels around it (LOOK.md).
SPARSE_COUNT: Final = 5
SPARSE_REACH: Final = 3


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
