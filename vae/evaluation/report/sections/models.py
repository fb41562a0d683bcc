"""Section on other models: variants, latent dimensions, seeds, each beside the atlas's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from vae.evaluation.report.model_figures import dimension_sweep
from vae.evaluation.report.page import Plate, Section, Table
from vae.evaluation.report.plots import Row, dots
from vae.evaluation.report.style import drawing
from vae.evaluation.report.words import between, left_out, number, representation, share, text
from vae.palette import Palette

#: Held-out losses closer than this are called equal [nats].
_EQUAL_LOSS: Final = 0.1
#: Width that pulls should have, and how much nearer to it counts as better.
_RIGHT, _NEARER = 1.0, 0.03


def models_section(figures: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Compare trained models on the same held-out spectra."""
    title = "Other models"
    lead = "Variants, latent dimensions and seeds that were tried, all judged on the same spectra."
    if figures is None or left_out(figures):
        return Section("models", title, lead, left_out=left_out(figures))
    rows = figures["rows"]
    plates = [_all(figures)]
    variants = _variants(rows)
    if variants:
        plates.append(_helped(variants, rows[0]))
    for index, names in enumerate(figures["sweeps"]):
        plates.append(_sweep(f"sweep-{index + 1}", [row for row in rows if row["name"] in names], figures, colours))
    if figures["pairs"]:
        plates.append(_seeds(figures["pairs"], colours))
    reason = f"tests of classes: {figures['left_out']}" if isinstance(figures.get("left_out"), str) else ""
    return Section("models", title, lead, plates, left_out=reason)


def _all(figures: Mapping[str, Any]) -> Plate:
    columns = ["model", "d", "loss", "median z", "within 3σ", "kNN", "probe", "active", "pulls"]
    rows: list[list[str]] = [["Models"]]
    for row in figures["rows"]:
        z, units, pulls = row["cstat_z"]["all"], row["units"], row["pulls"]
        rows.append(
            [
                f"{row['name']}: {_about(row)}",
                str(row["latent_dim"]),
                text(row["held_out"].get("median"), ".1f"),
                text(z["median_z"], "+.2f"),
                share(z["fraction_within_3"], 1),
                _score(row.get("knn")),
                _score(row.get("probe")),
                f"{units['active']}",
                " ".join(text(width) for width in pulls["width"]["value"][:4]) if pulls else "–",
            ]
        )
    baselines = figures["baselines"].get("knn", {})
    if baselines:
        rows.append(["Without a network"])
        for name, knn in baselines.items():
            probe = figures["baselines"]["probe"][name]
            rows.append([representation(name), *["–"] * 4, _score(knn), _score(probe), "–", "–"])
    return Plate(
        "models-table",
        "All of them",
        "",
        f"{figures['spectra']:,} spectra above 300 net counts that none of the models was trained on. Loss: held-out "
        "median of each model's own training store [nats]; kNN and probe: balanced accuracy with 95 % intervals.",
        table=Table(columns, rows, frozenset(range(1, 9))),
    )


def _about(row: Mapping[str, Any]) -> str:
    changed = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row["changes"].items())
    parts = [row["network"], row["likelihood"], f"recipe {row['recipe']}", changed, f"seed {row['seed']}"]
    return ", ".join(str(part) for part in parts if part)


def _score(score: Mapping[str, Any] | None) -> str:
    return "–" if score is None else between(score["balanced_accuracy"], score["low"], score["high"], ".3f")


def _variants(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Models that differ from the first in more than their seed."""
    return [row for row in rows[1:] if row["settings"] != rows[0]["settings"]]


def _helped(variants: Sequence[Mapping[str, Any]], first: Mapping[str, Any]) -> Plate:
    table, helped = [], 0
    for row in variants:
        verdicts = [_loss(row, first), _knn(row), _pulls(row, first)]
        helped += any(verdict.startswith("better") for verdict in verdicts)
        table.append([row["name"], _about(row), *verdicts])
    none = len(variants) - helped
    return Plate(
        "models-variants",
        f"What helped beside {first['name']}, and what did not",
        f"{none} of {len(variants)} variants are better in nothing that can be told from chance.",
        f"Loss: held-out median, compared where both were trained on the same store; equal within {_EQUAL_LOSS:g} "
        "nats. kNN: better or worse where the 95 % interval of the difference excludes 0. Pulls: mean distance of the "
        "widths from 1.",
        table=Table(["model", "what it is", "loss", "kNN", "pulls"], table),
    )


def _loss(row: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    gain = number(first["held_out"].get("median")) - number(row["held_out"].get("median"))
    if not np.isfinite(gain) or row["data"] != first["data"]:
        return "not comparable"
    word = "equal" if abs(gain) < _EQUAL_LOSS else "better" if gain > 0 else "worse"
    return f"{word} ({text(-gain, '+.2f')})"


def _knn(row: Mapping[str, Any]) -> str:
    score = row.get("knn")
    if score is None:
        return "–"
    low, high = number(score["difference_low"]), number(score["difference_high"])
    word = "worse" if low > 0 else "better" if high < 0 else "equal"
    return f"{word} ({text(-number(score['difference']), '+.3f')})"


def _pulls(row: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    if not row["pulls"] or not first["pulls"]:
        return "–"
    mine, other = (
        float(np.mean([abs(number(width) - _RIGHT) for width in one["pulls"]["width"]["value"]]))
        for one in (row, first)
    )
    word = "better" if mine < other - _NEARER else "worse" if mine > other + _NEARER else "equal"
    return f"{word} ({text(mine)} off)"


def _sweep(name: str, rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Any], colours: Palette) -> Plate:
    baselines = {
        representation(key): number(score["balanced_accuracy"])
        for key, score in figures["baselines"].get("knn", {}).items()
        if key in ("hardness_ratios_4d", "pca_net_fraction_8d")
    }
    widest = max(rows, key=lambda row: int(row["latent_dim"]))
    return Plate(
        name,
        "Latent dimensions",
        f"With {widest['latent_dim']} dimensions, {widest['units']['active']} are active.",
        f"Models that differ in nothing but latent dimension and seed: {', '.join(str(row['name']) for row in rows)}. "
        "Bars: 95 % intervals by source.",
        drawing(dimension_sweep(rows, baselines, colours), name, "Figures of merit against latent dimension"),
    )


def _seeds(pairs: Sequence[Mapping[str, Any]], colours: Palette) -> Plate:
    rows = [
        Row(
            f"{pair['first']}, {pair['second']}",
            number(pair["overlap"]),
            number(pair["low"]),
            number(pair["high"]),
            "model",
            {"halves of one exposure": number(pair["noise_floor"]), "chance": number(pair["chance"])},
            f"r = {text(pair['position_correlation'], '.3f')}",
        )
        for pair in pairs
    ]
    mean = float(np.mean([row.value for row in rows]))
    floor = float(np.mean([number(pair["noise_floor"]) for pair in pairs]))
    return Plate(
        "seeds",
        "Another seed",
        f"Two trainings share {share(mean)} of the nearest neighbours; two halves of one exposure {share(floor)}: "
        + ("the seed matters less than the noise." if mean > floor else "the seed matters more than the noise."),
        "Neighbours that the same spectrum has in both models; beside it, what counting noise alone leaves (an "
        "exposure split in two). At the right: correlation of positions after rotation and scaling (Procrustes).",
        drawing(
            dots(rows, colours, label="Neighbours in common", limits=(0.0, 1.0), names_px=250.0),
            "seeds",
            "Nearest neighbours in common between trainings that differ in their seed",
        ),
    )
