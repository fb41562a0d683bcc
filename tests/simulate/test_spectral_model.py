import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from vae.simulate.kinds.recipe import blank
from vae.simulate.spectral_model import FINE_CENTRES, FINE_EDGES, FINE_TO_TRUE, FINE_WIDTHS, N_FINE, photon_flux
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


def test_fine_grid_nests_in_the_stored_one() -> None:
    assert np.isin(grid.TRUE_EDGES, FINE_EDGES).all()
    assert np.bincount(FINE_TO_TRUE, FINE_WIDTHS) == pytest.approx(grid.TRUE_WIDTHS)


@pytest.mark.parametrize(
    "component",
    [
        {"flux_powerlaw": 2.0, "photon_index": 1.7},
        {"flux_blackbody": 2.0, "kt_blackbody": 0.08},
        {"flux_disc": 2.0, "kt_disc": 0.9},
        {"flux_hot": 2.0, "kt_hot": 3.0, "redshift": 0.3},
        {"flux_cool": 2.0, "kt_cool": 0.3},
    ],
)
def test_a_component_has_the_energy_flux_it_was_given(component: dict[str, float]) -> None:
    values = density(**component)
    assert np.sum((values * FINE_CENTRES * FINE_WIDTHS)[BAND]) == pytest.approx(2.0, rel=2e-3)


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
