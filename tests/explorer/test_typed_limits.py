from __future__ import annotations

import math

import pytest

from explorer.filters import typed
from explorer.filters.quantities import in_words, quantity
from vae.errors import OptionError


def limit(key: str, text: str, *, upper: bool = False) -> float:
    each = quantity(key)
    assert each is not None
    return typed.limit(each, text, upper=upper)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("net_counts", " 1,000 ", 1000.0),
        ("net_counts", "1e4", 1e4),
        ("net_counts", "3 x 10^4", 3e4),
        ("net_counts", "10", 10.0),
        ("flux_0p3_10", "2 × 10⁻¹⁴", 2e-14),
        ("flux_0p3_10", "10⁻¹⁴ erg/cm²/s", 1e-14),
        ("hr1", "−0.5", -0.5),
        ("cstat_z", "-3 σ", -3.0),
        ("ra_deg", "17h30m", 262.5),
        ("ra_deg", "17:30:00", 262.5),
        ("ra_deg", "262.5°", 262.5),
        ("dec_deg", "−30:15:00", -30.25),
        ("mjd_start", "55000.5", 55000.5),
        ("mjd_start", "2018", 58119.0),
        ("mjd_start", "2018-12-05", 58457.0),
    ],
)
def test_limits_are_read_as_people_write_them(key: str, text: str, value: float) -> None:
    assert limit(key, text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["2018", "2018-12", "2018-12-31"])
def test_an_upper_date_holds_its_whole_last_day(text: str) -> None:
    assert limit("mjd_start", text, upper=True) == pytest.approx(58484.0, abs=1e-4)
    assert limit("mjd_start", text, upper=True) < 58484.0


def test_nothing_is_no_limit() -> None:
    for text in ("", "  ", "∞", "−∞"):
        assert (limit("hr1", text), limit("hr1", text, upper=True)) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("key", "text"), [("net_counts", "many"), ("mjd_start", "2018-13"), ("hr1", "nan"), ("ra_deg", "5x")]
)
def test_what_cannot_be_read_is_said(key: str, text: str) -> None:
    with pytest.raises(OptionError, match="not a"):
        limit(key, text)


def test_what_is_shown_can_be_typed_back() -> None:
    for key, value in (("flux_0p3_10", 2.5e-14), ("hr2", -0.25), ("net_counts", 12345.0), ("mjd_start", 58457.0)):
        each = quantity(key)
        assert each is not None
        assert limit(key, in_words(each, value)) == pytest.approx(value, rel=1e-3)
