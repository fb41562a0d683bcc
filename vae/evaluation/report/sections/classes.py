"""Sections on classes: are they kept apart, are rare ones found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vae.evaluation.report.page import Plate, Section, Table
from vae.evaluation.report.plots import Row, class_colour_token, dots, in_legend_order
from vae.evaluation.report.style import drawing
from vae.evaluation.report.words import between, joined, left_out, number, representation
from vae.palette import Palette

_TESTS = {
    "knn": (
        "nearest neighbours",
        "given the commonest class of the {neighbours} nearest among {reference_rows:,}",
    ),
    "probe": ("a linear probe", "classified by multinomial logistic regression taught on {reference_rows:,}"),
}
#: Beside the latents, class by class.
_BESIDE = ("hardness_ratios_4d", "supervised_2d")


def classes_section(knn: Mapping[str, Any] | None, probe: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Balanced accuracy by nearest neighbours and by a linear probe, overall and class by class."""
    title = "Are classes kept apart?"
    lead = (
        "The network never sees a class. What its latents keep of them is asked of spectra of sources it was not "
        "trained on, equally many of each class, so that guessing the commonest wins nothing; bars are 95 % intervals "
        "by source."
    )
    reason = left_out(knn)
    if knn is None or reason:
        return Section("classes", title, lead, left_out=reason)
    plates = []
    for name, test in (("knn", knn), ("probe", probe)):
        if test is not None and not left_out(test):
            plates += [_overall(name, test, colours), _by_class(name, test, colours)]
    missing = dict(knn.get("left_out", {}))
    if "left_out" in knn.get("supervised", {}):
        missing["supervised_2d"] = knn["supervised"]["left_out"]
    why = "; ".join(f"{representation(name)}: {reason}" for name, reason in missing.items())
    return Section("classes", title, lead, plates, left_out=why)


def _overall(name: str, test: Mapping[str, Any], colours: Palette) -> Plate:
    scores = test["balanced_accuracy"]
    mine = scores["latents"]
    others = {key: score for key, score in scores.items() if key not in ("latents", "shuffled_labels", "supervised_2d")}
    plane = {key: score for key, score in others.items() if key.endswith("_2d")} or others
    rival = max(plane, key=lambda key: plane[key]["balanced_accuracy"])
    order = sorted(others, key=lambda key: -number(others[key]["balanced_accuracy"]))
    names = [key for key in ("supervised_2d",) if key in scores] + ["latents", *order, "shuffled_labels"]
    rows = [
        Row(
            representation(key),
            score["balanced_accuracy"],
            score["low"],
            score["high"],
            "model" if key == "latents" else "text-2",
            note=f"{score['balanced_accuracy']:.3f}",
        )
        for key in names
        if (score := scores.get(key)) is not None
    ]
    way, how = _TESTS[name]
    about = {"neighbours": test["neighbours"], "reference_rows": test["reference_rows"]}
    low, high = test["net_counts"]
    band = f"{low:.0f}–{high:.0f} net counts" if high else f"more than {low:.0f} net counts"
    difference = scores[rival]
    gain = between(difference["difference"], difference["difference_low"], difference["difference_high"], "+.3f")
    rare = test.get("too_rare", {})
    return Plate(
        f"{name}-overall",
        f"Read by {way}",
        f"The latents tell {len(test['classes'])} classes apart with a balanced accuracy of "
        f"{between(mine['balanced_accuracy'], mine['low'], mine['high'], '.3f')}; the best plane that needs no network "
        f"({representation(rival)}) reaches {difference['balanced_accuracy']:.3f}, a difference of {gain}.",
        f"{test['query_rows']:,} spectra with {band} are {how.format(**about)}, of other sources. "
        f"Labels: {test['labels']}. Asked about: {test['asked_about']}."
        + (f" Too rare for this test: {joined(sorted(rare))}." if rare else ""),
        drawing(
            dots(rows, colours, label="Balanced accuracy", marks={"chance": test["chance"]}, limits=(0.0, _top(rows))),
            f"{name}-overall",
            f"Balanced accuracy of representations, by {way}",
        ),
    )


def _by_class(name: str, test: Mapping[str, Any], colours: Palette) -> Plate:
    scores = test["balanced_accuracy"]
    planes = [key for key in scores if key.startswith("pca") and key.endswith("_2d")]
    best = max(planes, key=lambda key: scores[key]["balanced_accuracy"], default=None)
    beside = [key for key in (best, *_BESIDE) if key is not None and key in scores]
    mine = scores["latents"]["per_class"]
    rows = [
        Row(
            label,
            mine[label]["recall"],
            mine[label]["low"],
            mine[label]["high"],
            class_colour_token(label, position),
            {representation(key): scores[key]["per_class"][label]["recall"] for key in beside},
            f"{mine[label]['recall']:.2f}",
        )
        for position, label in enumerate(in_legend_order(list(mine)))
    ]
    ranked = sorted(mine, key=lambda label: -number(mine[label]["recall"]))
    return Plate(
        f"{name}-classes",
        f"Class by class, by {_TESTS[name][0]}",
        f"Best recognised is {ranked[0]}, least {ranked[-1]}.",
        "Share of a class's spectra that are given their own class. Dots and bars: the latents; open marks: baselines.",
        drawing(
            dots(rows, colours, label="Recall", limits=(0.0, 1.0), marks={"chance": test["chance"]}),
            f"{name}-classes",
            f"Recall of each class, by {_TESTS[name][0]}",
        ),
    )


def _top(rows: list[Row]) -> float:
    finite = [value for row in rows for value in (row.value, row.high) if value == value]
    return min(1.0, 1.08 * max(finite))


def rare_section(figures: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Recall of rare classes among the nearest neighbours."""
    title = "Are rare kinds found again?"
    lead = (
        "Someone who has found one odd source asks for more like it: of the others of its class, how many are among "
        "its nearest neighbours?"
    )
    if figures is None or left_out(figures):
        return Section("rare", title, lead, left_out=left_out(figures))
    classes = figures["classes"]
    rows = []
    for position, label in enumerate(in_legend_order(list(classes))):
        at = classes[label]["at"]["25"]
        latents = at["latents"]
        rows.append(
            Row(
                label,
                latents["recall"],
                latents["low"],
                latents["high"],
                class_colour_token(label, position),
                {"four hardness ratios": at["hardness_ratios_4d"]["recall"], "drawn blindly": at["chance"]},
                f"{classes[label]['rows']:,} of {classes[label]['sources']:,}",
            )
        )
    table = Table(
        ["class", *(f"{head}, k = {k}" for k in ("10", "25", "100") for head in ("latents", "hardness"))],
        [
            [label]
            + [
                f"{number(classes[label]['at'][k][key]['recall']):.3f}"
                for k in ("10", "25", "100")
                for key in ("latents", "hardness_ratios_4d")
            ]
            for label in in_legend_order(list(classes))
        ],
        frozenset(range(1, 7)),
    )
    at_25 = [entry["at"]["25"] for entry in classes.values()]
    ahead = sum(number(at["latents"]["recall"]) > number(at["hardness_ratios_4d"]["recall"]) for at in at_25)
    caption = (
        f"Neighbours are looked for among {figures['rows']:,} spectra above 300 net counts, in latents as they are; "
        "spectra of the same source do not count. At the right: spectra and sources of the class."
    )
    return Section(
        "rare",
        title,
        lead,
        [
            Plate(
                "rare-classes",
                "Retrieval among 25 neighbours",
                f"The latents find more than hardness ratios do in {ahead} of {len(classes)} rare classes.",
                caption,
                drawing(
                    dots(rows, colours, label="Recall among 25 neighbours", limits=(0.0, _top(rows)), notes_px=104.0),
                    "rare-classes",
                    "Recall of rare classes among 25 neighbours",
                ),
            ),
            Plate("rare-table", "At other depths", "", "Recall among k neighbours.", table=table),
        ],
    )
