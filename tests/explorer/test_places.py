"""Positions as people write them, and the detections around them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import SkyCoord, angular_separation
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.search.places import RADIUS, Place, Sky, in_words, radius_in_words, read

RA, DEC = 291.83125, 65.565


@pytest.mark.parametrize(
    "text",
    [
        "19 27 19.5 +65 33 54",
        "19:27:19.5 +65:33:54",
        "19:27:19.5+65:33:54",
        "19h27m19.5s +65d33m54s",
        "19h27m19.5s+65°33′54″",
        "19 27 19.5, +65 33 54",
        "291.83125 65.565",
        "291.83125, +65.565",
        "291.83125+65.565",
        "RA=291.83125 Dec=65.565",
        "ra 19:27:19.5 dec +65:33:54",
        "  291.83125   65.565 ",
    ],
)
def test_usual_forms(text: str) -> None:
    place, why = read(text)
    assert place is not None, why
    assert (place.ra_deg, place.dec_deg) == pytest.approx((RA, DEC), abs=1e-6)
    assert place.radius_arcsec == RADIUS


@pytest.mark.parametrize("text", ["19 27 19.5 −65 33 54", "19 27 19.5 –65 33 54", "19:27:19.5 -65:33:54"])
def test_minus_signs(text: str) -> None:
    place, _ = read(text)
    assert place is not None
    assert place.dec_deg == pytest.approx(-DEC)


@pytest.mark.parametrize(
    "text", ["l=97.2 b=20.5", "l 97.2, b 20.5", "gal 97.2 20.5", "galactic: 97.2, 20.5", "97.2 20.5 gal"]
)
def test_galactic(text: str) -> None:
    place, why = read(text)
    assert place is not None, why
    expected = SkyCoord(97.2, 20.5, unit="deg", frame="galactic").icrs
    assert (place.ra_deg, place.dec_deg) == pytest.approx((expected.ra.deg, expected.dec.deg))


@pytest.mark.parametrize(
    ("radius", "arcsec"),
    [
        ('r=30"', 30), ("r=30", 30), ("r 30 arcsec", 30), ("r=2'", 120), ("r=2′", 120), ("radius 1.5 arcmin", 90),
        ("within 0.5d", 1800), ("r=0.5 deg", 1800), ("r=1°", 3600),
    ],
)  # fmt: skip
def test_radius(radius: str, arcsec: float) -> None:
    for position in ("19 27 19.5 +65 33 54", "291.83125 65.565", "l=97.2 b=20.5", "J192719.5+653354"):
        place, why = read(f"{position} {radius}")
        assert place is not None, why
        assert place.radius_arcsec == pytest.approx(arcsec)


@pytest.mark.parametrize("name", ["J192719.5+653354", "4XMM J192719.5+653354", "j1927+6533", "J1927.3+65"])
def test_a_designation_is_a_cell_that_holds_its_source(name: str) -> None:
    place, why = read(name)
    assert place is not None, why
    apart = np.degrees(angular_separation(*np.radians([RA + 1e-5, DEC + 1e-5, place.ra_deg, place.dec_deg]))) * 3600
    assert apart <= place.radius_arcsec


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("12 95", "declination lies between"),
        ("400 20", "right ascension lies between"),
        ("25:00:00 +10:00:00", "hours end at 24"),
        ("12:70:00 +10:00:00", "minutes"),
        ("J2570+1000", "minutes"),
        ("10 10 r=0", "radius"),
        ("10 10 r=50d", "radius"),
        ("M 31", "not a position"),
        ("J19271+6533", "not a position"),
        ("9000000418", "not a position"),
        ("", "not a position"),
        ("l=97 b=95", "declination lies between"),
    ],
)
def test_what_is_no_position_says_why(text: str, why: str) -> None:
    place, said = read(text)
    assert place is None
    assert why in said


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(max_size=30), st.from_regex(r"[0-9JjlbrRh:.+\- dms'\"=,]{0,30}", fullmatch=True)))
def test_anything_may_be_typed(text: str) -> None:
    place, why = read(text)
    assert (place is None) == bool(why)
    if place is not None:
        assert 0 <= place.ra_deg <= 360
        assert -90 <= place.dec_deg <= 90
        assert place.radius_arcsec > 0


@settings(max_examples=60, deadline=None)
@given(
    ra=st.floats(0, 360),
    dec=st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0])),
    radius=st.floats(1, 36000),
    seed=st.integers(0, 5),
)
def test_circles_hold_what_a_plain_search_finds(ra: float, dec: float, radius: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ras, decs = rng.uniform(0, 360, 4000), np.degrees(np.arcsin(rng.uniform(-1, 1, 4000)))
    ras[:2], decs[:2] = (np.nan, 10.0), (5.0, np.nan)
    place = Place(ra, dec, radius)
    rows, apart = Sky(ras, decs).within(place)
    plain = (
        SkyCoord(np.nan_to_num(ras), np.nan_to_num(decs), unit="deg").separation(SkyCoord(ra, dec, unit="deg")).arcsec
    )
    plain[:2] = np.inf
    assert set(rows) == set(np.flatnonzero(plain <= radius))
    assert (np.diff(apart) >= 0).all()
    row, away = Sky(ras, decs).nearest(place) or (-1, np.nan)
    assert away == pytest.approx(plain.min(), rel=1e-6)
    assert plain[row] == pytest.approx(plain.min(), rel=1e-6)


def test_no_positions_no_nearest() -> None:
    assert Sky(np.array([np.nan]), np.array([1.0])).nearest(Place(0, 0)) is None


def test_angles_in_words() -> None:
    assert [in_words(value) for value in (0.331, 12.34, 250.0, 4392.0)] == ["0.33″", "12.3″", "4.17′", "1.22°"]
    assert [radius_in_words(value) for value in (30.0, 60.0, 1800.0, 3600.0)] == ["30″", "1′", "30′", "1°"]
