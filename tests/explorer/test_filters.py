from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.filters import filters, quantities
from explorer.filters.filters import OneOf, Range, Text
from explorer.services import Services
from vae.errors import OptionError

EACH = (Range("net_counts", 300), Range("cstat_z", -3, 3), OneOf("filter", ("thin",)), Text("xmmsim j1"))


@pytest.mark.parametrize("each", EACH)
def test_a_filter_survives_its_plain_form(each: filters.Filter) -> None:
    assert filters.from_plain(filters.to_plain(each)) == each


def test_filters_say_themselves_in_words() -> None:
    assert [each.words for each in EACH] == [
        "Net counts ≥ 300",
        "|Misfit z| ≤ 3 σ",
        "Optical filter: thin",
        "contains “xmmsim j1”",
    ]


def test_masks_agree_with_the_catalogue(opened: Services) -> None:
    table = opened.atlas.catalogue
    passing = filters.passing(EACH, opened.atlas)
    expected = (
        (table["net_counts"] >= 300)
        & table["cstat_z"].between(-3, 3)
        & (table["filter"] == "thin")
        & table["name"].str.lower().str.contains("xmmsim j1", regex=False)
    )
    assert passing is not None
    assert np.array_equal(passing, expected.to_numpy(bool))
    assert 0 < passing.sum() < len(table)
    assert filters.passing((), opened.atlas) is None


@pytest.mark.parametrize(
    "plain", [None, 3, {}, {"key": "nonsense"}, {"key": "net_counts", "low": "x"}, {"key": "filter"}]
)
def test_what_is_no_filter_is_refused(plain: object) -> None:
    with pytest.raises(OptionError):
        filters.from_plain(plain)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    for low, high in ((2, 1), (math.nan, 1)):
        with pytest.raises(OptionError):
            Range("net_counts", low, high)


def test_only_quantities_with_values_are_offered(opened: Services) -> None:
    offered = {each.key for each in quantities.quantities(opened.atlas)}
    assert {"net_counts", "rarity", "sigma", "mjd_start"} <= offered
    assert all(np.isfinite(quantities.values(opened.atlas, key)).any() for key in offered)


def test_right_ascension_may_run_through_zero(opened: Services) -> None:
    ra = opened.atlas.catalogue["ra_deg"]
    through = filters.passing([Range("ra_deg", 300, 60)], opened.atlas)
    assert through is not None
    assert np.array_equal(through, ((ra >= 300) | (ra <= 60)).to_numpy())
    assert Range("ra_deg", 300, 60).words == "Right ascension 300–60°"
    assert filters.from_plain(filters.to_plain(Range("ra_deg", 300, 60))) == Range("ra_deg", 300, 60)
    with pytest.raises(OptionError, match="ends before it begins"):
        Range("dec_deg", 60, -60)


def test_dates_and_choices_say_themselves_in_words() -> None:
    assert Range("mjd_start", 58457.0, 58483.999999).words == "2018-12-05 to 2018-12-31"
    assert Range("mjd_start", low=58457.0).words == "Date from 2018-12-05"
    assert Range("mjd_start", high=58483.999999).words == "Date until 2018-12-31"
    assert Range("flux_0p3_10", low=2e-14).words == "Flux ≥ 2 × 10⁻¹⁴ erg/cm²/s"
    assert Range("hr2", -0.5, 0.25).words == "Hardness 2 −0.5 to 0.25"
    assert OneOf("sum_flag", ("0", "1")).words == "Quality flag: 0, 1"
    assert OneOf("mode", ("ff", "new")).words == "Data mode: full frame, new"


def test_choices_are_those_of_the_catalogue(opened: Services) -> None:
    for key in filters.CHOICES:
        names, codes = filters.choices(opened.atlas, key)
        column = opened.atlas.catalogue[key].astype("str")
        assert set(names) == set(column.dropna()) - {"<NA>"}
        for place, name in enumerate(names):
            assert np.array_equal(codes == place, (column == name).to_numpy(bool))


def test_a_flag_is_filtered_by_its_value(opened: Services) -> None:
    passing = filters.passing([OneOf("sum_flag", ("0",))], opened.atlas)
    assert passing is not None
    assert np.array_equal(passing, (opened.atlas.catalogue["sum_flag"] == 0).to_numpy(bool))


def test_masks_are_not_to_be_written_to(opened: Services) -> None:
    for active in ([EACH[0]], EACH):
        passing = filters.passing(active, opened.atlas)
        assert passing is not None
        assert not passing.flags.writeable


def test_scales_run_forward_and_back(opened: Services) -> None:
    for each in quantities.QUANTITIES:
        low, high = quantities.limits(opened.atlas, each.key)
        assert low < high
        between = quantities.inverse(each, np.linspace(*quantities.forward(each, [low, high]), 9))
        assert (np.diff(between) > 0).all()
        assert np.allclose(between[[0, -1]], [low, high])


def test_numbers_in_words() -> None:
    counts, date = quantities.quantity("net_counts"), quantities.quantity("mjd_start")
    assert counts is not None
    assert date is not None
    shown = [
        quantities.in_words(counts, value) for value in (0, -0.25, 1234.5, 2.5e6, 1e-14, -3e-5, math.nan, math.inf)
    ]
    assert shown == ["0", "−0.25", "1,234", "2.5 × 10⁶", "10⁻¹⁴", "−3 × 10⁻⁵", "–", "∞"]
    assert quantities.in_words(date, 58457.9) == "2018-12-05"
