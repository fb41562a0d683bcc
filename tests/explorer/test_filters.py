from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.services import Services
from explorer.tools import filters, quantities
from explorer.tools.filters import OneOf, Range, Text
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
