"""Figures in words: names of what is compared, shares, intervals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

#: Representations by their names in `metrics.json`; the rest is spelled out by `representation`.
_REPRESENTATIONS: Final = {
    "latents": "Latents of this model",
    "hardness_ratios_4d": "Four hardness ratios",
    "supervised_2d": "Plane taught the classes",
    "shuffled_labels": "Shuffled labels (chance)",
}
_INPUTS: Final = {"asinh": "encoder input", "unfolded_over_max": "unfolded / max", "net_fraction": "net fraction"}
#: Figures from here on are written without decimals.
_GREAT: Final = 100.0
_METHODS: Final = {"pca": "PCA", "nmf": "NMF", "umap": "UMAP"}


def representation(name: str) -> str:
    """Name of a representation for people: ``pca_asinh_2d`` is "PCA-2, encoder input"."""
    if name in _REPRESENTATIONS:
        return _REPRESENTATIONS[name]
    found = re.fullmatch(r"([a-z]+)_(\w+)_(\d+)d", name)
    if found is None or found[1] not in _METHODS:
        return name.replace("_", " ")
    return f"{_METHODS[found[1]]}-{found[3]}, {_INPUTS.get(found[2], found[2].replace('_', ' '))}"


def null(name: str) -> str:
    """Name of a null of the fit for people."""
    return {"model": "this model"}.get(name, name.replace("_", " "))


def counts_range(name: str) -> str:
    """Write a range of counts, ``1000-10000`` or ``above 10000``, for people."""
    return re.sub(r"\d{4,}", lambda found: f"{int(found[0]):,}", name).replace("-", "–")


def number(value: Any) -> float:
    """Return a figure, NaN where there is none."""
    return float("nan") if value is None else float(value)


def text(value: Any, form: str = ".2f", *, unit: str = "") -> str:
    """Write a figure with a true minus; a dash where there is none."""
    value = number(value)
    sign, rest = (form[0], form[1:]) if form[0] in "+-" else ("", form)
    rest = ",.0f" if abs(value) >= _GREAT else rest
    # z: what is written as zero has no minus
    return f"{value:{sign}z{rest}}{unit}".replace("-", "−") if np.isfinite(value) else "–"


def share(value: Any, digits: int = 0) -> str:
    """Write a share in per cent."""
    return text(100 * number(value), f".{digits}f", unit=" %")


def between(value: Any, low: Any, high: Any, form: str = ".2f", *, factor: float = 1.0, unit: str = "") -> str:
    """Write a figure with its interval: "0.43 (0.39–0.46)"."""
    value, low, high = (factor * number(part) for part in (value, low, high))
    if not (np.isfinite(low) and np.isfinite(high)):
        return text(value, form, unit=unit)
    dash = " to " if low < 0 or form.startswith("+") else "–"
    return f"{text(value, form)} ({text(low, form)}{dash}{text(high, form)}){unit}"


def scored(score: Mapping[str, Any], form: str = ".2f", *, factor: float = 1.0, unit: str = "") -> str:
    """Write a figure given as `value`, `low`, `high`."""
    return between(score.get("value"), score.get("low"), score.get("high"), form, factor=factor, unit=unit)


def left_out(figures: Mapping[str, Any] | None) -> str:
    """Why a part is missing; empty where it is there."""
    if figures is None:
        return "this evaluation did not ask for it."
    reason = figures.get("left_out", "")
    return reason if isinstance(reason, str) else ""


def joined(names: list[str]) -> str:
    """Write a list: "a, b and c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""
