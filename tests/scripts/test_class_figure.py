"""The figure's parts: places on a logarithmic panel, groups of bins, typical shapes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

pytest.importorskip("playwright")

import itertools

import class_figure
from _chart import Chart, page, power_of_ten

from vae.spectra import grid


def test_places_are_logarithmic_and_nothing_leaves_the_page() -> None:
    chart = Chart(100.0, 50.0, (0.1, 10.0), (1e-2, 1.0))
    assert chart.x(1.0) == pytest.approx(50.0)
    assert chart.y(0.1) == pytest.approx(25.0)
    assert chart.y(0.0) == chart.y(-1.0) == 150.0
    assert chart.y(1e9) == -100.0
    chart.line([0.1, 1.0], [0.1, np.nan], "stroke:red;")
    chart.points([(0.5, 2.0)], [0.1], [0.05], "stroke:red;")
    svg = chart.svg((1.0,), (0.1,), x_labels=True, y_labels=True)
    assert 'points="0.0,25.0"' in svg
    assert "keV" in svg
    assert "10⁻¹" in svg


def test_powers_of_ten_are_words() -> None:
    assert [power_of_ten(value) for value in (1e-4, 1.0, 10.0, 100.0)] == ["10⁻⁴", "1", "10", "10²"]


def test_a_page_is_self_contained() -> None:
    text = page("<p>body</p>", theme="light", width=880)
    assert 'data-theme="light"' in text
    assert "--c-agn" in text
    assert not re.search(r"(src|href|url)\s*[=(]\s*['\"]?https?:", text)


def test_bins_are_joined_until_they_count_and_never_over_emptiness() -> None:
    net = np.zeros(grid.N_BINS)
    net[100:140] = 9.0
    groups = class_figure._joined(net, np.maximum(net, 1e-3))
    assert groups
    assert all(net[a:b].sum() >= class_figure.SIGMA * np.sqrt(net[a:b].sum()) for a, b in groups)
    assert all(class_figure.LEAST_BINS <= b - a <= class_figure.MOST_BINS for a, b in groups)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(groups))
    assert class_figure._joined(np.zeros(grid.N_BINS), np.ones(grid.N_BINS)) == []


def test_the_typical_shape_is_in_the_middle() -> None:
    tilt = np.linspace(-1.0, 1.0, grid.N_BINS)
    shapes = np.exp(np.linspace(-2.0, 2.0, 9)[:, None] * tilt)
    shapes /= shapes.sum(axis=1, keepdims=True)
    assert class_figure._medoid(shapes) in (4, 5)
