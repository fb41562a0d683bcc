"""The taught bottleneck tells classes apart on sources it never saw, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from linear_model import LinearModel, archive

from vae.errors import ExplorerError
from vae.evaluation.ceiling import supervised_embedding
from vae.evaluation.rows import take


def _classes(n: int) -> tuple[np.ndarray, np.ndarray]:
    block = archive(n, 900.0, seed=5)
    mu, _ = LinearModel().encode_arrays(block.counts)
    return block, np.where(mu[:, 0] > 0, "hard", "soft")


def test_classes_come_apart_and_the_seed_decides() -> None:
    block, labels = _classes(400)
    training, test = take(block, slice(0, 300)), take(block, slice(300, 400))
    options = {"updates": 30, "net_counts": (600.0, 900.0)}
    runs = [
        supervised_embedding(training, labels[:300], np.arange(300), test, seed=seed, **options) for seed in (0, 0, 1)
    ]
    embedding, about = runs[0]
    assert embedding.shape == (100, 2)
    assert np.array_equal(embedding, runs[1][0])
    assert not np.array_equal(embedding, runs[2][0])
    assert about["taught"] + about["watched"] == 300
    hard = labels[300:] == "hard"
    apart = embedding[hard].mean(axis=0) - embedding[~hard].mean(axis=0)
    right = (embedding @ apart > np.median(embedding @ apart)) == hard
    assert right.mean() > 0.8
    assert about["watched_accuracy"] > 0.7


def test_other_classes_are_not_taught_and_one_class_is_refused() -> None:
    block, labels = _classes(60)
    labels = np.where(np.arange(60) < 10, "odd", labels)
    _, about = supervised_embedding(block, labels, np.arange(60), block, classes=["hard", "soft"], updates=2)
    assert about["classes"] == ["hard", "soft"]
    with pytest.raises(ExplorerError, match="cannot be taught"):
        supervised_embedding(block, labels, np.arange(60), block, classes=["hard"], updates=2)
