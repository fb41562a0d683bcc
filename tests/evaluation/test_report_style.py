"""Drawings take their colours and their typeface from the page, and say nothing that changes from run to run."""

from __future__ import annotations

import re

import matplotlib
import numpy as np

from vae.evaluation.report.fit_figures import joined_bins, z_against_counts
from vae.evaluation.report.plots import Row, dots, in_legend_order
from vae.evaluation.report.style import drawing, painted


def _svg() -> str:
    rng = np.random.default_rng(3)
    net = np.exp(rng.uniform(np.log(300), np.log(5e4), 400))
    z = {"model": rng.standard_normal(400) + np.log(net / 300), "best_absorbed_power_law": rng.standard_normal(400)}
    with painted() as colours:
        return drawing(z_against_counts(net, z, colours), "z", 'a "quoted" <name>')


def test_a_drawing_has_the_pages_colours_its_text_and_no_ids_of_others() -> None:
    before = dict(matplotlib.rcParams)
    text = _svg()
    assert dict(matplotlib.rcParams) == before
    assert text == _svg()
    assert text.startswith('<svg viewBox="0 0 840 340" role="img" aria-label="a &quot;quoted&quot; &lt;name&gt;">')
    assert "var(--model)" in text
    assert re.findall(r"(?:fill|stroke|color): ?#[0-9a-f]{3,8}", text) == []
    assert "C-stat z (σ)" in text
    assert "font-family" not in text
    assert all(name.startswith("z-") for name in re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text)) <= {
        pair for name in re.findall(r'id="([^"]+)"', text) for pair in ((name, ""), ("", name))
    }


def test_rows_without_values_and_beyond_the_axis_are_drawn() -> None:
    rows = [
        Row("None", float("nan")),
        Row("Far", 9.0, 8.0, 10.0, "c-agn", {"baseline": -3.0}, "note"),
        Row("Inside", 0.5, 0.4, 0.6),
    ]
    with painted() as colours:
        text = drawing(dots(rows, colours, label="x", limits=(0.0, 1.0), marks={"chance": 0.1}), "rows", "rows")
    for word in ("None", "Far", "Inside", "note", "baseline", "chance"):
        assert f">{word}<" in text
    assert "var(--c-agn)" in text


def test_bins_are_joined_until_they_count_and_none_is_lost() -> None:
    groups = joined_bins(np.array([30.0, 1.0, 1.0, 40.0, 2.0]), least=25.0)
    assert groups == [(0, 1), (1, 5)]
    assert joined_bins(np.zeros(4), least=25.0) == [(0, 4)]


def test_classes_stand_in_the_legends_order() -> None:
    assert in_legend_order(["Zebra", "Star", "AGN", "Absorbed pulsar"]) == ["AGN", "Star", "Absorbed pulsar", "Zebra"]
