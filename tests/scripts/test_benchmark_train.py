from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from vae.errors import OptionError
from vae.network.likelihood import profiled_deviance
from vae.training import TrainOptions, train

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    found = importlib.import_module("_benchmarks.train")
    monkeypatch.setattr(found, "_ROUNDS", 1)
    monkeypatch.setattr(found, "_SQUARE", (64, 64, 64))
    return found


def test_rates_ratios_and_updates_to_the_seeds_loss(
    module: ModuleType, tiny_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed_run = tmp_path / "seed"
    train(tiny_store, seed_run, TrainOptions(recipe="seed", updates=12, device="cpu"))
    figures = module.measure(0, 1, 1, tmp_path, store=tiny_store, seed_run=seed_run, lengths=(1, 15, 99))
    assert figures["likelihood"] == "response"
    assert figures["flops_per_spectrum"] > 6 * 475_206 * 0.5  # 6 for each weight but those of the trunk, seen once
    step, mine = figures["ratio_to_matmul"], figures["matmul_1024x256x256_gflop_per_s"]
    assert step == pytest.approx(figures["step_gflop_per_s"] / mine, rel=0.05)
    assert figures["ratio_to_plain_loop"] > 0
    reach = figures["updates_to_reach_the_seed"]
    assert [tried["updates"] for tried in reach["default"]] == [1, 15]
    assert reach["reached_after_updates"] == 15
    assert reach["seed"]["spectra_seen"] == 12 * 1024
    assert reach["times_fewer"] == pytest.approx(12 / 15, abs=0.01)
    assert list(tmp_path.iterdir()) == [seed_run]


def test_the_plain_loop_computes_the_same_loss(module: ModuleType) -> None:
    plain = importlib.import_module("_benchmarks.plain_loop")
    generator = torch.Generator().manual_seed(5)
    shape = torch.rand((40, 238), generator=generator) + 0.01
    background = 0.2 * torch.rand((40, 238), generator=generator)
    counts = torch.poisson(3 * shape + background, generator=generator)
    np.testing.assert_allclose(
        plain._deviance(counts, shape, background), profiled_deviance(counts, shape, background), rtol=1e-4
    )


def test_a_seed_run_needs_its_store(module: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--store"):
        module.measure(10, 1, 1, tmp_path, seed_run=tmp_path)
