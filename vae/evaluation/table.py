"""The metrics of an evaluation as one compact table, alone or beside those of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vae.evaluation.report.words import (
    between,
    counts_range,
    left_out,
    null,
    number,
    representation,
    scored,
    share,
    text,
)

Figures = dict[str, str]


def groups(metrics: Mapping[str, Any]) -> dict[str, Figures]:
    """Return what there is to compare, in groups: each figure with its interval, beside its baselines.

    Parameters
    ----------
    metrics : mapping
        What ``scripts/evaluate.py`` writes to ``metrics.json``; parts may be missing, or left out with a reason.
    """
    out: dict[str, Figures] = {}
    for key, rows in (
        ("knn", _classes),
        ("probe", _classes),
        ("fit", _fit),
        ("residuals", _residuals),
        ("rare", _rare),
        ("calibration", _calibration),
        ("fidelity", _fidelity),
        ("nuisance", _nuisance),
        ("units", _units),
        ("real", _real),
    ):
        part = metrics.get(key)
        if part and not left_out(part):
            out |= rows(key, part)
    return {name: rows for name, rows in out.items() if rows}


def figures(metrics: Mapping[str, Any]) -> Figures:
    """Return the same without groups, name to text."""
    return {f"{group}: {name}": value for group, rows in groups(metrics).items() for name, value in rows.items()}


def _classes(key: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    low, high = part["net_counts"]
    band = f"{low:.0f}–{high:.0f}" if high else f"above {low:.0f}"
    way = {"knn": "kNN", "probe": "Linear probe"}[key]
    title = (
        f"{way}, balanced accuracy of {len(part['classes'])} classes, {band} net counts (chance {part['chance']:.2f})"
    )
    scores = part["balanced_accuracy"]
    order = sorted(scores, key=lambda name: (name != "latents", -number(scores[name]["balanced_accuracy"])))
    return {
        title: {
            representation(name): between(
                scores[name]["balanced_accuracy"], scores[name]["low"], scores[name]["high"], ".3f"
            )
            for name in order
        }
    }


def _fit(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    out: Figures = {}
    for subset, entry in part.items():
        if not isinstance(entry, Mapping) or subset == "by_class":
            continue
        for name in ("model", "best_absorbed_power_law"):
            if name in entry and entry[name]["median_z"] is not None:
                z = entry[name]
                median = between(z["median_z"], z.get("median_z_low"), z.get("median_z_high"), "+.2f")
                label = f"{counts_range(subset.replace('_', ' '))}, {null(name)}"
                out[label] = f"{median}; {share(z['fraction_within_3'])}"
    return {"C-stat z, median; share within 3σ": out}


def _residuals(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    whole = part["all"]
    return {
        "Stacked residuals of all": {
            "rms excess beyond counting noise": share(whole["excess"], 1),
            "χ per bin (1 is right)": text(whole["chi"]),
        }
    }


def _rare(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    out: Figures = {}
    for name, entry in part.get("classes", {}).items():
        at = entry["at"]["25"]
        mine = at["latents"]
        out[name] = (
            f"{between(mine['recall'], mine['low'], mine['high'], '.3f')}; "
            f"{text(at['hardness_ratios_4d']['recall'], '.3f')}; {text(at['chance'], '.4f')}"
        )
    return {"Recall of rare classes among 25 neighbours: latents; hardness ratios; chance": out}


def _calibration(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    out: Figures = {}
    for name, entry in part.get("split_exposure", {}).items():
        if isinstance(entry, Mapping) and "width" in entry:
            label = "all" if name == "all" else f"{counts_range(name)} net counts"
            out[f"width of split-exposure pulls, {label} (0.9–1.1 wanted)"] = _each(entry["width"])
    ranks = part.get("ranks", {})
    if "coverage_68" in ranks:
        label = "true positions within the 68 % intervals, of the model's own spectra"
        out[label] = _each(ranks["coverage_68"], ".0f", factor=100, unit=" %")
    for key, whose in (("exact_known", "the model's own spectra"), ("exact_archive", "the archive's")):
        exact = part.get(key, {})
        if "sigma_ratio" in exact:
            out[f"σ over that of the exact posterior, median, {whose} (1 is right)"] = _each(exact["sigma_ratio"])
            out[f"amortisation gap, median, {whose} (nats)"] = scored(exact["gap_nats"])
    return {"σ, one figure a dimension": out}


def _each(score: Mapping[str, Any], form: str = ".2f", *, factor: float = 1.0, unit: str = "") -> str:
    """Write a figure with one value a dimension."""
    return ", ".join(
        between(*values, form, factor=factor, unit=unit)
        for values in zip(score["value"], score["low"], score["high"], strict=True)
    )


def _fidelity(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    out: Figures = {}
    for name, entry in part.items():
        if isinstance(entry, Mapping) and "decoded" in entry:
            label = "all" if name == "all" else f"{counts_range(name)} net counts"
            others = [text(entry[key]["median"]["value"], ".3f") for key in ("unfolded", "best_absorbed_power_law")]
            out[label] = "; ".join([scored(entry["decoded"]["median"], ".3f"), *others])
    return {"Photons in bands, distance from the truth (dex): decoded; unfolded; best absorbed power law": out}


def _nuisance(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    out: dict[str, Figures] = {}
    families = {"Shift of μ, median (σ); sources that move by less than σ": part.get("paired", {})}
    for level, entry in part.get("invariance", {}).items():
        if isinstance(entry, Mapping):
            families[f"The same by another instrument, {counts_range(level)} net counts"] = entry
    for title, family in families.items():
        out[title] = {
            name: f"{scored(entry['median_in_sigma'])}; {share(entry['within_sigma']['value'])}"
            for name, entry in family.items()
            if isinstance(entry, Mapping) and "median_in_sigma" in entry
        }
    shares: Figures = {}
    for name, entry in part.get("variance_shares", {}).items():
        if isinstance(entry, Mapping) and "latents" in entry:
            hardness = entry.get("corrected_hardness", entry["hardness_ratios"])
            shares[name] = "; ".join(
                [
                    scored(entry["latents"], ".3f"),
                    text(hardness["value"], ".3f"),
                    text(entry["beyond_hardness"]["value"], "+.3f"),
                ]
            )
    return out | {"Variance explained, R²: latents; hardness ratios; what latents add": shares}


def _units(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    return {
        "Latent space": {
            "active axes": f"{part['active']} of {part['dimensions']}",
            "KL to the prior (nats)": text(part["kl_total"]),
            "information on a spectrum (nats; at most)": (
                f"{text(part['information'])}; {text(part['information_limit'])}"
            ),
        }
    }


def _real(_: str, part: Mapping[str, Any]) -> dict[str, Figures]:
    names = {"model_z": "this model", "fit_z": "absorbed power law, fitted", "null_z": "best null"}
    return {
        f"C-stat z of {part['rows']} real spectra, median; share within 3σ": {
            name: f"{text(part[key]['median_z'], '+.2f')}; {share(part[key]['fraction_within_3'])}"
            for key, name in names.items()
        }
    }


def markdown(after: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """Return the table as Markdown, with a column for an earlier evaluation where one is given."""
    new = figures(after)
    old = {} if before is None else figures(before)
    lines = ["| figure | value |", "|---|---|"] if before is None else ["| figure | before | after |", "|---|---|---|"]
    for name in [*new, *(name for name in old if name not in new)]:
        cells = [name, *([] if before is None else [old.get(name, "–")]), new.get(name, "–")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
