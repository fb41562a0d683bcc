"""The map as an image within the page itself, on screen before any script runs; the live one takes its place."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Final

import numpy as np
from PIL import Image as Pictures

from explorer.latent_map.frame import Frame
from explorer.latent_map.renderer import MAX_SIDE

#: The browser notes the map's size here, for its next visit: "780x828".
SIZE_COOKIE: Final = "xle-map-size"
#: What the map measures in a window of 1440 x 900, for those who come for the first time [px].
_USUAL: Final = (780, 828)
_LEAST: Final = 100
#: It is looked at for a second or two, and grain hides what JPEG does; a lossless one takes twenty times as long.
_QUALITY: Final = 85


def size_of(cookies: Mapping[str, str]) -> tuple[int, int]:
    """Return the size that the map will probably have in this browser, width and height in pixels."""
    sides = cookies.get(SIZE_COOKIE, "").split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() and len(side) < 6 for side in sides):
        return _USUAL
    width, height = (min(max(int(side), _LEAST), MAX_SIDE) for side in sides)
    return width, height


def still(frame: Frame, ground: str) -> str:
    """Return a frame as a data URI.

    Parameters
    ----------
    frame : Frame
    ground : str
        Colour of the map where there is nothing, as ``#rrggbb``.
    """
    pixels = np.ascontiguousarray(frame.image[::-1]).view(np.uint8).reshape(*frame.image.shape, 4)
    image = Pictures.new("RGBA", (pixels.shape[1], pixels.shape[0]), ground)
    image.alpha_composite(Pictures.fromarray(pixels, "RGBA"))
    written = io.BytesIO()
    image.convert("RGB").save(written, "JPEG", quality=_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()
