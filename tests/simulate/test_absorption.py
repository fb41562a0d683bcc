import numpy as np
import pytest

from vae.simulate.absorption import cross_section_table, transmission


def test_no_gas_passes_everything() -> None:
    assert transmission([0.3, 1.0, 9.0], 0.0) == pytest.approx([1.0, 1.0, 1.0])


def test_two_columns_multiply() -> None:
    energies = np.linspace(0.3, 10, 50)
    assert transmission(energies, 0.5) == pytest.approx(transmission(energies, 0.2) * transmission(energies, 0.3))


def test_neighbours_the_classic_cross_section() -> None:
    # Morrison & McCammon 1983 (ApJ 270, 119), (c0 + c1 E + c2 E^2) / E^3 in 1e-24 cm2, for older abundances: oxygen
    # was 1.5, iron 1.2 times that of Wilms et al. 2000, so the newer cross section is 0.65-1.0 of theirs.
    classic = {
        0.45: (78.1, 18.8, 4.3),
        1.0: (120.6, 169.3, -47.7),
        3.0: (202.7, 104.7, -17.0),
        6.0: (433.9, -2.4, 0.75),
    }
    log_energy, cross_section = cross_section_table()
    for energy, (c0, c1, c2) in classic.items():
        old = (c0 + c1 * energy + c2 * energy**2) / energy**3 / 100  # 1e-22 cm2
        new = np.interp(np.log(energy), log_energy, cross_section)
        assert 0.65 < new / old < 1.02


@pytest.mark.parametrize(
    ("edge_kev", "abundance", "jump_cm2"),
    # K-shell photo-electric cross sections just above the edge: Verner & Yakovlev 1995, A&AS 109, 125.
    [(0.543, 10**-3.31, 5.2e-19), (7.112, 10**-4.57, 3.4e-20)],
)
def test_edges_have_the_depth_of_their_element(edge_kev: float, abundance: float, jump_cm2: float) -> None:
    log_energy, cross_section = cross_section_table()
    below, above = (np.interp(np.log(edge_kev + d * edge_kev), log_energy, cross_section) for d in (-0.006, 0.006))
    assert (above - below) * 1e-22 == pytest.approx(abundance * jump_cm2, rel=0.15)
