"""Axes without a frame: short ticks and numbers inside the map's edge, drawn by the browser as the view moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bokeh.models import BasicTicker, CustomJSTickFormatter, Label, LinearAxis, Node
from bokeh.plotting import figure as bokeh_figure

from explorer.palette import Palette
from explorer.tools.room import take_no_room

_TICKS: Final = (Path(__file__).with_name("ticks.js")).read_text(encoding="utf-8")
#: Length of a tick, and where its number sits inside the edge [px] (LOOK.md).
_TICK: Final = 6
#: Letters of numbers and of names, on a normal and a large screen (LOOK.md).
_FONT_SIZES: Final = {False: ("10.5px", "12.5px"), True: ("11.5px", "13.5px")}


class Axes:
    """Ticks, numbers and the names of the two latent axes.

    Parameters
    ----------
    figure : bokeh.plotting.figure
    """

    def __init__(self, figure: bokeh_figure) -> None:
        self._axes: list[LinearAxis] = [*figure.xaxis, *figure.yaxis]
        for axis, side, inward in zip(self._axes, ("x", "y"), (-20, -26), strict=True):
            axis.axis_line_color = None
            axis.minor_tick_line_color = None
            axis.major_tick_in = _TICK
            axis.major_tick_out = 0
            axis.major_tick_line_alpha = 0.6
            axis.major_label_standoff = inward
            axis.ticker = BasicTicker(desired_num_ticks=8)
            arguments: dict[str, Any] = {"plot": figure, "range": getattr(figure, f"{side}_range"), "side": side}
            axis.formatter = CustomJSTickFormatter(args=arguments, code=_TICKS)
        take_no_room(figure, self._axes)

        self._names = [
            Label(
                text="μ₁",
                x=Node(target="frame", symbol="right", offset=-12),
                y=Node(target="frame", symbol="bottom", offset=-10),
                anchor="bottom_right",
            ),
            Label(
                text="μ₂",
                x=Node(target="frame", symbol="left", offset=11),
                y=Node(target="frame", symbol="top", offset=62),
                anchor="top_left",
            ),
        ]
        for name in self._names:
            figure.add_layout(name)

        self._large: bool | None = None
        self.enlarge(False)

    def enlarge(self, large: bool) -> None:
        """Take the letters of a large screen, or of a normal one."""
        if large != self._large:
            self._large = large
            numbers, names = _FONT_SIZES[large]
            for axis in self._axes:
                axis.major_label_text_font_size = numbers
            for name in self._names:
                name.text_font_size = names

    def style(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        for axis in self._axes:
            axis.major_tick_line_color = palette["map-tick"]
            axis.major_label_text_color = palette["map-tick"]
            axis.major_label_text_font = palette["font"]
        for name in self._names:
            name.text_color = palette["map-label"]
            name.text_font = palette["font"]
