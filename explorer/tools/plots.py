"""Bokeh figures of the inspector in the page's look. Only their data and colours change after they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    GlyphRenderer,
    HoverTool,
    Line,
    Range1d,
    Scatter,
    Segment,
    Span,
    VArea,
)
from bokeh.plotting import figure

from explorer.palette import Palette
from explorer.tools import words
from explorer.tools.glyphs import Glyphs
from explorer.tools.room import take_no_room
from explorer.tools.spectra import (
    ENERGY_LABEL,
    LABELLED_ENERGIES,
    MINOR_ENERGIES,
    RESIDUAL_LIMIT,
    Columns,
    decoded_steps,
    display_range,
    model_steps,
    spectrum_data,
    unfolded_data,
    unfolded_steps,
)
from vae.atlas import Decoded, Spectrum

#: Room for tick labels and axis label, so that both frames stand exactly below each other [px].
_LEFT: Final = 52
_RIGHT: Final = 16
#: Height of the residuals: 19 % of the plot, and their axis.
_RESIDUALS_HEIGHT: Final = "calc(19% + 36px)"
#: 10³, 10², 10, 1, 0.1, 10⁻², ...
_DECADES: Final = """
    const power = Math.round(Math.log10(tick));
    if (power >= -1 && power <= 1) return ["0.1", "1", "10"][power + 1];
    return "10" + String(power).replace("-", "⁻").replace(/[0-9]/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
"""
_PLAIN: Final = "return String(tick)"
_NO_LABEL: Final = "return ''"
_SIGNED: Final = "return (tick > 0 ? '+' : '') + String(tick).replace('-', '−');"

#: A tooltip appears when the mouse is above or below a point: the points themselves are 3 px small.
_NEAREST: Final = {"mode": "vline", "limit": 1, "point_policy": "snap_to_data"}
#: Bokeh's tooltip is styled from inside: its own sheet hides the page's colours.
_TOOLTIP_CSS: Final = """
:host {
  background: var(--float) !important; color: var(--text) !important;
  border: 0 !important; padding: 8px 11px !important;
  border-radius: var(--r-card); box-shadow: var(--shadow-float); font: var(--fs-small)/1.4 var(--font) !important;
}
"""
COUNTS_LABEL: Final = "Counts per keV"
UNFOLDED_LABEL: Final = "E F(E), keV/cm²/s"
DECODED_LABEL: Final = "E F(E), maximum = 1"

_DATA_COLUMNS: Final = (
    *("lo", "hi", "mid", "y", "y_lo", "y_hi", "limit", "arrow"),
    *("residual_shown", "residual_lo", "residual_hi", "beyond_up", "beyond_down"),
    *("energy", "value", "sigma"),
)
_STEP_COLUMNS: Final = ("e", "model", "band_lo", "band_hi", "background", "decoded")


def style(plot: figure, palette: Palette) -> None:
    """Give a figure the page's axes: left and bottom only, hair grid, small type, no box."""
    plot.background_fill_color = plot.border_fill_color = None  # the panel behind it has the theme's colour at once
    plot.outline_line_color = None
    plot.grid.grid_line_color = palette["plot-grid"]
    plot.grid.grid_line_width = 1
    for axis in plot.axis:
        axis.axis_line_color = palette["zero"]
        axis.major_tick_line_color = None
        axis.minor_tick_line_color = palette["zero"]
        axis.major_label_text_color = palette["text-3"]
        axis.axis_label_text_color = palette["text-2"]
        axis.major_label_text_font = axis.axis_label_text_font = palette["font"]
        axis.major_label_text_font_size = axis.axis_label_text_font_size = palette["fs-micro"]
        axis.axis_label_text_font_style = "normal"


@dataclass
class SpectrumPlot:
    """The spectrum above, its residuals below, one energy axis.

    Make it with `spectrum_plot`; change it with `show_counts`, `show_unfolded`, `show_decoded` and `restyle`.
    """

    main: figure
    residuals: figure
    data: ColumnDataSource
    steps: ColumnDataSource
    points: list[GlyphRenderer]
    model: GlyphRenderer
    decoded: GlyphRenderer
    background: GlyphRenderer
    band: GlyphRenderer
    residual_points: list[GlyphRenderer]
    residual_band: BoxAnnotation
    residual_zero: Span
    decades: FixedTicker
    labelled: CustomJSTickFormatter
    unlabelled: CustomJSTickFormatter

    def show_counts(self, spectrum: Spectrum, min_snr: float) -> None:
        """Draw counts per keV with the folded reconstruction."""
        self._show(spectrum_data(spectrum, min_snr), model_steps(spectrum), COUNTS_LABEL, "counts/keV")

    def show_unfolded(self, spectrum: Spectrum, min_snr: float) -> None:
        """Draw the unfolded spectrum with the reconstruction unfolded in the same way."""
        self._show(unfolded_data(spectrum, min_snr), unfolded_steps(spectrum), UNFOLDED_LABEL, "keV/cm²/s")

    def show_decoded(self, energy_edges: np.ndarray, decoded: Decoded) -> None:
        """Draw the shape that the decoder gives for a latent position, with its band; there are no counts."""
        self._show({}, decoded_steps(energy_edges, decoded), DECODED_LABEL, "")

    def restyle(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        style(self.main, palette)
        style(self.residuals, palette)
        self.main.xaxis.minor_tick_line_color = None
        for renderer in (*self.points, *self.residual_points):
            glyph = renderer.glyph
            glyph.line_color = palette["data"]
            if hasattr(glyph, "fill_color"):
                glyph.fill_color = palette["data"]
        self.model.glyph.line_color = self.decoded.glyph.line_color = palette["model"]
        self.background.glyph.line_color = palette["background"]
        self.band.glyph.fill_color, self.band.glyph.fill_alpha = _split_alpha(palette["band"])
        self.residual_zero.line_color = palette["model"]
        self.residual_band.fill_color, self.residual_band.fill_alpha = _split_alpha(palette["resid-band"])

    def _show(self, data: Columns, steps: Columns, label: str, unit: str) -> None:
        low, high = display_range(data, steps)
        # Zero has no place on a logarithmic axis: what reaches it ends below the frame instead.
        floor = low * 1e-3
        self.steps.data = {
            name: steps[name] if name == "e" else np.maximum(steps[name], floor) for name in _STEP_COLUMNS
        }
        self.data.data = _drawn(data, floor, unit)
        self.main.y_range.update(start=low, end=high)
        self.decades.ticks = [10.0**power for power in range(math.ceil(math.log10(low)), math.ceil(math.log10(high)))]
        self.main.yaxis.axis_label = label
        # Without counts there are no residuals: then the upper figure carries the energies itself.
        self.residuals.visible = bool(data)
        self.main.xaxis.formatter = self.unlabelled if data else self.labelled
        self.main.xaxis.axis_label = None if data else ENERGY_LABEL


def spectrum_plot(palette: Palette) -> SpectrumPlot:
    """Make the empty figures."""
    x_range = Range1d(0.3, 10.0)
    sizes = {"toolbar_location": None, "tools": "", "min_border_left": _LEFT, "min_border_right": _RIGHT}
    decades = FixedTicker(ticks=[1.0, 10.0, 100.0, 1000.0, 10000.0])
    labelled, unlabelled = CustomJSTickFormatter(code=_PLAIN), CustomJSTickFormatter(code=_NO_LABEL)
    ticker = FixedTicker(ticks=list(LABELLED_ENERGIES), minor_ticks=list(MINOR_ENERGIES))
    main = figure(
        styles={"flex": "1 1 0", "min-height": "0"},
        x_axis_type="log",
        y_axis_type="log",
        x_range=x_range,
        y_range=Range1d(1.0, 1e4),
        sizing_mode="stretch_both",
        min_border_top=12,
        min_border_bottom=4,
        **sizes,
    )
    residuals = figure(
        styles={"flex": f"0 0 {_RESIDUALS_HEIGHT}", "min-height": "0"},
        x_axis_type="log",
        x_range=x_range,
        y_range=Range1d(-RESIDUAL_LIMIT, RESIDUAL_LIMIT),
        sizing_mode="stretch_both",
        min_border_top=4,
        min_border_bottom=4,
        **sizes,
    )
    above, below = Glyphs(main), Glyphs(residuals)
    data = above.source({name: [] for name in _DATA_COLUMNS})
    steps = above.source({name: [] for name in _STEP_COLUMNS})

    main.yaxis.ticker = main.ygrid.ticker = decades
    main.yaxis.formatter = CustomJSTickFormatter(code=_DECADES)
    main.yaxis.axis_label = COUNTS_LABEL
    main.xaxis.ticker = main.xgrid.ticker = ticker
    main.xaxis.formatter = unlabelled
    main.xaxis.major_label_standoff = 0
    residuals.yaxis.ticker = FixedTicker(ticks=[-3, 0, 3])
    residuals.yaxis.formatter = CustomJSTickFormatter(code=_SIGNED)
    residuals.yaxis.axis_label = "Resid., σ"
    residuals.ygrid.visible = False
    residuals.xaxis.ticker = residuals.xgrid.ticker = ticker
    residuals.xaxis.formatter = labelled
    residuals.xaxis.axis_label = ENERGY_LABEL
    for plot in (main, residuals):
        plot.yaxis.axis_label_standoff = 2
        plot.yaxis.major_label_standoff = 8
        plot.axis.minor_tick_in = 3
        plot.axis.minor_tick_out = 0
        plot.axis.major_tick_in = 0
        plot.axis.major_tick_out = 0
        take_no_room(plot, plot.yaxis)

    band = above.add(steps, VArea(x="e", y1="band_lo", y2="band_hi"))
    background = above.add(steps, Line(x="e", y="background", line_width=1.25, line_dash=[2, 3]))
    decoded = above.add(steps, Line(x="e", y="decoded", line_width=1.0, line_dash=[5, 3], line_alpha=0.8))
    model = above.add(steps, Line(x="e", y="model", line_width=1.5))
    points = [
        above.add(data, glyph)
        for glyph in (
            Segment(x0="lo", y0="y", x1="hi", y1="y", line_width=1),
            Segment(x0="mid", y0="y_lo", x1="mid", y1="y_hi", line_width=1),
            Segment(x0="lo", y0="limit", x1="hi", y1="limit", line_width=1, line_alpha=0.6),
            Scatter(x="mid", y="arrow", marker="inverted_triangle", size=5, line_width=0, fill_alpha=0.6),
            Scatter(x="mid", y="y", size=3.2, line_width=0),
        )
    ]
    residual_band = BoxAnnotation(bottom=-1, top=1, line_color=None, level="underlay")
    residual_zero = Span(location=0, dimension="width", line_width=1, line_alpha=0.8, level="underlay")
    residuals.add_layout(residual_band)
    residuals.add_layout(residual_zero)
    residual_points = [
        below.add(data, glyph)
        for glyph in (
            Segment(x0="lo", y0="residual_shown", x1="hi", y1="residual_shown", line_width=1, line_alpha=0.75),
            Segment(x0="mid", y0="residual_lo", x1="mid", y1="residual_hi", line_width=1, line_alpha=0.75),
            Scatter(x="mid", y="residual_shown", size=3.2, line_width=0),
            Scatter(x="mid", y="beyond_up", marker="triangle", size=7, line_width=0),
            Scatter(x="mid", y="beyond_down", marker="inverted_triangle", size=7, line_width=0),
        )
    ]
    above.show()
    below.show()
    for plot, renderer in ((main, points[-1]), (residuals, residual_points[2])):
        plot.add_tools(_hover(renderer))

    plots = SpectrumPlot(
        main,
        residuals,
        data,
        steps,
        points,
        model,
        decoded,
        background,
        band,
        residual_points,
        residual_band,
        residual_zero,
        decades,
        labelled,
        unlabelled,
    )
    plots.restyle(palette)
    return plots


def _hover(renderer: GlyphRenderer) -> HoverTool:
    lines = f"<div><style>{_TOOLTIP_CSS}</style><div>@energy</div><div>@value</div><div>@sigma</div></div>"
    return HoverTool(renderers=[renderer], tooltips=lines, attachment="horizontal", show_arrow=False, **_NEAREST)


def _drawn(data: Columns, floor: float, unit: str) -> dict[str, object]:
    if not data:
        return {name: [] for name in _DATA_COLUMNS}
    limit = data.get("is_limit", np.zeros(len(data["mid"]), bool))
    beyond = data["beyond"]
    edge = RESIDUAL_LIMIT - 0.35
    nothing = np.nan
    columns = {
        "lo": data["lo"],
        "hi": data["hi"],
        "mid": data["mid"],
        "y": np.where(data["y"] > 0, data["y"], nothing),
        "y_lo": np.where(limit, nothing, np.maximum(data["y_lo"], floor)),
        "y_hi": np.where(limit, nothing, data["y_hi"]),
        "limit": np.where(limit, data["y_hi"], nothing),
        "arrow": np.where(limit, data["y_hi"], nothing),
        "residual_shown": np.where(beyond == 0, data["residual_shown"], nothing),
        "residual_lo": np.where(beyond == 0, data["residual_lo"], nothing),
        "residual_hi": np.where(beyond == 0, data["residual_hi"], nothing),
        "beyond_up": np.where(beyond > 0, edge, nothing),
        "beyond_down": np.where(beyond < 0, -edge, nothing),
        "energy": [f"{low:.3g}–{high:.3g} keV" for low, high in zip(data["lo"], data["hi"], strict=True)],
        "value": [
            f"{words.whole(count)} counts, {words.significant(y)} {unit}"
            for count, y in zip(data["counts"], data["y"], strict=True)
        ],
        "sigma": [f"{value:+.1f} σ".replace("-", "−") for value in data["residual"]],
    }
    # Bokeh sends each array in two messages of its own; a hundred numbers arrive sooner with the rest
    return {name: column.tolist() if isinstance(column, np.ndarray) else column for name, column in columns.items()}


def _split_alpha(colour: str) -> tuple[str, float]:
    """Split ``#rrggbbaa`` into colour and opacity, as glyphs take them."""
    return (colour[:7], int(colour[7:9], 16) / 255) if len(colour) == 9 else (colour, 1.0)
