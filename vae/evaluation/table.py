"""The metrics of an evaluation as one compact table, alone or beside those of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vae.evaluation.report.words import between, left_out, number, representation, scored, share, text

Figures = dict[str, str]


def figures(metrics: Mapping[str, Any]) -> Figures:
    """Return what there is to compare, name to text: each figure with its interval and, in its name, its baseline.

    Parameters
    ----------
    metrics : mapping
        What ``scripts/evaluate.py`` writes to ``metrics.json``; parts may be missing, or left out with a reason.
    """
    out: Figures = {}
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
    return out


def _classes(key: str, part: Mapping[str, Any]) -> Figures:
    low, high = part["net_counts"]
    band = f"{low:.0f}–{high:.0f}" if high else f"above {low:.0f}"
    about = f"{len(part['classes'])} classes, {band} net counts, chance {part['chance']:.2f}"
    way = {"knn": "kNN", "probe": "Linear probe"}[key]
    return {
        f"{way} balanced accuracy, {representation(name)} ({about})": between(
            score["balanced_accuracy"], score["low"], score["high"], ".3f"
        )
        for name, score in part["balanced_accuracy"].items()
    }


def _fit(_: str, part: Mapping[str, Any]) -> Figures:
    out: Figures = {}
    for subset, entry in part.items():
        if not isinstance(entry, Mapping) or subset == "by_class":
            continue
        for name in ("model", "best_absorbed_power_law"):
            if name in entry and entry[name]["median_z"] is not None:
                z = entry[name]
                median = between(z["median_z"], z.get("median_z_low"), z.get("median_z_high"), "+.2f")
                out[f"C-stat z {subset.replace('_', ' ')}, {name.replace('_', ' ')}: median, within 3"] = (
                    f"{median}, {share(z['fraction_within_3'])}"
                )
    return out


def _residuals(_: str, part: Mapping[str, Any]) -> Figures:
    whole = part["all"]
    return {
        "Stacked residuals of all: rms beyond counting, χ per bin": f"{share(whole['excess'], 1)}, {whole['chi']:.2f}"
    }


def _rare(_: str, part: Mapping[str, Any]) -> Figures:
    out: Figures = {}
    for name, entry in part.get("classes", {}).items():
        at = entry["at"]["25"]
        mine = at["latents"]
        out[f"Recall among 25 neighbours, {name} (latents / hardness ratios / chance)"] = (
            f"{between(mine['recall'], mine['low'], mine['high'], '.3f')} / "
            f"{text(at['hardness_ratios_4d']['recall'], '.3f')} / {text(at['chance'], '.4f')}"
        )
    return out


def _calibration(_: str, part: Mapping[str, Any]) -> Figures:
    out: Figures = {}
    for name, entry in part.get("split_exposure", {}).items():
        if isinstance(entry, Mapping) and "width" in entry:
            label = "all" if name == "all" else f"{name} net counts"
            out[f"Width of split-exposure pulls, {label} (wanted 0.9–1.1)"] = _each(entry["width"])
    ranks = part.get("ranks", {})
    if "coverage_68" in ranks:
        out["True positions within the 68 % intervals, of the model's own spectra"] = _each(
            ranks["coverage_68"], ".0f", factor=100, unit=" %"
        )
    exact = part.get("exact", {})
    if "sigma_ratio" in exact:
        out["σ over that of the exact posterior, median"] = _each(exact["sigma_ratio"])
        out["Amortisation gap, median (nats)"] = scored(exact["gap_nats"])
    return out


def _each(score: Mapping[str, Any], form: str = ".2f", *, factor: float = 1.0, unit: str = "") -> str:
    """Write a figure with one value a dimension."""
    return ", ".join(
        between(*values, form, factor=factor, unit=unit)
        for values in zip(score["value"], score["low"], score["high"], strict=True)
    )


def _fidelity(_: str, part: Mapping[str, Any]) -> Figures:
    out: Figures = {}
    for name, entry in part.items():
        if isinstance(entry, Mapping) and "decoded" in entry:
            label = "all" if name == "all" else f"{name} net counts"
            others = [text(entry[key]["median"]["value"], ".3f") for key in ("unfolded", "best_absorbed_power_law")]
            out[f"Decoded photons off by, {label} (dex; unfolded, best absorbed power law)"] = (
                f"{scored(entry['decoded']['median'], '.3f')} ({', '.join(others)})"
            )
    return out


def _nuisance(_: str, part: Mapping[str, Any]) -> Figures:
    out: Figures = {}
    for name, entry in part.get("paired", {}).items():
        if isinstance(entry, Mapping) and "median_in_sigma" in entry:
            out[f"Shift of μ, {name}: median (σ), sources within σ"] = (
                f"{scored(entry['median_in_sigma'])}, {share(entry['within_sigma']['value'])}"
            )
    for level, families in part.get("invariance", {}).items():
        if isinstance(families, Mapping):
            for name, entry in families.items():
                out[f"Shift of μ by another {name}, {level} net counts: median (σ), sources within σ"] = (
                    f"{scored(entry['median_in_sigma'])}, {share(entry['within_sigma']['value'])}"
                )
    for name, entry in part.get("variance_shares", {}).items():
        if isinstance(entry, Mapping) and "latents" in entry:
            hardness = entry.get("corrected_hardness", entry["hardness_ratios"])
            out[f"R² of {name} given latents (hardness ratios; beyond them)"] = (
                f"{scored(entry['latents'], '.3f')} ({text(hardness['value'], '.3f')}; "
                f"{text(entry['beyond_hardness']['value'], '+.3f')})"
            )
    return out


def _units(_: str, part: Mapping[str, Any]) -> Figures:
    return {
        "Active latent axes": f"{part['active']} of {part['dimensions']}",
        "KL to the prior, information of the latents (nats)": (
            f"{text(part['kl_total'])}, {text(part['information'])} of at most {text(part['information_limit'])}"
        ),
    }


def _real(_: str, part: Mapping[str, Any]) -> Figures:
    return {
        f"C-stat z of {part['rows']} real spectra, {name}: median, within 3": (
            f"{text(part[key]['median_z'], '+.2f')}, {share(number(part[key]['fraction_within_3']))}"
        )
        for key, name in (("model_z", "model"), ("fit_z", "absorbed power law fitted"), ("null_z", "best null"))
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
