"""Small line-and-point charts as SVG, for figures that a browser draws with the explorer's own colours and typeface."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from vae.resources import asset

FONT_FILES = ("inter-latin-wght-normal.woff2", "inter-greek-wght-normal.woff2")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def page(body: str, *, theme: str, width: int, css: str = "") -> str:
    """Return a web page with the explorer's design tokens and typeface, self-contained."""
    tokens = asset("css", "tokens.css").read_text(encoding="utf-8")
    faces = "".join(
        "@font-face { font-family: Inter; font-weight: 100 900; src: url(data:font/woff2;base64,"
        + base64.b64encode(asset("fonts", name).read_bytes()).decode()
        + f") format('woff2'); unicode-range: {'U+0370-03FF' if 'greek' in name else 'U+0000-02FF, U+2000-22FF'}; }}"
        for name in FONT_FILES
    )
    return (
        f'<!doctype html><html data-theme="{theme}"><head><meta charset="utf-8"><style>{tokens}{faces}'
        f"* {{ box-sizing: border-box; margin: 0; }} body {{ width: {width}px; background: var(--bg);"
        " color: var(--text); font: 400 12px/1.4 Inter, sans-serif; font-feature-settings: 'tnum', 'cv05'; }"
        f"{css}</style></head><body>{body}</body></html>"
    )


@dataclass
class Chart:
    """One panel with logarithmic axes.

    Parameters
    ----------
    width, height : float
        Of the plotting area [px].
    x_range, y_range : (float, float)
    """

    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    marks: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Place of a value [px]."""
        low, high = map(math.log10, self.x_range)
        return (math.log10(value) - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        """Place of a value [px]; far below the panel for what a logarithm cannot show."""
        low, high = map(math.log10, self.y_range)
        if not value > 0:
            return 3.0 * self.height
        return min(max((high - math.log10(value)) / (high - low) * self.height, -2.0 * self.height), 3.0 * self.height)

    def line(self, x: Iterable[float], y: Iterable[float], style: str) -> None:
        """Add a line."""
        points = [f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b)]
        self.marks.append(f'<polyline points="{" ".join(points)}" style="fill:none;{style}"/>')

    def points(
        self,
        x: Sequence[tuple[float, float]],
        y: Iterable[float],
        error: Iterable[float],
        style: str,
    ) -> None:
        """Add crosses: each spans its bin and its error."""
        path = []
        for (low, high), value, sigma in zip(x, y, error, strict=True):
            middle = self.x(math.sqrt(low * high))
            path.append(f"M{self.x(low):.1f},{self.y(value):.1f}H{self.x(high):.1f}")
            path.append(f"M{middle:.1f},{self.y(value - sigma):.1f}V{self.y(value + sigma):.1f}")
        self.marks.append(f'<path d="{"".join(path)}" style="fill:none;{style}"/>')

    def label(self, x: float, y: float, text: str, style: str, anchor: str = "start") -> None:
        """Add a text at a place [px]."""
        self.marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{style}">{html.escape(text)}</text>'
        )

    def svg(self, x_ticks: Sequence[float], y_ticks: Sequence[float], *, x_labels: bool, y_labels: bool) -> str:
        """Return the panel, with room around it for the labels (26 px left, 16 px below)."""
        left, below, top = 27.0, 15.0, 2.0
        clip = f"clip{id(self)}"
        grid = "".join(
            f'<line x1="{self.x(value):.1f}" x2="{self.x(value):.1f}" y1="0" y2="{self.height}"/>' for value in x_ticks
        ) + "".join(
            f'<line y1="{self.y(value):.1f}" y2="{self.y(value):.1f}" x1="0" x2="{self.width}"/>' for value in y_ticks
        )
        labels = ""
        if x_labels:
            labels += "".join(
                f'<text x="{self.x(value):.1f}" y="{self.height + 11}" text-anchor="middle">{value:g}</text>'
                for value in x_ticks
            )
            labels += f'<text x="{self.width}" y="{self.height + 11}" text-anchor="end">keV</text>'
        if y_labels:
            labels += "".join(
                f'<text x="-4" y="{self.y(value) + 3:.1f}" text-anchor="end">{power_of_ten(value)}</text>'
                for value in y_ticks
            )
        return (
            f'<svg width="{self.width + left}" height="{self.height + below + top}" '
            f'viewBox="{-left} {-top} {self.width + left} {self.height + below + top}">'
            f'<clipPath id="{clip}"><rect width="{self.width}" height="{self.height}"/></clipPath>'
            f'<rect width="{self.width}" height="{self.height}" class="panel"/><g class="grid">{grid}</g>'
            f'<g class="ticks">{labels}</g><g clip-path="url(#{clip})">{"".join(self.marks)}</g></svg>'
        )


def power_of_ten(value: float) -> str:
    """Return 1, 10, or 10 with its exponent raised."""
    exponent = round(math.log10(value))
    return {0: "1", 1: "10"}.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPT))
