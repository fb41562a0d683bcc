from __future__ import annotations

import numpy as np
import pytest

from explorer.filters import filters, histograms, quantities
from explorer.filters.filters import OneOf, Range
from explorer.services import Services


def test_bins_are_those_of_numpy_with_the_tails_in_the_outermost(opened: Services) -> None:
    for each in quantities.quantities(opened.atlas):
        histogram = histograms.histogram(opened.atlas, each.key)
        place = quantities.forward(each, quantities.values(opened.atlas, each.key)).astype(np.float64)
        edges = np.linspace(*quantities.forward(each, [histogram.low, histogram.high]), histograms.N_BINS + 1)
        place = np.clip(place[~np.isnan(place)], edges[0], edges[-1])
        assert histogram.total.sum() == place.size
        # a value within rounding of an edge may fall on either side: compare what lies below each edge
        below = np.searchsorted(np.sort(place), edges[1:-1] + 1e-5 * (edges[-1] - edges[0]))
        above = np.searchsorted(np.sort(place), edges[1:-1] - 1e-5 * (edges[-1] - edges[0]))
        ours = np.cumsum(histogram.total)[:-1]
        assert ((above <= ours) & (ours <= below)).all(), each.key


def test_counts_of_a_mask(opened: Services) -> None:
    histogram = histograms.histogram(opened.atlas, "net_counts")
    mask = np.random.default_rng(3).random(len(opened)) < 0.3
    expected = np.bincount(histogram.bins[mask], minlength=histograms.N_BINS)
    assert np.array_equal(histogram.count(mask), expected)
    assert histogram.count(None) is histogram.total


def test_what_has_no_value_is_in_no_bin(opened: Services) -> None:
    absent = int(opened.atlas.catalogue["match_separation_arcsec"].isna().sum())
    assert absent > 0
    assert histograms.histogram(opened.atlas, "match_separation_arcsec").total.sum() == len(opened) - absent


def test_a_histogram_is_under_all_filters_but_its_own(opened: Services) -> None:
    counts, thin = Range("net_counts", 500), OneOf("filter", ("thin",))
    visible = opened.class_codes < 8
    both = filters.mask_of(counts, opened.atlas) & filters.mask_of(thin, opened.atlas)
    mine = histograms.others((counts, thin), "net_counts", opened.atlas, visible)
    elsewhere = histograms.others((counts, thin), "rarity", opened.atlas, visible)
    assert mine is not None
    assert elsewhere is not None
    assert np.array_equal(mine, filters.mask_of(thin, opened.atlas) & visible)
    assert np.array_equal(elsewhere, both & visible)
    assert histograms.others((counts,), "net_counts", opened.atlas, None) is None
    assert histograms.others((counts,), "net_counts", opened.atlas, visible) is visible


def test_ticks_lie_on_the_axis_and_say_their_place(opened: Services) -> None:
    for each in quantities.quantities(opened.atlas):
        ticks = histograms.histogram(opened.atlas, each.key).ticks()
        places, words = zip(*ticks, strict=True)
        assert 2 <= len(ticks) <= 8, each.key
        assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
        assert (np.diff(places) > 0.05).all(), each.key
        assert len(set(words)) == len(words), each.key


def test_there_is_no_histogram_of_what_is_no_quantity(opened: Services) -> None:
    with pytest.raises(KeyError):
        histograms.histogram(opened.atlas, "nonsense")
