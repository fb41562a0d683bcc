from pathlib import Path

import numpy as np
import pytest

from vae.simulate import instrument
from vae.simulate.kinds.recipe import blank
from vae.simulate.spectral_model import photon_flux
from vae.spectra import grid
from vae.spectra.ogip_types import Arf
from vae.spectra.response import area_on_true_grid, redistribution_on_true_grid, sensitivity


def fwhm_ev(energy_kev: float, response: int) -> float:
    edges = np.arange(0.05, 9.0, 0.001)
    profile = instrument.redistribution([energy_kev], edges, instrument.blur_of(response))[0]
    above = np.flatnonzero(profile > 0.5 * profile.max())
    return float(above[-1] - above[0] + 1)


def response(name: str) -> int:
    return instrument.RESPONSE_NAMES.index(f"epn_{name}_v0.1.rmf")


def test_resolution_spans_real_files() -> None:
    # Real files (FACTS 4): 139-195 eV at 6 keV, by CCD row and period; 254 eV at 0.35 keV.
    widths = [fwhm_ev(6.0, i) for i in range(len(instrument.RESPONSE_NAMES))]
    assert fwhm_ev(6.0, response("e1_ff20_sdY0")) == min(widths) == pytest.approx(139, abs=3)
    assert fwhm_ev(6.0, response("e4_ef20_sdY9")) == max(widths) == pytest.approx(195, abs=3)
    assert fwhm_ev(0.35, response("e4_ff20_sdY9")) == pytest.approx(254, rel=0.05)


def test_photons_are_shared_out_not_made() -> None:
    energies = np.array([0.35, 0.6, 1.0, 1.85, 3.0, 6.4, 9.0])
    wide = np.arange(-1.0, 13.0, 0.005)  # everything, the blur below 0 included
    whole = instrument.redistribution(energies, wide, instrument.Blur(28.0, 930.0, 0.0))
    assert whole.sum(axis=1) == pytest.approx(np.ones(energies.size), abs=5e-3)
    peaks = wide[whole.argmax(axis=1)]
    assert peaks == pytest.approx(energies, abs=0.03)
    binned = instrument.redistribution(energies, grid.BIN_EDGES, instrument.Blur(28.0, 930.0, 0.0))
    assert (binned >= 0).all()
    assert (binned.sum(axis=1) <= 1 + 1e-9).all()
    # Charge is lost, never gained: the mean lies at or below the photon's energy, most below at low energies.
    centres = 0.5 * (wide[1:] + wide[:-1])
    loss = energies - whole @ centres / whole.sum(axis=1)
    assert (loss > -1e-3).all()
    assert loss[0] / energies[0] > loss[4] / energies[4]


def test_vignetting_falls_outward_and_with_energy() -> None:
    assert instrument.vignetting([0.5, 8.0], 0.0) == pytest.approx([1.0, 1.0])
    at_10 = instrument.vignetting([1.2, 6.0, 8.0], 10.0)
    assert (np.diff(at_10) < 0).all()
    assert 0.5 < at_10[0] < 0.75
    outward = [float(instrument.vignetting([1.2], theta)[0]) for theta in instrument.OFFAXIS_TABLE]
    assert (np.diff(outward) < 0).all()


def test_thicker_filters_pass_less_below_one_kev() -> None:
    soft = [float(instrument.on_axis_area(f, 0.4)[0]) for f in instrument.FILTERS]
    assert soft[0] > soft[1] > soft[2]
    hard = [float(instrument.on_axis_area(f, 6.0)[0]) for f in instrument.FILTERS]
    assert max(hard) / min(hard) < 1.03


def test_response_follows_date_and_position() -> None:
    index = instrument.response_index([52e3, 55e3, 59e3, 59e3, 6e4], [0, 0, 0, 1, 0], [0.5, 0.5, 0.5, 12.0, 0.5])
    assert [instrument.RESPONSE_NAMES[i] for i in index] == [
        "epn_e1_ff20_sdY9_v0.1.rmf",
        "epn_e2_ff20_sdY9_v0.1.rmf",
        "epn_e3_ff20_sdY9_v0.1.rmf",
        "epn_e3_ef20_sdY0_v0.1.rmf",
        "epn_e4_ff20_sdY9_v0.1.rmf",
    ]
    assert instrument.blur_of(int(index[0])).k_ev2 < instrument.blur_of(int(index[2])).k_ev2


def test_ebounds_are_shifted_like_real_ones() -> None:
    edges = instrument.channel_edges()
    shift = 1000 * edges - 5.0 * np.arange(4097)
    assert shift.max() == pytest.approx(28, abs=1)
    assert np.abs(shift[500:]).max() < 0.5
    widths = 1000 * np.diff(edges)
    assert widths.min() == pytest.approx(4.84, abs=0.03)
    assert widths.max() == pytest.approx(5.37, abs=0.03)


@pytest.mark.parametrize("response", [0, 37])
def test_the_tables_are_those_of_the_files(response: int) -> None:
    rmf = instrument.native_rmf(response)
    arf = Arf(Path("a"), rmf.energy_lo, rmf.energy_hi, instrument.native_arf(1, 7).astype(np.float64))
    _, areas = instrument.area_tables()
    matrices = instrument.stored_matrices()
    assert areas[1, 7] == pytest.approx(area_on_true_grid(arf), rel=2e-7)
    assert matrices[response] == pytest.approx(redistribution_on_true_grid(rmf), abs=3e-7)
    assert instrument.sensitivity_table()[1, 7, response] == pytest.approx(sensitivity(arf, rmf, 1.0), rel=1e-6)


def test_folding_on_the_fine_grid_agrees_with_the_stored_one() -> None:
    models = blank(3)
    models["flux_powerlaw"] = [1.0, 1.0, 0.0]
    models["photon_index"] = [1.7, 2.5, 1.0]
    models["flux_blackbody"], models["kt_blackbody"] = [0.0, 0.0, 1.0], 0.1
    photons = photon_flux(models)
    filters, offaxis, response = np.array([0, 1, 0]), np.array([0, 9, 4]), np.array([0, 38, 24], np.int32)
    fine = instrument.fold(photons, filters, offaxis, response)
    _, areas = instrument.area_tables()
    matrices = instrument.stored_matrices()
    from vae.simulate.spectral_model import FINE_TO_TRUE

    for i in range(3):
        on_true = np.bincount(FINE_TO_TRUE, photons[i].astype(np.float64), grid.N_TRUE)
        coarse = matrices[response[i]] @ (areas[filters[i], offaxis[i]] * on_true)
        bright = fine[i] > 0.02 * fine[i].max()
        assert coarse[bright] == pytest.approx(fine[i][bright], rel=0.01)
        assert coarse.sum() == pytest.approx(fine[i].sum(), rel=2e-3)


def test_sensitivity_is_the_stored_response_summed() -> None:
    _, areas = instrument.area_tables()
    matrices = instrument.stored_matrices()
    direct = matrices[5].astype(np.float64) @ (areas[1, 7] * grid.TRUE_WIDTHS)
    assert instrument.sensitivity_table()[1, 7, 5] == pytest.approx(direct, rel=5e-3)  # flat over each true bin


def test_a_power_law_gives_the_rate_of_real_responses() -> None:
    # The oracle's spectrum (index 1.7, 1e-3 photon/cm2/s/keV at 1 keV) gives 2.09-2.24 counts/s in the real on-axis
    # sets that hold all of the point-spread function.
    model = blank(1)
    model["flux_powerlaw"] = 1e-3 * (10**0.3 - 0.3**0.3) / 0.3
    model["photon_index"] = 1.7
    photons = photon_flux(model)
    zero = np.zeros(1, np.int64)
    thin = instrument.fold(photons, zero, zero, np.zeros(1, np.int32)).sum()
    medium = instrument.fold(photons, zero + 1, zero, np.zeros(1, np.int32)).sum()
    assert 2.05 < medium < thin < 2.25
