"""Bootstrap intervals are as wide as they should be, and sources stay whole."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.intervals import interval, resamples, scores


def test_every_archive_holds_whole_sources() -> None:
    source_id = np.array([5, 5, 7, 9, 9, 9])
    for rows in resamples(source_id, 20, seed=1):
        drawn, times = np.unique(rows, return_counts=True)
        for source in (5, 7, 9):
            of_source = times[source_id[drawn] == source]
            assert len(of_source) in (0, np.sum(source_id == source))
            assert len(set(of_source.tolist())) <= 1


def test_interval_of_a_mean_is_its_error_and_copies_do_not_narrow_it() -> None:
    values = np.random.default_rng(0).normal(size=900)
    value, low, high = interval(lambda rows: values[rows].mean(), np.arange(900), n=1000)
    assert value == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 / 30, rel=0.12)
    copies = np.repeat(values, 4)
    _, low_4, high_4 = interval(lambda rows: copies[rows].mean(), np.repeat(np.arange(900), 4), n=1000)
    assert high_4 - low_4 == pytest.approx(high - low, rel=0.12)


def test_scores_are_plain_and_a_draw_without_a_figure_is_left_out() -> None:
    def statistic(rows: np.ndarray) -> list[float]:
        return [float(len(rows)), float("nan") if 0 in rows else 2.0]

    found = scores(("rows", "sometimes"), statistic, np.arange(3), n=50)
    assert found["rows"] == {"value": 3.0, "low": 3.0, "high": 3.0}
    assert np.isnan(found["sometimes"]["value"])
    assert found["sometimes"]["low"] == found["sometimes"]["high"] == 2.0


def test_same_seed_same_interval() -> None:
    values = np.arange(50.0)
    one, two, other = (interval(lambda rows: values[rows].mean(), values, n=30, seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert one != other
