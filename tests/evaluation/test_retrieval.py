"""Rare classes are found where a representation keeps them together, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.retrieval import rare_retrieval


def _made(n: int = 4000, n_rare: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.array(["Common"] * (n - n_rare) + ["Odd"] * n_rare)
    values = np.random.default_rng(0).normal(0, 1, (n, 2))
    values[-n_rare:] += 9.0
    return labels, np.arange(n), values


def test_an_island_is_found_whole_and_shuffling_loses_it() -> None:
    labels, source_id, values = _made()
    shuffled = np.random.default_rng(1).permutation(values)
    found = rare_retrieval({"island": values, "shuffled": shuffled}, labels, source_id)
    assert set(found) == {"Odd"}
    assert found["Odd"]["island"] == 1.0
    assert found["Odd"]["shuffled"] < 0.1
    assert found["Odd"]["rows"] == 12
    assert found["Odd"]["chance"] == pytest.approx(25 / 3999)


def test_detections_of_the_same_source_are_no_finds() -> None:
    labels, source_id, values = _made()
    source_id[-6:] = source_id[-6]
    source_id[-12:-6] = source_id[-12]
    found = rare_retrieval({"island": values}, labels, source_id, k=3)
    assert found["Odd"]["island"] == 1.0  # the other six are next, once the own five are passed over
    source_id[-12:] = source_id[-1]
    assert rare_retrieval({"island": values}, labels, source_id) == {}
