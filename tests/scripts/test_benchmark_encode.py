"""The benchmark of encoding: its large store holds the small one's spectra, and the stock way gives the same."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vae.errors import ExplorerError
from vae.spectra.store import SpectraStore

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("_benchmarks.encode")


def test_a_repeated_store_is_a_store(benchmark: ModuleType, tiny_store: Path, tmp_path: Path) -> None:
    small = SpectraStore.open(tiny_store)
    again = SpectraStore.open(benchmark.repeat_store(tiny_store, tmp_path / "again", 2500))
    assert len(again) == len(again.detections) == 2500
    np.testing.assert_array_equal(again.read("counts", slice(2000, 2500)), small.read("counts", slice(2000, 2500)))
    assert again.responses == small.responses
    with pytest.raises(ExplorerError, match="too few"):
        benchmark.repeat_store(tiny_store, tmp_path / "more", 20_000)


def test_our_way_and_the_stock_way_agree(benchmark: ModuleType, tiny_store: Path) -> None:
    found = benchmark.compare(SpectraStore.open(tiny_store), 500)
    assert found["rows"] == 500
    assert found["largest_difference_of_mu"] < 1e-4
    assert found["largest_relative_difference_of_cstat"] < 1e-4
