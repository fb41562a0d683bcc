"""The report of an evaluation, put together: sections in order, headlines, every figure in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vae.evaluation.report.page import Headline, Page, Plate, Section, Table, html
from vae.evaluation.report.sections.classes import classes_section, rare_section
from vae.evaluation.report.sections.fit import fit_section, residuals_section
from vae.evaluation.report.sections.latent import latent_section
from vae.evaluation.report.sections.models import models_section
from vae.evaluation.report.sections.photons import fidelity_section, nuisance_section
from vae.evaluation.report.sections.real import real_section
from vae.evaluation.report.sections.uncertainty import uncertainty_section
from vae.evaluation.report.style import painted
from vae.evaluation.report.words import joined, left_out, number, share, text
from vae.evaluation.table import groups as table_groups


@dataclass(frozen=True)
class About:
    """What the report is of.

    Parameters
    ----------
    archive : str
    detections : int
    simulated : bool
    facts : list of (str, str)
        Of the model and of how the evaluation was made.
    made : str
        Command and date.
    """

    archive: str
    detections: int
    simulated: bool
    facts: list[tuple[str, str]] = field(default_factory=list)
    made: str = "scripts/evaluate.py"


def report(
    metrics: Mapping[str, Any], plots: Mapping[str, Any], about: About, before: Mapping[str, Any] | None = None
) -> str:
    """Write the report as one HTML document.

    Parameters
    ----------
    metrics : mapping
        As in ``metrics.json``; parts may be missing or left out.
    plots : mapping
        What the plots of each part of `vae.evaluation.parts` need, by its name.
    about : About
    before : mapping, optional
        Metrics of an earlier evaluation, beside these in the table of all figures.
    """
    with painted() as colours:
        sections = [
            fit_section(metrics.get("fit"), plots.get("fit"), colours),
            residuals_section(metrics.get("residuals"), plots.get("stacked residuals"), colours),
            classes_section(metrics.get("knn"), metrics.get("probe"), colours),
            rare_section(metrics.get("rare"), colours),
            uncertainty_section(metrics.get("calibration"), plots.get("calibration of sigma"), colours),
            fidelity_section(metrics.get("fidelity"), plots.get("fidelity"), colours),
            nuisance_section(metrics.get("nuisance"), colours),
            latent_section(metrics.get("units"), plots.get("latent space"), colours, simulated=about.simulated),
            real_section(metrics.get("real"), plots.get("real spectra"), colours),
            models_section(metrics.get("models"), colours),
        ]
    sections.append(_all(metrics, before))
    return html(
        Page(
            title=f"How good is {about.archive}?",
            lead=(
                "What a network says of a spectrum is worth something only beside what simpler means say. Every figure "
                "here stands beside its baselines, on sources that the network was not trained on, with 95 % intervals "
                "that resample sources."
            ),
            archive="Simulated archive" if about.simulated else "Real archive",
            size=f"{about.detections:,} detections",
            made=about.made,
            foot="metrics.json holds every figure of this page, table.md the table of all figures.",
            simulated=about.simulated,
            headlines=_headlines(metrics),
            facts=about.facts,
            sections=sections,
        )
    )


def _headlines(metrics: Mapping[str, Any]) -> list[Headline]:
    """Return four figures and what to compare them with; those of missing parts are left out."""
    out = []
    fit = metrics.get("fit", {})
    if not left_out(fit) and fit.get("rows"):
        best = fit["above_300_net"]["best_absorbed_power_law"]["fraction_within_3"]
        mine = fit["above_300_net"]["model"]["fraction_within_3"]
        out.append(
            Headline("Spectra above 300 counts that fit", share(mine), f"best absorbed power laws {share(best)}")
        )
    knn = metrics.get("knn", {})
    if knn and not left_out(knn):
        scores = knn["balanced_accuracy"]
        planes = {
            name: number(score["balanced_accuracy"])
            for name, score in scores.items()
            if name.endswith("_2d") and name.startswith("pca")
        }
        value = text(scores["latents"]["balanced_accuracy"])
        beside = f"best PCA-2 {text(max(planes.values(), default=None))}, chance {text(knn['chance'])}"
        out.append(Headline(f"Balanced accuracy, {len(knn['classes'])} classes", value, beside))
    pulls = metrics.get("calibration", {}).get("split_exposure", {})
    if "all" in pulls:
        widths = [text(value) for value in pulls["all"]["width"]["value"][:3]]
        out.append(Headline("Width of split-exposure pulls", joined(widths).replace(" and ", ", "), "0.9–1.1 wanted"))
    fidelity = metrics.get("fidelity", {})
    if "all" in fidelity:
        mine, other = (fidelity["all"][name]["median"]["value"] for name in ("decoded", "best_absorbed_power_law"))
        out.append(
            Headline("Decoded photons off by", f"{text(mine, '.3f')} dex", f"best power law {text(other, '.3f')} dex")
        )
    return out


def _all(metrics: Mapping[str, Any], before: Mapping[str, Any] | None) -> Section:
    """Every figure in one table."""
    new, old = table_groups(metrics), table_groups(before or {})
    columns = ["", "value"] if before is None else ["", "before", "after"]
    rows: list[list[str]] = []
    for group in [*new, *(name for name in old if name not in new)]:
        mine, earlier = new.get(group, {}), old.get(group, {})
        rows.append([group])
        for name in [*mine, *(name for name in earlier if name not in mine)]:
            rows.append([name, *([] if before is None else [earlier.get(name, "–")]), mine.get(name, "–")])
    plate = Plate("table", "", "", "", table=Table(columns, rows, frozenset(range(1, len(columns)))))
    return Section("all", "All figures", "Each beside its baselines, with 95 % intervals where it is a score.", [plate])
