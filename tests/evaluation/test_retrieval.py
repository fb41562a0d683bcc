"""Rare classes are found where a representation keeps them together, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.retrieval import retrieval


def _made(n: int = 4000, n_rare: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.array(["Common"] * (n - n_rare) + ["Odd"] * n_rare)
    values = np.random.default_rng(0).normal(0, 1, (n, 2))
    values[-n_rare:] += 9.0
    return labels, np.arange(n), values


def test_an_island_is_found_whole_and_shuffling_loses_it() -> None:
    labels, source_id, values = _made()
    shuffled = np.random.default_rng(1).permutation(values)
    found = retrieval({"island": values, "shuffled": shuffled}, labels, source_id)
    assert set(found) == {"Odd"}
    assert found["Odd"]["rows"] == 12
    assert set(found["Odd"]["at"]) == {"10", "25", "100"}
    for entry in found["Odd"]["at"].values():
        assert entry["island"] == {"recall": 1.0, "low": 1.0, "high": 1.0}
        assert entry["shuffled"]["recall"] < 0.1
    assert found["Odd"]["at"]["25"]["chance"] == pytest.approx(25 / 3999)


def test_the_interval_holds_the_recall_and_is_wider_for_fewer_sources() -> None:
    labels, source_id, values = _made(n=4400, n_rare=40)
    values[-20:] = np.random.default_rng(3).normal(0, 1, (20, 2))  # half of the island is lost in the crowd
    many = retrieval({"half": values}, labels, source_id)["Odd"]["at"]["25"]["half"]
    source_id[-40:] = -(np.arange(40) // 5)  # the same rows, five of a source: the first half is four sources
    few = retrieval({"half": values}, labels, source_id)["Odd"]["at"]["25"]["half"]
    for entry in (many, few):
        assert entry["low"] < entry["recall"] < entry["high"]
    assert few["high"] - few["low"] > many["high"] - many["low"]


def test_detections_of_the_same_source_are_no_finds() -> None:
    labels, source_id, values = _made()
    source_id[-6:] = source_id[-6]
    source_id[-12:-6] = source_id[-12]
    found = retrieval({"island": values}, labels, source_id, depths=(3,))
    assert found["Odd"]["at"]["3"]["island"]["recall"] == 1.0  # the other six are next, once the own five are passed
    source_id[-12:] = source_id[-1]
    assert retrieval({"island": values}, labels, source_id) == {}


def test_rows_without_a_label_are_no_class() -> None:
    labels, source_id, values = _made()
    labels = np.where(labels == "Odd", "", labels)
    assert retrieval({"island": values}, labels, source_id) == {}
