"""The simulated instrument beside the real one: matrices, EBOUNDS, areas, background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vae.simulate import instrument
from vae.spectra import grid
from vae.spectra.ogip import read_rmf
from vae.spectra.ogip_types import Rmf

pytestmark = pytest.mark.realdata

#: A real matrix, and the one of ours that stands for it.
CANNED = ("rxcj2359/responses/epn_e3_ef20_sdY6_v19.0.rmf", "e3_ef20_sdY6")
NGC7793 = ("ngc7793_ulx4/PN.rmf", "e4_ff20_sdY9")
MCG6 = ("mcg6_30_15/PN_0693781201_S003_total.rmf", "e2_ff20_sdY9")
STANDIN = ("standin_response/ogip_test_xmm_pn.rmf", "e1_ff20_sdY0")


def response(name: str) -> int:
    return instrument.RESPONSE_NAMES.index(f"epn_{name}_v0.1.rmf")


def profile(rmf: Rmf, energy_kev: float) -> NDArray[np.float64]:
    """Share per keV in each channel of the photons of an energy."""
    row = int(np.searchsorted(rmf.energy_lo, energy_kev, side="right")) - 1
    return rmf.matrix[[row]].toarray()[0] / (rmf.e_max - rmf.e_min)


def fwhm_ev(rmf: Rmf, energy_kev: float) -> float:
    values, middle = profile(rmf, energy_kev), 0.5 * (rmf.e_min + rmf.e_max)
    half = 0.5 * values.max()
    above = np.flatnonzero(values > half)
    ends = []
    for inside, outside in ((above[0], above[0] - 1), (above[-1], above[-1] + 1)):
        share = (half - values[inside]) / (values[outside] - values[inside])
        ends.append(middle[inside] + share * (middle[outside] - middle[inside]))
    return 1000.0 * (ends[1] - ends[0])


@pytest.mark.parametrize(("file", "name"), [CANNED, NGC7793, MCG6, STANDIN])
def test_resolution_is_that_of_real_matrices(ogip: Path, file: str, name: str) -> None:
    real, ours = read_rmf(ogip / file), instrument.native_rmf(response(name))
    energies = (0.35, 0.5, 0.6, 0.8, 1.0, 1.5, 1.8, 2.0, 3.0, 4.0, 5.0, 6.0, 6.4, 7.0, 8.0, 9.0, 10.0)
    ratio = np.array([fwhm_ev(ours, energy) / fwhm_ev(real, energy) for energy in energies])
    assert np.abs(ratio - 1.0).max() < 0.1


@pytest.mark.parametrize(("file", "name"), [CANNED, NGC7793, MCG6])
def test_whole_profiles_are_those_of_real_matrices(ogip: Path, file: str, name: str) -> None:
    real, ours = read_rmf(ogip / file), instrument.native_rmf(response(name))
    # Loss at the oxygen and silicon edges depends on more than depth: the worst energies lie just above them.
    for low, high, median, worst in ((0.3, 0.5, 0.05, 0.07), (0.5, 1.8, 0.06, 0.13), (1.84, 11.0, 0.06, 0.16)):
        rows = np.flatnonzero((ours.energy_lo >= low) & (ours.energy_hi <= high))[::7]
        distance = np.abs(ours.binned[:, rows] - real.binned[:, rows]).sum(axis=0)
        assert np.median(distance) < median
        assert distance.max() < worst


def test_ebounds_are_the_real_ones(ogip: Path) -> None:
    real = read_rmf(ogip / CANNED[0])
    assert np.abs(instrument.channel_edges()[:-1] - real.e_min).max() < 0.0006
    member = grid.channel_membership(real.e_min, real.e_max)
    ours = instrument.native_rmf(0).membership
    assert np.mean(member != ours) < 0.02
