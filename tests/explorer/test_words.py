from __future__ import annotations

import math
import warnings
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time

from explorer.palette import CLASS_TOKENS, palette
from explorer.tools import words


@pytest.mark.parametrize(
    ("value", "sigma", "expected"),
    [
        (1.5512, 0.0871, ("1.55", "± 0.09")),
        (-2.3512, 0.1961, ("−2.35", "± 0.20")),
        (0.001, 0.354, ("0.00", "± 0.35")),
        (0.04, 0.5, ("0.0", "± 0.5")),
        (1234.6, 42.0, ("1235", "± 42")),
        (-0.001, 0.3, ("0.00", "± 0.30")),
        (1.0, float("nan"), ("1.00", "")),
    ],
)
def test_values_are_rounded_as_far_as_their_error(value: float, sigma: float, expected: tuple[str, str]) -> None:
    assert words.with_error(value, sigma) == expected


@pytest.mark.parametrize(
    ("z", "grade", "begins"),
    [
        (-0.5, "good", "Good fit"),
        (1.99, "good", "Good"),
        (2.5, "fair", "Fair"),
        (-2.5, "fair", "Fair"),
        (3.0, "poor", "Poor"),
    ],
)
def test_verdict_follows_z_on_both_sides(z: float, grade: str, begins: str) -> None:
    found = words.verdict(204.2, 212.0, 16.0, z)
    assert found.grade == grade
    assert found.words.startswith(begins)
    assert "C-stat 204 where 212 ± 16 is expected" in found.numbers
    assert "-" not in found.numbers.replace("C-stat", "")
    assert bool(found.hint) == (grade != "good")


def test_verdict_tells_misfit_from_overfit_and_says_when_there_is_none() -> None:
    assert words.verdict(400, 212, 16, 12).hint != words.verdict(100, 212, 16, -7).hint
    assert words.verdict(float("nan"), 0, 0, float("nan")).grade == "none"


def test_sexagesimal_agrees_with_astropy() -> None:
    rng = np.random.default_rng(1)
    for ra, dec in zip(rng.uniform(0, 360, 50), rng.uniform(-90, 90, 50), strict=True):
        text = words.sexagesimal(ra, dec).replace("−", "-").split()
        there = SkyCoord(" ".join(text[:3]) + " " + " ".join(text[3:]), unit=("hourangle", "deg"))
        assert there.separation(SkyCoord(ra, dec, unit="deg")).arcsec < 1.0
    assert words.sexagesimal(float("nan"), 0.0) == "position unknown"


def test_dates_agree_with_astropy() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy doubts years that far ahead
        for mjd in (51544.0, 51603.99, 58464.2, 60309.5, 59945.0, 88069.1):
            year, month, day = Time(mjd, format="mjd", scale="tt").strftime("%Y %m %d").split()
            names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
            assert words.date(mjd) == f"{year} {names[int(month) - 1]} {int(day)}"
            assert words.date(mjd, day=False) == f"{year} {names[int(month) - 1]}"
            assert words.year(mjd) == pytest.approx(Time(mjd, format="mjd", scale="tt").jyear)
    assert words.date(float("nan")) == "date unknown"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0312, "0.031"), (12345.0, "12,000"), (3.2e-15, "3.2 × 10⁻¹⁵"), (0.0, "0"), (-0.5, "−0.50"), (9.96, "10")],
)
def test_significant_digits(value: float, text: str) -> None:
    assert words.significant(value, 2) == text


def test_counts_have_commas_and_absent_values_a_dash() -> None:
    assert words.whole(20246.4) == "20,246"
    assert words.whole(float("nan")) == words.fixed(float("inf")) == words.ABSENT
    assert words.fixed(-0.001) == "0.00"


def test_links_carry_position_and_observation() -> None:
    links = {link.label: link.url for link in words.deep_links("0677180601", 10.5, -5.25)}
    assert list(links) == ["XSA", "SIMBAD", "ESASky", "IRAP"]
    assert links["XSA"].endswith("#obsid=0677180601")
    assert all(link.title for link in words.deep_links("0677180601", 10.5, -5.25))
    for label in ("SIMBAD", "ESASky", "IRAP"):
        assert links[label].startswith("https://")
        query = unquote(urlsplit(links[label]).query.replace("+", " "))
        assert "10.500000 -5.250000" in query
    north = parse_qs(urlsplit(words.deep_links("1", 10.5, 5.25)[1].url).query)
    assert north["Coord"] == ["10.500000 +5.250000"]
    assert words.deep_links("", float("nan"), 1.0) == []


def test_origin_of_the_class_is_said() -> None:
    assert words.class_origin("simulated", matched=True) == "class from the simulation"
    assert words.class_origin("simbad", matched=True, candidate=True) == "candidate, class from SIMBAD"
    assert words.class_origin("my list", matched=True) == "class from my list"
    assert words.class_origin(None, matched=False) == "no class known"


def test_counterparts_are_told_with_their_separation() -> None:
    assert words.counterpart("NGC 4151", "Sy1", 0.83) == ("(0.8″)", "NGC 4151 (Sy1), 0.8″ from the X-ray position.")
    short, full = words.counterpart("", "", 12.0, ambiguous=True)
    assert short == "(12.0″)"
    assert full == "Counterpart, 12.0″ from the X-ray position. Ambiguous: another object here is plausible too."
    assert words.counterpart("", "", math.nan) == words.counterpart("NGC 1", "G", None) == ("", "")


def test_class_tokens_have_the_palette_s_colour() -> None:
    own = (*list(CLASS_TOKENS)[:-2], "Mystery", "Oddity", *list(CLASS_TOKENS)[-2:])
    dark = palette("dark")
    for name in CLASS_TOKENS:
        assert dark[words.class_token(own, name).removeprefix("--")] == dark.class_colour(name)
    assert words.class_token(own, "Mystery") != words.class_token(own, "Oddity")


def test_names_lose_their_survey_only() -> None:
    assert words.short_name("XMMSIM J192719.5+653354") == "J192719.5+653354"
    assert words.short_name("MCG-6-30-15") == "MCG-6-30-15"
