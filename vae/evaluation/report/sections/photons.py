"""Sections on the source behind the counts: is its photon spectrum decoded, is its position free of the instrument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vae.evaluation.report.page import Plate, Section
from vae.evaluation.report.photon_figures import band_bias
from vae.evaluation.report.plots import Row, dots
from vae.evaluation.report.style import drawing
from vae.evaluation.report.words import counts_range, left_out, number, scored, share, text
from vae.palette import Palette

_WAYS: Final = {"unfolded": "unfolded", "best_absorbed_power_law": "best absorbed power law"}


def fidelity_section(figures: Mapping[str, Any] | None, plots: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Hold decoded photon spectra against the truth."""
    title = "Is the decoded photon spectrum true?"
    lead = (
        "Only a simulation knows what was sent. New sources are simulated, seen through setups of the archive, encoded "
        "and decoded; decoded and true photons are compared in twelve bands of 0.4–8 keV."
    )
    if figures is None or not plots or left_out(figures):
        return Section("fidelity", title, lead, left_out=left_out(figures))
    rows = []
    for name, part in figures.items():
        if isinstance(part, Mapping) and "decoded" in part:
            score = part["decoded"]["median"]
            beside = {label: number(part[key]["median"]["value"]) for key, label in _WAYS.items() if key in part}
            label = "All" if name == "all" else counts_range(name).capitalize() + " net counts"
            note = f"{part['rows']:,} sources"
            rows.append(Row(label, number(score["value"]), score["low"], score["high"], "model", beside, note))
    whole = figures["all"]
    plates = [
        Plate(
            "fidelity-counts",
            "Distance from the truth",
            f"Half of the bands lie within {scored(whole['decoded']['median'], '.3f')} dex of the truth, nine tenths "
            f"within {scored(whole['decoded']['p90'], '.3f')}; unfolding gives "
            f"{text(whole['unfolded']['median']['value'], '.3f')}, the best absorbed power law "
            f"{text(whole['best_absorbed_power_law']['median']['value'], '.3f')}.",
            f"{figures['sources']:,} new sources, {figures['net_counts'][0]:,.0f}–{figures['net_counts'][1]:,.0f} net "
            "counts; median of |log10 (decoded / true)| over bands with at least "
            f"{share(figures['least_share'])} of the photons. Unfolding is smeared by the detector.",
            drawing(
                dots(rows, colours, label="Median |log10 ratio| (dex)", notes_px=112.0),
                "fidelity-counts",
                "Distance of decoded photon spectra from the truth, by net counts",
            ),
        ),
        Plate(
            "fidelity-bands",
            "In bands of energy",
            "",
            "The same sources: median and middle 68 % of the ratio in each band.",
            drawing(band_bias(plots, colours), "fidelity-bands", "Bias of decoded photons against energy"),
        ),
    ]
    return Section("fidelity", title, lead, plates)


def nuisance_section(figures: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Shifts under changed circumstances and instruments; shares of variance."""
    title = "Is the position the source's own?"
    lead = (
        "A position should tell of the source, not of how it was seen. One source is seen twice, in other "
        "circumstances or through another instrument; and positions of the archive are asked for what they "
        "should not know."
    )
    if figures is None or left_out(figures):
        return Section("nuisance", title, lead, left_out=left_out(figures))
    plates = []
    paired = figures.get("paired")
    if paired is not None and not left_out(paired):
        plates.append(_paired(paired, colours))
    instruments = figures.get("invariance")
    if instruments is not None and not left_out(instruments):
        plates.append(_instruments(instruments, colours))
    shares = figures.get("variance_shares")
    if shares is not None and not left_out(shares):
        plates.append(_shares(shares, colours))
    return Section("nuisance", title, lead, plates)


def _moved(name: str, score: Mapping[str, Any]) -> Row:
    median, beyond = score["median_in_sigma"], number(score["p90_in_sigma"]["value"])
    note = f"{share(score['within_sigma']['value'])} within"
    return Row(name, number(median["value"]), median["low"], median["high"], "model", {"nine tenths": beyond}, note)


def _paired(figures: Mapping[str, Any], colours: Palette) -> Plate:
    rows = [
        _moved(name.capitalize(), score)
        for name, score in figures.items()
        if isinstance(score, Mapping) and "median_in_sigma" in score
    ]
    most = max(rows, key=lambda row: row.value)
    low, high = figures["net_counts"]
    return Plate(
        "nuisance-paired",
        "One source, other circumstances",
        f"The change that moves sources most is: {most.name.lower()}, by {text(most.value)}σ in the median; 1σ is the "
        "most that is wanted.",
        f"{figures['sources']:,} simulated sources of {low:,.0f}–{high:,.0f} net counts, their flux as it is; shift of "
        "the mean without Poisson noise over σ. At the right: sources that move by less than σ in every dimension.",
        drawing(
            dots(rows, colours, label="Shift of μ (σ)", marks={"1σ": 1.0}, notes_px=104.0),
            "nuisance-paired",
            "Shift of positions under changed circumstances",
        ),
    )


def _instruments(figures: Mapping[str, Any], colours: Palette) -> Plate:
    rows, ratios = [], []
    for level, families in figures.items():
        if isinstance(families, Mapping):
            for family, score in families.items():
                rows.append(_moved(f"{family.capitalize()}, {int(level):,}", score))
                ratios.append((number(score["width_noisy"]["value"]), number(score["width_null"]["value"])))
    widest = max(ratios, key=lambda pair: pair[0] - pair[1], default=(np.nan, np.nan))
    return Plate(
        "nuisance-instruments",
        "One spectrum, other instruments",
        f"With Poisson noise, two spectra of one source through different instruments differ by at most "
        f"{text(widest[0])} in width of pulls, where two through the same differ by {text(widest[1])}.",
        f"{figures['sources']:,} simulated sources folded through other filters, off-axis areas and redistribution "
        "matrices at the same expected net counts (the number in each row).",
        drawing(
            dots(rows, colours, label="Shift of μ (σ)", marks={"1σ": 1.0}, notes_px=104.0),
            "nuisance-instruments",
            "Shift of positions through other instruments",
        ),
    )


def _shares(figures: Mapping[str, Any], colours: Palette) -> Plate:
    rows, missing = [], []
    for name, score in figures.items():
        if left_out(score):
            missing.append(f"{name} ({left_out(score)})")
            continue
        mine = score["latents"]
        hardness = score.get("corrected_hardness", score["hardness_ratios"])
        beside = {
            "four hardness ratios": number(hardness["value"]),
            "shuffled": number(score["shuffled_latents"]["value"]),
        }
        more = text(score["beyond_hardness"]["value"], "+.3f")
        rows.append(
            Row(name.capitalize(), number(mine["value"]), mine["low"], mine["high"], "model", beside, f"{more} beyond")
        )
    n = max((score.get("rows", 0) for score in figures.values()), default=0)
    return Plate(
        "nuisance-shares",
        "What positions tell of how a source was seen",
        "Counts and background go with the kind of source, so that a share alone is no leak: what counts is what "
        "latents add to hardness ratios.",
        f"R² of each, predicted by boosted trees for sources that they were not fitted on, up to {n:,} spectra; 95 % "
        "intervals by source. Hardness ratios are those of the mean instrument."
        + (f" Left out: {'; '.join(missing)}." if missing else ""),
        drawing(
            dots(rows, colours, label="Variance explained, R²", notes_px=112.0),
            "nuisance-shares",
            "Shares of variance that latents explain",
        ),
    )
