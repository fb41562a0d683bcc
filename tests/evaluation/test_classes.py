"""What the latents keep of the classes, beside baselines, on simulated and on partly labelled archives."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vae.errors import ExplorerError
from vae.evaluation import representations
from vae.evaluation.classes import ClassSample, class_sample, class_tests
from vae.evaluation.probe import linear_probe
from vae.evaluation.representations import non_negative_factors, principal_components, umap_plane
from vae.evaluation.rows import labelled, read_rows, unseen
from vae.evaluation.scores import recalls
from vae.evaluation.separation import Split
from vae.network.config import NetworkConfig
from vae.network.trained import TrainedModel
from vae.spectra.store import SpectraStore


def _model(simulated: bool = True, latent_dim: int = 2, seed: int = 0) -> TrainedModel:
    import torch

    from vae.network.autoencoder import Autoencoder

    torch.manual_seed(seed)
    return TrainedModel.from_network(
        Autoencoder(NetworkConfig(latent_dim=latent_dim)), {"data": {"simulated": simulated}}
    )


@pytest.fixture(scope="module")
def sample(tiny_store: Path) -> ClassSample:
    """Two classes that even the tiny archive has enough of."""
    store = SpectraStore.open(tiny_store)
    table = store.detections
    table["true_class"] = np.where(table["hr2"] > table["hr2"].median(), "Hard", "Soft")
    table["net_counts"] = 500.0
    return class_sample(store, _model(), per_class=90, fit_rows=400)


def test_rows_come_back_in_the_order_asked_for(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    rows = np.array([2100, 5, 1030, 6, 2999])
    block = read_rows(store, rows, area=True)
    np.testing.assert_array_equal(block.counts, store.read("counts")[rows])
    np.testing.assert_array_equal(block.area, store.read("area")[rows])
    assert read_rows(store, rows).area.shape == (5, 0)
    assert len(read_rows(store, np.array([], np.int64))) == 0


def test_real_labels_are_used_where_they_are_certain() -> None:
    table = pd.DataFrame(
        {
            "source_id": np.arange(5),
            "class_label": pd.Categorical(["Star", "AGN", "Unclassified", "No match", None]),
            "class_is_candidate": pd.array([False, True, None, None, None], dtype="boolean"),
            "true_class": [None] * 5,
        }
    )
    found = labelled(table, simulated=False)
    assert found.known.tolist() == [True, False, False, False, False]
    assert found.labels.tolist() == ["Star", "", "", "", ""]


@pytest.mark.parametrize(
    ("simulated", "seed", "data", "all_of_them"),
    [
        (False, None, {"simulated": True}, True),
        (True, 2, {"simulated": True, "provenance": {"seed": 1}}, True),
        (True, 1, {"simulated": True, "provenance": {"seed": 1}}, False),
        (True, None, {"simulated": True, "provenance": {"seed": 1}}, False),
        (True, 1, {"simulated": True}, False),
        (False, None, {"simulated": False}, False),
        (True, 2, {"simulated": False, "provenance": {"seed": 1}}, False),
    ],
)
def test_what_a_model_has_not_seen(
    tiny_store: Path, simulated: bool, seed: int | None, data: dict[str, object], all_of_them: bool
) -> None:
    store = SpectraStore.open(tiny_store)
    store.meta |= {"simulated": simulated, "provenance": {} if seed is None else {"seed": seed}}
    mask, why = unseen(store, TrainedModel(_model().config, _model().weights, {"data": data}))
    assert mask.all() == all_of_them
    assert 0.05 < mask.mean()
    assert why.startswith("all" if all_of_them else "those")


def test_a_sample_is_held_out_and_what_baselines_are_fitted_on_is_not(sample: ClassSample, tiny_store: Path) -> None:
    from vae.training.split import is_held_out

    assert is_held_out(sample.source_id).all()
    assert len(sample.fitting) == 400
    np.testing.assert_array_equal(sample.test.counts, SpectraStore.open(tiny_store).read("counts")[sample.rows])
    assert set(sample.labels[sample.split.query]) == {"Hard", "Soft"}


def test_every_representation_is_asked_twice_and_shuffled_labels_are_at_chance(sample: ClassSample) -> None:
    hard = (sample.labels == "Hard").astype(float)[:, None]
    latents = hard + np.random.default_rng(0).normal(0, 0.1, (len(hard), 3))
    found = class_tests(sample, latents, extra={"ceiling": hard}, umap=False)
    assert set(found) == {"knn", "probe"}
    for part in found.values():
        scores = part["balanced_accuracy"]
        assert {"hardness_ratios_4d", "pca_asinh_2d", "pca_net_fraction_10d", "nmf_net_fraction_2d"} < set(scores)
        assert scores["ceiling"]["balanced_accuracy"] == 1.0
        assert scores["latents"]["per_class"]["Hard"]["recall"] > 0.95
        assert scores["hardness_ratios_4d"]["balanced_accuracy"] > 0.7
        assert abs(scores["shuffled_labels"]["balanced_accuracy"] - 0.5) < 0.2
        assert scores["shuffled_labels"]["difference_low"] > 0.2
        assert part["left_out"] == {"umap_net_fraction_2d": "not asked for"}


def test_too_few_labels_are_an_error_that_says_so(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    store.detections["true_class"] = None
    with pytest.raises(ExplorerError, match="two are needed"):
        class_sample(store, _model())


def test_a_real_archive_is_asked_by_its_certain_labels(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    store.meta |= {"simulated": False, "provenance": {}}
    table = store.detections
    n = len(table)
    table["net_counts"] = 5000.0  # no narrow band of counts: there are too few labels
    table["class_label"] = np.where(np.arange(n) % 4 == 0, np.where(np.arange(n) % 8 == 0, "Star", "AGN"), "No match")
    table["class_is_candidate"] = np.arange(n) % 3 == 0
    sample = class_sample(store, _model(simulated=True), per_class=60, fit_rows=100)
    assert sample.split.classes.tolist() == ["AGN", "Star"]
    assert sample.about["net_counts"] == [300.0, None]
    assert sample.about["asked_about"].startswith("all")
    assert not np.any(sample.rows % 3 == 0)
    assert np.all(sample.rows % 4 == 0)


def test_recall_of_each_class_and_its_interval() -> None:
    truth = np.repeat(["A", "B"], 100)
    right = np.concatenate([np.ones(100, bool), np.arange(100) < 30])
    entry = recalls({"it": right}, truth, np.array(["A", "B"]), np.arange(200), against="it")["it"]
    assert entry["balanced_accuracy"] == pytest.approx(0.65)
    assert entry["per_class"]["A"] == {"recall": 1.0, "low": 1.0, "high": 1.0}
    assert entry["per_class"]["B"]["low"] == pytest.approx(0.3 - 1.96 * np.sqrt(0.21 / 100), abs=0.02)


def test_the_probe_reads_a_line_and_not_a_ring() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (600, 2))
    split = Split(np.arange(400), np.arange(400, 600), np.array(["in", "out"]))
    for rule, least, most in ((values[:, 0] > 0, 0.9, 1.0), ((values**2).sum(1) > 1.39, 0.3, 0.7)):
        labels = np.where(rule, "out", "in")
        score = linear_probe({"it": values}, labels, np.arange(600), split, against="it")["it"]
        assert least <= score["balanced_accuracy"] <= most


def test_components_of_a_larger_decomposition_contain_the_smaller(sample: ClassSample) -> None:
    both = principal_components(sample.fitting, sample.test, (2, 8))
    alone = principal_components(sample.fitting, sample.test, (2,))
    np.testing.assert_allclose(both["pca_net_fraction_8d"][:, :2], alone["pca_net_fraction_2d"])
    weights = non_negative_factors(sample.fitting, sample.test, (2,))["nmf_net_fraction_2d"]
    assert np.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(1), 1.0)


def test_without_umap_the_reason_is_named(sample: ClassSample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    known, left_out = representations.baselines(sample.fitting, sample.test)
    assert "umap_net_fraction_2d" not in known
    assert "not installed" in left_out["umap_net_fraction_2d"]


@pytest.mark.slow  # compiles the package's kernels
@pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="umap-learn is not installed")
def test_umap_keeps_two_clouds_apart() -> None:
    values = np.random.default_rng(0).normal(0, 1, (80, 5))
    values[40:] += 20.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plane = umap_plane(values)
    near = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    np.fill_diagonal(near, np.inf)
    assert np.mean((near.argmin(1) < 40) == (np.arange(80) < 40)) > 0.95
