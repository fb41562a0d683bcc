"""The compact table says what there is, and puts two evaluations side by side."""

from __future__ import annotations

from vae.evaluation.table import figures, markdown

METRICS = {
    "fit": {
        "rows": 7,
        "above_300_net": {"model": {"median_z": 0.2, "fraction_within_3": 0.9}},
        "above 10000": {"model": {"median_z": None, "fraction_within_3": 0.0}},
    },
    "knn": {
        "net_counts": [300.0, 1000.0],
        "classes": ["AGN", "Star"],
        "chance": 0.5,
        "balanced_accuracy": {"latents": {"balanced_accuracy": 0.7, "low": 0.65, "high": 0.75}},
    },
    "rare": {"Odd": {"latents": 0.25, "hardness_ratios_4d": 0.1, "chance": 0.001, "rows": 4.0, "sources": 4.0}},
}


def test_every_figure_has_a_line_and_empty_decades_none() -> None:
    lines = figures(METRICS)
    assert list(lines.values()) == ["0.700 (0.650-0.750)", "+0.20, 90 %", "0.250 / 0.100 / 0.0010"]


def test_before_and_after_share_their_lines() -> None:
    text = markdown(METRICS, {"fit": METRICS["fit"] | {"old": METRICS["fit"]["above_300_net"]}})
    assert "| before | after |" in text
    assert "| - | 0.700 (0.650-0.750) |" in text
    assert "C-stat z above 300 net, model: median, within 3 | +0.20, 90 % | +0.20, 90 % |" in text
    assert "C-stat z old, model: median, within 3 | +0.20, 90 % | - |" in text
    assert "before" not in markdown(METRICS)
