"""The figure's parts: groups of bins, typical shapes, and the figure drawn from small cells, without a window."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import _class_panels as panels
import class_figure
from _figure_style import save
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from vae.evaluation.report.style import themed
from vae.palette import THEMES, palette
from vae.spectra import grid


def test_bins_are_joined_until_they_count_and_never_over_emptiness() -> None:
    net = np.zeros(grid.N_BINS)
    net[100:140] = 9.0
    groups = panels._joined(net, np.maximum(net, 1e-3))
    assert groups
    assert all(net[a:b].sum() >= panels.SIGMA * np.sqrt(net[a:b].sum()) for a, b in groups)
    assert all(panels.LEAST_BINS <= b - a <= panels.MOST_BINS for a, b in groups)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(groups))
    assert panels._joined(np.zeros(grid.N_BINS), np.ones(grid.N_BINS)) == []


def test_the_typical_shape_is_in_the_middle() -> None:
    tilt = np.linspace(-1.0, 1.0, grid.N_BINS)
    shapes = np.exp(np.linspace(-2.0, 2.0, 9)[:, None] * tilt)
    shapes /= shapes.sum(axis=1, keepdims=True)
    assert class_figure._medoid(shapes) in (4, 5)


def _cells() -> tuple[list[panels.RealCell], list[panels.ClassCell]]:
    """A power law everywhere; one class is far brighter than the others, one has no counts at all when it is faint."""
    sensitivity, exposure_s = 1e4 * grid.BIN_WIDTHS * 25e3, 25e3
    rng = np.random.default_rng(5)

    def spectrum(expected: np.ndarray) -> panels.Spectrum:
        return panels.Spectrum(rng.poisson(expected), np.zeros(grid.N_BINS), 0.1, sensitivity, exposure_s)

    shape = grid.BIN_WIDTHS * grid.BIN_CENTRES**-1.7
    shape /= shape.sum()
    real = [
        panels.RealCell(title, spectrum(3e3 * shape), "AGN", panels.Curve.of(3e3 * shape, sensitivity, exposure_s))
        for title in ("First", "Second")
    ]
    classes = []
    for name, factor in (("AGN", 1.0), ("Star", 1.0), ("Galaxy", 0.0), ("Extremely soft", 1e3)):
        nets = (300, 1000, 10_000)
        expected = [net * max(factor, 1e-6) * shape for net in nets]
        curves = [panels.Curve.of(values, sensitivity, exposure_s) for values in expected]
        drawn = [spectrum(factor * values) for values in expected]
        classes.append(panels.ClassCell(name, nets, drawn, curves, 3.0 * curves[-1].unfolded))
    return real, classes


@pytest.mark.parametrize("theme", THEMES)
def test_the_figure_is_drawn_in_the_explorers_colours_the_same_every_time(theme: str, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    files = []
    for name in ("first", "second"):
        real, classes = _cells()
        with themed(theme) as colours:
            figure = panels.draw(real, classes, colours, 1234)
            files.append(save(figure, tmp_path / "new" / f"{name}.png"))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert dict(matplotlib.rcParams) == before

    picture = Image.open(files[0])
    assert picture.width == 1760
    assert "Software" not in picture.info
    corner = picture.convert("RGB").getpixel((3, 3))
    assert corner == tuple(round(255 * value) for value in to_rgb(palette(theme)["bg"]))
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert {text.get_fontname() for text in texts} == {"Inter", "Inter SemiBold"}
    assert any("nearest of 1,234 simulated ones" in text.get_text() for text in texts)
    page = figure.bbox
    for text in texts:
        assert page.x0 <= text.get_window_extent().x0, text
        assert text.get_window_extent().x1 <= page.x1, text


def test_no_class_rises_above_its_panel() -> None:
    real, classes = _cells()
    with themed("dark") as colours:
        figure = panels.draw(real, classes, colours, 10)
    folded, unfolded = figure.axes[2 * len(real) :: 2], figure.axes[2 * len(real) + 1 :: 2]
    for kind in (folded, unfolded):
        assert len({axes.get_ylim() for axes in kind}) == 1
    assert folded[0].get_ylim()[1] > max(curve.folded.max() for cell in classes for curve in cell.expected)
    assert unfolded[0].get_ylim()[1] > max(cell.sent.max() for cell in classes)
