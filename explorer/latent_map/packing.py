"""An image made small for the wire without loss: a bit for each pixel, two bytes for each lit one, and its colours.

Most of a map is ground, and the lit rest has few colours. That is as small as deflate at its fastest makes it, packed
in a fifth of the time, and a browser unpacks it in a plain loop; it needs no compressing websocket.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.latent_map.kernels import Image

#: Most colours that two bytes can number; an image with more goes as it is.
MAX_COLOURS: Final = 65_536
#: Slots of the hash table of colours: a power of two, at most half full.
_SLOTS: Final = 2 * MAX_COLOURS

Bytes = NDArray[np.uint8]


def pack(image: Image) -> tuple[Bytes, int, int]:
    """Pack an image.

    Parameters
    ----------
    image : array of uint32, shape (h, w)

    Returns
    -------
    packed : array of uint8
        Colours (uint32), then the number of the colour of each lit pixel (uint16), then one bit for each pixel, the
        lowest bit first. The image as it is where it has more than `MAX_COLOURS`.
    colours : int
        Number of colours; -1 where the image goes as it is.
    lit : int
        Number of pixels that are not 0.
    """
    flat = np.ascontiguousarray(image).reshape(-1)
    colours, inks, bits, n_colours, n_lit = _pack(flat)
    if n_colours < 0:
        return flat.view(np.uint8), -1, int(np.count_nonzero(flat))
    parts = colours[:n_colours].view(np.uint8), inks[:n_lit].view(np.uint8), bits
    return np.concatenate(parts), int(n_colours), int(n_lit)


def unpack(packed: Bytes, colours: int, lit: int, shape: tuple[int, int]) -> Image:
    """Return the image that `pack` packed, as `wire.js` does in the browser.

    Parameters
    ----------
    packed : array of uint8
    colours, lit : int
        As `pack` returned them.
    shape : (int, int)
        Height and width.
    """
    if colours < 0:
        return packed.view(np.uint32).reshape(shape)
    first, second = 4 * colours, 4 * colours + 2 * lit
    inks = np.ascontiguousarray(packed[first:second]).view(np.uint16)
    bits = np.unpackbits(packed[second:], count=shape[0] * shape[1], bitorder="little").astype(bool)
    image = np.zeros(shape[0] * shape[1], np.uint32)
    image[bits] = np.ascontiguousarray(packed[:first]).view(np.uint32)[inks]
    return image.reshape(shape)


@numba.njit(nogil=True, cache=True)
def _pack(pixels: Any) -> Any:
    slots = np.full(_SLOTS, -1, np.int32)
    colours = np.empty(MAX_COLOURS, np.uint32)
    inks = np.empty(pixels.size, np.uint16)
    bits = np.zeros((pixels.size + 7) // 8, np.uint8)
    n_colours = 0
    n_lit = 0
    last = np.uint32(0)
    ink = 0
    for at in range(pixels.size):
        pixel = pixels[at]
        if pixel == 0:
            continue
        bits[at >> 3] |= np.uint8(1 << (at & 7))
        if pixel != last:
            product = np.uint64(pixel) * np.uint64(2654435769)  # Fibonacci hashing: 17 of the product's low 32 bits
            slot = np.int64((product & np.uint64(0xFFFFFFFF)) >> np.uint64(15))
            while slots[slot] >= 0 and colours[slots[slot]] != pixel:
                slot = (slot + 1) & (_SLOTS - 1)
            if slots[slot] < 0:
                if n_colours == MAX_COLOURS:
                    return colours, inks, bits, -1, 0
                slots[slot] = n_colours
                colours[n_colours] = pixel
                n_colours += 1
            ink = slots[slot]
            last = pixel
        inks[n_lit] = ink
        n_lit += 1
    return colours, inks, bits, n_colours, n_lit
