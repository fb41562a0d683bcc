"""The same simulated source seen through chosen instruments: what no archive can show.

New sources of the simulated population, hence never trained on; each can be folded through any setup, as it is expected
or as Poisson counts, always by the simulator's own instrument.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import ExplorerError
from vae.simulate import instrument
from vae.simulate.detections import plan_batch
from vae.simulate.observe import expose
from vae.simulate.population import KINDS
from vae.simulate.spectral_model import photon_flux
from vae.spectra.store import Block

Array = NDArray[Any]

#: Sources planned for each that is asked for: a few have no visit bright enough.
_SPARE: Final = 1.3
#: Share of the observations in extended full frame, as in the simulated archive.
_EXTENDED_SHARE: Final = 0.25
#: Seed of the background's levels: the same observation keeps them through every setup.
_BACKGROUND_SEED: Final = 20251122


@dataclass(frozen=True)
class Setups:
    """How n spectra are taken; every array has shape (n,).

    Parameters
    ----------
    filter_index : array of int64
        Index into `vae.simulate.instrument.FILTERS`.
    offaxis_arcmin : array
    response_index : array of int32
        Index into `vae.simulate.instrument.RESPONSE_NAMES`.
    exposure_s : array
        [s]
    area_scale : array
        Share of the light that the source region holds.
    backscal, background_ratio : array
        BACKSCAL of the source region, and this over that of the background region.
    background_factor : array
        Times the background that the observation would have.
    """

    filter_index: Array
    offaxis_arcmin: Array
    response_index: Array
    exposure_s: Array
    area_scale: Array
    backscal: Array
    background_ratio: Array
    background_factor: Array

    def __len__(self) -> int:
        return len(self.filter_index)

    def part(self, rows: ArrayLike) -> Setups:
        """Return some of them."""
        return Setups(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def changed(self, **values: ArrayLike) -> Setups:
        """Return the same setups with other values of some fields, one for all rows or one a row."""
        arrays = {
            name: np.broadcast_to(np.asarray(value, getattr(self, name).dtype), (len(self),)).copy()
            for name, value in values.items()
        }
        return replace(self, **arrays)


@dataclass(frozen=True)
class Sources:
    """New sources, and how the simulated archive would have seen one detection of each.

    Parameters
    ----------
    photons : array of float32, shape (n, n_fine)
        True photon spectra, any unit a bin of `vae.simulate.spectral_model.FINE_EDGES`.
    true_class : array of str, shape (n,)
    setups : Setups
    """

    photons: NDArray[np.float32]
    true_class: NDArray[np.str_]
    setups: Setups

    def __len__(self) -> int:
        return len(self.photons)


def log_uniform(rng: np.random.Generator, limits: tuple[float, float], n: int) -> Array:
    """Draw values evenly in the logarithm, shape (n,)."""
    return np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]), n))


def draw_sources(n: int, seed: int) -> Sources:
    """Draw sources in their natural mix, each with the model and the setup of one of its detections.

    Parameters
    ----------
    n : int
    seed : int

    Raises
    ------
    ExplorerError
        When n is not positive.
    """
    if n < 1:
        raise ExplorerError(f"{n} sources cannot be drawn", todo="Ask for one or more")
    rng = np.random.default_rng(seed)
    plan = plan_batch(rng, int(_SPARE * n) + 20, showpieces=False)
    order = rng.permutation(len(plan.models))
    rows = order[np.unique(plan.schedule.source[order], return_index=True)[1]]
    rows = rng.permutation(rows)[:n]
    schedule = plan.schedule.rows(np.isin(np.arange(len(plan.models)), rows))
    rows = np.sort(rows)
    photons = photon_flux(plan.models[rows])
    filter_index, offaxis = schedule.filter_index, schedule.offaxis_arcmin
    mode = (rng.random(len(rows)) < _EXTENDED_SHARE).astype(np.int64)
    across = np.abs(np.sin(rng.uniform(0.0, 2.0 * np.pi, len(rows))))
    response = instrument.response_index(schedule.mjd_start, mode, offaxis * across)
    density = instrument.background_rates(rng, np.arange(len(rows)), filter_index, offaxis).sum(axis=1)
    target = plan.sources.target_counts[schedule.source]
    light = target / (instrument.enclosed(instrument.RADIUS, offaxis) * schedule.exposure_s)
    area_scale, backscal, background_backscal = instrument.draw_regions(rng, light, density, offaxis)
    setups = Setups(
        filter_index=filter_index,
        offaxis_arcmin=offaxis,
        response_index=response,
        exposure_s=schedule.exposure_s,
        area_scale=area_scale,
        backscal=backscal,
        background_ratio=backscal / background_backscal,
        background_factor=np.ones(len(rows)),
    )
    names = np.array([kind.true_class for kind in KINDS])
    return Sources(photons, names[plan.sources.kind[schedule.source]], setups)


def source_rates(photons: NDArray[np.float32], setups: Setups) -> Array:
    """Fold true spectra through setups: expected source counts a second at amplitude 1, shape (n, 238)."""
    offaxis = instrument.offaxis_index(setups.offaxis_arcmin)
    response = np.asarray(setups.response_index, np.int32)
    rate = instrument.fold(photons, setups.filter_index, offaxis, response)
    return np.asarray(rate * setups.area_scale[:, None], np.float64)


def background_counts(setups: Setups) -> Array:
    """Return expected background counts in the source region, shape (n, 238)."""
    rng = np.random.default_rng(_BACKGROUND_SEED)  # the levels are the observation's, whatever filter and place
    rates = instrument.background_rates(rng, np.arange(len(setups)), setups.filter_index, setups.offaxis_arcmin)
    return np.asarray(rates * (1e-6 * setups.backscal * setups.exposure_s * setups.background_factor)[:, None])


def amplitudes(photons: NDArray[np.float32], setups: Setups, net_counts: ArrayLike) -> Array:
    """Return the amplitude at which each source expects so many counts through its setup, shape (n,)."""
    total = source_rates(photons, setups).sum(axis=1) * setups.exposure_s
    return np.asarray(net_counts, np.float64) / np.maximum(total, 1e-300)


def seen(
    photons: NDArray[np.float32], setups: Setups, amplitude: Array, rng: np.random.Generator | None = None
) -> Block:
    """Take spectra through setups.

    Parameters
    ----------
    photons : array, shape (n, n_fine)
    setups : Setups
    amplitude : array, shape (n,)
        From `amplitudes`.
    rng : Generator, optional
        Draws Poisson counts; without one the counts are the expected ones, with fractions and without noise.

    Returns
    -------
    Block
        As a store would hold them, `area` included; `vae.simulate.instrument.stored_matrices` are its matrices.
    """
    expected = source_rates(photons, setups) * (amplitude * setups.exposure_s)[:, None]
    background = background_counts(setups)
    ratio = setups.background_ratio
    counts, under = (
        (expected + background, background / ratio[:, None])
        if rng is None
        else expose(rng, expected, background, ratio)
    )
    place = setups.filter_index, instrument.offaxis_index(setups.offaxis_arcmin)
    response = np.asarray(setups.response_index, np.int32)
    scale = (setups.area_scale * setups.exposure_s)[:, None]
    return Block(
        counts=counts,
        background_counts=under,
        background_ratio=ratio.astype(np.float32),
        sensitivity=(instrument.sensitivity_table()[*place, response] * scale).astype(np.float32),
        area=(instrument.area_tables()[1][place] * setups.area_scale[:, None]).astype(np.float32),
        response_index=response.copy(),
    )
