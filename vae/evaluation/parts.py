"""The parts of an evaluation, each from an atlas to figures and to what its plots need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.evaluation.bright import bright_spectra
from vae.evaluation.ceiling import supervised_embedding
from vae.evaluation.classes import ClassSample, class_sample, class_tests
from vae.evaluation.fidelity import fidelity
from vae.evaluation.goodness import LEAST_NET, goodness
from vae.evaluation.inputs import Inputs
from vae.evaluation.invariance import invariance
from vae.evaluation.landscape import decoded_cells, landscape, map_limits
from vae.evaluation.leakage import leakage, nuisances
from vae.evaluation.models_table import compare_models
from vae.evaluation.nuisance import nuisance_shifts
from vae.evaluation.nulls import summary
from vae.evaluation.pulls import LEAST_HALF, pull_widths, split_exposures
from vae.evaluation.ranks import against_exact, rank_calibration, spectra_of_the_model
from vae.evaluation.reconstruct import reconstruct
from vae.evaluation.representations import hardness_ratios
from vae.evaluation.residuals import stacked, usual_groups
from vae.evaluation.retrieval import retrieval
from vae.evaluation.rows import read_rows, take
from vae.evaluation.units import latent_units

Array = NDArray[Any]
Figures = dict[str, Any]
#: What a part returns: JSON-able figures, and anything for its plots.
Found = tuple[Figures, Any]
#: The prior that the tests of sigma assume, by its name in `model.toml`.
_UNIT_GAUSSIAN: Final = "gaussian"
#: Where templates are drawn [keV].
TEMPLATE_ENERGIES: Final = np.geomspace(0.3, 10.0, 160)


def fit_part(inputs: Inputs) -> Found:
    """C-stat z against counts and class, beside the nulls."""
    return goodness(inputs.atlas, inputs.store, rows=inputs.sizes.fit, seed=inputs.seed)


def classes_part(inputs: Inputs) -> Found:
    """KNN and linear probe; in simulated archives beside a ceiling that was taught the classes."""
    store, sizes = inputs.store, inputs.sizes
    sample = class_sample(store, inputs.model, per_class=sizes.per_class, seed=inputs.seed)
    extra: dict[str, Array] = {}
    about: Figures = {}
    try:
        extra["supervised_2d"], about = _ceiling(inputs, sample)
    except ExplorerError as error:
        about = {"left_out": str(error)}
    tests = class_tests(sample, inputs.atlas.latents[sample.rows], extra=extra, umap=sizes.umap, seed=inputs.seed)
    for test in tests.values():
        test["supervised"] = about
    return dict(tests), None


def _ceiling(inputs: Inputs, sample: ClassSample) -> tuple[Array, Figures]:
    """Teach a bottleneck the classes of labelled sources outside the test."""
    elsewhere = ~np.isin(inputs.source_id, sample.source_id)
    rows = inputs.draw(elsewhere & (inputs.labels != "") & (inputs.net > LEAST_NET), inputs.sizes.taught)
    return supervised_embedding(
        read_rows(inputs.store, rows),
        inputs.labels[rows],
        inputs.source_id[rows],
        sample.test,
        classes=sample.split.classes.tolist(),
        seed=inputs.seed,
    )


def rare_part(inputs: Inputs) -> Found:
    """Rare classes found again among the nearest neighbours."""
    if not (inputs.labels != "").any():
        raise ExplorerError("no class is known for certain")
    rows = inputs.draw(inputs.fresh & (inputs.net > LEAST_NET), inputs.sizes.rare)
    known = {
        "latents": inputs.atlas.latents[rows].astype(np.float64),
        "hardness_ratios_4d": hardness_ratios(read_rows(inputs.store, rows)),
    }
    found = retrieval(known, inputs.labels[rows], inputs.source_id[rows], seed=inputs.seed)
    if not found:
        raise ExplorerError("no class is rare here: none has fewer than 1 % of the spectra and two sources")
    return {"rows": int(rows.size), "classes": found}, None


def calibration_part(inputs: Inputs) -> Found:
    """Split exposures; ranks of positions drawn from the prior; exact posteriors of those and of the archive."""
    figures: Figures = {}
    plots: dict[str, Any] = {}
    model, redistribution, seed = inputs.model, inputs.store.redistribution, inputs.seed
    tests = ("split_exposure", "ranks", "exact_known", "exact_archive")
    prior = model.meta.get("training", {}).get("prior", _UNIT_GAUSSIAN)
    if prior != _UNIT_GAUSSIAN:
        return {name: {"left_out": f"it assumes a unit Gaussian prior; this model's is {prior}"} for name in tests}, {}
    try:
        rows = inputs.draw(inputs.fresh & (inputs.net > 2 * LEAST_HALF), inputs.sizes.pulls)
        halves = split_exposures(model, read_rows(inputs.store, rows), seed=seed)
        figures["split_exposure"], plots["split_exposure"] = pull_widths(halves, inputs.source_id[rows], seed=seed)
    except ExplorerError as error:
        figures["split_exposure"] = {"left_out": str(error)}
    lenders = read_rows(inputs.store, inputs.draw(inputs.net > LEAST_NET, 2000), area=True)
    dimension = inputs.atlas.latent_dim
    known = spectra_of_the_model(model, lenders, redistribution, dimension, n=inputs.sizes.ranks, seed=seed)
    figures["ranks"], plots["ranks"] = rank_calibration(model, known, seed=seed)
    if not inputs.sizes.exact:
        return figures | {name: {"left_out": "not asked for in a quick evaluation"} for name in tests[2:]}, plots
    few = np.arange(inputs.sizes.exact)
    figures["exact_known"], plots["exact_known"] = against_exact(
        model, take(known.block, few), redistribution, at=known.z[few], seed=seed
    )
    some = np.random.default_rng(seed).permutation(len(lenders))[: inputs.sizes.exact]
    figures["exact_archive"], plots["exact_archive"] = against_exact(
        model, take(lenders, some), redistribution, seed=seed
    )
    return figures, plots


def fidelity_part(inputs: Inputs) -> Found:
    """Fidelity of decoded photon spectra to the truth."""
    return fidelity(inputs.model, sources=inputs.sources, seed=inputs.seed)


def nuisance_part(inputs: Inputs) -> Found:
    """Other circumstances, other instruments; what the latents tell of how a source was seen."""
    figures: Figures = {}
    plots: dict[str, Any] = {}
    figures["paired"], plots["paired"] = nuisance_shifts(inputs.model, sources=inputs.sources, seed=inputs.seed)
    figures["invariance"], plots["invariance"] = invariance(inputs.model, sources=inputs.sources, seed=inputs.seed)
    rows = inputs.draw(inputs.fresh & (inputs.net > LEAST_NET), inputs.sizes.leakage)
    figures["variance_shares"], _ = leakage(
        inputs.atlas.latents[rows].astype(np.float64),
        read_rows(inputs.store, rows),
        nuisances(inputs.atlas.catalogue.iloc[rows]),
        inputs.source_id[rows],
        seed=inputs.seed,
    )
    return figures, plots


def residuals_part(inputs: Inputs) -> Found:
    """Residuals of many spectra stacked against energy."""
    rows = inputs.draw(inputs.fresh & (inputs.net > LEAST_NET), inputs.sizes.residuals)
    block = read_rows(inputs.store, rows, area=True)
    found = reconstruct(inputs.model, block, inputs.store.redistribution)
    groups = usual_groups(inputs.net[rows], inputs.labels[rows], block.response_index, inputs.store.responses)
    figures, arrays = stacked(block, found.expected, groups)
    return figures, arrays | {"names": list(figures)}


def units_part(inputs: Inputs) -> Found:
    """Activity of the latent axes; where classes and decoded spectra lie; what the decoder is built from."""
    atlas = inputs.atlas
    rows = inputs.draw(inputs.fresh & (inputs.net > LEAST_NET), inputs.sizes.units)
    figures = latent_units(atlas.latents[rows], atlas.sigmas[rows], inputs.source_id[rows], seed=inputs.seed)
    view, shown = landscape(atlas, seed=inputs.seed)
    limits = map_limits(view.positions)
    built = atlas.templates(TEMPLATE_ENERGIES)
    figures["templates"] = {"share_of_variance": built.share_of_variance.tolist()}
    cells = decoded_cells(atlas, view, shown, limits)
    return figures, {"view": view, "limits": limits, "cells": cells, "templates": built}


def real_part(inputs: Inputs) -> Found:
    """Real spectra one by one, beside an absorbed power law fitted to the same counts."""
    store = inputs.real if inputs.real is not None else None if inputs.atlas.simulated else inputs.store
    if store is None:
        raise ExplorerError("no real spectra were given (--real)")
    spectra, arrays = bright_spectra(
        inputs.model, store, inputs.atlas.latents, least_net=LEAST_NET, most=inputs.sizes.real, seed=inputs.seed
    )
    if not spectra:
        raise ExplorerError(f"none of the {len(store)} real spectra has more than {LEAST_NET:.0f} net counts")
    z = {name: np.array([one[name] for one in spectra]) for name in ("model_z", "fit_z", "null_z")}
    figures = {"archive": store.path.resolve().name, "rows": len(spectra)}
    figures |= {name: summary(values) for name, values in z.items()}
    return figures | {"spectra": spectra}, arrays


def models_part(inputs: Inputs) -> Found:
    """Compare the atlas's model with others, on spectra that none of them was trained on."""
    if not inputs.models:
        raise ExplorerError("no other models were given (--models)")
    mine = inputs.model.weights_sha256
    name = next((name for name, model in inputs.models if model.weights_sha256 == mine), inputs.atlas.name)
    everything = [(name, inputs.model), *(pair for pair in inputs.models if pair[1].weights_sha256 != mine)]
    return (
        compare_models(
            everything,
            inputs.store,
            rows=inputs.sizes.residuals,
            per_class=inputs.sizes.per_class,
            seed=inputs.seed,
        ),
        None,
    )


@dataclass(frozen=True)
class Part:
    """One part: what the progress bar calls it, what computes it, and the keys of its figures in `metrics.json`."""

    name: str
    compute: Callable[[Inputs], Found]
    keys: tuple[str, ...]


#: In the order of the report.
PARTS: Final = (
    Part("fit", fit_part, ("fit",)),
    Part("stacked residuals", residuals_part, ("residuals",)),
    Part("classes", classes_part, ("knn", "probe")),
    Part("rare classes", rare_part, ("rare",)),
    Part("calibration of sigma", calibration_part, ("calibration",)),
    Part("fidelity", fidelity_part, ("fidelity",)),
    Part("nuisance", nuisance_part, ("nuisance",)),
    Part("latent space", units_part, ("units",)),
    Part("real spectra", real_part, ("real",)),
    Part("other models", models_part, ("models",)),
)


def compute(part: Part, inputs: Inputs) -> tuple[Mapping[str, Figures], Any]:
    """Compute a part: its figures by key, and what its plots need; a part that cannot be had says why in each."""
    try:
        figures, plots = part.compute(inputs)
    except ExplorerError as error:
        return {key: {"left_out": str(error)} for key in part.keys}, None
    return ({part.keys[0]: figures} if len(part.keys) == 1 else figures), plots
