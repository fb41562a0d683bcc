"""Which models differ in one thing only, and what that one thing did.

Models of unlike length or of several changes at once say nothing of a setting. Each is held against another that
differs in nothing else but the seed, and a difference counts only where it is larger than what the seed makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.training.recipes import RECIPES, Recipe

#: Differences below these are called equal whatever the seeds say: of held-out losses [nats], of the distance of the
#: width of pulls from 1, and of the share of good fits.
LEAST: Final = {"loss": 0.1, "pulls": 0.03, "fits": 0.005}
#: What variants are compared in, with the digits that its differences deserve.
FIGURES: Final = {"loss": 2, "fits": 3, "knn": 3, "pulls": 2}
#: Differences count from so many standard deviations of another seed on.
_SIGMAS: Final = 2.0
#: What `model.toml` says of a run that is no setting.
_OF_NO_ACCOUNT: Final = ("seconds", "device", "processes", "seed", "set")
#: What a recipe does where nothing is said; older models do not name settings that came later.
_OFF: Final = {field.name: field.default for field in fields(Recipe) if field.default is not MISSING}
#: Settings whose values are too long for a line.
_LONG: Final = ("sizes", "data")
#: Settings that mean nothing unless another is on.
_NEEDS: Final = {"pseudo_inputs": ("prior", "vamp"), "clusters": ("cluster", None)}
#: Parts of the network's sizes that are settings of their own.
_APART: Final = ("latent_dim", "likelihood")

Array = NDArray[Any]
Row = Mapping[str, Any]


def settings(sizes: Mapping[str, Any], training: Mapping[str, Any], data: str | None) -> dict[str, Any]:
    """Everything that decides what a model becomes, except its seed; equal where two models are of one kind.

    Parameters
    ----------
    sizes : mapping
        `NetworkConfig.to_dict()`.
    training : mapping
        The section of `model.toml`.
    data : str, optional
        Hash of the training spectra.
    """
    kept = _OFF | {key: value for key, value in training.items() if key not in _OF_NO_ACCOUNT}
    for name, (other, value) in _NEEDS.items():
        if not kept[other] or (value is not None and kept[other] != value):
            kept.pop(name)
    recipe = RECIPES.get(str(training.get("recipe")))
    if recipe is not None and int(sizes["latent_dim"]) <= 2:
        kept["awaken_at"] = recipe.awaken_at  # two dimensions do not fall asleep: nothing is awakened
    apart = {name: sizes[name] for name in _APART}
    rest = {name: value for name, value in sizes.items() if name not in _APART}
    return {**kept, **apart, "sizes": rest, "data": data}


def changed(one: Row, other: Row) -> list[str]:
    """Names of the settings in which two models differ; a named network stands for its sizes."""
    mine, its = one["settings"], other["settings"]
    names = [name for name in {**mine, **its} if mine.get(name) != its.get(name)]
    if "network" in names and "sizes" in names:
        names.remove("sizes")
    return names


def beside(rows: Sequence[Row]) -> dict[str, str | None]:
    """Return for each model that is no mere other seed the one to hold it against, if there is one.

    That is a model which differs in one setting and is nearer to the first model, if possible of the same seed.

    Parameters
    ----------
    rows : sequence of mapping
        Of `vae.evaluation.models_table.compare_models`: `name`, `seed`, `settings`. The first is the measure of what is
        usual.
    """
    far = [len(changed(row, rows[0])) for row in rows]
    out: dict[str, str | None] = {}
    for index, row in enumerate(rows):
        if any(not changed(row, earlier) for earlier in rows[:index]) or index == 0:
            continue
        near = [
            (one["seed"] != row["seed"], place)
            for place, one in enumerate(rows)
            if far[place] < far[index] and len(changed(row, one)) == 1
        ]
        out[str(row["name"])] = str(rows[min(near)[1]]["name"]) if near else None
    return out


def variants(rows: Sequence[Row], differences: Mapping[str, Row] | None = None) -> list[dict[str, Any]]:
    """Say of each variant what the one thing that it does otherwise did.

    Parameters
    ----------
    rows : sequence of mapping
        Of `compare_models`.
    differences : mapping of str to mapping, optional
        By variant its kNN score less that of the model beside it: `difference`, `low`, `high`.

    Returns
    -------
    list of dict
        `name`, `beside` (None where no model differs in one thing only), `changed` (a list of `setting`, `from`, `to`),
        and by what was looked at (`loss`, `knn`, `pulls`, `fits`) `difference`, `noise` (below which it is none) and
        `word`: better, worse or equal. What cannot be compared is missing.
    """
    named = {str(row["name"]): row for row in rows}
    spread = _spread(rows)
    out = []
    for name, other in beside(rows).items():
        row = named[name]
        against = rows[0] if other is None else named[other]
        entry: dict[str, Any] = {"name": name, "beside": other}
        entry["changed"] = [_change(setting, row, against) for setting in changed(row, against)]
        if other is not None:
            group = [one for one in rows if not changed(one, against)]
            for figure, (measure, sign) in _MEASURES.items():
                values = np.array([measure(one) for one in group])
                difference = measure(row) - float(np.mean(values[np.isfinite(values)])) if _any(values) else np.nan
                if np.isfinite(difference):
                    scatter = spread.get(figure, 0.0) * np.sqrt(1.0 + 1.0 / len(group))
                    noise = max(LEAST[figure], _SIGMAS * scatter)
                    entry[figure] = _verdict(sign * difference, noise) | {"difference": difference}
            score = (differences or {}).get(name)
            if score is not None and np.isfinite(score["difference"]):
                half = 0.5 * (float(score["high"]) - float(score["low"]))
                noise = float(np.hypot(half, _SIGMAS * spread.get("knn", 0.0) * np.sqrt(2.0)))
                entry["knn"] = _verdict(score["difference"], noise) | {"difference": score["difference"]}
        out.append(entry)
    return out


def told(changes: Sequence[Mapping[str, Any]]) -> str:
    """Write what differs in words: "latent dim 8, not 2"; of many settings only the names."""
    if len(changes) == 1 and changes[0]["setting"] not in _LONG:
        one = changes[0]
        return f"{_words(one['setting'])} {_plain(one['to'])}, not {_plain(one['from'])}"
    return ", ".join(_words(change["setting"]) for change in changes)


def _words(setting: str) -> str:
    return {"sizes": "size of the network", "data": "training spectra"}.get(setting, setting.replace("_", " "))


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    return (
        f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _verdict(gain: float, noise: float) -> dict[str, Any]:
    return {"noise": float(noise), "word": "equal" if abs(gain) < noise else "better" if gain > 0 else "worse"}


def _change(setting: str, row: Row, against: Row) -> dict[str, Any]:
    return {"setting": setting, "from": against["settings"].get(setting), "to": row["settings"].get(setting)}


def _loss(row: Row) -> float:
    return _float(row["held_out"].get("median"))


def _pulls(row: Row) -> float:
    """Mean distance of the widths of pulls from 1."""
    if not row["pulls"]:
        return float("nan")
    return float(np.mean([abs(_float(width) - 1.0) for width in row["pulls"]["width"]["value"]]))


def _fits(row: Row) -> float:
    return _float(row["cstat_z"]["all"]["fraction_within_3"])


def _accuracy(row: Row) -> float:
    return _float((row.get("knn") or {}).get("balanced_accuracy"))


#: What is compared, and which way is better.
_MEASURES: Final[dict[str, tuple[Callable[[Row], float], float]]] = {
    "loss": (_loss, -1.0),
    "pulls": (_pulls, -1.0),
    "fits": (_fits, 1.0),
}


def _spread(rows: Sequence[Row]) -> dict[str, float]:
    """Return the standard deviation that another seed makes of each figure, over all kinds with several seeds."""
    kinds: list[list[Row]] = []
    for row in rows:
        kind = next((kind for kind in kinds if not changed(row, kind[0])), None)
        if kind is None:
            kinds.append([row])
        elif row["seed"] not in [one["seed"] for one in kind]:
            kind.append(row)
    out = {}
    for figure, measure in {**{name: both[0] for name, both in _MEASURES.items()}, "knn": _accuracy}.items():
        squares, freedom = 0.0, 0
        for kind in kinds:
            values = np.array([measure(row) for row in kind])
            values = values[np.isfinite(values)]
            if values.size > 1:
                squares, freedom = squares + float(np.sum((values - values.mean()) ** 2)), freedom + values.size - 1
        if freedom:
            out[figure] = float(np.sqrt(squares / freedom))
    return out


def _any(values: Array) -> bool:
    return bool(np.isfinite(values).any())


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
