from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vae.training import is_held_out


def test_share_held_out_is_the_fraction() -> None:
    ids = np.arange(200_000)
    assert abs(is_held_out(ids, 0.1).mean() - 0.1) < 0.003
    assert abs(is_held_out(ids * 1000 + 7, 0.3).mean() - 0.3) < 0.005
    assert not is_held_out(ids[:10], 0.0).any()
    assert is_held_out(ids[:10], 1.0).all()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_the_side_depends_on_the_source_alone(ids: list[int]) -> None:
    together = is_held_out(np.array(ids))
    apart = [bool(is_held_out(np.array([one]))[0]) for one in ids]
    assert together.tolist() == apart


def test_the_split_never_changes() -> None:
    # Shipped models were trained on one side of it: what is held out must stay held out.
    assert np.flatnonzero(is_held_out(np.arange(100))).tolist() == [10, 18, 21, 41, 48, 68, 82, 83]
