"""One detection's spectrum, with everything the model says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae.atlas.decoded import BAND, draw
from vae.network.config import Likelihood
from vae.network.trained import TrainedModel
from vae.spectra import grid
from vae.spectra.response import unfold
from vae.spectra.statistics import cstat, cstat_moments, profile_amplitude

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A detection's spectrum beside its reconstruction. Every array has one value a bin unless said otherwise.

    Parameters
    ----------
    detection_id : int
    energy_edges : array, shape (239,)
        [keV]
    counts, background_counts : array, shape (238,)
        Counts in the source and in the background region.
    background_ratio : float
        Expected counts in the source region per count in the background region.
    expected_background : array, shape (238,)
        Expected background counts in the source region.
    sensitivity : array, shape (238,)
        [cm2 s keV]
    exposure_s : float
        Live time [s]; NaN where unknown.
    reconstruction : array, shape (238,)
        Expected total counts at the posterior mean, background included.
    predictive_lo, predictive_hi : array, shape (238,)
        5 % and 95 % quantiles of expected counts for z ~ N(mu, sigma).
    amplitude : float
        Photon flux of the decoded spectrum, 0.3-10 keV [photon/cm2/s].
    cstat, cstat_expected, cstat_sigma, cstat_z : float
        C-statistic, its expected value and standard deviation (Kaastra 2017), and the difference in units of the last.
    unfolded, unfolded_error : array, shape (238,)
        Unfolded without a model, not deconvolved [photon/cm2/s/keV]; NaN where there is no sensitivity.
    decoded : array, shape (238,)
        Amplitude times decoded shape at the bin centres [photon/cm2/s/keV].
    likelihood : {"sensitivity", "response"}
        What `decoded` is. ``response``: the photon spectrum before the detector, deconvolved by the model.
        ``sensitivity``: what unfolding by the sensitivity gives, still smeared by the redistribution.
    """

    detection_id: int
    energy_edges: Array
    counts: Array
    background_counts: Array
    background_ratio: float
    expected_background: Array
    sensitivity: Array
    exposure_s: float
    reconstruction: Array
    predictive_lo: Array
    predictive_hi: Array
    amplitude: float
    cstat: float
    cstat_expected: float
    cstat_sigma: float
    cstat_z: float
    unfolded: Array
    unfolded_error: Array
    decoded: Array
    likelihood: Likelihood


def describe(
    model: TrainedModel,
    *,
    detection_id: int,
    counts: Array,
    background_counts: Array,
    background_ratio: float,
    sensitivity: Array,
    expected_background: Array,
    exposure_s: float,
    mu: Array,
    sigma: Array,
    area: Array | None = None,
    redistribution: Array | None = None,
) -> Spectrum:
    """Decode, fold and judge one spectrum.

    Parameters
    ----------
    model : TrainedModel
    detection_id, counts, background_counts, background_ratio, sensitivity, expected_background, exposure_s
        See `Spectrum`.
    mu, sigma : array, shape (d,)
        Its posterior in latent space.
    area : array, shape (336,), optional
        Effective area on the true-energy grid [cm2]; needed, as the next, where the model's likelihood is ``response``.
    redistribution : array, shape (238, 336), optional
        Its redistribution matrix.
    """
    c, b, e = counts.astype(np.float64), background_counts.astype(np.float64), sensitivity.astype(np.float64)
    z = draw(mu, sigma)
    response = (
        {} if redistribution is None else {"area": area, "response_index": 0, "redistribution": redistribution[None]}
    )
    folded = model.fold(model.decode(z, model.energies), sensitivity=sensitivity, **response).astype(np.float64)
    shape = model.decode(mu).astype(np.float64)
    amplitudes = profile_amplitude(
        np.broadcast_to(c, folded.shape), folded, np.broadcast_to(expected_background, folded.shape)
    )
    expected = amplitudes[:, None] * folded + expected_background
    reconstruction = expected[0]
    low, high = np.quantile(expected[1:], BAND, axis=0)
    value = float(cstat(c, reconstruction))
    mean, variance = (float(moment) for moment in cstat_moments(reconstruction))
    spread = float(np.sqrt(variance))
    unfolded, error = unfold(c, b, background_ratio, e)
    return Spectrum(
        detection_id=detection_id,
        energy_edges=grid.BIN_EDGES,
        counts=counts,
        background_counts=background_counts,
        background_ratio=background_ratio,
        expected_background=expected_background,
        sensitivity=sensitivity,
        exposure_s=exposure_s,
        reconstruction=reconstruction,
        predictive_lo=low,
        predictive_hi=high,
        amplitude=float(amplitudes[0]),
        cstat=value,
        cstat_expected=mean,
        cstat_sigma=spread,
        cstat_z=(value - mean) / spread if spread > 0 else float("nan"),
        unfolded=unfolded,
        unfolded_error=error,
        decoded=amplitudes[0] * shape,
        likelihood=model.likelihood,
    )
