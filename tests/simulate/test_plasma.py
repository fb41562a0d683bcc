import numpy as np
import pytest
from numpy.typing import NDArray

from vae.simulate import instrument
from vae.simulate.components import make_bins
from vae.simulate.plasma import ELEMENTS, plasma_photons, plasma_tables
from vae.simulate.spectral_model import FINE_CENTRES, FINE_EDGES, FINE_WIDTHS
from vae.spectra import grid

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
    for k in (15, 16, 18):  # warm enough for nickel
        kt = float(np.exp(tables.log_kt[k]))
        share, other_share = (tables.metal_share[k, ELEMENTS.index(name)] for name in (element, other))
        # One element more and another less, so that the metals' common part of weak lines stays what it is.
        swapped = photons(kt, **{element: 1.0 + 0.5 * other_share, other: 1.0 - 0.5 * share})
        per_line = 0.5 * tables.lines[k] * np.select(
            [tables.line_element == ELEMENTS.index(element), tables.line_element == ELEMENTS.index(other)],
            [other_share, -share],
        )  # fmt: skip
        inside = (tables.line_energy > FINE_CENTRES[0]) & (tables.line_energy < FINE_CENTRES[-1])
        assert inside[per_line != 0.0].all()
        difference = swapped - photons(kt)
        assert difference.sum() == pytest.approx(per_line.sum(), rel=1e-6, abs=1e-6 * np.abs(per_line).sum())
        assert np.abs(difference).sum() <= np.abs(per_line).sum() * (1 + 1e-9)
        # Each line at its own energy: the first moment is theirs, and nothing changes far from any of them.
        energy = np.sum(per_line * tables.line_energy)
        assert np.sum(difference * FINE_CENTRES) == pytest.approx(energy, rel=1e-6, abs=1e-6 * np.abs(per_line).sum())
        away = np.abs(FINE_CENTRES[:, None] / tables.line_energy[per_line != 0.0] - 1.0).min(axis=1) > 0.02
        assert difference[away] == pytest.approx(0.0, abs=1e-9 * np.abs(difference).max())


def test_without_metals_it_is_bremsstrahlung() -> None:
    density = photons(8.0, metals=0.0) / FINE_WIDTHS
    at = lambda energy: float(np.interp(energy, FINE_CENTRES, density))  # noqa: E731 (two uses)
    # N(E) ~ g(E) E^-1 exp(-E/kT), with a Gaunt factor close to (kT/E)^0.4 there.
    expected = 2.0**-1.4 * np.exp(-4.0 / 8.0)
    assert at(8.0) / at(4.0) == pytest.approx(expected, rel=0.05)


def test_temperatures_beyond_the_tables_are_held_at_their_ends() -> None:
    assert photons(60.0) == pytest.approx(photons(27.25), rel=1e-3)


def direct(k: int, response: int) -> NDArray[np.float64]:
    """Count rates of the tables as they stand at their own temperature, on the native grid of the response."""
    tables, edges = plasma_tables(), grid.STANDARD_EDGES
    half = 0.5 * (tables.log_continuum_energy[1] - tables.log_continuum_energy[0])
    borders = np.exp(np.append(tables.log_continuum_energy - half, tables.log_continuum_energy[-1] + half))
    per_bin = tables.continuum[k].sum(axis=0) * np.diff(borders)
    cumulative = np.append(0.0, np.cumsum(per_bin))
    native = np.diff(np.interp(edges, borders, cumulative))
    native += np.histogram(tables.line_energy, edges, weights=tables.lines[k])[0]
    native[(edges[:-1] < FINE_EDGES[0] - 1e-9) | (edges[1:] > FINE_EDGES[-1] + 1e-9)] = 0.0
    return instrument.native_rmf(response).binned @ (native * instrument.native_arf(0, 0))


def folded(kt: float, response: int) -> NDArray[np.float64]:
    rows = photons(kt)[None].astype(np.float32)
    return instrument.fold(rows, [0], [0], np.array([response], np.int32))[0].astype(np.float64)


def test_folded_it_is_the_tables_within_one_percent() -> None:
    tables = plasma_tables()
    # From 0.08 keV up: below, spectra fall so steeply that the flat steps of the tables' continuum are no reference.
    for k in range(3, tables.log_kt.size, 3):
        ours, theirs = folded(float(np.exp(tables.log_kt[k])), 0), direct(k, 0)
        assert np.abs(ours - theirs).sum() / theirs.sum() < 0.01


def test_between_the_temperatures_of_the_tables_it_lies_between() -> None:
    tables = plasma_tables()
    for k in (6, 10, 14, 20):
        low, high = folded(float(np.exp(tables.log_kt[k])), 0), folded(float(np.exp(tables.log_kt[k + 1])), 0)
        middle = folded(float(np.exp(0.5 * (tables.log_kt[k] + tables.log_kt[k + 1]))), 0)
        assert (middle >= np.minimum(low, high) * (1 - 1e-3)).all()
        assert (middle <= np.maximum(low, high) * (1 + 1e-3)).all()
        assert np.abs(middle - 0.5 * (low + high)).sum() < 0.02 * middle.sum()


def test_redshift_moves_photons_and_loses_none() -> None:
    near, far = photons(4.0) / FINE_WIDTHS, photons(4.0, redshift=0.5) / FINE_WIDTHS
    broad = lambda values, low, high: np.sum(  # noqa: E731 (two uses)
        (values * FINE_WIDTHS)[(FINE_CENTRES > low) & (FINE_CENTRES < high)]
    )
    for low, high in ((0.6, 1.5), (1.5, 3.0), (3.0, 6.0)):
        assert broad(far, low / 1.5, high / 1.5) == pytest.approx(broad(near, low, high), rel=0.02)
