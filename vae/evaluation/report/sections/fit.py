"""Section on the fit: do the reconstructions describe the counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vae.evaluation.goodness import Goodness
from vae.evaluation.report.fit_figures import fit_by_class, stacked_residuals, z_against_counts
from vae.evaluation.report.page import Plate, Section, Table
from vae.evaluation.report.style import drawing
from vae.evaluation.report.words import between, counts_range, left_out, null, share, text
from vae.palette import Palette

_NULLS = ("model", "best_absorbed_power_law", "fixed_power_law", "background_only")


def fit_section(figures: Mapping[str, Any] | None, found: Goodness | None, colours: Palette) -> Section:
    """C-stat z against counts, by class, and in decades beside the nulls."""
    lead = (
        "C-stat z is how far the fit statistic lies above what its own expectation allows, in its standard deviations "
        "(Kaastra 2017): within ±3 a spectrum fits. Folded counts are compared, background included."
    )
    if figures is None or found is None or left_out(figures) or not figures["rows"]:
        return Section("fit", "Do the reconstructions fit?", lead, left_out=left_out(figures) or "no spectrum to fit.")
    above, rows = figures["above_300_net"], figures["rows"]
    best = above.get("best_absorbed_power_law", {})
    whose = f"{rows:,} spectra above 300 net counts; of the atlas's, {figures['whose']}."
    plates = [
        Plate(
            "fit-counts",
            "C-stat z against counts",
            f"{share(above['model']['fraction_within_3'])} of the spectra fit; of their best absorbed power laws, "
            f"{share(best.get('fraction_within_3'))} do.",
            f"Quantiles run along overlapping windows of a factor 1.8 in counts. {whose} Grey: |z| < 3; triangles: "
            "above the frame.",
            drawing(z_against_counts(found.net_counts, found.z, colours), "fit-counts", "C-stat z against net counts"),
        ),
        Plate("fit-table", "By decade of counts", "", f"95 % intervals by source. {whose}", table=_table(figures)),
    ]
    if figures["by_class"]:
        worst = min(figures["by_class"], key=lambda name: figures["by_class"][name]["model"]["fraction_within_3"])
        value = figures["by_class"][worst]["model"]["fraction_within_3"]
        plates.append(
            Plate(
                "fit-classes",
                "By class",
                f"The least well fitted class is {worst}: {share(value)} within 3σ.",
                "The same spectra; classes with fewer than ten of them are left out. Bars: 95 % intervals by source.",
                drawing(fit_by_class(figures["by_class"], colours), "fit-classes", "Share of good fits by class"),
            )
        )
    return Section("fit", "Do the reconstructions fit?", lead, plates)


def _table(figures: Mapping[str, Any]) -> Table:
    rows: list[list[str]] = []
    for subset, entry in figures.items():
        if not isinstance(entry, Mapping) or subset == "by_class" or "model" not in entry:
            continue
        size = entry.get("rows", figures["rows"])
        if not size:
            continue
        rows.append([f"{counts_range(subset.replace('_', ' '))} · {size:,} spectra"])
        for name in _NULLS:
            if name in entry:
                score = entry[name]
                rows.append(
                    [
                        null(name),
                        between(score["median_z"], score.get("median_z_low"), score.get("median_z_high"), "+.2f"),
                        between(
                            score["fraction_within_3"],
                            score.get("fraction_within_3_low"),
                            score.get("fraction_within_3_high"),
                            ".0f",
                            factor=100,
                            unit=" %",
                        ),
                    ]
                )
    return Table(["", "median z", "within 3σ"], rows, frozenset({1, 2}))


def residuals_section(figures: Mapping[str, Any] | None, plots: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Stacked residuals against energy: all spectra, and by net counts."""
    heading = "Where in energy are they wrong?"
    lead = (
        "A single spectrum hides a small systematic error in its noise; the sum of many shows it. Counts over expected "
        "counts, both summed over spectra, less one."
    )
    if figures is None or plots is None or left_out(figures):
        return Section("residuals", heading, lead, left_out=left_out(figures))
    shown = [name for name in figures if name == "all" or name.startswith("net counts")]
    stacks = [_stack(name, figures[name], plots) for name in shown]
    whole = figures["all"]
    rows = [
        [
            (counts_range(name) if name.startswith("net") else name).capitalize()
            if name.startswith(("net", "all"))
            else name[0].upper() + name[1:],
            f"{entry['spectra']:,}",
            text(entry["chi"]),
            share(entry["excess"], 1),
            f"{text(entry['worst_kev'])} keV: {text(100 * (entry['worst_ratio'] - 1), '+.1f')} %",
            f"{text(entry['worst_pull'], '+.1f')}σ",
        ]
        for name, entry in figures.items()
    ]
    columns = ["stack", "spectra", "χ per bin", "rms excess", "worst bin", ""]
    return Section(
        "residuals",
        heading,
        lead,
        [
            Plate(
                "residuals-stack",
                "Stacked residuals",
                f"Beyond counting noise the stack of all is off by {share(whole['excess'], 1)} rms; the worst bin is "
                f"at {text(whole['worst_kev'])} keV, {text(100 * (whole['worst_ratio'] - 1), '+.1f')} %.",
                f"{whole['spectra']:,} spectra of sources that the model was not trained on, above 300 net counts, "
                "background included; four bins are joined; errors are Poisson errors of the stack.",
                drawing(stacked_residuals(stacks, colours), "residuals-stack", "Stacked residuals against energy"),
            ),
            Plate(
                "residuals-table",
                "By counts, class and response",
                "",
                "χ per bin: root of the mean squared pull over 238 bins; 1 for a right model.",
                table=Table(columns, rows, frozenset({1, 2, 3, 4, 5})),
            ),
        ],
    )


def _stack(name: str, entry: Mapping[str, Any], plots: Mapping[str, Any], by: int = 4) -> dict[str, Any]:
    """Join bins of a stack; its expected counts are those that give its errors."""
    place = list(plots["names"]).index(name)
    ratio, error = (np.asarray(plots[key][place], np.float64) for key in ("ratio", "ratio_error"))
    predicted = 1.0 / np.maximum(error, 1e-12) ** 2
    first = np.arange(0, len(ratio), by)
    sums = [np.add.reduceat(values, first) for values in (ratio * predicted, predicted)]
    edges = np.asarray(plots["energy_edges"])
    low, high = edges[first], edges[np.minimum(first + by, len(ratio))]
    return {
        "name": "All spectra" if name == "all" else counts_range(name.split(": ")[1]) + " net counts",
        "rows": entry["spectra"],
        "energies": np.sqrt(low * high),
        "half_widths": np.stack([np.sqrt(low * high) - low, high - np.sqrt(low * high)]),
        "ratio": sums[0] / sums[1],
        "error": 1.0 / np.sqrt(sums[1]),
    }
