"""Models side by side: what differs is found, what is the same agrees, and the table says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae.errors import ExplorerError
from vae.evaluation.models_table import compare_models, markdown
from vae.evaluation.stability import agreement, nearest, overlap
from vae.network.config import NetworkConfig
from vae.network.trained import TrainedModel
from vae.spectra.store import SpectraStore


def _model(seed: int, latent_dim: int = 2, **training: Any) -> TrainedModel:
    """Return a network as it was before training, with what a run would write."""
    import torch

    from vae.network.autoencoder import Autoencoder

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Autoencoder(NetworkConfig(latent_dim=latent_dim, hidden=(16,), n_templates=8))
    meta = {
        "training": {
            "recipe": "default",
            "network": "reference",
            "seed": seed,
            "seconds": float(seed),
            "awaken_at": 0.2,
            **training,
        },
        "data": {"simulated": True, "provenance": {"seed": 999}, "content_sha256": "abc"},
        "metrics": {"held_out_loss": {"median": 100.0 + seed}},
    }
    return TrainedModel.from_network(network, meta)


@pytest.fixture(scope="module")
def comparison(tiny_store: Path) -> dict[str, Any]:
    models = [
        ("one", _model(1)),
        ("other seed", _model(2)),
        ("wider", _model(1, 3)),
        ("bits", _model(1, free_bits=0.5)),
    ]
    done: list[str] = []
    out = compare_models(models, SpectraStore.open(tiny_store), rows=150, after_each=done.append)
    assert done == [name for name, _ in models]
    return out


def test_every_model_has_its_figures_and_json_holds_them(comparison: dict[str, Any]) -> None:
    json.dumps(comparison)
    assert comparison["spectra"] == 150
    for row in comparison["rows"]:
        assert row["units"]["dimensions"] == row["latent_dim"]
        assert sum(row["cstat_z"][name]["spectra"] for name in row["cstat_z"] if name != "all") == 150
        assert np.isfinite(row["cstat_z"]["all"]["median_z"])
        assert row["held_out"]["median"] == 100.0 + row["seed"]
    assert comparison["rows"][3]["changes"] == {"free_bits": 0.5}


def test_pairs_differ_in_seed_only_and_sweeps_in_dimension_only(comparison: dict[str, Any]) -> None:
    assert [(pair["first"], pair["second"]) for pair in comparison["pairs"]] == [("one", "other seed")]
    pair = comparison["pairs"][0]
    assert pair["chance"] < pair["overlap"] < 1
    assert 0 < pair["noise_floor"] < 1
    assert comparison["sweeps"] == [["one", "other seed", "wider"]]
    found = {
        entry["name"]: (entry["beside"], [one["setting"] for one in entry["changed"]])
        for entry in comparison["variants"]
    }
    assert found == {"wider": ("one", ["latent_dim"]), "bits": ("one", ["free_bits"])}
    if "left_out" not in comparison:
        assert {"difference", "noise", "word"} == set(comparison["variants"][1]["knn"])


def test_the_table_names_models_baselines_and_pairs(comparison: dict[str, Any]) -> None:
    text = markdown(comparison)
    widths = {line.count("|") for line in text.split("\n\n")[0].splitlines()}
    assert widths == {13}
    assert "free_bits 0.5" in text
    assert "| bits | one | free bits 0.5, not 0 |" in text
    assert "| one, other seed |" in text
    if "left_out" not in comparison:
        assert "| hardness ratios 4d |" in text


def test_nothing_to_compare_on_is_said(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    store.detections["net_counts"] = 10.0
    with pytest.raises(ExplorerError, match="above 300 net counts"):
        compare_models([("one", _model(1))], store)


def test_two_models_of_one_name_are_refused(tiny_store: Path) -> None:
    with pytest.raises(ExplorerError, match="called one"):
        compare_models([("one", _model(1)), ("one", _model(2))], SpectraStore.open(tiny_store))


def test_a_turned_mirrored_map_agrees_and_a_shuffled_one_does_not() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(0, 1, (800, 2))
    turned = one @ np.array([[0.6, 0.8], [0.8, -0.6]]) * 3 + 5
    same = overlap(one, turned, np.arange(800)) | agreement(one, turned)
    assert same["overlap"] == same["low"] == 1.0
    assert same["position_correlation"] == pytest.approx(1)
    assert same["distance_correlation"] == pytest.approx(1)
    blind = overlap(one, rng.permutation(one), np.arange(800)) | agreement(one, rng.permutation(one))
    assert blind["overlap"] == pytest.approx(blind["chance"], abs=0.01)
    assert blind["position_correlation"] < 0.1
    assert abs(blind["distance_correlation"]) < 0.1


def test_a_bent_map_keeps_its_neighbours() -> None:
    line = np.linspace(0, 3, 500)[:, None] + np.zeros((1, 2))
    bent = np.column_stack([np.cos(line[:, 0]), np.sin(line[:, 0])])
    assert overlap(line, bent, np.arange(500))["overlap"] > 0.95
    assert agreement(line, bent)["position_correlation"] < 0.95


def test_rows_on_one_spot_are_no_neighbours_of_themselves() -> None:
    near = nearest(np.zeros((40, 2)), 5)
    assert near.shape == (40, 5)
    assert not np.any(near == np.arange(40)[:, None])
