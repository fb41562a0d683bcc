import numpy as np
import pytest

from vae.simulate.absorption import cross_section, cross_section_table, transmission


def test_no_gas_passes_everything() -> None:
    assert transmission([0.3, 1.0, 9.0], 0.0) == pytest.approx([1.0, 1.0, 1.0])


def test_two_columns_multiply() -> None:
    energies = np.linspace(0.3, 10, 50)
    assert transmission(energies, 0.5) == pytest.approx(transmission(energies, 0.2) * transmission(energies, 0.3))


#: Morrison & McCammon 1983 (ApJ 270, 119): the abundances of their table 1 (Anders & Ebihara 1982), and of table 2 the
#: range [keV] and c0, c1, c2 of (c0 + c1 E + c2 E^2) / E^3 in 1e-24 cm2.
CLASSIC_ABUNDANCES = {
    "H": 12.0, "He": 11.0, "C": 8.65, "N": 7.96, "O": 8.87, "Ne": 8.14, "Na": 6.32, "Mg": 7.60, "Al": 6.49, "Si": 7.57,
    "S": 7.28, "Cl": 5.28, "Ar": 6.58, "Ca": 6.35, "Cr": 5.69, "Fe": 7.52, "Ni": 6.26,
}  # fmt: skip
CLASSIC = [
    (0.284, 0.4, 78.1, 18.8, 4.3), (0.4, 0.532, 71.4, 66.8, -51.4), (0.532, 0.707, 95.5, 145.8, -61.1),
    (0.707, 0.867, 308.9, -380.6, 294.0), (0.867, 1.303, 120.6, 169.3, -47.7), (1.303, 1.84, 141.3, 146.8, -31.5),
    (1.84, 2.471, 202.7, 104.7, -17.0), (2.471, 3.21, 342.7, 18.7, 0.0), (3.21, 4.038, 352.2, 18.7, 0.0),
    (4.038, 7.111, 433.9, -2.4, 0.75), (7.111, 8.331, 629.0, 30.9, 0.0), (8.331, 10.0, 701.2, 25.2, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high", "c0", "c1", "c2"), CLASSIC)
def test_of_the_classic_mixture_it_is_the_classic_cross_section(
    low: float, high: float, c0: float, c1: float, c2: float
) -> None:
    energy = np.linspace(low * 1.05, high * 0.95, 5)
    classic = (c0 + c1 * energy + c2 * energy**2) / energy**3 / 100  # 1e-22 cm2
    ratio = cross_section(energy, CLASSIC_ABUNDANCES) / classic
    # Newer cross sections of oxygen and helium are up to 6 % lower than theirs; tbabs has those, too.
    assert ratio == pytest.approx(1.0, abs=0.02 if low > 1.0 else 0.07)


def test_interstellar_gas_has_less_oxygen_and_iron_than_the_classic_mixture() -> None:
    log_energy, ours = cross_section_table()
    energy = np.array([0.45, 0.6, 1.0, 3.0, 8.0])
    ratio = np.interp(np.log(energy), log_energy, ours) / cross_section(energy, CLASSIC_ABUNDANCES)
    assert (ratio > 0.65).all()  # oxygen: 10^-0.18, iron: 10^-0.09
    assert (ratio < 1.0).all()


@pytest.mark.parametrize(
    ("edge_kev", "abundance", "jump_cm2"),
    # K-shell photo-electric cross sections just above the edge: Verner & Yakovlev 1995, A&AS 109, 125.
    [(0.543, 10**-3.31, 5.2e-19), (7.112, 10**-4.57, 3.4e-20)],
)
def test_edges_have_the_depth_of_their_element(edge_kev: float, abundance: float, jump_cm2: float) -> None:
    log_energy, cross_section = cross_section_table()
    below, above = (np.interp(np.log(edge_kev + d * edge_kev), log_energy, cross_section) for d in (-0.006, 0.006))
    assert (above - below) * 1e-22 == pytest.approx(abundance * jump_cm2, rel=0.15)
