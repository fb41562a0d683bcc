"""The compact table says what there is, and puts two evaluations side by side."""

from __future__ import annotations

from typing import Any

from vae.evaluation.table import figures, markdown


def _score(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


METRICS: dict[str, Any] = {
    "fit": {
        "rows": 7,
        "whose": "all",
        "above_300_net": {"model": {"median_z": 0.2, "fraction_within_3": 0.9}},
        "above 10000": {"model": {"median_z": None, "fraction_within_3": 0.0}},
        "by_class": {"Star": {"model": {"median_z": 9.0, "fraction_within_3": 0.1}}},
    },
    "knn": {
        "net_counts": [300.0, 1000.0],
        "classes": ["AGN", "Star"],
        "chance": 0.5,
        "left_out": {"umap_net_fraction_2d": "not asked for"},
        "balanced_accuracy": {"latents": {"balanced_accuracy": 0.7, "low": 0.65, "high": 0.75}},
    },
    "probe": {"left_out": "too few labelled spectra"},
    "rare": {
        "classes": {
            "Odd": {
                "rows": 4,
                "at": {
                    "25": {
                        "latents": {"recall": 0.25, "low": 0.1, "high": 0.4},
                        "hardness_ratios_4d": {"recall": 0.1, "low": 0.0, "high": 0.2},
                        "chance": 0.001,
                    }
                },
            }
        }
    },
    "calibration": {
        "split_exposure": {
            "all": {"width": {"value": [1.0, 1.2], "low": [0.9, 1.1], "high": [1.1, 1.3]}},
            "target": [0.9, 1.1],
        },
        "ranks": {"left_out": "none"},
    },
    "fidelity": {
        "sources": 3,
        "all": {
            name: {"median": _score(value)}
            for name, value in (("decoded", 0.2), ("unfolded", 0.3), ("best_absorbed_power_law", 0.4))
        },
    },
}


def test_every_figure_has_a_line_and_what_is_missing_none() -> None:
    assert list(figures(METRICS).values()) == [
        "0.700 (0.650–0.750)",
        "+0.20; 90 %",
        "0.250 (0.100–0.400); 0.100; 0.0010",
        "1.00 (0.90–1.10), 1.20 (1.10–1.30)",
        "0.200 (0.100–0.300); 0.300; 0.400",
    ]


def test_before_and_after_share_their_lines() -> None:
    text = markdown(METRICS, {"fit": METRICS["fit"] | {"old": METRICS["fit"]["above_300_net"]}})
    assert "| before | after |" in text
    assert "| – | 0.700 (0.650–0.750) |" in text
    assert "C-stat z, median; share within 3σ: above 300 net, this model | +0.20; 90 % | +0.20; 90 % |" in text
    assert "C-stat z, median; share within 3σ: old, this model | +0.20; 90 % | – |" in text
    assert "before" not in markdown(METRICS)
