"""The metrics of an evaluation as one compact table, alone or beside those of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Figures = dict[str, str]


def figures(metrics: Mapping[str, Any]) -> Figures:
    """Return what there is to compare, name to text.

    Parameters
    ----------
    metrics : mapping
        What ``scripts/evaluate.py`` writes to ``metrics.json``; parts may be missing.
    """
    out: Figures = {}
    knn = metrics.get("knn")
    if knn:
        low, high = knn["net_counts"]
        about = f"{len(knn['classes'])} classes, {low:.0f}-{high:.0f} net counts, chance {knn['chance']:.2f}"
        for name, score in knn["balanced_accuracy"].items():
            out[f"kNN balanced accuracy, {name} ({about})"] = (
                f"{score['balanced_accuracy']:.3f} ({score['low']:.3f}-{score['high']:.3f})"
            )
    for subset, entry in metrics.get("fit", {}).items():
        if not isinstance(entry, Mapping):
            continue
        for name in ("model", "best_absorbed_power_law"):
            if name in entry and entry[name]["median_z"] is not None:
                out[f"C-stat z {subset.replace('_', ' ')}, {name.replace('_', ' ')}: median, within 3"] = (
                    f"{entry[name]['median_z']:+.2f}, {100 * entry[name]['fraction_within_3']:.0f} %"
                )
    for name, entry in metrics.get("rare", {}).items():
        out[f"recall among 25 neighbours, {name} (latents / hardness ratios / chance)"] = (
            f"{entry['latents']:.3f} / {entry['hardness_ratios_4d']:.3f} / {entry['chance']:.4f}"
        )
    return out


def markdown(after: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """Return the table as Markdown, with a column for an earlier evaluation where one is given."""
    new = figures(after)
    old = {} if before is None else figures(before)
    lines = ["| figure | value |", "|---|---|"] if before is None else ["| figure | before | after |", "|---|---|---|"]
    for name in [*new, *(name for name in old if name not in new)]:
        cells = [name, *([] if before is None else [old.get(name, "-")]), new.get(name, "-")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
