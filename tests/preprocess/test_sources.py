from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae.preprocess.describe import separation_deg
from vae.preprocess.sources import JOIN_ARCSEC, choose_spectra, join_sources


def groups(ra, dec, obs=None, src=None):
    n = len(ra)
    return join_sources(
        np.array(ra, float), np.array(dec, float), obs or [f"o{i}" for i in range(n)], src or [1] * n
    ).tolist()


@pytest.mark.parametrize("ra", [0.0, 123.4, 359.9999])
@pytest.mark.parametrize("dec", [0.0, 60.0, -89.9])
def test_ten_arcsec_is_ten_arcsec_all_over_the_sky(ra, dec):
    step = np.array([9.9, 10.1]) / 3600
    assert groups([ra] * 2, [dec, dec + step[0]]) == [0, 0]
    assert groups([ra] * 2, [dec, dec + step[1]]) == [0, 1]
    across = step / np.cos(np.radians(dec))
    assert groups([ra, (ra + across[0]) % 360], [dec] * 2) == [0, 0]
    assert groups([ra, (ra + across[1]) % 360], [dec] * 2) == [0, 1]


def test_unknown_positions_join_nothing():
    assert groups([np.nan, np.nan, 1.0], [np.nan, np.nan, 1.0]) == [0, 1, 2]


def test_detections_told_apart_in_one_observation_stay_apart():
    arcsec = 1 / 3600
    ra = [10.0, 10.0, 10.0]
    dec = [0.0, 4 * arcsec, 3 * arcsec]
    assert groups(ra, dec, ["a", "a", "b"], [1, 2, 9]) == [0, 1, 1]  # the third goes to the nearer of the two
    assert groups(ra, dec, ["a", "a", "b"], [1, 1, 9]) == [0, 0, 0]  # exposures of one detection
    assert groups(ra, dec, ["a", "a", "b"], [1, pd.NA, 9]) == [0, 0, 0]


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(2, 40),
    n_obs=st.integers(1, 6),
)
def test_groups_are_near_and_never_mix_sources_of_an_observation(seed, n, n_obs):
    rng = np.random.default_rng(seed)
    ra, dec = 50 + rng.uniform(0, 40, n) / 3600, rng.uniform(0, 40, n) / 3600
    obs, src = [f"o{i}" for i in rng.integers(0, n_obs, n)], list(rng.integers(0, 5, n))
    group = np.array(groups(ra, dec, obs, src))
    for label in np.unique(group):
        members = np.flatnonzero(group == label)
        assert label == members[0]
        seen: dict[str, set[int]] = {}
        for i in members:
            seen.setdefault(obs[i], set()).add(int(src[i]))
        assert all(len(numbers) == 1 for numbers in seen.values())
        if members.size > 1:
            for i in members:
                nearest = min(separation_deg((ra[i], dec[i]), (ra[j], dec[j])) for j in members if j != i)
                assert nearest * 3600 <= JOIN_ARCSEC * 1.0001


def test_choice_is_by_net_counts_then_by_id():
    table = pd.DataFrame(
        {
            "detection_id": [5, 4, 3, 9, 9, 8],
            "source": [0, 0, 0, 3, 4, 5],
            "obs_id": ["a", "a", "b", "c", "d", None],
            "net_counts": [10.0, 10.0, 1.0, 2.0, 7.0, 1.0],
        }
    )
    choice = choose_spectra(table)
    assert choice["kept"].tolist() == [False, True, True, False, True, True]
    assert choice["kind"].tolist() == ["duplicate", "", "", "id-conflict", "", ""]
    assert choice["instead"].tolist() == [1, 1, 2, 4, 4, 5]
