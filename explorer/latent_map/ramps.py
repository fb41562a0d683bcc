"""Colour ramps of quantities: the map, its colour bar and figures for papers take the same ones."""

from __future__ import annotations

from functools import cache
from typing import Final

import matplotlib
import numpy as np

from explorer.palette import Theme

#: Map of matplotlib, which part of it, and its brightness, for each theme. High values (of a diverging ramp: both ends)
#: stand out from the ground, the others are still told from it. All keep their order under colour-vision deficiency.
_SEQUENTIAL: Final = {"dark": ("viridis", 0.25, 1.0, 1.0), "light": ("viridis", 0.88, 0.0, 1.0)}
_DIVERGING: Final = {"dark": ("managua_r", 0.0, 1.0, 1.0), "light": ("RdBu_r", 0.05, 0.95, 0.87)}

#: Kinds of quantities with a neutral middle, at zero.
DIVERGING_KINDS: Final = frozenset({"signed", "asinh"})

#: Colours of a ramp.
STEPS: Final = 256


@cache
def ramp(kind: str, theme: Theme) -> tuple[str, ...]:
    """Colours from the low to the high end of a quantity.

    Parameters
    ----------
    kind : {"linear", "log", "signed", "asinh", "date"}
        Of the `explorer.filters.quantities.Quantity`; `DIVERGING_KINDS` have a neutral middle.
    theme : {"dark", "light"}

    Returns
    -------
    tuple of str
        `STEPS` colours as #rrggbb.
    """
    name, start, end, brightness = (_DIVERGING if kind in DIVERGING_KINDS else _SEQUENTIAL)[theme]
    colours = brightness * matplotlib.colormaps[name](np.linspace(start, end, STEPS))
    return tuple("#" + bytes(np.rint(255 * colour[:3]).astype(np.uint8)).hex() for colour in colours)
