"""The kNN test is blind to nothing, sees what is there, and never meets a source twice."""

from __future__ import annotations

import numpy as np
import pytest

from vae.errors import ExplorerError
from vae.evaluation.separation import balanced_split, separation


def _made(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source_id = rng.integers(0, n // 2, n)
    labels = np.array(["AGN", "Star", "TDE"])[np.random.default_rng(1).choice(3, n, p=[0.7, 0.2, 0.1])[source_id]]
    centre = {"AGN": 0.0, "Star": 3.0, "TDE": 6.0}
    good = np.array([[centre[name]] for name in labels]) + rng.normal(0, 0.8, (n, 1))
    return labels, source_id, good


def test_split_is_balanced_and_parted_by_source() -> None:
    labels, source_id, _ = _made()
    split = balanced_split(labels, source_id, np.arange(len(labels)), most=150)
    assert not set(source_id[split.reference]) & set(source_id[split.query])
    for rows in (split.reference, split.query):
        _, sizes = np.unique(labels[rows], return_counts=True)
        assert len(sizes) == 3
        assert len(set(sizes)) == 1


def test_separation_sees_classes_and_shuffling_destroys_them() -> None:
    labels, source_id, good = _made()
    split = balanced_split(labels, source_id, np.arange(len(labels)), most=150)
    shuffled = np.random.default_rng(2).permutation(good)
    scores = separation({"good": good, "shuffled": shuffled}, labels, source_id, split, against="good")
    assert scores["good"]["balanced_accuracy"] > 0.9
    assert abs(scores["shuffled"]["balanced_accuracy"] - 1 / 3) < 0.12
    assert scores["shuffled"]["difference_low"] > 0.3
    assert scores["good"]["low"] <= scores["good"]["balanced_accuracy"] <= scores["good"]["high"]
    assert scores["good"]["difference"] == 0.0


def test_a_handful_of_oddities_neither_shrinks_nor_joins_the_test() -> None:
    labels, source_id, _ = _made()
    rare = np.random.default_rng(3).choice(len(labels), 5, replace=False)
    labels = labels.astype("<U20")
    labels[rare] = "Extremely soft"
    split = balanced_split(labels, source_id, np.arange(len(labels)), most=150)
    assert split.left_out == {"Extremely soft": 5}
    assert "Extremely soft" not in split.classes
    assert len(split.query) == 3 * 50
    assert len(split.reference) == 3 * 100


def test_too_few_detections_to_compare_is_said() -> None:
    labels, source_id, _ = _made(60)
    with pytest.raises(ExplorerError, match="Evaluate a larger atlas"):
        balanced_split(labels, source_id, np.arange(len(labels)), most=150)
