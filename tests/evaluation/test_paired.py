"""Paired spectra: the counts asked for, the instrument asked for; a model that sees the instrument is found out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vae.errors import ExplorerError
from vae.evaluation.invariance import invariance, reference
from vae.evaluation.nuisance import nuisance_shifts, pairs
from vae.evaluation.nulls import folded
from vae.evaluation.paired import Sources, amplitudes, background_counts, draw_sources, seen
from vae.simulate import instrument
from vae.simulate.spectral_model import FINE_CENTRES, FINE_TO_TRUE, FINE_WIDTHS
from vae.spectra import grid


class Softness:
    """mu: logarithm of the mean energy of the net counts, or of their unfolded spectrum."""

    def __init__(self, unfolded: bool) -> None:
        self.unfolded = unfolded

    def encode_arrays(self, counts: Any, under: Any, ratio: Any, sensitivity: Any) -> tuple[np.ndarray, np.ndarray]:
        net = np.asarray(counts, np.float64) - np.asarray(ratio)[:, None] * under
        if self.unfolded:
            net = np.divide(net, sensitivity, out=np.zeros_like(net), where=sensitivity > 0) * 1e5
        use = slice(10, 160)
        energy = net[:, use] @ grid.BIN_CENTRES[use] / np.maximum(net[:, use].sum(axis=1), 1e-9)
        mu = np.log(np.clip(energy, 0.3, 10.0))[:, None]
        return mu, np.full_like(mu, 0.01)


@pytest.fixture(scope="module")
def sources() -> Sources:
    return draw_sources(60, seed=4)


def test_same_seed_same_sources_and_setups_like_the_archive(sources: Sources) -> None:
    again = draw_sources(60, seed=4)
    assert np.array_equal(sources.photons, again.photons)
    assert np.array_equal(sources.setups.backscal, again.setups.backscal)
    assert not np.array_equal(sources.photons, draw_sources(60, seed=5).photons)
    assert len(np.unique(sources.true_class)) > 3
    assert sources.setups.background_ratio.min() >= 0.0099
    assert sources.setups.background_ratio.max() <= 0.501
    assert len(np.unique(sources.setups.response_index)) > 5
    with pytest.raises(ExplorerError, match="cannot be drawn"):
        draw_sources(0, seed=1)


def test_expected_counts_are_those_asked_for_and_poisson_counts_scatter_about_them(sources: Sources) -> None:
    amplitude = amplitudes(sources.photons, sources.setups, 5000.0)
    plain = seen(sources.photons, sources.setups, amplitude)
    net = plain.counts - plain.background_ratio[:, None] * plain.background_counts
    assert net.sum(axis=1) == pytest.approx(np.full(60, 5000.0), rel=1e-5)
    noisy = seen(sources.photons, sources.setups, amplitude, np.random.default_rng(0))
    pull = (noisy.counts.sum(axis=1) - plain.counts.sum(axis=1)) / np.sqrt(plain.counts.sum(axis=1))
    assert np.abs(pull).max() < 5
    assert pull.std() == pytest.approx(1.0, abs=0.35)
    assert noisy.area.shape == (60, grid.N_TRUE)


def test_block_folds_like_the_simulator(sources: Sources) -> None:
    photons = np.broadcast_to((FINE_CENTRES**-1.8 * FINE_WIDTHS).astype(np.float32), sources.photons.shape)
    plain = seen(photons, sources.setups, amplitudes(photons, sources.setups, 1e4))
    expected = plain.counts - background_counts(sources.setups)
    on_true = np.bincount(FINE_TO_TRUE, photons[0], grid.N_TRUE)
    other = folded(on_true, plain, instrument.stored_matrices())
    assert np.abs(other / other.sum(axis=1, keepdims=True) - expected / 1e4).max() < 2e-4


def test_background_keeps_its_level_when_something_else_changes(sources: Sources) -> None:
    before, after = pairs(sources.setups)["exposure four times"]
    assert background_counts(after) == pytest.approx(4.0 * background_counts(before))
    before, after = pairs(sources.setups)["thin to thick filter"]
    assert np.all(background_counts(after) <= background_counts(before) * (1 + 1e-9))
    assert reference(3).changed(offaxis_arcmin=5.0).offaxis_arcmin.tolist() == [5.0] * 3


def test_a_model_that_sees_the_instrument_moves_and_one_that_does_not_stays(sources: Sources) -> None:
    blind, arrays = invariance(Softness(unfolded=True), sources=sources, net_counts=(10_000.0,))
    leaking, _ = invariance(Softness(unfolded=False), sources=sources, net_counts=(10_000.0,))
    for family in ("filter", "all at once"):
        moved, stayed = leaking["10000"][family], blind["10000"][family]
        assert moved["median_in_sigma"]["value"] > 5 * stayed["median_in_sigma"]["value"]
        assert moved["rms_in_sigma"]["value"] > 3 * stayed["rms_in_sigma"]["value"]
        assert stayed["within_sigma"]["value"] > 0.9
        assert stayed["hardness_median_in_spread"]["value"] > 0.01
    ratio = stayed["width_noisy"]["value"] / stayed["width_null"]["value"]
    assert ratio == pytest.approx(1.0, abs=0.3)
    assert arrays["10000 filter"].shape == (1, len(arrays["edges"]) - 1)


def test_circumstances_that_change_the_counts_do_not_move_what_is_free_of_them(sources: Sources) -> None:
    figures, arrays = nuisance_shifts(Softness(unfolded=True), sources=sources)
    assert figures["exposure halved"]["median_in_sigma"]["value"] == pytest.approx(0.0, abs=1e-4)
    assert figures["background three times"]["p90_in_sigma"]["value"] == pytest.approx(0.0, abs=1e-4)
    leaking, _ = nuisance_shifts(Softness(unfolded=False), sources=sources)
    assert leaking["thin to thick filter"]["within_sigma"]["value"] < 0.5
    assert set(arrays) == {*pairs(sources.setups), "edges"}
