"""The map as HoloViews gives it: `datashade` by class in a plain Panel page. The yardstick for our frames and our page.

Serve it with ``panel serve scripts/_benchmarks/stock_map.py --args ATLAS``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import datashader
import holoviews as hv
import pandas as pd
import panel as pn
from holoviews.operation.datashader import datashade

from explorer.palette import palette
from explorer.services import Services, services

#: Width and height of the image [px] (DESIGN, budgets).
SIZE: Final = (900, 700)


def table(opened: Services) -> pd.DataFrame:
    """Positions and classes of all detections, in catalogue order, as one would hand them to HoloViews."""
    classes = pd.Categorical.from_codes(opened.class_codes.astype(int), list(opened.class_names))
    return pd.DataFrame({"x": opened.x, "y": opened.y, "class": classes})


def points(opened: Services) -> Any:
    """Return the detections as HoloViews points."""
    hv.extension("bokeh", logo=False)
    return hv.Points(table(opened), ["x", "y"], "class")


def shaded(elements: Any, opened: Services, **more: Any) -> Any:
    """`datashade` by class, in our class colours.

    Parameters
    ----------
    elements : holoviews.Points
    opened : Services
    more
        For `datashade`: ``dynamic=False, x_range=..., y_range=...`` for a single image.
    """
    colours = palette("dark")
    key = {name: colours.class_colour(name, position) for position, name in enumerate(opened.class_names)}
    counting = datashader.by("class", datashader.count())
    return datashade(elements, aggregator=counting, color_key=key, width=SIZE[0], height=SIZE[1], **more)


def page(atlas: str) -> Any:
    """Return the page: nothing but the map."""
    opened, elements = pn.state.as_cached("stock", lambda: _open(atlas))
    width, height = SIZE
    plot = shaded(elements, opened).opts(
        width=width, height=height, active_tools=["pan", "wheel_zoom"], bgcolor="#05070b"
    )
    return pn.pane.HoloViews(plot, width=width, height=height)


def _open(atlas: str) -> tuple[Services, Any]:
    opened = services(Path(atlas))
    return opened, points(opened)


if __name__.startswith("bokeh_app"):
    page(sys.argv[1]).servable(title="stock map")
