"""Which simulated sources look most like a given spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.draws import folded
from vae.evaluation.expected import FLOOR
from vae.simulate import instrument
from vae.simulate.detections import plan_batch
from vae.simulate.population import KINDS
from vae.spectra.background import background_template, expected_background
from vae.spectra.statistics import cstat, profile_amplitude

Array = NDArray[Any]


@dataclass(frozen=True)
class Likeness:
    """Simulated shapes in order of likeness to one spectrum.

    Parameters
    ----------
    order : array of int64, shape (n,)
        Indices of the shapes, the likest first.
    divergence : array, shape (n,)
        In that order: C-stat over twice the net counts, amplitude free; for a bright spectrum the Kullback-Leibler
        divergence of its counts from the shape.
    amplitude : array, shape (n,)
        In that order: counts that each shape would have.
    """

    order: NDArray[np.int64]
    divergence: Array
    amplitude: Array


@dataclass(frozen=True)
class Candidates:
    """Simulated detections, as they would look on axis in full frame.

    Parameters
    ----------
    models : record array of `MODEL_DTYPE`, shape (n,)
    true_class : array of str, shape (n,)
    shapes : array, shape (n, 238)
        Expected counts through the simulator's instrument, each row summing to 1.
    """

    models: NDArray[np.void]
    true_class: NDArray[np.str_]
    shapes: Array


def candidates(rng: np.random.Generator, n_sources: int, *, filter_: str, mjd: float) -> Candidates:
    """Simulate the detections of a population: every class in its natural share, behind the gas of its place.

    Parameters
    ----------
    rng : Generator
    n_sources : int
        Sources; each of the showpieces and oddities is among them.
    filter_ : str
        thin, medium or thick.
    mjd : float
        Decides the period of the response.
    """
    plan = plan_batch(rng, n_sources, showpieces=True)
    kinds = plan.sources.kind[plan.schedule.source]
    filters = np.full(len(plan.models), instrument.FILTERS.index(filter_))
    responses = np.full(len(plan.models), instrument.response_index(mjd, instrument.MODES.index("ff"), 0.0))
    shapes = folded(plan.models, filters, np.zeros(len(plan.models)), responses)
    return Candidates(plan.models, np.array([kind.true_class for kind in KINDS])[kinds], shapes)


def likest(counts: Array, background_counts: Array, background_ratio: float, shapes: Array) -> Likeness:
    """Order simulated shapes by their likeness to a spectrum, in counts.

    Parameters
    ----------
    counts, background_counts : array, shape (238,)
    background_ratio : float
    shapes : array, shape (n, 238)
        Expected counts of the sources, each summing to 1, through the simulator's own instrument.
    """
    background = expected_background(background_counts, background_ratio, background_template())
    background = np.maximum(background, FLOOR)
    observed = np.broadcast_to(np.asarray(counts, np.float64), shapes.shape)
    under = np.broadcast_to(background, shapes.shape)
    amplitude = profile_amplitude(observed, shapes, under)
    net = max(float(np.sum(counts) - background_ratio * np.sum(background_counts)), 1.0)
    divergence = cstat(observed, amplitude[:, None] * shapes + under) / (2.0 * net)
    order = np.argsort(divergence, kind="stable")
    return Likeness(order, divergence[order], amplitude[order])
