"""Partners share what they are matched in; features add up; a crude simulation is found out."""

from __future__ import annotations

import numpy as np
import pytest

from vae.errors import ExplorerError
from vae.evaluation import domain
from vae.evaluation.draws import folded, is_canned, nearest_response, population
from vae.evaluation.two_sample import two_sample
from vae.simulate import instrument
from vae.spectra import grid
from vae.spectra.store import Block, SpectraStore


@pytest.fixture(scope="module")
def sample() -> domain.RealSample:
    """A simulated stand-in for the real sample: 24 active nuclei of 60 to 600 net counts."""
    rng = np.random.default_rng(5)
    n = 24
    net, ratio = np.geomspace(60, 600, n), np.full(n, 0.03)
    filters, offaxis = np.zeros(n, np.int64), np.linspace(1, 13, n)
    responses = np.full(n, nearest_response("epn_e3_ef20_sdY6.rmf"), np.int32)
    shapes = folded(population({"AGN"}, nh_galactic=0.015)(rng, n), filters, offaxis, responses)
    background = instrument.background_rates(rng, np.zeros(n, np.int64), filters, offaxis)
    background *= 300.0 / background.sum(axis=1, keepdims=True)
    counts = rng.poisson(shapes * net[:, None] + background)
    background_counts = rng.poisson(background / ratio[:, None])
    block = Block(
        counts=counts,
        background_counts=background_counts,
        background_ratio=ratio.astype(np.float32),
        sensitivity=np.ones((n, grid.N_BINS), np.float32),
        area=np.ones((n, grid.N_TRUE), np.float32),
        response_index=np.zeros(n, np.int32),
    )
    snr = net / np.sqrt(counts.sum(axis=1))
    return domain.RealSample(
        block, np.arange(n), np.arange(n) // 20, snr, 10 + offaxis / 60, np.zeros(n), offaxis, filters, responses
    )


def test_partners_match_in_counts_and_background_not_in_shape(sample: domain.RealSample) -> None:
    partners = domain.draw_partners(
        np.random.default_rng(0), sample, 6, population({"AGN", "Quasar"}, nh_galactic=0.015)
    )
    assert partners.counts.shape == (24, 6, grid.N_BINS)
    ratio = partners.background_ratio[:, None, None]
    net = (partners.counts - ratio * partners.background_counts).sum(axis=2)
    error = np.sqrt(np.asarray(sample.block.counts).sum(axis=1))
    miss = (net - sample.net_counts[:, None]) / error[:, None]
    assert np.median(np.abs(miss)) < 0.3
    assert abs(miss.mean()) < 0.15
    level = (ratio * partners.background_counts).sum(axis=2)
    assert level.mean() == pytest.approx(300.0, rel=0.05)
    assert (np.ptp(partners.counts, axis=1) > 0).any(axis=1).all()


def test_shares_add_up_and_have_names(sample: domain.RealSample) -> None:
    block = sample.block
    net_names, all_names = domain.share_names()
    net = domain.net_shares(block.counts, block.background_counts, block.background_ratio)
    everything = domain.all_shares(block.counts, block.background_counts, block.background_ratio)
    assert net.shape == (24, len(net_names))
    assert everything.shape == (24, len(all_names))
    bright = sample.net_counts > 200
    np.testing.assert_allclose(net[bright].sum(axis=1), 1.0, rtol=1e-6)
    width = len(domain.GROSS_BANDS) - 1
    np.testing.assert_allclose(everything[:, -width:].sum(axis=1), 1.0, rtol=1e-9)


def test_a_crude_background_is_found_out_and_the_right_one_is_not(sample: domain.RealSample) -> None:
    rng = np.random.default_rng(1)
    _, names = domain.share_names()
    block = sample.block
    real = domain.all_shares(block.counts, block.background_counts, block.background_ratio)
    auc = {}
    for title, background in (("simulated", instrument.background_rates), ("flat", domain.flat_background)):
        made = domain.draw_partners(rng, sample, 5, population({"AGN"}, nh_galactic=0.015), background)
        shares = domain.all_shares(made.counts, made.background_counts, made.background_ratio[:, None])
        verdict = two_sample(real, shares, sample.source_id, names, rng, method="logistic", repeats=1, n_null=5)
        auc[title] = verdict.auc, verdict.null_high
    assert auc["flat"][0] > 0.97
    assert auc["simulated"][0] < max(0.97, auc["simulated"][1] + 0.05)


def test_a_part_keeps_rows_together_and_distances_are_angles(sample: domain.RealSample) -> None:
    distance = sample.distance_arcmin(10.0, 0.0)
    np.testing.assert_allclose(distance, sample.offaxis_arcmin, rtol=1e-6)
    part = sample.part(np.flatnonzero(distance > 7))
    assert 0 < len(part) < len(sample)
    assert (part.offaxis_arcmin > 7).all()
    np.testing.assert_array_equal(part.block.counts, sample.block.counts[distance > 7])


def test_the_nearest_response_has_the_mode_first_then_the_period_then_the_row() -> None:
    names = instrument.RESPONSE_NAMES
    for wanted in names:
        assert names[nearest_response(wanted)] == wanted
    found = names[nearest_response("epn_e3_ef20_sdY5_v19.0.rmf")]
    assert found.startswith("epn_e3_ef20_")
    assert is_canned(found)
    assert not is_canned("PN_0693781201_S003_total.rmf")
    with pytest.raises(ExplorerError, match="not the name of a canned matrix"):
        nearest_response("PN.rmf")


def test_a_store_without_products_of_a_field_is_refused(tiny_store) -> None:
    store = SpectraStore.open(tiny_store)
    store.detections = store.detections.iloc[:5]
    with pytest.raises(ExplorerError, match="twenty are needed"):
        domain.real_sample(store)


@pytest.mark.realdata
def test_the_real_field_gives_58_products(ogip, tmp_path) -> None:
    from vae.preprocess import PreprocessOptions, preprocess

    standin = ogip / "rxcj2359" / "responses" / "epn_e3_ef20_sdY6_v19.0.rmf"
    preprocess(
        [ogip / "rxcj2359"], tmp_path / "store", PreprocessOptions(standin_response=standin, workers=1), quiet=True
    )
    real = domain.real_sample(SpectraStore.open(tmp_path / "store"))
    assert len(real) == 58
    assert {instrument.RESPONSE_NAMES[index][4:9] for index in real.response_index} == {"e3_ef", "e3_ff"}


def test_what_an_observation_shares_is_taken_out() -> None:
    observation = np.array([0, 0, 0, 1, 1])
    shares = np.random.default_rng(0).normal(0, 1, (5, 3, 2)) + 10.0 * observation[:, None, None]
    within = domain.within_observations(shares, observation)
    np.testing.assert_allclose(within[observation == 0].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.diff(within[:3], axis=0), np.diff(shares[:3], axis=0))
    assert np.abs(within).max() < 5
