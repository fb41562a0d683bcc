"""Section on sigma: is it as large as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vae.evaluation.report.page import Plate, Section
from vae.evaluation.report.plots import Row, dots
from vae.evaluation.report.style import drawing
from vae.evaluation.report.uncertainty_figures import pull_histograms, rank_histograms, sigma_beside_exact
from vae.evaluation.report.words import counts_range, joined, left_out, number, scored, share, text
from vae.palette import Palette


def uncertainty_section(
    figures: Mapping[str, Any] | None, plots: Mapping[str, Any] | None, colours: Palette
) -> Section:
    """Split exposures, ranks of known positions, exact posteriors."""
    title = "Is σ right?"
    lead = (
        "Every position comes with σ. It is right if two halves of one exposure differ by as much as it says, if "
        "positions that are known rank evenly in it, and if it agrees with the posterior summed without an encoder."
    )
    if figures is None or left_out(figures):
        return Section("calibration", title, lead, left_out=left_out(figures))
    plots = plots or {}
    plates, missing = [], []
    for name, build in _TESTS.items():
        part = figures.get(name)
        if part is None or left_out(part) or name not in plots:
            missing.append(f"{name.replace('_', ' ')}: {left_out(part) or 'no figures'}")
        else:
            plates += build(part, plots, colours)
    return Section("calibration", title, lead, plates, left_out=" ".join(missing))


def entry(score: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Take one dimension of a figure whose value, low and high are lists."""
    return {key: score[key][index] for key in ("value", "low", "high")}


def _pulls(figures: Mapping[str, Any], plots: Mapping[str, Any], colours: Palette) -> list[Plate]:
    if "all" not in figures:
        return []
    widths = figures["all"]["width"]
    axes = figures.get("axes") or list(range(1, len(widths["value"]) + 1))
    low, high = figures["target"]
    each = [scored(entry(widths, index)) for index in range(len(widths["value"]))]
    good = all(low <= number(value) <= high for value in widths["value"])
    rows = [
        Row(
            f"{'All' if name == 'all' else counts_range(name).capitalize()}, dimension {axes[index]}",
            number(part["width"]["value"][index]),
            number(part["width"]["low"][index]),
            number(part["width"]["high"][index]),
            "model" if name == "all" else "text-2",
            note=f"{part['rows']:,} spectra",
        )
        for name, part in figures.items()
        if isinstance(part, Mapping)
        for index in range(len(widths["value"]))
    ]
    return [
        Plate(
            "pulls",
            "Two halves of one exposure",
            f"The pulls have widths of {joined(each)}: σ is {'as large as it should be' if good else _wrong(widths)} "
            f"({low:g}–{high:g} is wanted).",
            f"{figures['rows']:,} spectra, source and background counts split at random, each half with at least "
            f"{figures['least_net_counts_half']:.0f} net counts. Pull: the difference of the two means over √(s₁²(1 − "
            "s₁²) + s₂²(1 − s₂²)), since posterior means are shrunk. Width: half the middle 68 %.",
            drawing(
                pull_histograms(plots["split_exposure"]["edges"], plots["split_exposure"]["histogram"], axes, colours),
                "pulls",
                "Histograms of pulls of split exposures",
            ),
        ),
        Plate(
            "pull-widths",
            "By net counts",
            "",
            "Widths with 95 % intervals by source; shaded: wanted.",
            drawing(
                dots(rows, colours, label="Width of the pulls", band=(low, high), names_px=230.0, notes_px=110.0),
                "pull-widths",
                "Widths of pulls by net counts",
            ),
        ),
    ]


def _wrong(widths: Mapping[str, Any]) -> str:
    return "too small" if np.mean([number(value) for value in widths["value"]]) > 1 else "too large"


def _ranks(figures: Mapping[str, Any], plots: Mapping[str, Any], colours: Palette) -> list[Plate]:
    histograms, n = {"encoder": plots["ranks"]["histogram"]}, {"encoder": figures["spectra"]}
    exact = plots.get("exact_known", {})
    if "exact_histogram" in exact:
        histograms["exact"] = exact["exact_histogram"]
    covered = [share(number(value)) for value in figures["coverage_68"]["value"]]
    wide = [share(number(value)) for value in figures["coverage_95"]["value"]]
    return [
        Plate(
            "ranks",
            "Ranks of known positions",
            f"The 68 % intervals hold {joined(covered)} of the true positions, the 95 % intervals {joined(wide)}.",
            f"Simulation-based calibration (Talts et al. 2018): {figures['spectra']:,} positions drawn from the prior, "
            "decoded and folded through setups of the archive, with Poisson noise, and encoded. Flat is right, a "
            "trough says that σ is too small; grey: where 95 % of the bins lie by chance.",
            drawing(
                rank_histograms(plots["ranks"]["edges"], histograms, n, colours),
                "ranks",
                "Histograms of the ranks of true positions",
            ),
        )
    ]


def _exact_known(figures: Mapping[str, Any], plots: Mapping[str, Any], colours: Palette) -> list[Plate]:
    return [_exact("exact-known", "those spectra, whose positions are known", figures, plots["exact_known"], colours)]


def _exact_archive(figures: Mapping[str, Any], plots: Mapping[str, Any], colours: Palette) -> list[Plate]:
    return [_exact("exact-archive", "spectra of the archive", figures, plots["exact_archive"], colours)]


def _exact(name: str, whose: str, figures: Mapping[str, Any], plots: Mapping[str, Any], colours: Palette) -> Plate:
    resolved = np.asarray(plots["resolved"], bool)
    ratios = [scored(entry(figures["sigma_ratio"], index)) for index in range(len(figures["sigma_ratio"]["value"]))]
    offsets = [text(value) for value in figures["mean_offset"]["value"]]
    return Plate(
        name,
        f"Beside the exact posterior: {whose}",
        f"The encoder's σ is {joined(ratios)} of the exact one, its means lie {joined(offsets)} exact σ off; the "
        f"gap is {scored(figures['gap_nats'])} nats in the median.",
        f"Prior times likelihood summed on a grid for {figures['spectra']:,} of {whose} "
        f"({figures['unresolved']} left out: the grid was too coarse). A diagonal Gaussian cannot follow a "
        "correlated posterior and has to be narrower.",
        drawing(
            sigma_beside_exact(plots["encoder_sigma"][resolved], plots["exact_sigma"][resolved], colours),
            name,
            "Sigma of the encoder against that of the exact posterior",
        ),
    )


_TESTS: Final = {
    "split_exposure": _pulls,
    "ranks": _ranks,
    "exact_known": _exact_known,
    "exact_archive": _exact_archive,
}
