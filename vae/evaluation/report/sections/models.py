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
from vae.evaluation.variants import FIGURES, told
from vae.palette import Palette

#: Headings of variants by whether anything is better, anything worse.
_KINDS: Final = {
    (True, False): "Better in something, worse in nothing",
    (True, True): "Better in one, worse in another",
    (False, False): "No difference beyond seeds and chance",
    (False, True): "Worse in something, better in nothing",
}


def models_section(figures: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Compare trained models on the same held-out spectra."""
    title = "Other models"
    lead = "Variants, latent dimensions and seeds that were tried, all judged on the same spectra."
    if figures is None or left_out(figures):
        return Section("models", title, lead, left_out=left_out(figures))
    rows = figures["rows"]
    plates = [_all(figures)]
    if figures["variants"]:
        plates.append(_helped(figures["variants"]))
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
                _nats(row["held_out"].get("median")),
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


def _nats(value: Any) -> str:
    """Write a loss: models differ in its second decimal."""
    return "–" if value is None else f"{value:.2f}"


def _about(row: Mapping[str, Any]) -> str:
    changed = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row["changes"].items())
    length = f"{row['updates']:,} updates" if row["updates"] else ""
    parts = [row["network"], row["likelihood"], f"recipe {row['recipe']}", length, changed, f"seed {row['seed']}"]
    return ", ".join(str(part) for part in parts if part)


def _score(score: Mapping[str, Any] | None) -> str:
    return "–" if score is None else between(score["balanced_accuracy"], score["low"], score["high"], ".3f")


def _verdict(entry: Mapping[str, Any], figure: str) -> str:
    """Write "better (−0.15)": the word, and by how much the figure differs."""
    found = entry.get(figure)
    return "–" if found is None else f"{found['word']} ({text(found['difference'], f'+.{FIGURES[figure]}f')})"


def _kind(entry: Mapping[str, Any]) -> str:
    """Which group of variants one belongs to."""
    if entry["beside"] is None:
        return "Not to be told: no other model differs in one thing only"
    words = {found["word"] for figure in FIGURES if (found := entry.get(figure)) is not None}
    return _KINDS["better" in words, "worse" in words]


def _helped(variants: Sequence[Mapping[str, Any]]) -> Plate:
    groups: dict[str, list[list[str]]] = {kind: [] for kind in _KINDS.values()}
    for entry in variants:
        cells = [entry["name"], told(entry["changed"]), entry["beside"] or "–"]
        groups.setdefault(_kind(entry), []).append([*cells, *(_verdict(entry, figure) for figure in FIGURES)])
    rows = [row for kind, members in groups.items() if members for row in ([kind], *members)]
    helped = len(groups[_KINDS[True, False]])
    return Plate(
        "models-variants",
        "What helped, and what did not",
        f"{helped} of {len(variants)} changes made something better and nothing worse.",
        "Each model is held against one that differs in nothing else. Better and worse are more "
        "than two standard deviations of what another seed makes, where there are seeds, and for kNN of the test "
        "itself. Loss: held-out median [nats]. Good fits: share of C-stat z within 3σ. kNN: balanced accuracy. Pulls: "
        "mean distance of the widths from 1; for loss and pulls less is better.",
        table=Table(
            ["model", "what differs", "beside", "loss", "good fits", "kNN", "pulls"], rows, frozenset({3, 4, 5, 6})
        ),
    )


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
