"""The map's benchmark at a tiny size: it runs, compares what is the same, and refuses to compare what is not."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    found = importlib.import_module("_benchmarks.render")
    monkeypatch.setattr(found, "_import_cost", lambda: {"seconds": 0.0, "mib": 0})
    for each in (found, found.stock_map):
        monkeypatch.setattr(each, "SIZE", (60, 50))
    return found


def numbers(figures: dict[str, Any]) -> list[float]:
    return [
        each
        for value in figures.values()
        for each in (numbers(value) if isinstance(value, dict) else [value] if isinstance(value, float) else [])
    ]


def test_a_tiny_run_measures_everything(module: ModuleType) -> None:
    figures = module.measure(4_000, 3, 2, None)
    assert figures["detections"] == 4_000
    assert figures["classes"] >= 12
    for name in ("whole_map", "zoomed_10", "zoomed_100"):
        assert figures["frame"][name]["ratio"] == pytest.approx(
            figures["frame"][name]["stock_ms"] / figures["frame"][name]["ours_ms"], rel=0.02
        )
    assert figures["lasso"]["selected"] == pytest.approx(1_200, abs=40)
    assert set(figures["other_frames_ms"]) >= {"selection", "filter", "hardness", "contours"}
    assert np.isfinite(numbers(figures)).all()


def test_no_two_views_are_the_same(module: ModuleType) -> None:
    found = module.views((0.0, 4.0, -1.0, 1.0), 60)
    assert len(set(found)) == 60
    for view in found:
        assert view.width / view.height == pytest.approx(2.0)


def test_counts_that_differ_are_an_error(module: ModuleType) -> None:
    counts = np.ones((3, 4, 2), np.uint32)
    tally = module.counting.Tally(*([np.full((3, 4), 2, np.uint32)] * 3), *([np.zeros(0, np.uint32)] * 3))
    module._same(tally, [counts])
    counts[1, 1, 1] = 5
    with pytest.raises(Exception, match="differ in the same view"):
        module._same(tally, [counts])


def test_a_demo_atlas_can_be_measured(module: ModuleType, tiny_atlas: Path) -> None:
    figures = module.measure(10, 1, 1, None, atlas=tiny_atlas)
    assert figures["detections"] > 100
    assert figures["hover_ms"]["most"] > 0
