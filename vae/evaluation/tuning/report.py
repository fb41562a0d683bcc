"""The report of a study: `study.json` and one page that needs nothing else."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from vae.evaluation.report.page import Headline, Page, Plate, Section, Table, html
from vae.evaluation.report.style import drawing, painted
from vae.evaluation.tuning.figures import LABELS, parallel, pareto, shares
from vae.evaluation.tuning.objectives import OBJECTIVES
from vae.evaluation.tuning.results import Document, changes, document
from vae.evaluation.tuning.storage import StudyFolder
from vae.files import new_file


def write_report(folder: StudyFolder, store: Path) -> Document:
    """Write `study.json` and `report.html` into the study's folder, and return the former.

    Parameters
    ----------
    folder : StudyFolder
    store : Path
        The spectra it was made with.
    """
    study = document(folder, store)
    with new_file(folder.path / "study.json") as path:
        path.write_text(json.dumps(study, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    with new_file(folder.path / "report.html") as path:
        path.write_text(html(page(study)), encoding="utf-8")
    return study


def page(study: Document) -> Page:
    """Return the page of a study."""
    judged = [trial for trial in study["trials"] if trial["values"]]
    best = [trial for trial in judged if trial["pareto"]]
    baseline = next((trial for trial in judged if trial["baseline"]), None)
    options = study["options"]
    failed = len(study["trials"]) - len(judged)
    return Page(
        title="Search for better recipes",
        lead=(
            f"{len(judged)} trainings of {options['updates']:,} updates (of 1,024 spectra, or as many spectra in other "
            "batches), judged by three aims at once on sources that none was trained on. No trial is cut short for "
            "being worse in one aim: it may be better in another."
        ),
        archive=study["store"]["name"],
        size=f"{study['store']['detections']:,} spectra",
        made="scripts/tune.py",
        foot="study.json holds every figure of this page; journal.jsonl is what --resume goes on with.",
        simulated=study["store"]["simulated"],
        headlines=_headlines(judged, baseline),
        facts=(
            ("Trials", f"{len(judged)}" + (f", and {failed} without a result" if failed else "")),
            ("Searched", ", ".join(row["name"].replace("_", " ") for row in study["searched"])),
            ("Latent dimension", " ".join(map(str, options["latent_dim"]))),
            ("Likelihood", options["likelihood"]),
            ("Seed", str(options["seed"])),
        ),
        sections=(
            _front(study, judged, best, baseline),
            _settings(study, judged),
            _importances(study),
            _all(study, baseline),
        ),
    )


def _headlines(judged: list[Document], baseline: Document | None) -> list[Headline]:
    lines = []
    for name, more in OBJECTIVES.items():
        if judged:
            form = ".1f" if name == "held_out_loss" else ".3f"
            trial = (max if more else min)(judged, key=functools.partial(_value, name))
            beside = "no default recipe to compare with"
            if baseline is not None:
                beside = f"trial {trial['number']}; default recipe {baseline['values'][name]:{form}}"
                if trial["values"][name] == baseline["values"][name]:
                    beside = "the default recipe's"
            label = f"Best {LABELS[name][0].lower()}{LABELS[name][1:]}"
            lines.append(Headline(label, f"{trial['values'][name]:{form}}", beside))
    return lines


def _value(name: str, trial: Document) -> float:
    return float(trial["values"][name])


def _front(study: Document, judged: list[Document], best: list[Document], baseline: Document | None) -> Section:
    lead = (
        "Less held-out loss, more latent quality, less leakage: a trial is on the front when no other is at least as "
        "good in all three and better in one. Models of these trials are kept in models/."
    )
    if not judged:
        return Section("front", "The front", lead, left_out="no trial has a result yet")
    rest = [trial for trial in best if trial is not baseline]
    reading = f"On the front: {len(best)} of {len(judged)} trials"
    if baseline is not None:
        reading += f"; the default recipe is {'one of them' if baseline['pareto'] else 'not'}"
    quality = judged[0]["scores"]["quality"]
    ratios = quality["hardness_ratios"]["value"]
    about = ""
    if "classes" in quality:
        about = f" of {len(quality['classes'])} classes at 300-1000 net counts"
    caption = (
        f"Quality is {quality['is']}{about} (chance {quality['chance']:.2f}; four hardness ratios {ratios:.3f}). "
        "Leakage is the cross-validated R² of log net counts and off-axis angle, as far as hardness ratios do not "
        "explain them, given the latents (below 0.01 it is not seen); intrinsic differences between bright and faint "
        "sources count too. Held-out loss is the 5 % trimmed mean. Bars are 95 % intervals, sources resampled; what "
        "another seed would change comes on top of them."
    )
    with painted() as colours:
        picture = drawing(pareto(study, colours), "pareto", "Quality and leakage of each trial against held-out loss")
    rows = ([baseline] if baseline is not None else []) + rest
    table = _table(rows, baseline)
    return Section(
        "front",
        "The front",
        lead,
        (
            Plate("pareto", "Three aims at once", f"{reading}.", caption, picture),
            Plate("best", "The best trials", "Each beside the default recipe.", "", table=table),
        ),
    )


def _settings(study: Document, judged: list[Document]) -> Section:
    lead = "What each trial was, and how it did."
    if len(judged) < 2:
        return Section("settings", "Settings", lead, left_out="fewer than two trials have a result")
    with painted() as colours:
        picture = drawing(parallel(study, colours), "parallel", "Settings and objectives of each trial")
    table = Table(
        ("setting", "values", "why"),
        [(row["name"].replace("_", " "), row["values"], row["why"]) for row in study["searched"]],
    )
    return Section(
        "settings",
        "Settings",
        lead,
        (
            Plate(
                "parallel",
                "Every trial as a line",
                "Coloured: trials on the front; dashed: the default recipe.",
                "Continuous settings run from the smallest to the largest value tried, logarithmically where that is "
                "more than a factor of twenty.",
                picture,
            ),
            Plate("space", "What was searched", "", "", table=table),
        ),
    )


def _importances(study: Document) -> Section:
    lead = "Which settings made the difference between trials."
    if "left_out" in study["importances"]:
        return Section("importances", "Importances", lead, left_out=f"{study['importances']['left_out']}.")
    with painted() as colours:
        picture = drawing(shares(study, colours), "shares", "Share of variance explained by each setting")
    name, found = next(iter(study["importances"].items()))
    first = max(found, key=lambda setting: found[setting])
    reading = f"Most of the {name.replace('_', ' ')} follows {first.replace('_', ' ')} ({100 * found[first]:.0f} %)."
    return Section(
        "importances",
        "Importances",
        lead,
        (
            Plate(
                "shares",
                "Share of the variance over trials",
                reading,
                "Functional ANOVA (Hutter et al. 2014) of a random forest over the trials; with few trials a guess.",
                picture,
            ),
        ),
    )


def _all(study: Document, baseline: Document | None) -> Section:
    return Section(
        "all",
        "All trials",
        "In the order they were asked, those without a result included.",
        (Plate("trials", "", "", "", table=_table(study["trials"], baseline)),) if study["trials"] else (),
        left_out="" if study["trials"] else "there is none yet",
    )


def _table(trials: list[Document], baseline: Document | None) -> Table:
    rows = []
    for trial in trials:
        number = f"{trial['number']}{' ★' if trial['pareto'] else ''}"
        what = "the default recipe" if trial["baseline"] else _words(changes(trial, baseline))
        if trial["values"] is None:
            rows.append((number, "–", "–", "–", f"{what}: {trial['error'] or 'no result'}"))
            continue
        scores = trial["scores"]
        rows.append(
            (
                number,
                f"{trial['values']['held_out_loss']:.2f}",
                _interval(scores["quality"]),
                _interval(scores["leakage"]),
                what,
            )
        )
    return Table(
        ("trial", "held-out loss", "quality", "leakage", "unlike the default"), rows, numbers=frozenset({0, 1, 2, 3})
    )


def _interval(score: dict[str, Any]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"


def _words(settings: dict[str, Any]) -> str:
    parts = [
        f"{name.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else 'none' if value is None else value}"
        for name, value in settings.items()
    ]
    return ", ".join(parts) or "nothing"
