"""Spectral models drawn from the simulated population, one detection a source, and their shapes in the detector."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.simulate import instrument
from vae.simulate.kinds.recipe import TimeLine
from vae.simulate.population import KINDS
from vae.simulate.spectral_model import MODEL_DTYPE, photon_flux
from vae.spectra import grid

Array = NDArray[Any]
#: Takes a generator and a number, returns that many spectral models.
Draw = Callable[[np.random.Generator, int], NDArray[np.void]]

_CANNED: Final = re.compile(r"epn_e(\d)_([a-z]+)\d+_sdY(\d)")
#: Rows whose fine spectra are in memory at a time.
_SLAB_ROWS: Final = 2048


def population(true_classes: Collection[str] | None = None, *, nh_galactic: float, campaigns: bool = True) -> Draw:
    """Return what draws models of the simulated population in its natural mix.

    Parameters
    ----------
    true_classes : collection of str, optional
        Classes to draw from; all if not given.
    nh_galactic : float
        Galactic column of every source [1e22 cm-2].
    campaigns : bool
        With the targets of campaigns (at random times of theirs), or without.
    """
    kinds = [
        kind
        for kind in KINDS
        if (campaigns or not kind.span_days) and (true_classes is None or kind.true_class in true_classes)
    ]
    shares = np.array([kind.share for kind in kinds])

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.void]:
        models = np.zeros(n, MODEL_DTYPE)
        which = rng.choice(len(kinds), n, p=shares / shares.sum())
        for index, kind in enumerate(kinds):
            rows = np.flatnonzero(which == index)
            if rows.size:
                days = kind.span_days * rng.random(rows.size)
                column = np.full(rows.size, nh_galactic)
                line = TimeLine(np.arange(rows.size), rows.size, days, kind.span_days, nh_galactic=column)
                models[rows] = kind.draw(rng, line)
        return models

    return draw


def folded(models: NDArray[np.void], filter_index: Array, offaxis_arcmin: Array, response_index: Array) -> Array:
    """Count shapes of models through the simulator's instrument, each summing to 1.

    Parameters
    ----------
    models : record array of `MODEL_DTYPE`, shape (n,)
    filter_index, response_index : array of int, shape (n,)
        Index into `vae.simulate.instrument.FILTERS` and `RESPONSE_NAMES`.
    offaxis_arcmin : array, shape (n,)

    Returns
    -------
    array of float64, shape (n, 238)
    """
    offaxis = instrument.offaxis_index(offaxis_arcmin)
    response = np.asarray(response_index, np.int32)
    rate = np.empty((len(models), grid.N_BINS))
    for start in range(0, len(models), _SLAB_ROWS):
        slab = slice(start, start + _SLAB_ROWS)
        rate[slab] = instrument.fold(photon_flux(models[slab]), filter_index[slab], offaxis[slab], response[slab])
    return rate / rate.sum(axis=1, keepdims=True)


def is_canned(name: str) -> bool:
    """Whether a response has the name of a canned matrix, such as ``epn_e3_ff20_sdY6_v19.0.rmf``."""
    return _CANNED.search(name) is not None


def nearest_response(name: str) -> int:
    """Return the index of the simulated response nearest to a canned matrix: same mode, then period, then CCD row."""
    found = _CANNED.search(name)
    if found is None:
        raise ExplorerError("not the name of a canned matrix", where=name)
    period, mode, row = int(found[1]), found[2], int(found[3])
    candidates = [_CANNED.search(other) for other in instrument.RESPONSE_NAMES]
    distances = [
        (other[2] != mode, abs(int(other[1]) - period), abs(int(other[3]) - row)) for other in candidates if other
    ]
    return distances.index(min(distances))
