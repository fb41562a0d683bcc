"""Figures of the README as files. How they look stands in `vae.evaluation.report.style`."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG: the same bytes for the same figure, since neither time nor version stands in them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    # 256 colours are enough for our figures, and take a third of the space.
    picture = Image.open(drawn).convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    picture.save(path, format="PNG", optimize=True)
    return path
