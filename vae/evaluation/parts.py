"""The parts of an evaluation, each from an atlas to figures and to what its plots need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.atlas import Atlas
from vae.errors import ExplorerError
from vae.evaluation.bright import bright_spectra
from vae.evaluation.ceiling import supervised_embedding
from vae.evaluation.classes import BAND, ClassSample, class_sample, class_tests
from vae.evaluation.fidelity import fidelity
from vae.evaluation.goodness import LEAST_NET, goodness
from vae.evaluation.invariance import invariance
from vae.evaluation.landscape import decoded_cells, landscape, map_limits
from vae.evaluation.leakage import leakage, nuisances
from vae.evaluation.nuisance import nuisance_shifts
from vae.evaluation.nulls import summary
from vae.evaluation.paired import Sources, draw_sources
from vae.evaluation.pulls import LEAST_HALF, pull_widths, split_exposures
from vae.evaluation.ranks import against_exact, rank_calibration, spectra_of_the_model
from vae.evaluation.reconstruct import reconstruct
from vae.evaluation.representations import hardness_ratios
from vae.evaluation.residuals import stacked, usual_groups
from vae.evaluation.retrieval import retrieval
from vae.evaluation.rows import labelled, read_rows, unseen
from vae.evaluation.units import latent_units
from vae.network import TrainedModel
from vae.spectra.store import SpectraStore

Array = NDArray[Any]
Figures = dict[str, Any]
#: What a part returns: JSON-able figures, and anything for its plots.
Found = tuple[Figures, Any]


@dataclass(frozen=True)
class Sizes:
    """How much is drawn; the intervals shrink with the square root, the time grows in proportion.

    Parameters
    ----------
    fit : int
        Spectra fitted with power laws, too.
    per_class : int
        Most spectra of a class in the class tests.
    rare, leakage, pulls : int
        Most rows of the atlas among which rare classes are looked for, whose nuisances are predicted, that are split.
    sources : int
        New sources simulated for fidelity and nuisance.
    ranks, exact : int
        Spectra made from the prior, and those of them whose exact posterior is summed.
    residuals, units, real : int
        Spectra stacked, spectra whose posteriors are summarised, and most real spectra looked at.
    umap : bool
    """

    fit: int = 3000
    per_class: int = 900
    rare: int = 150_000
    leakage: int = 10_000
    pulls: int = 4000
    sources: int = 1000
    ranks: int = 4000
    exact: int = 150
    residuals: int = 6000
    units: int = 20_000
    real: int = 60
    umap: bool = True


#: For a first look in a fraction of the time.
QUICK: Final = Sizes(
    fit=400,
    per_class=150,
    rare=20_000,
    leakage=2000,
    pulls=600,
    sources=150,
    ranks=600,
    exact=0,
    residuals=1000,
    units=2000,
    real=20,
    umap=False,
)
#: Where templates are drawn [keV].
TEMPLATE_ENERGIES: Final = np.geomspace(0.3, 10.0, 160)


@dataclass(frozen=True)
class Inputs:
    """What is evaluated.

    Parameters
    ----------
    atlas, store : Atlas, SpectraStore
        The same folder, opened twice.
    sizes : Sizes
    seed : int
    real : SpectraStore, optional
        Real spectra, encoded here.
    models : sequence of (str, TrainedModel)
        Other models to be compared on the atlas's spectra.
    """

    atlas: Atlas
    store: SpectraStore
    sizes: Sizes = field(default_factory=Sizes)
    seed: int = 0
    real: SpectraStore | None = None
    models: Sequence[tuple[str, TrainedModel]] = ()

    @property
    def model(self) -> TrainedModel:
        """The model that the atlas was made with."""
        return self.atlas.model

    @cached_property
    def fresh(self) -> NDArray[np.bool_]:
        """Rows that the model was not trained on."""
        return unseen(self.store, self.model)[0]

    @cached_property
    def labels(self) -> NDArray[np.str_]:
        """Class of each row, "" where none is known."""
        return labelled(self.atlas.catalogue, simulated=self.atlas.simulated).labels

    @cached_property
    def net(self) -> Array:
        """Net counts of each row."""
        return self.atlas.catalogue["net_counts"].to_numpy(np.float64)

    @cached_property
    def source_id(self) -> NDArray[np.int64]:
        """Source of each row."""
        return np.asarray(self.atlas.catalogue["source_id"].to_numpy())

    @cached_property
    def sources(self) -> Sources:
        """New simulated sources, shared by the parts that need the truth."""
        return draw_sources(self.sizes.sources, self.seed)

    def draw(self, mask: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
        """At most so many of the rows of a mask, at random, ascending.

        Raises
        ------
        ExplorerError
            When there are none.
        """
        rows = np.flatnonzero(mask)
        if not rows.size:
            raise ExplorerError("no spectrum of sources that the model was not trained on has counts enough")
        if rows.size > most:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, most, replace=False))
        return rows


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
    band = (inputs.net > BAND[0]) & (inputs.net <= BAND[1]) & (inputs.labels != "")
    others = band & ~np.isin(inputs.source_id, sample.source_id) & np.isin(inputs.labels, sample.split.classes)
    rows = inputs.draw(others, 20 * inputs.sizes.per_class)
    block = read_rows(inputs.store, rows)
    updates = 1500 if inputs.sizes.umap else 300
    return supervised_embedding(
        block, inputs.labels[rows], inputs.source_id[rows], sample.test, updates=updates, seed=inputs.seed
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
    """Split exposures; ranks of positions drawn from the prior; exact posteriors."""
    figures: Figures = {}
    plots: dict[str, Any] = {}
    try:
        rows = inputs.draw(inputs.fresh & (inputs.net > 2 * LEAST_HALF), inputs.sizes.pulls)
        halves = split_exposures(inputs.model, read_rows(inputs.store, rows), seed=inputs.seed)
        figures["split_exposure"], plots["split_exposure"] = pull_widths(
            halves, inputs.source_id[rows], seed=inputs.seed
        )
    except ExplorerError as error:
        figures["split_exposure"] = {"left_out": str(error)}
    lenders = read_rows(inputs.store, inputs.draw(inputs.net > LEAST_NET, 2000), area=True)
    redistribution, seed = inputs.store.redistribution, inputs.seed
    known = spectra_of_the_model(
        inputs.model, lenders, redistribution, inputs.atlas.latent_dim, n=inputs.sizes.ranks, seed=seed
    )
    figures["ranks"], plots["ranks"] = rank_calibration(inputs.model, known, seed=seed)
    if not inputs.sizes.exact:
        figures["exact"] = {"left_out": "not asked for in a quick evaluation"}
    else:
        few = np.arange(inputs.sizes.exact)
        block = type(known.block)(**{name: values[few] for name, values in vars(known.block).items()})
        figures["exact"], plots["exact"] = against_exact(
            inputs.model, block, redistribution, at=known.z[few], seed=seed
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
)


def compute(part: Part, inputs: Inputs) -> tuple[Mapping[str, Figures], Any]:
    """Compute a part: its figures by key, and what its plots need; a part that cannot be had says why in each."""
    try:
        figures, plots = part.compute(inputs)
    except ExplorerError as error:
        return {key: {"left_out": str(error)} for key in part.keys}, None
    return ({part.keys[0]: figures} if len(part.keys) == 1 else figures), plots
