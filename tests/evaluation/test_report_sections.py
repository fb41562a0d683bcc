"""Sections say in words what their figures say, and name the best of what they compare."""

from __future__ import annotations

from typing import Any

from vae.evaluation.report.sections.classes import classes_section, rare_section
from vae.evaluation.report.sections.models import models_section
from vae.evaluation.report.style import painted
from vae.evaluation.variants import settings, variants


def _score(value: float, difference: float = 0.0) -> dict[str, Any]:
    return {
        "balanced_accuracy": value,
        "low": value - 0.02,
        "high": value + 0.02,
        "difference": difference,
        "difference_low": difference - 0.01,
        "difference_high": difference + 0.01,
        "per_class": {
            "Star": {"recall": value + 0.1, "low": value, "high": 1.0},
            "AGN": {"recall": value - 0.1, "low": 0.0, "high": value},
        },
    }


TEST: dict[str, Any] = {
    "neighbours": 25,
    "net_counts": [300.0, None],
    "classes": ["AGN", "Star"],
    "too_rare": {"Odd <one>": 3},
    "chance": 0.5,
    "reference_rows": 80,
    "query_rows": 40,
    "labels": "classes of the catalogue",
    "asked_about": "all",
    "left_out": {"umap_net_fraction_2d": "not asked for"},
    "supervised": {"left_out": "too few"},
    "balanced_accuracy": {
        "latents": _score(0.7),
        "pca_net_fraction_2d": _score(0.6, 0.1),
        "pca_asinh_2d": _score(0.55, 0.15),
        "pca_asinh_8d": _score(0.8, -0.1),
        "hardness_ratios_4d": _score(0.65, 0.05),
        "shuffled_labels": _score(0.5, 0.2),
    },
}


def test_the_best_plane_is_the_rival_and_what_is_missing_is_named() -> None:
    with painted() as colours:
        section = classes_section(TEST, {"left_out": "no probe"}, colours)
    overall, by_class = section.plates
    assert "0.700 (0.680–0.720)" in overall.reading
    assert "(PCA-2, net fraction) reaches 0.600, a difference of +0.100 (+0.090 to +0.110)" in overall.reading
    assert "more than 300 net counts" in overall.caption
    assert "Odd <one>" in overall.caption
    assert by_class.reading == "Best recognised is Star, least AGN."
    assert "UMAP-2, net fraction: not asked for" in section.left_out
    assert "Plane taught the classes: too few" in section.left_out
    with painted() as colours:
        assert classes_section({"left_out": "too few labels"}, None, colours).left_out == "too few labels"


def test_rare_classes_are_counted_where_latents_are_ahead() -> None:
    def at(latents: float, hardness: float) -> dict[str, Any]:
        one = {"latents": latents, "hardness_ratios_4d": hardness}
        scores = {name: {"recall": value, "low": 0.0, "high": 1.0} for name, value in one.items()}
        return {"rows": 4, "sources": 3, "at": {k: scores | {"chance": 0.01} for k in ("10", "25", "100")}}

    with painted() as colours:
        section = rare_section({"rows": 900, "classes": {"Odd": at(0.5, 0.1), "Dull": at(0.1, 0.2)}}, colours)
    assert section.plates[0].reading == "The latents find more than hardness ratios do in 1 of 2 rare classes."
    assert section.plates[1].table is not None
    assert section.plates[1].table.rows[0][0] == "Dull"


def _row(
    name: str, *, dim: int = 2, seed: int = 0, loss: float = 100.0, width: float = 1.2, **changes: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "latent_dim": dim,
        "likelihood": "response",
        "network": "reference",
        "recipe": "default",
        "changes": changes,
        "seed": seed,
        "updates": 2000,
        "settings": settings(
            {"latent_dim": dim, "likelihood": "response"}, {"recipe": "default", "awaken_at": 0.2, **changes}, "abc"
        ),
        "data": "abc",
        "held_out": {"median": loss},
        "cstat_z": {"all": {"median_z": 0.1, "fraction_within_3": 0.95}},
        "units": {"active": 2, "dimensions": dim, "kl_total": 4.0},
        "pulls": {"width": {"value": [width, width]}},
        "knn": _score(0.4),
        "probe": _score(0.4),
    }


def test_models_are_judged_beside_one_that_differs_in_one_thing() -> None:
    rows = [
        _row("first"),
        _row("again", seed=1),
        _row("bits", free_bits=0.5),
        _row("sleep", sleep=1.0, width=1.02),
        _row("wide", dim=8, loss=98.0, width=1.4),
        _row("wide bits", dim=8, loss=97.0, free_bits=0.5, sleep=1.0, prior="vamp"),
    ]
    pair = {"first": "first", "second": "again", "overlap": 0.6, "low": 0.5, "high": 0.7, "chance": 0.01}
    figures = {
        "spectra": 900,
        "rows": rows,
        "variants": variants(rows, {"bits": {"difference": -0.08, "low": -0.1, "high": -0.06}}),
        "baselines": {kind: {"hardness_ratios_4d": _score(0.3)} for kind in ("knn", "probe")},
        "pairs": [pair | {"noise_floor": 0.3, "position_correlation": 0.99}],
        "sweeps": [["first", "again", "wide"]],
    }
    with painted() as colours:
        section = models_section(figures, colours)
    plates = {plate.name: plate for plate in section.plates}
    assert set(plates) == {"models-table", "models-variants", "sweep-1", "seeds"}
    assert plates["models-variants"].reading == "1 of 4 changes made something better and nothing worse."
    table = plates["models-variants"].table
    assert table is not None
    assert [row[0] for row in table.rows] == [
        "Better in something, worse in nothing",
        "sleep",
        "Better in one, worse in another",
        "wide",
        "Worse in something, better in nothing",
        "bits",
        "Not to be told: no other model differs in one thing only",
        "wide bits",
    ]
    verdicts = {row[0]: row[1:] for row in table.rows}
    assert verdicts["bits"] == [
        "free bits 0.5, not 0", "first", "equal (+0.00)", "equal (+0.000)", "worse (−0.080)", "equal (+0.00)",
    ]  # fmt: skip
    assert verdicts["wide"][2::3] == ["better (−2.00)", "worse (+0.20)"]
    assert verdicts["sleep"][5] == "better (−0.18)"
    assert "60 %" in plates["seeds"].reading
    assert "less than the noise" in plates["seeds"].reading
    every = plates["models-table"].table
    assert every is not None
    assert every.rows[1][2] == "100.00"
