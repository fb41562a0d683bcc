from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from vae.errors import OptionError
from vae.simulate import SimulateOptions, build_store, observe, simulate_chunk
from vae.simulate.instrument import RESPONSE_NAMES, stored_matrices
from vae.simulate.observe import MINIMUM_NET_COUNTS, Chunk, expose
from vae.simulate.population import ODDITIES
from vae.spectra import grid
from vae.spectra.columns import STORE_COLUMNS, conform
from vae.spectra.statistics import background_template, cstat_z, expected_background, net_summary
from vae.spectra.store import SHARD_ROWS, SpectraStore

SEED = 11


@pytest.fixture(scope="module")
def chunk() -> Chunk:
    return simulate_chunk(SEED, 0)


def test_a_chunk_is_one_shard_that_the_store_accepts(chunk: Chunk) -> None:
    block, table = chunk.block, chunk.table
    assert len(block) == len(table) == SHARD_ROWS
    assert block.area.shape == (SHARD_ROWS, grid.N_TRUE)
    assert not table.drop(columns=["class_is_candidate"]).columns.difference([c.name for c in STORE_COLUMNS]).size
    conformed = conform(table, STORE_COLUMNS)
    assert conformed["detection_id"].is_monotonic_increasing
    assert conformed["detection_id"].is_unique
    assert (conformed["obs_id"].astype("str").str.len() == 10).all()


def test_the_table_tells_what_the_spectra_hold(chunk: Chunk) -> None:
    block, table = chunk.block, chunk.table
    assert np.array_equal(block.counts.sum(axis=1), table["counts"])
    summary = net_summary(block.counts, block.background_counts, block.background_ratio)
    assert np.asarray(summary["net_counts"]) == pytest.approx(table["net_counts"].to_numpy(), rel=1e-4)
    assert (table["net_counts"] > MINIMUM_NET_COUNTS).all()
    assert (block.background_ratio >= 0.01).all()
    assert (block.background_ratio <= 0.5).all()
    quotient = chunk.setup["backscal"] / chunk.setup["background_backscal"]
    assert np.array_equal(block.background_ratio, quotient.astype(np.float32))
    names = np.array(RESPONSE_NAMES)[chunk.setup["response_index"]]
    assert (table["response"] == names).all()
    assert (table["mode"] == pd.Series(names).str.split("_").str[2].str[:2]).all()
    assert table.groupby("obs_id")["mode"].nunique().max() == 1


def test_background_is_spread_as_in_real_products(chunk: Chunk) -> None:
    # FACTS 3 and 4: ratios 0.012 / 0.037 / 0.149 (10/50/90 %), rates in source regions 0.005-0.0125 (10-90 %).
    ratio = np.quantile(chunk.block.background_ratio, (0.1, 0.5, 0.9))
    assert ratio == pytest.approx([0.012, 0.037, 0.149], rel=0.6)
    inside = chunk.block.background_counts.sum(axis=1) * chunk.block.background_ratio / chunk.table["exposure_s"]
    assert np.quantile(inside, (0.1, 0.9)) == pytest.approx([0.005, 0.0125], rel=0.3)
    # Bright sources have the larger regions.
    bright = (chunk.table["net_counts"] / chunk.table["exposure_s"] > 0.3).to_numpy()
    assert np.median(chunk.setup["backscal"][bright]) > 1.2 * np.median(chunk.setup["backscal"][~bright])


def test_sensitivity_follows_area_and_exposure(chunk: Chunk) -> None:
    block, table = chunk.block, chunk.table
    matrices = stored_matrices()
    for row in range(0, SHARD_ROWS, 1111):
        area = block.area[row].astype(np.float64) * grid.TRUE_WIDTHS
        expected = table["exposure_s"].iloc[row] * (matrices[block.response_index[row]].astype(np.float64) @ area)
        assert block.sensitivity[row] == pytest.approx(expected, rel=5e-3)  # the response is flat over each true bin


def test_sources_are_whole_and_in_time_order(chunk: Chunk) -> None:
    table = chunk.table
    per_source = table.groupby("source_id")
    assert per_source["true_class"].nunique().max() == 1
    assert per_source["name"].nunique().max() == 1
    assert (per_source["mjd_start"].diff().dropna() > 0).all()
    assert (np.diff(table["source_id"]) >= 0).all()
    assert not table.duplicated(["obs_id", "src_num"]).any()
    assert table.groupby("obs_id")["mjd_start"].nunique().max() == 1
    assert table.groupby("obs_id").size().max() > 1
    # Positions are the source's, as in the catalogue.
    assert per_source[["ra_deg", "dec_deg", "position_error_arcsec"]].nunique().max().max() == 1


def test_classes_are_known_for_nearly_half(chunk: Chunk) -> None:
    table = chunk.table
    sources = table.drop_duplicates("source_id")
    known = ~sources["class_label"].isin(["No match", "Unclassified"])
    assert known.mean() == pytest.approx(0.45, abs=0.03)
    assert table["true_class"].notna().all()
    shares = table["true_class"].value_counts(normalize=True)
    assert 0.5 < shares[["AGN", "Quasar"]].sum() < 0.75
    assert set(shares.index) > set(ODDITIES)
    assert shares.drop(list(ODDITIES)).min() > 0.003
    assert 1e-4 < shares[list(ODDITIES)].sum() < 2e-3
    assert set(table["class_origin"]) == {"simulated"}


def test_the_result_keeps_to_the_laws_of_the_archive(chunk: Chunk) -> None:
    table = chunk.table
    counts = table["net_counts"].to_numpy(np.float64)
    # FACTS 5, within what one chunk scatters: N(>C) ~ C^-0.9 from 300, a fifth of the sources with more than one.
    assert np.log(counts.size / np.sum(counts > 1000)) / np.log(1000 / 300) == pytest.approx(0.9, abs=0.06)
    bright = np.log(np.sum(counts > 3000) / np.sum(counts > 20_000)) / np.log(20_000 / 3000)
    assert bright == pytest.approx(1.2, abs=0.15)
    assert np.mean(table.groupby("source_id").size() > 1) == pytest.approx(0.2, abs=0.07)  # a few rich fields decide
    assert 13 < table.groupby("obs_id").size().mean() < 27


def test_showpieces_come_first_and_are_well_observed(chunk: Chunk) -> None:
    table = chunk.table
    first = table[table["source_id"] <= 3].groupby("source_id")
    assert list(first["true_class"].first()) == ["AGN", "Tidal disruption event", "X-ray binary"]
    assert list(first["class_label"].first()) == ["AGN", "Tidal disruption event", "X-ray binary"]
    assert (first.size() >= [9, 7, 10]).all()


def test_counts_are_poisson_about_what_is_expected() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    expected = np.tile(np.geomspace(0.01, 30, 238), (n, 1))
    background = np.full((n, 238), 0.4)
    counts, back = expose(rng, expected, background, np.full(n, 0.05))
    mean = expected[0] + 0.4
    assert np.abs((counts.mean(axis=0) - mean) / np.sqrt(mean / n)).max() < 4.5
    assert counts.var(axis=0) == pytest.approx(mean, rel=0.06)
    assert np.abs((back.mean(axis=0) - 8.0) / np.sqrt(8.0 / n)).max() < 4.5
    # Net counts are unbiased.
    assert (counts - 0.05 * back).mean(axis=0) == pytest.approx(expected[0], abs=0.2)


def test_the_truth_fits_as_well_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, NDArray[Any]] = {}

    def spy(rng: np.random.Generator, expected: Any, background: Any, ratio: Any) -> tuple[Any, Any]:
        counts, background_counts = expose(rng, expected, background, ratio)
        seen.update(expected=expected, background=background, ratio=ratio, counts=counts, back=background_counts)
        return counts, background_counts

    monkeypatch.setattr(observe, "expose", spy)
    observe._simulate_batch(np.random.default_rng(3), 1000, first=True)
    n = len(seen["counts"])
    truth = cstat_z(seen["counts"], seen["expected"] + seen["background"])
    assert abs(truth.mean()) < 4 / np.sqrt(n)
    assert truth.std() == pytest.approx(1.0, abs=0.1)
    # And still where the background has to be estimated as for real spectra: the simulated one has its usual shape.
    estimated = expected_background(seen["back"], seen["ratio"], background_template())
    z = cstat_z(seen["counts"], seen["expected"] + estimated)
    assert abs(z.mean()) < 0.2
    assert z.std() < 1.15


def test_other_seeds_and_chunks_give_other_skies(chunk: Chunk) -> None:
    block, table = chunk.block, chunk.table
    second = simulate_chunk(SEED, 1)
    other_block, other = second.block, second.table
    assert not np.array_equal(block.counts, other_block.counts)
    assert other["detection_id"].min() == table["detection_id"].max() + 1
    assert other["source_id"].min() > table["source_id"].max()
    assert not set(other["obs_id"]) & set(table["obs_id"])


@pytest.mark.slow
def test_workers_change_nothing_and_a_short_archive_begins_a_long_one(
    chunk: Chunk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("archives")
    n = SHARD_ROWS + 700
    one = SpectraStore.open(build_store(SimulateOptions(n, SEED, workers=1), folder / "one", quiet=True))
    two = SpectraStore.open(build_store(SimulateOptions(n, SEED, workers=2), folder / "two", quiet=True))
    assert len(one) == n
    assert one.simulated
    assert one.content_hash() == two.content_hash()
    assert np.array_equal(one.read("counts", slice(0, SHARD_ROWS)), chunk.block.counts)


def test_a_store_shorter_than_a_chunk_is_its_beginning(chunk: Chunk, tmp_path: Path) -> None:
    store = SpectraStore.open(build_store(SimulateOptions(300, SEED, workers=2), tmp_path / "s", quiet=True))
    assert len(store) == 300
    assert np.array_equal(store.read("counts"), chunk.block.counts[:300])
    assert store.detections["name"].tolist() == chunk.table["name"].tolist()[:300]
    assert len(store.responses) == len(store.redistribution)
    assert set(store.detections["response"].astype("str")) <= set(store.responses)


@pytest.mark.parametrize("options", [{"detections": 0}, {"workers": 0}, {"seed": -1}])
def test_senseless_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="Give"):
        SimulateOptions(**options)
