"""Isolated neutron stars and tidal disruptions, both soft and thermal, can be told apart at 1000 counts."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from vae.simulate import instrument
from vae.simulate.kinds import compact, extragalactic
from vae.simulate.kinds.recipe import TimeLine
from vae.simulate.spectral_model import photon_flux

N_SOURCES = 500
COUNTS = 1000.0


@pytest.fixture(scope="module")
def rates() -> NDArray[np.float64]:
    """Count rates of two visits each, disruptions first, through one response and filter on axis."""
    rng = np.random.default_rng(1)
    out = []
    for draw, span in ((extragalactic.tidal_disruption, 2000.0), (compact.thermal_neutron_star, 0.0)):
        share = np.sort(rng.uniform(0.02, 0.98, (N_SOURCES, 2)), axis=1)
        days = 5.0 * (2000.0 / 5.0) ** share
        nh = 0.025 * 10 ** rng.normal(0.0, 0.2, N_SOURCES)
        line = TimeLine(np.repeat(np.arange(N_SOURCES), 2), N_SOURCES, days.ravel(), span, nh)
        photons = photon_flux(draw(rng, line))
        same = np.zeros(len(photons), np.int64)
        out.append(instrument.fold(photons, same, same, same.astype(np.int32)).reshape(N_SOURCES, 2, -1))
    return np.concatenate(out).astype(np.float64)


def bands(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Square roots of counts in bands of four bins below 2 keV: even errors."""
    return np.sqrt(np.add.reduceat(counts, np.arange(0, 80, 4), axis=-1))


def area_under_curve(features: NDArray[np.float64], *, boosted: bool) -> float:
    is_disruption = np.repeat([1, 0], N_SOURCES)
    classifier = HistGradientBoostingClassifier(max_iter=60) if boosted else LogisticRegression(max_iter=3000, C=0.03)
    return float(cross_val_score(classifier, features, is_disruption, scoring="roc_auc", cv=3).mean())


def test_one_spectrum_tells_most_of_them_apart(rates: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(2)
    one = rates[:, 0]
    counts = rng.poisson(COUNTS * one / one.sum(axis=1, keepdims=True))
    assert area_under_curve(bands(counts), boosted=False) > 0.8
    # The labels are not given away by the number of counts.
    total = counts.sum(axis=1, keepdims=True)
    assert area_under_curve(total.astype(np.float64), boosted=False) == pytest.approx(0.5, abs=0.06)


def test_two_visits_tell_nearly_all(rates: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(3)
    brighter = rates.sum(axis=2).max(axis=1)
    counts = rng.poisson(COUNTS * rates / brighter[:, None, None])
    net = counts.sum(axis=2)
    faded = np.log10((net[:, 1] + 1.0) / (net[:, 0] + 1.0))
    shapes = bands(counts) / np.sqrt(net + 1.0)[:, :, None]
    features = np.column_stack([bands(counts[:, 0]), shapes[:, 1] - shapes[:, 0], faded])
    assert area_under_curve(features, boosted=True) > 0.97
