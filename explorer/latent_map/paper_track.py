"""A source's way through latent space and its brightness, as a figure for a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from explorer.figures.sheet import Sheet
from explorer.figures.spectrum import Heading, draw_heading
from explorer.figures.style import MM_PER_INCH
from explorer.latent_map import track as geometry
from explorer.latent_map.frame import View
from explorer.latent_map.paper_marks import draw_marks
from explorer.latent_map.scene import Scale, Scene
from explorer.tools import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Left and right of axes, below the lowest and between those that share a time axis [mm].
_LEFT, _RIGHT, _BELOW, _BETWEEN = 12.0, 2.5, 8.5, 1.6
#: Height of the plane on a narrow sheet, and of each panel against time [mm].
_PLANE, _PANEL = 62.0, 19.0
_WIDE: Final = 120.0
#: Points of paper a pixel of the screen.
_POINTS_PER_PX: Final = 0.5
#: Brightness spans more than this factor: its axis is logarithmic, as on screen.
_LOG_SPAN: Final = 3.0


@dataclass(frozen=True)
class History:
    """The observations of a source.

    Parameters
    ----------
    track : DataFrame
        From `Atlas.trajectory`, two or more.
    rates : DataFrame
        Columns `rate` and `error` [1/s], one row an observation.
    """

    track: pd.DataFrame
    rates: pd.DataFrame

    @property
    def years(self) -> np.ndarray:
        """When each was made [Julian years]."""
        return np.array([words.year(float(mjd)) for mjd in self.track["mjd_start"]])


def history_height(width: float, heading: Heading) -> float:
    """Height of the figure on a sheet of some width [mm]."""
    against_time = 3 * _PANEL + 2 * _BETWEEN + _BELOW
    return heading.height(width) + (against_time if width > _WIDE else _PLANE + _BELOW + 2.0 + against_time)


def draw_history(sheet: Sheet, history: History, heading: Heading) -> None:
    """Draw the way through the latent plane, and brightness and position against time."""
    draw_heading(sheet, heading)
    top, width = heading.height(sheet.width), sheet.width - _LEFT - _RIGHT
    if sheet.width > _WIDE:
        beside = 3 * _PANEL + 2 * _BETWEEN
        _draw_plane(sheet, history, (_LEFT, top, 1.15 * beside, beside))
        left = _LEFT + 1.15 * beside + _LEFT + 2.0
        _draw_panels(sheet, history, left, top, sheet.width - left - _RIGHT)
    else:
        _draw_plane(sheet, history, (_LEFT, top, width, _PLANE))
        _draw_panels(sheet, history, _LEFT, top + _PLANE + _BELOW + 2.0, width)


def _draw_plane(sheet: Sheet, history: History, place: tuple[float, float, float, float]) -> None:
    axes = sheet.axes(*place, label="latent plane")
    view = _around(history.track)
    axes.set(xlim=(view.x0, view.x1), ylim=(view.y0, view.y1), xlabel="Latent μ₁", ylabel="Latent μ₂")
    axes.locator_params(nbins=6)
    across, tall = (round(side / MM_PER_INCH * 72 / _POINTS_PER_PX) for side in place[2:])
    scene = Scene(track=history.track)
    draw_marks(axes, scene, (), Scale(view, across, tall), sheet.colours, _POINTS_PER_PX)


def _around(track: pd.DataFrame) -> View:
    """Part of the plane that holds all observations and their errors, with some air."""
    ends = []
    for axis in (1, 2):
        mu, sigma = (track[f"{name}_{axis}"].to_numpy(np.float64) for name in ("mu", "sigma"))
        low, high = float((mu - 1.3 * sigma).min()), float((mu + 1.3 * sigma).max())
        air = 0.12 * max(high - low, 1e-3)
        ends += [low - air, high + air]
    return View(*ends)


def _draw_panels(sheet: Sheet, history: History, left: float, top: float, width: float) -> None:
    years = history.years
    known = np.isfinite(years)
    span = np.ptp(years[known]) if known.any() else 0.0
    colours = geometry.ramp_colours(
        sheet.colours.time_ramp(), np.nan_to_num((years - np.nanmin(years)) / (span or 1.0))
    )
    table, rates = history.track, history.rates
    panels = [
        ("Counts/s", rates["rate"], rates["error"]),
        ("μ₁", table["mu_1"], table["sigma_1"]),
        ("μ₂", table["mu_2"], table["sigma_2"]),
    ]
    for number, (label, value, error) in enumerate(panels):
        axes = sheet.axes(left, top + number * (_PANEL + _BETWEEN), width, _PANEL, label=label)
        _draw_series(
            axes, years, value.to_numpy(np.float64), error.to_numpy(np.float64), colours, sheet.colours["zero"]
        )
        axes.set_ylabel(label)
        axes.yaxis.set_label_coords(-(_LEFT - 2.8) / width, 0.5)
        pad = 0.03 * span if span > 0 else 0.5
        axes.set_xlim(np.nanmin(years) - pad, np.nanmax(years) + pad)
        _time_axis(axes, last=number == len(panels) - 1)
        if number == 0:
            _brightness_axis(axes, value.to_numpy(np.float64), error.to_numpy(np.float64))


def _draw_series(axes: Axes, x: np.ndarray, y: np.ndarray, error: np.ndarray, colours: list[str], line: str) -> None:
    axes.plot(x, y, color=line, lw=0.6, zorder=1)
    axes.vlines(x, y - error, y + error, colors=colours, lw=0.7, zorder=2)
    axes.scatter(x, y, s=7, c=colours, lw=0, zorder=3)


def _time_axis(axes: Axes, *, last: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda year, _: f"{year:.10g}")
    axes.tick_params(axis="x", labelbottom=last)
    if last:
        axes.set_xlabel("Julian year")


def _brightness_axis(axes: Axes, rate: np.ndarray, error: np.ndarray) -> None:
    known = np.isfinite(rate) & np.isfinite(error)
    if known.any() and (rate - error)[known].min() > 0 and rate[known].max() > _LOG_SPAN * rate[known].min():
        from matplotlib.ticker import LogLocator

        axes.set_yscale("log")
        wide = np.log10(rate[known].max() / rate[known].min()) > 2.0
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: words.significant(float(value), 1))
        axes.yaxis.set_minor_formatter(lambda *_: "")


def history_facts(history: History) -> tuple[str, ...]:
    """Say what must be known to read the figure."""
    return (
        f"{len(history.track)} observations in time order",
        "net counts/s in 0.3–10 keV",
        "ellipses and bars 1 σ, steps below 3 σ pale",
    )
