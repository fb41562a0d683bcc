"""Frames on their way to the browser: packed here, unpacked and shown there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from bokeh.models import ColumnDataSource, ImageRGBA
from bokeh.plotting import figure as bokeh_figure

from explorer.latent_map.frame import Frame
from explorer.latent_map.packing import Bytes, pack
from explorer.tools.glyphs import Glyphs
from explorer.tools.scripts import callback

_SCRIPT: Final = Path(__file__).with_name("wire.js")


class Parcel(NamedTuple):
    """A frame and its image as it travels."""

    frame: Frame
    packed: Bytes
    colours: int
    lit: int


def parcel(frame: Frame) -> Parcel:
    """Pack a frame; runs in a thread."""
    return Parcel(frame, *pack(frame.image))


class Wire:
    """The image of the map.

    Parameters
    ----------
    figure : bokeh.plotting.figure

    Attributes
    ----------
    image : ColumnDataSource
        What the browser shows; written by the browser alone.
    sent : int
        Number of the last frame that was sent.
    """

    def __init__(self, figure: bokeh_figure) -> None:
        blank: dict[str, Any] = {"image": [np.zeros((1, 1), np.uint32)], "number": [0]}
        blank |= {name: [0.0] for name in ("x", "y", "dw", "dh")}
        self.image = ColumnDataSource(blank, name="xle-image", syncable=False)
        self.sent = 0
        self._source = ColumnDataSource({"number": []}, name="xle-wire")
        self.image.tags = [self._source]  # so that the document holds it
        arrive = callback(_SCRIPT, image=self.image, wire=self._source)
        self._source.js_on_change("data", arrive)
        figure.js_on_change("inner_width", arrive)  # for the frame that a page opens with
        glyph = ImageRGBA(image="image", x="x", y="y", dw="dw", dh="dh")
        glyphs = Glyphs(figure)
        glyphs.add(self.image, glyph, level="image")
        glyphs.show()

    def send(self, parcel: Parcel) -> None:
        """Show a frame in the browser."""
        self.sent += 1
        view, shape = parcel.frame.view, parcel.frame.image.shape
        self._source.data = {
            "packed": [parcel.packed],
            "colours": [parcel.colours],
            "lit": [parcel.lit],
            "height": [shape[0]],
            "width": [shape[1]],
            "x": [view.x0],
            "y": [view.y0],
            "dw": [view.width],
            "dh": [view.height],
            "number": [self.sent],
        }
