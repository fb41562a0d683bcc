#!/usr/bin/env python
"""Judge an atlas: class separation beside baselines, and fit quality by brightness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from _command import run
from rich.console import Console
from rich.table import Table

from vae.atlas import Atlas
from vae.evaluation import SeparationOptions, calibration, separation
from vae.training import is_held_out


@dataclass(frozen=True)
class Options:
    """Evaluate an atlas on sources its model was never trained on, where these are known."""

    atlas: tyro.conf.Positional[Path]
    """The atlas."""
    per_class: int = SeparationOptions.per_class
    """Detections of each class, at most."""
    seed: int = 0
    """Of subsamples and bootstrap."""
    json: bool = False
    """Print the figures as JSON."""


def main(options: Options) -> Mapping[str, Any] | None:
    """Evaluate; print tables unless JSON is asked for."""
    atlas = Atlas.open(options.atlas)
    table = atlas.catalogue
    held_out = is_held_out(table["source_id"].to_numpy())
    figures: dict[str, Any] = {"atlas": options.atlas, "detections": len(atlas)}
    # A real archive was not trained on at all.
    figures["fit"] = calibration(table[held_out] if atlas.simulated else table)
    if atlas.simulated:
        figures["separation"] = separation(atlas, SeparationOptions(per_class=options.per_class, seed=options.seed))
    if options.json:
        return figures
    _print(figures)
    return None


def _print(figures: Mapping[str, Any]) -> None:
    console = Console()
    fit = Table("net counts", "detections", "median C-stat z", "|z| < 3", title="Fit quality")
    for part in figures["fit"]:
        high = "" if part["net_high"] is None else f"{part['net_high']:g}"
        span, share = f"{part['net_low']:g}-{high}", f"{100 * part['share_within_3']:.1f} %"
        fit.add_row(span, str(part["detections"]), f"{part['median_z']:.2f}", share)
    console.print(fit)
    found = figures.get("separation")
    if found is None:
        return
    title = (
        f"kNN (k = {found['k']}) balanced accuracy, held-out sources, {found['net_counts'][0]:g}-"
        f"{found['net_counts'][1]:g} net counts, {len(found['classes'])} classes, chance {found['chance']:.3f}"
    )
    table = Table("representation", "accuracy", "95 %", title=title)
    for entry in found["representations"]:
        low, high = entry["interval_95"]
        table.add_row(entry["name"], f"{entry['balanced_accuracy']:.3f}", f"{low:.3f}-{high:.3f}")
    console.print(table)
    difference = found["difference"]
    low, high = difference["interval_95"]
    console.print(f"{difference['of']}: {difference['balanced_accuracy']:+.3f} ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    run(main, Options)
