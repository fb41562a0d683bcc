from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.tools import observations
from vae.atlas import Atlas


@pytest.fixture(scope="module")
def atlas(tiny_atlas: Path) -> Atlas:
    return Atlas.open(tiny_atlas)


def row_with(atlas: Atlas, least: int) -> int:
    counts = atlas.catalogue["source_id"].value_counts()
    return int(np.flatnonzero(atlas.catalogue["source_id"] == counts[counts >= least].index[0])[0])


def test_stepping_visits_every_observation_in_time_order(atlas: Atlas) -> None:
    row = row_with(atlas, 3)
    while (before := observations.place(atlas, row).previous) is not None:
        row = before
    visited = [row]
    while (after := observations.place(atlas, visited[-1]).following) is not None:
        visited.append(after)
    same = atlas.catalogue["source_id"] == atlas.catalogue["source_id"].iat[row]
    assert sorted(visited) == np.flatnonzero(same).tolist()
    assert np.diff(atlas.catalogue["mjd_start"].to_numpy()[visited]).min() >= 0
    assert [observations.place(atlas, r).position for r in visited] == list(range(1, len(visited) + 1))
    assert {observations.place(atlas, r).total for r in visited} == {len(visited)}


def test_rates_are_net_counts_over_exposure_with_poisson_errors(atlas: Atlas) -> None:
    rows = np.arange(200)
    part = atlas.catalogue.iloc[rows]
    rates = observations.count_rates(atlas, rows)
    np.testing.assert_allclose(rates["rate"] * part["exposure_s"], part["net_counts"], rtol=1e-6)
    # The error of net counts C - a B is at least that of the gross counts alone.
    assert (rates["error"] * part["exposure_s"] >= 0.999 * np.sqrt(part["counts"])).all()


def test_light_curve_marks_the_picked_observation(atlas: Atlas) -> None:
    row = row_with(atlas, 3)
    curve = observations.light_curve(atlas, row)
    assert curve is not None
    assert [point["row"] for point in curve["points"] if point["current"]] == [row]
    assert curve["points"][0]["t"] == 0.0
    assert curve["points"][-1]["t"] == 1.0
    assert all(point["lo"] < point["rate"] < point["hi"] for point in curve["points"])


def test_one_observation_makes_no_light_curve(atlas: Atlas) -> None:
    counts = atlas.catalogue["source_id"].value_counts()
    single = int(np.flatnonzero(atlas.catalogue["source_id"] == counts[counts == 1].index[0])[0])
    assert observations.light_curve(atlas, single) is None
    place = observations.place(atlas, single)
    assert (place.position, place.total, place.previous, place.following) == (1, 1, None, None)


def test_time_runs_from_zero_to_one_where_it_is_known() -> None:
    np.testing.assert_allclose(observations.time_fractions(np.array([10.0, np.nan, 20.0, 30.0])), [0, 0, 0.5, 1])
    np.testing.assert_array_equal(observations.time_fractions(np.array([5.0])), [0])
