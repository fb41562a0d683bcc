import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from vae.simulate import components, instrument, plasma
from vae.simulate.absorption import cross_section_table
from vae.simulate.components import exponentiate, make_bins
from vae.simulate.kinds.recipe import blank
from vae.simulate.plasma import plasma_tables
from vae.simulate.spectral_model import (
    FINE_CENTRES,
    FINE_EDGES,
    FINE_TO_TRUE,
    FINE_WIDTHS,
    N_FINE,
    _compile,
    _photon_rows,
    photon_flux,
)
from vae.spectra import grid

BAND = (FINE_CENTRES > 0.3) & (FINE_CENTRES < 10)


def density(**fields: float) -> NDArray[np.float64]:
    """Photons per keV of one model."""
    model = blank(1)
    for name, value in fields.items():
        model[name] = value
    return photon_flux(model)[0].astype(np.float64) / FINE_WIDTHS


def slope(values: NDArray[np.float64], low: float, high: float) -> float:
    inside = (FINE_CENTRES > low) & (FINE_CENTRES < high)
    return float(np.polyfit(np.log(FINE_CENTRES[inside]), np.log(values[inside]), 1)[0])


def test_fine_grid_nests_in_the_stored_one_and_that_of_response_files_in_it() -> None:
    assert np.isin(grid.TRUE_EDGES, FINE_EDGES).all()
    assert np.isin(FINE_EDGES, grid.STANDARD_EDGES).all()
    assert np.bincount(FINE_TO_TRUE, FINE_WIDTHS) == pytest.approx(grid.TRUE_WIDTHS)


@pytest.mark.parametrize(
    "component",
    [
        {"flux_powerlaw": 2.0, "photon_index": 1.7},
        {"flux_blackbody": 2.0, "kt_blackbody": 0.08},
        {"flux_disc": 2.0, "kt_disc": 0.9},
        {"flux_hot": 2.0, "kt_hot": 3.0, "redshift": 0.3},
        {"flux_cool": 2.0, "kt_cool": 0.3},
        {"flux_reflection": 2.0, "photon_index": 1.8, "cutoff": 100.0},
    ],
)
def test_a_component_has_the_energy_flux_it_was_given(component: dict[str, float]) -> None:
    values = density(**component)
    in_band = np.clip(np.minimum(FINE_EDGES[1:], 10.0) - np.maximum(FINE_EDGES[:-1], 0.3), 0.0, None)
    assert np.sum(values * FINE_CENTRES * in_band) == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("index", [0.7, 1.7, 2.0, 3.5])
def test_power_law_has_the_photons_that_its_flux_demands(index: float) -> None:
    energy = (lambda e: e ** (2 - index) / (2 - index)) if index != 2 else np.log
    norm = 2.0 / (energy(10.0) - energy(0.3))  # photon/cm2/s/keV at 1 keV
    values = density(flux_powerlaw=2.0, photon_index=index)
    assert values == pytest.approx(norm * FINE_CENTRES**-index, rel=1e-3)
    # In all, between edges of bins.
    low, high = grid.TRUE_EDGES[[30, 300]]
    photons = norm * (high ** (1 - index) - low ** (1 - index)) / (1 - index)
    inside = (FINE_CENTRES > low) & (FINE_CENTRES < high)
    assert np.sum((values * FINE_WIDTHS)[inside]) == pytest.approx(photons, rel=1e-3)


def test_power_law_slope_and_cutoff() -> None:
    assert slope(density(flux_powerlaw=1, photon_index=1.7), 0.3, 10) == pytest.approx(-1.7, abs=1e-3)
    with_cutoff = density(flux_powerlaw=1, photon_index=1.7, cutoff=4.0)
    without = density(flux_powerlaw=1, photon_index=1.7)
    ratio = np.log(with_cutoff / without)
    assert np.polyfit(FINE_CENTRES, ratio, 1)[0] == pytest.approx(-1 / 4.0, rel=1e-3)


def test_blackbody_peaks_where_wien_says() -> None:
    values = density(flux_blackbody=1, kt_blackbody=0.5)
    assert FINE_CENTRES[(values * FINE_CENTRES).argmax()] == pytest.approx(2.821 * 0.5, rel=0.02)  # E N(E)
    assert FINE_CENTRES[values.argmax()] == pytest.approx(1.594 * 0.5, rel=0.02)


@pytest.mark.parametrize("kt", [0.06, 0.2, 1.5, 20.0])
def test_blackbody_is_plancks(kt: float) -> None:
    # pi^4 / 15 kT^4 in all (Stefan-Boltzmann), of which 0.3-10 keV holds its share.
    planck = lambda x: x**3 * np.exp(-x) / -np.expm1(-x)  # noqa: E731 (two uses)
    in_band = kt**4 * quad(planck, 0.3 / kt, 10.0 / kt, epsrel=1e-9)[0]
    assert kt**4 * quad(planck, 0.0, 60.0)[0] == pytest.approx(np.pi**4 / 15 * kt**4, rel=1e-8)
    expected = 2.0 * planck(FINE_CENTRES / kt) * kt**3 / FINE_CENTRES / in_band
    seen = (expected > 1e-12 * expected.max()) & BAND
    assert density(flux_blackbody=2.0, kt_blackbody=kt)[seen] == pytest.approx(expected[seen], rel=0.015)


@pytest.mark.parametrize("redshift", [0.3, 2.0])
@pytest.mark.parametrize(
    ("far", "near"),
    [
        ({"flux_powerlaw": 1, "photon_index": 1.7, "cutoff": 6.0}, {"cutoff": 1}),
        ({"flux_disc": 1, "kt_disc": 1.1}, {"kt_disc": 1}),
        ({"flux_blackbody": 1, "kt_blackbody": 0.4}, {"kt_blackbody": 1}),
    ],
)
def test_redshift_only_stretches(far: dict[str, float], near: dict[str, int], redshift: float) -> None:
    here = {**far, **{name: far[name] / (1 + redshift) for name in near}}
    assert density(**far, redshift=redshift) == pytest.approx(density(**here), rel=1e-3)


def test_a_redshifted_blackbody_is_a_cooler_one() -> None:
    assert density(flux_blackbody=1, kt_blackbody=0.2, redshift=1.0) == pytest.approx(
        density(flux_blackbody=1, kt_blackbody=0.1), rel=1e-4
    )


def test_disc_slope_below_and_integral_over_radii_elsewhere() -> None:
    assert slope(density(flux_disc=1, kt_disc=20.0), 0.2, 0.5) == pytest.approx(-2 / 3, abs=0.02)
    kt = 0.8
    values = density(flux_disc=1, kt_disc=kt)

    def ring_sum(energy: float) -> float:
        # Rings of radius r with T = T_in r^-3/4, summed directly.
        return energy**2 * quad(lambda r: r / np.expm1(energy / (kt * r**-0.75)), 1, 400, limit=200)[0]

    ours = [float(np.interp(e, FINE_CENTRES, values)) for e in (0.5, 1.0, 3.0, 6.0)]
    direct = [ring_sum(e) for e in (0.5, 1.0, 3.0, 6.0)]
    assert np.array(ours) / ours[0] == pytest.approx(np.array(direct) / direct[0], rel=5e-3)


def test_disc_falls_as_its_innermost_ring() -> None:
    # Far above kT only the hottest rings count: x^(-2/3) int_x^inf s^(5/3) exp(-s) ds -> x exp(-x), x = E / kT.
    ratio = density(flux_disc=1, kt_disc=0.3)
    at = [float(np.interp(e, FINE_CENTRES, ratio)) for e in (4.5, 9.0)]
    wien = (9.0 / 4.5) * np.exp(-4.5 / 0.3)
    assert np.log(at[1] / at[0]) == pytest.approx(np.log(wien), rel=0.01)


def test_three_lines_at_once() -> None:
    fields = {"flux_powerlaw": 1.0, "photon_index": 1.9}
    lines = {
        "line_1_ew": 0.15, "line_1_energy": 6.4, "line_1_sigma": 0.05,
        "line_2_ew": 0.1, "line_2_energy": 6.7, "line_2_sigma": 0.05,
        "line_3_ew": 0.2, "line_3_energy": 1.0, "line_3_sigma": 0.16,
    }  # fmt: skip
    continuum = density(**fields)
    ratio = density(**fields, **lines) / continuum - 1.0
    for low, high, ew in ((0.3, 2.0, 0.2), (6.0, 6.55, 0.15), (6.55, 7.1, 0.1)):
        inside = (FINE_CENTRES > low) & (FINE_CENTRES < high)
        assert np.sum((ratio * FINE_WIDTHS)[inside]) == pytest.approx(ew, rel=0.1)
    assert ratio[(FINE_CENTRES > 2.5) & (FINE_CENTRES < 5.5)] == pytest.approx(0.0, abs=1e-6)


def test_trough_takes_what_its_depth_says_from_the_inner_light_only() -> None:
    fields = {"flux_blackbody": 1.0, "kt_blackbody": 0.1}
    trough = {"trough_depth": 1.5, "trough_energy": 0.6, "trough_sigma": 0.1}
    soft = FINE_CENTRES < 2.0
    ratio = density(**fields, **trough, redshift=0.2)[soft] / density(**fields, redshift=0.2)[soft]
    x = (FINE_CENTRES[soft] * 1.2 - 0.6) / 0.1
    assert ratio == pytest.approx(np.exp(-1.5 * np.exp(-0.5 * x**2)), rel=1e-6)
    assert density(flux_cool=1.0, **trough) == pytest.approx(density(flux_cool=1.0))


def test_reflection_is_flat_and_shows_iron() -> None:
    incident = density(flux_powerlaw=1.0, photon_index=1.8)
    reflected = density(flux_reflection=1.0, photon_index=1.8)
    at = lambda energy: float(np.interp(energy, FINE_CENTRES, reflected / incident))  # noqa: E731 (many uses)
    # The albedo of a half-space where half of the opacity scatters is (1 - sqrt(1/2)) / (1 + sqrt(1/2)) = 0.17.
    log_energy, absorber = cross_section_table()
    even = np.exp(np.interp(-0.00798, -absorber[log_energy > 2.1], log_energy[log_energy > 2.1]))
    half = np.exp(np.interp(-3 * 0.00798, -absorber[log_energy < 1.9], log_energy[log_energy < 1.9]))
    assert 8.0 < even < 12.0
    assert at(half) / at(even) == pytest.approx((1 - 0.75**0.5) / (1 + 0.75**0.5) / 0.17157, rel=0.02)
    assert at(2.0) < 0.15 * at(7.0)  # what is soft is absorbed
    assert at(7.3) < 0.75 * at(7.0)  # iron's edge
    # Its line stands more than a keV of equivalent width above it, and is not absorbed away by the nucleus's gas.
    inside = (FINE_CENTRES > 6.2) & (FINE_CENTRES < 6.6)
    level = np.interp(6.0, FINE_CENTRES, reflected)
    assert np.sum((reflected / level - 1.0)[inside] * FINE_WIDTHS[inside]) == pytest.approx(1.2, rel=0.15)
    hidden = density(flux_reflection=1.0, photon_index=1.8, flux_powerlaw=1.0, nh_intrinsic=500.0)
    assert hidden[FINE_CENTRES < 7] == pytest.approx(reflected[FINE_CENTRES < 7], rel=0.02)


def test_no_column_too_thick_and_no_temperature_too_low() -> None:
    for fields in (
        {"flux_powerlaw": 1.0, "nh": 1e4},
        {"flux_blackbody": 1.0, "kt_blackbody": 0.004},
        {"flux_disc": 1.0, "kt_disc": 0.01},
        {"flux_powerlaw": 1.0, "cutoff": 0.01},
    ):
        values = density(**fields)
        assert np.isfinite(values).all()
        assert (values >= 0).all()


@pytest.mark.parametrize(
    "fields",
    [
        {"flux_powerlaw": 1, "photon_index": 1.9, "nh": 0.03},
        {"flux_powerlaw": 1, "photon_index": 1.8, "nh": 0.3, "nh_intrinsic": 10.0, "redshift": 0.1},
        {"flux_blackbody": 1, "kt_blackbody": 0.08, "nh": 0.03},
        {"flux_disc": 1, "kt_disc": 1.0, "nh": 0.6},
        {"flux_reflection": 1, "photon_index": 1.8, "nh": 0.03},
    ],
)
def test_the_fine_grid_is_fine_enough(fields: dict[str, float]) -> None:
    # Against a grid six times as fine, folded through the response on the 2067 bins of its file.
    inside = (grid.STANDARD_EDGES >= FINE_EDGES[0] - 1e-9) & (grid.STANDARD_EDGES <= FINE_EDGES[-1] + 1e-9)
    native = grid.STANDARD_EDGES[inside]
    cut = np.unique(np.concatenate([native, *(native[:-1] + k / 3 * np.diff(native) for k in (1, 2))]))
    model = blank(1)
    for name, value in fields.items():
        model[name] = value
    finer = np.empty((1, cut.size - 1), np.float32)
    _photon_rows(model, model["abundances"], make_bins(cut), plasma_tables(), finer)
    photons = finer[0].astype(np.float64).reshape(-1, 3).sum(axis=1)
    rows = inside[:-1] & inside[1:]
    expected = instrument.native_rmf(0).binned[:, rows] @ (photons * instrument.native_arf(0, 0)[rows])
    ours = instrument.fold(photon_flux(model), [0], [0], np.zeros(1, np.int32))[0].astype(np.float64)
    seen = expected > 1e-3 * expected.max()
    assert (ours / ours.sum())[seen] == pytest.approx((expected / expected.sum())[seen], rel=0.003)
    assert ours.sum() == pytest.approx(expected.sum(), rel=0.01)


def test_line_has_its_equivalent_width() -> None:
    fields = {"flux_powerlaw": 1.0, "photon_index": 1.9, "redshift": 0.1}
    continuum = density(**fields)
    line = density(**fields, line_1_ew=0.2, line_1_energy=6.4, line_1_sigma=0.1) - continuum
    level = np.interp(6.4 / 1.1, FINE_CENTRES, continuum)
    assert np.sum(line * FINE_WIDTHS) / level * 1.1 == pytest.approx(0.2, rel=0.01)
    assert np.sum(line * FINE_WIDTHS * FINE_CENTRES) / np.sum(line * FINE_WIDTHS) == pytest.approx(6.4 / 1.1, rel=1e-3)


def test_intrinsic_absorption_follows_redshift_and_open_share() -> None:
    fields = {"flux_powerlaw": 1.0, "photon_index": 1.9}
    bare = density(**fields)
    behind = density(**fields, nh_intrinsic=1.0) / bare
    far = density(**fields, nh_intrinsic=1.0, redshift=1.0) / bare
    at = lambda values, energy: float(np.interp(energy, FINE_CENTRES, values))  # noqa: E731
    assert at(far, 1.0) == pytest.approx(at(behind, 2.0), rel=0.01)
    leaking = density(**fields, nh_intrinsic=100.0, open_share=0.05) / bare
    assert at(leaking, 1.0) == pytest.approx(0.05, rel=0.01)
    assert density(**fields, nh_intrinsic=5.0, open_share=1.0) == pytest.approx(bare)


def test_gas_in_front_hardens() -> None:
    soft = (FINE_CENTRES > 0.3) & (FINE_CENTRES < 1)
    shares = []
    for nh in (0.01, 0.1, 1.0):
        values = density(flux_powerlaw=1, photon_index=1.9, nh=nh) * FINE_WIDTHS
        shares.append(values[soft].sum() / values[BAND].sum())
    assert shares[0] > shares[1] > shares[2]


def test_rows_do_not_influence_each_other() -> None:
    models = blank(3)
    models["flux_powerlaw"], models["photon_index"] = 1.0, [1.2, 1.8, 2.4]
    models["flux_cool"] = [0.0, 1.0, 0.0]
    together = photon_flux(models)
    assert together.shape == (3, N_FINE)
    for i in range(3):
        assert np.array_equal(together[i], photon_flux(models[i : i + 1])[0])


def test_our_exponential_is_numpys() -> None:
    bins = make_bins(FINE_EDGES)
    exponents = np.linspace(-590.0, 590.0, N_FINE)
    ours = exponents.copy()
    exponentiate(ours, bins)
    assert ours == pytest.approx(np.exp(exponents), rel=2e-8)
    below = np.full(N_FINE, -1e9)
    exponentiate(below, bins)
    assert (below < 1e-200).all()


def test_a_compiled_kernel_belongs_to_its_sources() -> None:
    # Otherwise numba would go on using it when a component's file changes.
    (sources,) = (cell.cell_contents for cell in _photon_rows.py_func.__closure__)
    files = (Path(str(module.__file__)).read_bytes() for module in (components, plasma))
    assert sources == 1 + zlib.crc32(b"".join(files))
    assert (
        _photon_rows._cache._index_key(("signature",), _Codegen)[2]
        != _compile(7)._cache._index_key(("signature",), _Codegen)[2]
    )


class _Codegen:
    @staticmethod
    def magic_tuple() -> tuple[str, ...]:
        return ("here",)
