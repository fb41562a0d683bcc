import numpy as np
import pytest

from vae.simulate.milky_way import equatorial, galactic_coordinates, hydrogen_column


def test_columns_are_those_of_the_sky() -> None:
    # Typical values of HI4PI (2016, A&A 594, A116) [1e22 cm-2]; in the plane, with molecules.
    for longitude, latitude, low, high in (
        (149.0, 53.0, 0.006, 0.03),  # Lockman Hole, the emptiest window: 0.006
        (0.0, 90.0, 0.01, 0.02),
        (90.0, 45.0, 0.02, 0.04),
        (90.0, 12.0, 0.08, 0.15),
        (180.0, 12.0, 0.08, 0.15),
        (280.5, -32.9, 0.03, 0.07),
        (90.0, 0.0, 0.7, 1.5),
        (180.0, 0.0, 0.3, 0.8),
        (30.0, 0.0, 2.0, 5.0),
        (0.0, 0.0, 5.0, 9.0),
    ):
        assert low < hydrogen_column([longitude], [latitude])[0] < high, (longitude, latitude)


def test_gas_adds_up_along_the_line_of_sight() -> None:
    distance = np.array([0.05, 0.2, 1.0, 5.0, 15.0, 100.0])
    n = distance.size
    for latitude in (0.3, 5.0, -60.0):
        column = hydrogen_column(np.full(n, 40.0), np.full(n, latitude), distance)
        assert (np.diff(column) >= -1e-5).all()  # the steps of the sum
        assert column[0] < 0.004  # we sit in a void
        assert column[-1] == pytest.approx(hydrogen_column([40.0], [latitude])[0])
    # What lies behind the centre has the central zone in front, what lies before it has not.
    before, behind = hydrogen_column([0.0, 0.0], [0.0, 0.0], [8.0, 9.0])
    assert behind > before + 2.5


def test_coordinates_go_there_and_back() -> None:
    # The Galactic centre and pole (Hipparcos catalogue), and anywhere.
    ra, dec = equatorial([0.0, 0.0], [0.0, 90.0])
    assert ra == pytest.approx([266.40510, 192.85948], abs=2e-4)
    assert dec == pytest.approx([-28.93617, 27.12825], abs=1e-4)
    rng = np.random.default_rng(1)
    longitude, latitude = rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))
    back = galactic_coordinates(*equatorial(longitude, latitude))
    assert back[0] == pytest.approx(longitude, abs=1e-6)
    assert back[1] == pytest.approx(latitude, abs=1e-6)
