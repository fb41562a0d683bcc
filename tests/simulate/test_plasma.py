import numpy as np
import pytest
from numpy.typing import NDArray

from vae.simulate.components import make_bins
from vae.simulate.plasma import ELEMENTS, plasma_photons, plasma_tables
from vae.simulate.spectral_model import FINE_CENTRES, FINE_EDGES, FINE_WIDTHS

BINS = make_bins(FINE_EDGES)


def photons(kt: float, *, redshift: float = 0.0, metals: float = 1.0, **elements: float) -> NDArray[np.float64]:
    out = np.empty(FINE_CENTRES.size)
    abundances = np.full(len(ELEMENTS), metals)
    for name, value in elements.items():
        abundances[ELEMENTS.index(name)] = value
    plasma_photons(kt, redshift, abundances, plasma_tables(), BINS, out)
    return out


def test_iron_k_line_lies_at_6_7_kev_and_moves_with_redshift() -> None:
    hard = (FINE_CENTRES > 4) & (FINE_CENTRES < 9)
    for redshift in (0.0, 0.2):
        density = photons(5.0, redshift=redshift) / FINE_WIDTHS
        peak = FINE_CENTRES[hard][density[hard].argmax()]
        assert peak * (1 + redshift) == pytest.approx(6.69, abs=0.04)


def test_oxygen_lines_of_cool_plasma() -> None:
    density = photons(0.2) / FINE_WIDTHS
    soft = (FINE_CENTRES > 0.5) & (FINE_CENTRES < 0.7)
    strongest = FINE_CENTRES[soft][np.argsort(density[soft])[-6:]]
    assert any(abs(strongest - 0.574) < 0.008)  # O VII
    assert any(abs(strongest - 0.654) < 0.008)  # O VIII Lyman alpha


@pytest.mark.parametrize(("element", "other"), [("O", "Fe"), ("Si", "S"), ("Ni", "Fe"), ("Ne", "O")])
def test_every_element_scales_its_own_lines(element: str, other: str) -> None:
    tables = plasma_tables()
    for k in (8, 12, 16):
        kt = float(np.exp(tables.log_kt[k]))
        share, other_share = (tables.metal_share[k, ELEMENTS.index(name)] for name in (element, other))
        # One element more and another less, so that the metals' common part of weak lines stays what it is.
        swapped = photons(kt, **{element: 1.0 + 0.5 * other_share, other: 1.0 - 0.5 * share})
        per_line = 0.5 * tables.lines[k] * np.select(
            [tables.line_element == ELEMENTS.index(element), tables.line_element == ELEMENTS.index(other)],
            [other_share, -share],
        )  # fmt: skip
        expected = np.histogram(tables.line_energy, FINE_EDGES, weights=per_line)[0]
        assert swapped - photons(kt) == pytest.approx(expected, rel=1e-9, abs=1e-6 * np.abs(expected).max())


def test_without_metals_it_is_bremsstrahlung() -> None:
    density = photons(8.0, metals=0.0) / FINE_WIDTHS
    at = lambda energy: float(np.interp(energy, FINE_CENTRES, density))  # noqa: E731 (two uses)
    # N(E) ~ g(E) E^-1 exp(-E/kT), with a Gaunt factor close to (kT/E)^0.4 there.
    expected = 2.0**-1.4 * np.exp(-4.0 / 8.0)
    assert at(8.0) / at(4.0) == pytest.approx(expected, rel=0.05)


def test_temperatures_beyond_the_tables_are_held_at_their_ends() -> None:
    assert photons(60.0) == pytest.approx(photons(27.25), rel=1e-3)
