"""Several trained models on the same held-out spectra: what each setting buys, and what only the seed changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.evaluation.classes import ClassSample, class_sample
from vae.evaluation.encoding import encoded
from vae.evaluation.nulls import summary
from vae.evaluation.probe import linear_probe
from vae.evaluation.pulls import pull_widths, split_exposures
from vae.evaluation.reconstruct import reconstruct
from vae.evaluation.representations import baselines
from vae.evaluation.rows import read_rows, take, unseen
from vae.evaluation.separation import separation
from vae.evaluation.stability import agreement, halves_overlap, overlap
from vae.evaluation.units import latent_units
from vae.evaluation.variants import FIGURES, beside, changed, settings, told, variants
from vae.network.trained import TrainedModel
from vae.spectra.store import SpectraStore
from vae.training.recipes import RECIPES

#: Net counts from which on spectra are compared, and edges of the groups that C-stat z is given for.
LEAST_NET: Final = 300.0
DECADES: Final = ((300.0, 1000.0), (1000.0, 10_000.0), (10_000.0, np.inf))
#: Spectra among which neighbours are compared.
_OVERLAP_ROWS: Final = 5000

Array = NDArray[Any]


def compare_models(
    models: Sequence[tuple[str, TrainedModel]],
    store: SpectraStore,
    *,
    rows: int = 8000,
    per_class: int = 900,
    seed: int = 0,
    after_each: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Compare models on the spectra of one store that none of them was trained on.

    Parameters
    ----------
    models : sequence of (str, TrainedModel)
        Names and models; the first is what the others are compared with.
    store : SpectraStore
        Or an atlas opened as one.
    rows : int
        Most spectra above 300 net counts that are encoded.
    per_class : int
        Most spectra of a class in the tests of classes.
    seed : int
    after_each : callable, optional
        Told the name of each model once it is done.

    Returns
    -------
    dict
        `spectra`, their number; `rows`, one a model, see `_row`; `baselines`, `knn` and `probe` of descriptions
        without a network; `pairs`, models that differ in nothing but the seed, see `_pairs`; `sweeps`, lists of names
        of models that differ in nothing but seed and latent dimension; `variants`, what each setting did, see
        `vae.evaluation.variants.variants`; `left_out` where classes could not be asked for.

    Raises
    ------
    ExplorerError
        When two models have one name, or the store holds no spectrum bright enough that all models are new to.
    """
    names = [name for name, _ in models]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ExplorerError(f"several models are called {', '.join(twice)}", todo="Give each its own name")
    table = store.detections
    fresh = np.all([unseen(store, model)[0] for _, model in models], axis=0)
    chosen = np.flatnonzero(fresh & (table["net_counts"].to_numpy(np.float64) > LEAST_NET))
    if chosen.size < 2:
        raise ExplorerError("no spectra above 300 net counts that the models were not trained on", where=store.path)
    if chosen.size > rows:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, rows, replace=False))
    block = read_rows(store, chosen, area=True)
    source_id = table["source_id"].to_numpy()[chosen]
    net = table["net_counts"].to_numpy(np.float64)[chosen]
    few = np.arange(len(block)) < _OVERLAP_ROWS if len(block) > _OVERLAP_ROWS else np.ones(len(block), bool)
    out: dict[str, Any] = {"spectra": len(block), "rows": [], "baselines": {}}
    positions: dict[str, Array] = {}
    for name, model in models:
        found = reconstruct(model, block, store.redistribution)
        row = _described(name, model)
        row["cstat_z"] = {"all": summary(found.cstat_z)}
        for low, high in DECADES:
            inside = (net > low) & (net <= high)
            text = f"{low:.0f}-{high:.0f}" if np.isfinite(high) else f"above {low:.0f}"
            row["cstat_z"][text] = {"spectra": int(inside.sum()), **summary(found.cstat_z[inside])}
        row["units"] = latent_units(found.mu, found.sigma, source_id, seed=seed)
        row["pulls"] = None
        if (
            model.meta.get("training", {}).get("prior", "gaussian") == "gaussian"
        ):  # shrinkage is that of a unit Gaussian
            pulls = split_exposures(model, block, seed=seed)
            row["pulls"] = pull_widths(pulls, source_id, seed=seed)[0].get("all")
        row["halves"] = halves_overlap(model, take(block, few), source_id[few], seed=seed)
        positions[name] = found.mu[few]
        out["rows"].append(row)
        if after_each is not None:
            after_each(name)
    differences: dict[str, dict[str, float]] = {}
    try:
        sample = class_sample(store, models[0][1], per_class=per_class, seed=seed)
    except ExplorerError as error:
        out["left_out"] = str(error)
    else:
        out["classes"] = sample.about
        differences = _ask_classes(out, models, sample, seed)
    out["variants"] = variants(out["rows"], differences)
    out["pairs"] = _pairs(out["rows"], positions, source_id[few], seed)
    out["sweeps"] = _sweeps(out["rows"])
    return out


def _described(name: str, model: TrainedModel) -> dict[str, Any]:
    """Return what a model is: `name`, sizes, likelihood, recipe and what was changed of it, `seed`, held-out loss.

    `held_out` is the loss over the held-out spectra of its own training store [nats]; `data` tells which store.
    """
    training = dict(model.meta.get("training", {}))
    recipe = RECIPES.get(str(training.get("recipe")))
    changes = {
        key: value
        for key, value in training.items()
        if recipe is not None and hasattr(recipe, key) and getattr(recipe, key) != value and key != "updates"
    }
    return {
        "name": name,
        "latent_dim": model.config.latent_dim,
        "likelihood": model.likelihood,
        "network": training.get("network"),
        "parameters": model.config.n_parameters,
        "recipe": training.get("recipe"),
        "changes": changes,
        "updates": training.get("updates"),
        "seed": training.get("seed"),
        "seconds": training.get("seconds"),
        "held_out": dict(model.meta.get("metrics", {}).get("held_out_loss", {})),
        "data": str(model.meta.get("data", {}).get("content_sha256", ""))[:12],
        "settings": settings(model.config.to_dict(), training, model.meta.get("data", {}).get("content_sha256")),
    }


def _ask_classes(
    out: dict[str, Any], models: Sequence[tuple[str, TrainedModel]], sample: ClassSample, seed: int
) -> dict[str, dict[str, float]]:
    """Enter `knn` and `probe` into the rows of the models and into the baselines.

    Returned is by variant its kNN score less that of the model beside it, with the interval of the paired difference.
    """
    known, _ = baselines(sample.fitting, sample.test, umap=False, seed=seed)
    latents = {name: encoded(model, sample.test)[0] for name, model in models}
    both: dict[str, Array] = {f"model: {name}": mu for name, mu in latents.items()} | known
    first = f"model: {models[0][0]}"
    for kind, ask in (("knn", separation), ("probe", linear_probe)):
        scores = ask(both, sample.labels, sample.source_id, sample.split, against=first, seed=seed)
        for row in out["rows"]:
            row[kind] = scores[f"model: {row['name']}"]
        out["baselines"][kind] = {name: scores[name] for name in known}
    differences: dict[str, dict[str, float]] = {}
    partner = beside(out["rows"])
    for measure in sorted({name for name in partner.values() if name is not None}):
        both = {name: latents[name] for name, other in partner.items() if other == measure} | {
            measure: latents[measure]
        }
        scores = separation(both, sample.labels, sample.source_id, sample.split, against=measure, seed=seed)
        for name, score in scores.items():
            if name == measure:
                continue
            low, high = -score["difference_high"], -score["difference_low"]  # turned round: what the variant gains
            differences[name] = {"difference": -score["difference"], "low": low, "high": high}
    return differences


def _pairs(
    rows: Sequence[Mapping[str, Any]], positions: Mapping[str, Array], source_id: Array, seed: int
) -> list[dict[str, Any]]:
    """Compare every two models that differ in nothing but the seed.

    Each entry has `first`, `second`, the figures of `vae.evaluation.stability.overlap` and `agreement`, and
    `noise_floor`: the mean overlap of the halves of one exposure in the two models. Two trainings that see the same
    counts may agree better than that; worse would mean that the seed matters more than the noise.
    """
    out = []
    for one, other in combinations(rows, 2):
        if changed(one, other) or one["seed"] == other["seed"]:
            continue
        a, b = positions[one["name"]], positions[other["name"]]
        entry: dict[str, Any] = {"first": one["name"], "second": other["name"], **overlap(a, b, source_id, seed=seed)}
        entry["noise_floor"] = 0.5 * (one["halves"]["overlap"] + other["halves"]["overlap"])
        out.append(entry | agreement(a, b, seed=seed))
    return out


def _sweeps(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return groups of models of which only seed and latent dimension differ, by dimension; at least two dimensions."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        kind = sorted((name, repr(value)) for name, value in row["settings"].items() if name != "latent_dim")
        groups.setdefault(repr(kind), []).append(row)
    return [
        [str(row["name"]) for row in sorted(group, key=lambda row: int(row["latent_dim"]))]
        for group in groups.values()
        if len({row["latent_dim"] for row in group}) > 1
    ]


def markdown(comparison: Mapping[str, Any]) -> str:
    """Return the comparison as Markdown: one line a model, then the baselines, the variants, and the pairs of seeds."""
    head = "| model | d | likelihood | changes | held-out loss | C-stat z median | within 3 | kNN | probe "
    lines = [head + "| active | KL | pull width |", "|---" * 12 + "|"]
    for row in comparison["rows"]:
        changes = ", ".join(f"{key} {value}" for key, value in row["changes"].items())
        length = f"{row['updates']:,} updates" if row["updates"] else ""
        about = ", ".join(
            part for part in (str(row["network"] or ""), str(row["recipe"] or ""), length, changes) if part
        )
        z, units, pulls = row["cstat_z"]["all"], row["units"], row["pulls"]
        widths = " ".join(f"{width:.2f}" for width in pulls["width"]["value"]) if pulls else "-"
        cells = [row["name"], str(row["latent_dim"]), row["likelihood"], about]
        cells += [_number(row["held_out"].get("median"), 2), _number(z["median_z"], 2)]
        cells += [_number(z["fraction_within_3"], 3), _score(row.get("knn")), _score(row.get("probe"))]
        cells += [f"{units['active']} of {units['dimensions']}", f"{units['kl_total']:.2f}", widths]
        lines.append("| " + " | ".join(cells) + " |")
    for name, knn in comparison["baselines"].get("knn", {}).items():
        probe = comparison["baselines"]["probe"][name]
        cells = [name.replace("_", " "), *["-"] * 6, _score(knn), _score(probe), *["-"] * 3]
        lines.append("| " + " | ".join(cells) + " |")
    if comparison["variants"]:
        lines += ["", "| variant | beside | what differs | loss | good fits | kNN | pulls |", "|---" * 7 + "|"]
    for entry in comparison["variants"]:
        cells = [entry["name"], entry["beside"] or "-", told(entry["changed"])]
        cells += [_verdict(entry.get(figure), digits) for figure, digits in FIGURES.items()]
        lines.append("| " + " | ".join(cells) + " |")
    if comparison["pairs"]:
        lines += ["", "| seeds | neighbours in common | chance | halves of one exposure | positions | distances |"]
        lines.append("|---" * 6 + "|")
    for pair in comparison["pairs"]:
        shared = f"{pair['overlap']:.3f} ({pair['low']:.3f}-{pair['high']:.3f})"
        figures = ("chance", "noise_floor", "position_correlation", "distance_correlation")
        cells = [f"{pair['first']}, {pair['second']}", shared, *(f"{pair[name]:.3f}" for name in figures)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _verdict(figure: Mapping[str, Any] | None, digits: int) -> str:
    return "-" if figure is None else f"{figure['word']} ({figure['difference']:+.{digits}f})"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _score(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "-"
    return f"{score['balanced_accuracy']:.3f} ({score['low']:.3f}-{score['high']:.3f})"
