"""Axes that take no room of their own in a Bokeh figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bokeh.models import Axis
from bokeh.plotting import figure as bokeh_figure

from explorer.tools.scripts import callback

_SCRIPT: Final = Path(__file__).with_name("room.js")


def take_no_room(figure: bokeh_figure, axes: Sequence[Axis]) -> None:
    """Have the browser lay a figure out without asking its axes how much room they need.

    It asks before every repaint, and measures all their numbers for the answer. Worse, where the numbers stand inside
    the frame it finds a width below zero, gives none, and lays the whole figure out anew each time: that took as long
    as drawing it.

    Parameters
    ----------
    figure : bokeh.plotting.figure
    axes : sequence of Axis
        Of the figure. Its borders (``min_border_left``) leave room for their numbers, or these stand inside the frame.

    Notes
    -----
    Bokeh has no property for this; the script changes one method of the views when they have been laid out first.
    Should another version of Bokeh have no such method, figures are as right as before, and slower.
    """
    figure.js_on_change("inner_width", callback(_SCRIPT, figure=figure, axes=list(axes)))
