"""The two-sample test finds what differs, names it, and finds nothing where nothing differs."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.two_sample import METHODS, mean_shifts, two_sample

NAMES = ("a", "b", "c")


def _made(shift: float, n: int = 60, k: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    level = rng.normal(0, 3, (n, 1, 1))  # what partners are matched in
    both = level * np.array([1.0, 0.0, 0.0]) + rng.normal(0, 1, (n, k + 1, 3))
    both[:, 0, 1] += shift
    return both[:, 0], both[:, 1:], np.arange(n)


@pytest.mark.parametrize("method", METHODS)
def test_a_shift_is_found_and_named(method: str) -> None:
    real, partners, sources = _made(1.6)
    verdict = two_sample(real, partners, sources, NAMES, np.random.default_rng(1), method=method, repeats=1, n_null=3)
    assert verdict.auc > 0.75
    assert verdict.low > verdict.null_high
    assert verdict.low <= verdict.auc <= verdict.high
    assert next(iter(verdict.importance)) == "b"
    assert next(iter(mean_shifts(real, partners, NAMES).items())) == ("b", pytest.approx(12.0, abs=4.0))


@pytest.mark.parametrize("method", METHODS)
def test_copies_of_one_law_cannot_be_told_apart(method: str) -> None:
    real, partners, sources = _made(0.0)
    verdict = two_sample(real, partners, sources, NAMES, np.random.default_rng(1), method=method, repeats=2, n_null=0)
    assert abs(verdict.auc - 0.5) < 0.13
    assert np.isnan(verdict.null)


def test_what_a_whole_copy_shares_is_in_the_null() -> None:
    """Copies that each sit elsewhere are told apart as easily when simulated as when real."""
    rng = np.random.default_rng(0)
    both = rng.normal(0, 0.3, (60, 13, 3)) + rng.normal(0, 1, (1, 13, 3))
    verdict = two_sample(
        both[:, 0], both[:, 1:], np.arange(60), NAMES, np.random.default_rng(1), method="logistic", repeats=1, n_null=6
    )
    assert verdict.null > 0.7


def test_detections_of_one_source_stay_in_one_fold() -> None:
    """A mark that only identifies the source helps nobody: it is never seen in training."""
    rng = np.random.default_rng(2)
    sources = np.repeat(np.arange(10), 6)
    mark = rng.normal(0, 1, (10, 3))[sources]
    real = mark + rng.normal(0, 0.01, (60, 3))
    partners = rng.normal(0, 1, (60, 8, 3))
    verdict = two_sample(real, partners, sources, NAMES, rng, method="boosting", repeats=1, n_null=0)
    assert verdict.auc < 0.75
