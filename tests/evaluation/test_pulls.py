"""A right sigma gives pulls of width 1, a wrong one does not."""

from __future__ import annotations

import numpy as np
import pytest
from linear_model import LinearModel, archive

from vae.evaluation.pulls import half_range, halves, pull_widths, split_exposures


@pytest.mark.parametrize(("too_small", "width"), [(1.0, 1.0), (0.5, 2.0)])
def test_width_tells_whether_sigma_is_right(too_small: float, width: float) -> None:
    block = archive(1500, 700.0)
    pulls = split_exposures(LinearModel(too_small), block)
    figures, arrays = pull_widths(pulls, np.arange(1500))
    # Half of the true variance is left over by the shrinkage here: forgetting it would give 0.94.
    expected = width if too_small == 1.0 else 2.0 * np.sqrt((1 - 0.222) / (1 - 0.0555))
    for value, low, high in zip(*(figures["all"]["width"][name] for name in ("value", "low", "high")), strict=True):
        assert value == pytest.approx(expected, abs=0.06 * expected)
        assert low < value < high
    assert arrays["histogram"].shape == (2, 40)
    assert np.diff(arrays["edges"]) @ arrays["histogram"][0] <= 1.0 + 1e-9
    assert figures["600-1000"]["rows"] == figures["rows"]


def test_halves_add_up_and_faint_ones_are_left_out() -> None:
    block = archive(200, 640.0, background=50.0)
    first, second = halves(block, np.random.default_rng(0))
    assert np.array_equal(first.counts + second.counts, block.counts)
    assert np.array_equal(first.background_counts + second.background_counts, block.background_counts)
    assert first.sensitivity.mean() == 0.5
    pulls = split_exposures(LinearModel(), block)
    assert 0 < len(pulls.rows) < 150
    assert pulls.net_counts.min() > 600


class WithIdleAxis(LinearModel):
    """A third latent that means nothing: its posterior is the prior."""

    def encode_arrays(self, counts: object, *_: object) -> tuple[np.ndarray, np.ndarray]:
        mu, sigma = super().encode_arrays(counts)
        return np.insert(mu, 1, 1e-3, axis=1), np.insert(sigma, 1, 1.0, axis=1)


def test_an_idle_axis_has_no_pull() -> None:
    figures, arrays = pull_widths(split_exposures(WithIdleAxis(), archive(300, 800.0)), np.arange(300))
    assert figures["axes"] == [1, 3]
    assert len(figures["all"]["width"]["value"]) == len(arrays["histogram"]) == 2


def test_few_rows_give_no_figure() -> None:
    figures, _ = pull_widths(split_exposures(LinearModel(), archive(10, 3000.0)), np.arange(10))
    assert figures["rows"] == 10
    assert "all" not in figures


def test_half_range_of_unit_gaussians_is_one() -> None:
    assert half_range(np.random.default_rng(0).normal(size=100_000)) == pytest.approx(1.0, abs=0.01)
