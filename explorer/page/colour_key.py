"""Key of the colours of the map where a quantity gives them: its ramp, its name, its ends in words."""

from __future__ import annotations

from typing import Any, Final

from explorer.filters import quantities
from explorer.filters.quantities import in_words
from explorer.latent_map.ramps import DIVERGING_KINDS, ramp
from explorer.palette import Theme
from explorer.session import Session

#: Colours of the gradient; between two of them nobody sees a difference.
_STOPS: Final = 17


def colour_key(session: Session) -> dict[str, Any]:
    """Return what the key shows: label, unit, how means are taken, ramp and its ticks; empty where classes colour.

    Parameters
    ----------
    session : Session
        `Session.colour_scale` says what colours the frame on screen.
    """
    scale = session.colour_scale
    what = None if scale is None else quantities.quantity(scale["key"])
    if scale is None or what is None:
        return {}
    theme: Theme = session.theme
    colours = ramp(what.kind, theme)
    low, high = float(scale["low"]), float(scale["high"])
    ticks = [(0.0, in_words(what, low)), (1.0, in_words(what, high))]
    if what.kind in DIVERGING_KINDS and low < 0.0 < high:
        first, zero, last = (float(quantities.forward(what, value)) for value in (low, 0.0, high))
        ticks.insert(1, ((zero - first) / (last - first), "0"))
    return {
        "label": what.label,
        "unit": what.unit,
        "mean": {"log": "mean logarithm", "asinh": "mean (of asinh)"}.get(what.kind, "mean"),
        "meaning": what.meaning,
        "ramp": [colours[round(place * (len(colours) - 1) / (_STOPS - 1))] for place in range(_STOPS)],
        "ticks": ticks,
    }
