from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from vae.atlas import METRICS, Atlas, atlas_columns
from vae.atlas.rows import RowReader
from vae.atlas.similarity import Similarity, bhattacharyya, same_within_errors, step_significance
from vae.encode import encode
from vae.errors import AtlasError
from vae.network import TrainedModel
from vae.network.config import Likelihood
from vae.resources import asset
from vae.spectra import grid
from vae.spectra.columns import STORE_COLUMNS
from vae.spectra.statistics import cstat, cstat_moments
from vae.spectra.store import SpectraStore


@pytest.fixture(scope="module")
def atlas(tiny_atlas: Path) -> Atlas:
    return Atlas.open(tiny_atlas)


@pytest.fixture(scope="module", params=get_args(Likelihood))
def either(request: pytest.FixtureRequest, tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The tiny store encoded by the shipped weights, as if they had been trained on each likelihood."""
    folder, shipped = tmp_path_factory.mktemp(request.param), TrainedModel.load(asset("models", "reference"))
    model = TrainedModel(replace(shipped.config, likelihood=request.param), shipped.weights, shipped.meta)
    return Atlas.open(encode(tiny_store, model.save(folder / "model"), folder / "atlas", quiet=True))


def test_catalogue_has_every_declared_column_and_no_objects(atlas: Atlas) -> None:
    declared = STORE_COLUMNS + atlas_columns(2)
    assert [column.name for column in declared] == list(atlas.catalogue.columns)
    for column in declared:
        dtype = atlas.catalogue[column.name].dtype
        assert (dtype == "category") if column.dtype == "category" else (str(dtype) == column.dtype), column.name
    assert atlas.catalogue["detection_id"].is_monotonic_increasing
    assert atlas.catalogue["class_label"].notna().all()
    assert len(atlas) == len(atlas.catalogue) == len(atlas.latents)
    assert atlas.simulated
    assert atlas.name == "atlas"


def test_latents_are_the_catalogues_and_read_only(atlas: Atlas) -> None:
    np.testing.assert_array_equal(atlas.latents[:, 1], atlas.catalogue["mu_2"])
    np.testing.assert_array_equal(atlas.sigmas[:, 0], atlas.catalogue["sigma_1"])
    assert atlas.latents.dtype == np.float32
    assert atlas.latents.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        atlas.latents[0] = 0


def test_spectrum_agrees_with_the_catalogue_and_itself(either: Atlas) -> None:
    atlas = either
    for row in (0, 17, len(atlas) - 1):
        entry = atlas.catalogue.iloc[row]
        spectrum = atlas.spectrum(int(entry["detection_id"]))
        assert spectrum.counts.sum() == entry["counts"]
        assert spectrum.amplitude == pytest.approx(entry["amplitude"], rel=1e-3)
        assert spectrum.cstat_z == pytest.approx(entry["cstat_z"], abs=0.02)
        assert spectrum.cstat == pytest.approx(float(cstat(spectrum.counts, spectrum.reconstruction)))
        mean, variance = cstat_moments(spectrum.reconstruction)
        assert spectrum.cstat_expected == pytest.approx(float(mean))
        assert spectrum.cstat_sigma == pytest.approx(float(variance) ** 0.5)
        assert spectrum.likelihood == atlas.model.likelihood == atlas.meta["likelihood"]
        assert spectrum.decoded @ grid.BIN_WIDTHS == pytest.approx(spectrum.amplitude, rel=5e-3)
        net = spectrum.counts - spectrum.background_ratio * spectrum.background_counts
        np.testing.assert_allclose(spectrum.unfolded * spectrum.sensitivity, net, atol=1e-6)
        assert (spectrum.predictive_lo <= spectrum.predictive_hi).all()
        # The profiled amplitude makes source plus background as bright as what was counted, unless it is 0.
        if spectrum.amplitude > 0:
            weight = spectrum.reconstruction - spectrum.expected_background
            score = (weight * (spectrum.counts / spectrum.reconstruction - 1)).sum() / weight.sum()
            assert abs(score) < 1e-6


def test_predictive_band_holds_the_reconstruction_and_is_the_same_every_time(atlas: Atlas) -> None:
    detection = int(atlas.catalogue["detection_id"].iloc[3])
    first, second = atlas.spectrum(detection), atlas.spectrum(detection)
    np.testing.assert_array_equal(first.predictive_lo, second.predictive_lo)
    inside = (first.predictive_lo <= first.reconstruction) & (first.reconstruction <= first.predictive_hi)
    assert inside.mean() > 0.8


def test_reconstruction_is_folded_as_the_likelihood_says(either: Atlas, tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    for row in (2, 1500):
        spectrum = either.spectrum(int(either.catalogue["detection_id"].iat[row]))
        source = spectrum.reconstruction - spectrum.expected_background
        if either.model.likelihood == "sensitivity":
            folded = spectrum.decoded * spectrum.sensitivity
        else:  # bin by bin, in double precision
            area, index = store.read("area", row).astype(float), int(store.read("response_index", row))
            photons = either.model.decode(either.latents[row], grid.TRUE_CENTRES) * grid.TRUE_WIDTHS
            seen = store.redistribution[index].astype(float) * area
            exposure = spectrum.sensitivity.sum() / (seen @ grid.TRUE_WIDTHS).sum()
            assert exposure == pytest.approx(spectrum.exposure_s, rel=0.01)
            folded = spectrum.amplitude * exposure * (seen @ photons)
        np.testing.assert_allclose(source, folded, rtol=1e-4, atol=1e-6 * folded.max())


def test_few_matrices_are_kept(tiny_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.atlas.rows._MATRICES_KEPT", 2)
    store = SpectraStore.open(tiny_store)
    reader, index = RowReader(store), store.read("response_index")
    rows = [int(np.flatnonzero(index == response)[0]) for response in np.unique(index)[:4]]
    for row in rows + rows[::-1]:
        area, matrix = reader.response(row)
        np.testing.assert_array_equal(matrix, store.redistribution[index[row]])
        np.testing.assert_array_equal(area, store.read("area", row))
    assert len(reader._matrices) == 2


def test_decode_is_normalised_and_vectorised(either: Atlas) -> None:
    z = either.latents[:4]
    decoded = either.decode(z)
    np.testing.assert_allclose(decoded.mean @ grid.BIN_WIDTHS, 1.0, rtol=5e-3)
    np.testing.assert_array_equal(decoded.energies, grid.BIN_CENTRES)
    one = either.decode(z[2])
    for name in ("mean", "low", "high", "sigma"):
        np.testing.assert_allclose(getattr(one, name), getattr(decoded, name)[2], rtol=1e-5)
    np.testing.assert_array_equal(either.decode(z[2]).low, one.low)
    assert either.decode(z[0], [0.5, 1.0, 2.0]).high.shape == (3,)


def test_decoded_band_is_as_wide_as_sigma_says(atlas: Atlas) -> None:
    z = atlas.latents[7]
    point, narrow, wide = (atlas.decode(z, sigma=sigma) for sigma in (0.0, [0.01, 0.01], 0.3))
    np.testing.assert_allclose(point.low, point.mean, rtol=1e-5)
    np.testing.assert_allclose(point.high, point.mean, rtol=1e-5)
    assert ((wide.high - wide.low) > (narrow.high - narrow.low)).mean() > 0.9
    assert ((narrow.low <= narrow.mean) & (narrow.mean <= narrow.high)).mean() > 0.9
    # Without a sigma: as uncertain as the detections around.
    near = atlas.nearest(z, 16)
    np.testing.assert_allclose(atlas.decode(z).sigma, np.median(atlas.sigmas[near], axis=0))
    for wrong in ([0.1, 0.1, 0.1], -1.0, np.nan):
        with pytest.raises(AtlasError, match="sigma"):
            atlas.decode(z, sigma=wrong)


def test_templates_are_orthonormal_and_rebuild_the_shape(either: Atlas) -> None:
    templates = either.templates()
    width = np.diff(np.log(grid.BIN_EDGES)) / np.log(grid.BIN_EDGES[-1] / grid.BIN_EDGES[0])
    np.testing.assert_allclose(
        (templates.values * width) @ templates.values.T, np.eye(len(templates.values)), atol=1e-6
    )
    weights = either.template_weights(either.latents[:200])
    rebuilt = templates.mean + weights @ templates.values
    off = rebuilt - np.log(either.decode(either.latents[:200]).mean.astype(float))
    assert np.abs(off - off.mean(axis=1, keepdims=True)).max() < 1e-4  # a constant is the normalisation's
    assert np.abs(rebuilt @ width).max() < 1e-6
    # At other energies, too, and in the same order for every detection.
    energies = np.array([0.4, 1.7, 6.4])
    there = either.templates(energies)
    off = there.mean + weights[:3] @ there.values - np.log(either.decode(either.latents[:3], energies).mean)
    np.testing.assert_allclose(off, off[:, :1].repeat(3, axis=1), atol=1e-3)
    detection = int(either.catalogue["detection_id"].iat[5])
    np.testing.assert_allclose(either.template_weights(detection), weights[5], atol=1e-6)


def test_templates_come_in_the_order_of_their_variance(atlas: Atlas) -> None:
    templates, weights = atlas.templates(), atlas.template_weights(atlas.latents)
    share = weights.var(axis=0) / weights.var(axis=0).sum()
    np.testing.assert_allclose(templates.share_of_variance, share, atol=1e-3)
    assert (np.diff(templates.share_of_variance) <= 0).all()
    correlation = np.corrcoef(weights[:, :3].T)
    np.testing.assert_allclose(correlation, np.eye(3), atol=0.02)
    inside = (templates.low < weights) & (weights < templates.high)
    np.testing.assert_allclose(inside.mean(axis=0), 0.9, atol=0.02)
    hard = grid.BIN_CENTRES > 2
    assert templates.values[0][hard].mean() > templates.values[0][~hard].mean()


def test_row_and_unknown_ids(atlas: Atlas) -> None:
    ids = atlas.catalogue["detection_id"].to_numpy()
    assert [atlas.row(int(ids[row])) for row in (0, 5, len(ids) - 1)] == [0, 5, len(ids) - 1]
    for unknown in (-1, int(ids[-1]) + 1):
        with pytest.raises(AtlasError, match="no detection"):
            atlas.row(unknown)
    with pytest.raises(AtlasError, match="no source"):
        atlas.trajectory(-5)


def oracle_distance(metric: str, mu: np.ndarray, sigma: np.ndarray, row: int) -> np.ndarray:
    mu, sigma = mu.astype(float), sigma.astype(float)
    squared = ((mu - mu[row]) ** 2).sum(1)
    if metric == "euclidean":
        return np.sqrt(squared)
    if metric == "wasserstein":
        return np.sqrt(squared + ((sigma - sigma[row]) ** 2).sum(1))
    return bhattacharyya(mu[row], sigma[row], mu, sigma)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("include", [False, True])
def test_neighbours_equal_brute_force(atlas: Atlas, metric: str, include: bool) -> None:
    source = atlas.catalogue["source_id"].to_numpy()
    ids = atlas.catalogue["detection_id"].to_numpy()
    repeated = int(np.flatnonzero(atlas.catalogue["source_id"].duplicated(keep=False))[0])
    for row in (0, repeated, 1234):
        table = atlas.neighbours(int(ids[row]), k=15, metric=metric, include_same_source=include)  # type: ignore[arg-type]
        distance = oracle_distance(metric, atlas.latents, atlas.sigmas, row)
        seen, expected = set(), []
        for other in np.argsort(distance, kind="stable"):
            own = source[other] == source[row]
            if other == row or (own and not include) or (not own and source[other] in seen):
                continue
            seen.add(source[other])
            expected.append(distance[other])
        np.testing.assert_allclose(table["distance"], expected[:15], rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(table["detection_id"], ids[table["row"]])
        assert list(table.columns) == ["row", "detection_id", "distance", "same_within_errors"]


def test_neighbours_when_one_source_crowds_the_place() -> None:
    """A thousand detections of one source must not hide the other sources."""
    rng = np.random.default_rng(0)
    mu = np.vstack([rng.normal(0, 0.01, (1000, 2)), [[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]]).astype(np.float32)
    source = np.array([1] * 1000 + [2, 3, 4])
    similarity = Similarity(mu, np.full_like(mu, 0.1), source)
    assert similarity.neighbours(0, 3, "wasserstein", include_same_source=False)["row"].tolist() == [1000, 1001, 1002]
    assert len(similarity.neighbours(0, 50, "euclidean", include_same_source=False)) == 3


def test_a_broad_posterior_is_nobodys_neighbour() -> None:
    mu = np.array([[0.0, 0.0], [0.0, 0.0], [0.3, 0.0]], np.float32)
    sigma = np.array([[0.05, 0.05], [1.0, 1.0], [0.05, 0.05]], np.float32)
    table = Similarity(mu, sigma, np.arange(3)).neighbours(0, 2, "wasserstein", include_same_source=False)
    assert table["row"].tolist() == [2, 1]
    assert not table["same_within_errors"].any()


def test_same_within_errors_holds_for_95_percent_of_repeats() -> None:
    rng = np.random.default_rng(5)
    sigma = np.array([0.2, 0.5])
    first, second = rng.normal(0, 1, (2, 20_000, 2)) * sigma
    distance = np.array([bhattacharyya(a, sigma, b[None], sigma)[0] for a, b in zip(first, second, strict=True)])
    assert same_within_errors(distance, 2).mean() == pytest.approx(0.95, abs=0.006)
    # Closed form: for equal sigmas only the shift counts.
    assert bhattacharyya(np.zeros(1), np.ones(1), np.array([[2.0]]), np.ones((1, 1)))[0] == pytest.approx(0.5)


def test_nearest_is_nearest(atlas: Atlas) -> None:
    z = np.array([0.3, -0.4])
    order = np.argsort(((atlas.latents - z) ** 2).sum(1))
    np.testing.assert_array_equal(atlas.nearest(z, k=5), order[:5])
    assert atlas.nearest(atlas.latents[77])[0] == 77
    with pytest.raises(AtlasError, match="coordinates"):
        atlas.nearest([0.0, float("nan")])


def test_trajectory_is_in_time_order(atlas: Atlas) -> None:
    number = atlas.catalogue.groupby("source_id").size()
    for source in [int(number.idxmax()), int(number.index[0])]:
        table = atlas.trajectory(source)
        assert len(table) == number[source]
        assert table["mjd_start"].is_monotonic_increasing
        assert np.isnan(table["step_significance"].iloc[0])
        members = atlas.catalogue[atlas.catalogue["source_id"] == source]
        assert set(table["detection_id"]) == set(members["detection_id"])
        for step in range(1, len(table)):
            before, after = table.iloc[step - 1], table.iloc[step]
            parts = [
                (after[f"mu_{axis}"] - before[f"mu_{axis}"]) / np.hypot(after[f"sigma_{axis}"], before[f"sigma_{axis}"])
                for axis in (1, 2)
            ]
            assert after["step_significance"] == pytest.approx(np.hypot(*parts), rel=1e-4)


def test_step_significance_of_a_single_detection() -> None:
    assert np.isnan(step_significance(np.zeros((1, 2)), np.ones((1, 2)))).all()


def test_many_threads_get_the_same_answers(tiny_atlas: Path, atlas: Atlas) -> None:
    fresh = Atlas.open(tiny_atlas)  # trees and orders not built yet
    rows = range(0, 400, 10)
    ids = [int(atlas.catalogue["detection_id"].iloc[row]) for row in rows]
    sources = [int(atlas.catalogue["source_id"].iloc[row]) for row in rows]

    def ask(which: Atlas, detection: int, source: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
        return which.neighbours(detection, 5), which.trajectory(source), which.spectrum(detection).reconstruction

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pair: ask(fresh, *pair), zip(ids, sources, strict=True)))
    for (neighbours, trajectory, counts), detection, source in zip(together, ids, sources, strict=True):
        one = ask(atlas, detection, source)
        pd.testing.assert_frame_equal(neighbours, one[0])
        pd.testing.assert_frame_equal(trajectory, one[1])
        np.testing.assert_array_equal(counts, one[2])


def test_open_says_what_is_wrong(tiny_atlas: Path, tiny_store: Path, tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match="not an atlas"):
        Atlas.open(tmp_path)
    with pytest.raises(AtlasError, match="spectra store"):
        Atlas.open(tiny_store)

    def broken(name: str) -> Path:
        return Path(shutil.copytree(tiny_atlas, tmp_path / name))

    shutil.rmtree(broken("no_model") / "model")
    (broken("torn_table") / "catalogue.parquet").write_bytes(b"PAR1 torn")
    shutil.rmtree(broken("no_spectra") / "spectra.zarr")
    (broken("torn_json") / "atlas.json").write_text("{")
    marker = broken("newer") / "atlas.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "version": 99}))
    table = broken("short_table") / "catalogue.parquet"
    pd.read_parquet(table).iloc[:-1].to_parquet(table)
    table = broken("no_latents") / "catalogue.parquet"
    pd.read_parquet(table).drop(columns="mu_2").to_parquet(table)
    for name in ("no_model", "torn_table", "no_spectra", "torn_json", "newer", "short_table", "no_latents"):
        with pytest.raises(AtlasError, match=name) as caught:
            Atlas.open(tmp_path / name)
        assert "scripts/encode.py" in str(caught.value)
