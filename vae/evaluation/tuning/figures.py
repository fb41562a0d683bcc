"""The plots of a study's report; each is a function of the document that `study.json` holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vae.evaluation.report.plots import BELOW, LEFT, WIDTH, canvas, key, panel, panels
from vae.evaluation.report.style import TICK
from vae.evaluation.tuning.results import Document
from vae.palette import Palette

#: What the objectives are called on a page; the second depends on the store.
LABELS: Final = {
    "held_out_loss": "Held-out loss (nats)",
    "quality": "Latent quality",
    "leakage": "Leakage (R²)",
}
_ROW: Final = 22.0


def pareto(study: Document, colours: Palette) -> Figure:
    """Draw quality and leakage against held-out loss: every trial, the best ones with intervals, and the baseline."""
    figure = canvas(26.0 + 260.0 + BELOW)
    pair = panels(figure, 2, top=26.0, height=260.0, left=LEFT + 12.0, gap=76.0)
    for axes, name in zip(pair, ("quality", "leakage"), strict=True):
        for trial in _judged(study):
            x, y = trial["values"]["held_out_loss"], trial["values"][name]
            best = trial["pareto"]
            colour = colours["model" if best else "text-3"]
            score = trial["scores"][name]
            if best or trial["baseline"]:
                axes.plot([x, x], [score["low"], score["high"]], color=colour, linewidth=1.5, alpha=0.6)
            axes.plot(x, y, "o", color=colour, markersize=7 if best else 5, zorder=4 if best else 3)
            if trial["baseline"]:
                axes.plot(x, y, "o", markersize=13, markerfacecolor="none", markeredgecolor=colours["text"], zorder=5)
            if best:
                axes.annotate(
                    str(trial["number"]),
                    (x, y),
                    (7, 5),
                    textcoords="offset points",
                    size=TICK,
                    color=colours["text-2"],
                )
        axes.set(xlabel=LABELS["held_out_loss"], ylabel=_label(study, name))
        axes.xaxis.set_major_locator(MaxNLocator(5, prune="upper"))  # the last number would not fit
        axes.margins(0.12)
        if name == "leakage":
            axes.set_ylim(bottom=0.0, top=max(axes.get_ylim()[1], 0.02))
    key(pair[0], colours, _key(colours))
    return figure


def parallel(study: Document, colours: Palette) -> Figure:
    """Draw one line a trial through all settings and objectives, each on an axis of its own."""
    trials = _judged(study)
    names = [row["name"] for row in study["searched"]]
    axes_names = [*names, *LABELS]
    figure = canvas(74.0 + 260.0 + 8.0)
    axes = panel(figure, 40.0, 74.0, WIDTH - 100.0, 260.0)
    axes.set(xlim=(0, len(axes_names) - 1), ylim=(-0.05, 1.05), xticks=[], yticks=[])
    axes.grid(visible=False)
    columns = []
    for place, name in enumerate(axes_names):
        values = [trial["values"][name] if name in LABELS else trial["settings"].get(name) for trial in trials]
        heights, ends = _scaled(values)
        columns.append(heights)
        axes.axvline(place, color=colours["line"], linewidth=1.0, zorder=1)
        label = LABELS[name].split(" (")[0] if name in LABELS else name.replace("_", " ")
        axes.annotate(
            label,
            (place, 1.05),
            (2, 5),
            xycoords="data",
            textcoords="offset points",
            rotation=32,
            ha="left",
            va="bottom",
            size=TICK,
            color=colours["text" if name in LABELS else "text-2"],
        )
        for height, text in ends:
            axes.annotate(
                text,
                (place, height),
                (3, 0),
                textcoords="offset points",
                va="center",
                size=TICK - 1,
                color=colours["text-2"],
                bbox={"facecolor": colours["panel"], "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
                zorder=6,
            )
    lines = np.array(columns).T
    for trial, heights in sorted(zip(trials, lines, strict=True), key=lambda pair: _rank(pair[0])):
        style: dict[str, Any] = {"color": colours["text-3"], "linewidth": 1.0, "alpha": 0.45, "zorder": 2}
        if trial["pareto"]:
            style = {"color": colours["model"], "linewidth": 1.75, "alpha": 0.9, "zorder": 3}
        if trial["baseline"]:
            style = {"color": colours["text"], "linewidth": 1.75, "linestyle": (0, (4, 2)), "zorder": 4}
        axes.plot(range(len(axes_names)), heights, **style)
    return figure


def shares(study: Document, colours: Palette) -> Figure:
    """Draw how much of each objective's variance over the trials each setting explains."""
    names = [row["name"] for row in study["searched"]]
    height = _ROW * len(names)
    figure = canvas(28.0 + height + BELOW)
    found_of = study["importances"]
    trio = panels(figure, len(found_of), top=28.0, height=height, left=150.0, gap=22.0)
    for axes, (name, found) in zip(trio, found_of.items(), strict=True):
        axes.barh(range(len(names)), [found.get(row, 0.0) for row in names], height=0.55, color=colours["model"])
        axes.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xlabel="Share of variance")
        axes.set_title(LABELS[name].split(" (")[0], loc="left", size=TICK + 1, color=colours["text"])
        axes.set_yticks(range(len(names)), [row.replace("_", " ") for row in names] if axes is trio[0] else [])
        axes.set_xticks([0, 0.5, 1.0], ["0", "0.5", "1"])
        axes.grid(axis="y", visible=False)
    return figure


def _judged(study: Document) -> list[Document]:
    return [trial for trial in study["trials"] if trial["values"]]


def _rank(trial: Document) -> tuple[bool, bool]:
    return trial["baseline"], trial["pareto"]


def _label(study: Document, name: str) -> str:
    if name == "quality":
        kind = next((trial["scores"]["quality"]["is"] for trial in _judged(study)), LABELS[name])
        return "Shared neighbours" if kind.startswith("neighbours") else str(kind)
    return LABELS[name]


def _key(colours: Palette) -> Sequence[tuple[str, dict[str, Any]]]:
    dot = {"marker": "o", "linestyle": "none"}
    return [
        ("beaten by none in everything", {**dot, "color": colours["model"], "markersize": 7}),
        ("other trials", {**dot, "color": colours["text-3"], "markersize": 5}),
        (
            "default recipe",
            {**dot, "markersize": 11, "markerfacecolor": "none", "markeredgecolor": colours["text"]},
        ),
    ]


def _scaled(values: Sequence[Any]) -> tuple[list[float], list[tuple[float, str]]]:
    """Heights of values on an axis from 0 to 1, and what to write where; names stand in the order of the table."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if numbers and len(set(values)) > 5:
        plain = np.array(values, float)
        logarithmic = plain.min() > 0 and plain.max() / plain.min() > 20
        scaled = np.log(plain) if logarithmic else plain
        span = np.ptp(scaled) or 1.0
        heights = (scaled - scaled.min()) / span
        return heights.tolist(), [(0.0, _short(float(plain.min()))), (1.0, _short(float(plain.max())))]
    order = sorted(set(values), key=lambda value: (value is None, isinstance(value, str), value or 0))
    places = {value: index / max(len(order) - 1, 1) for index, value in enumerate(order)}
    return [places[value] for value in values], [(places[v], "none" if v is None else _short(v)) for v in order]


def _short(value: Any) -> str:
    text = f"{value:,.0f}" if isinstance(value, float) and value >= 1000 else str(value)
    if isinstance(value, float) and value < 1000:
        text = f"{value:.3g}"
    return text.replace("gaussian, ", "").replace("_", " ")
