"""Shares of variance: a leak is seen, chance is nothing, the unknown is left out and said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from linear_model import archive

from vae.evaluation.leakage import corrected_hardness, leakage, nuisances


def test_a_leak_is_seen_and_chance_is_not() -> None:
    rng = np.random.default_rng(8)
    block = archive(600, 500.0)
    latents = rng.normal(size=(600, 2))
    exposure = latents[:, 0] + 0.3 * rng.normal(size=600)
    targets = {
        "log exposure": exposure,
        "off-axis angle": rng.normal(size=600),
        "filter": np.zeros(600),
        "background fraction": np.where(np.arange(600) < 50, 0.1, np.nan),
    }
    figures, _ = leakage(latents, block, targets, np.arange(600) // 2)
    leak = figures["log exposure"]
    assert leak["latents"]["value"] > 0.7
    assert leak["beyond_hardness"]["low"] > 0.5
    assert leak["shuffled_latents"]["value"] < 0.1
    assert abs(figures["off-axis angle"]["latents"]["value"]) < 0.25
    assert "same" in figures["filter"]["left_out"]
    assert figures["background fraction"]["rows"] == 50
    assert "200" in figures["background fraction"]["left_out"]


def test_nuisances_of_a_table_with_gaps() -> None:
    table = pd.DataFrame(
        {
            "filter": pd.Categorical(["Thin", "medium", None]),
            "net_counts": [100.0, 1000.0, 10.0],
            "offaxis_arcmin": [1.0, np.nan, 3.0],
            "background_fraction": [0.1, 0.2, np.nan],
            "exposure_s": [1e4, np.nan, 1e3],
        }
    )
    found = nuisances(table)
    assert found["log net counts"].tolist() == pytest.approx([2.0, 3.0, 1.0])
    assert found["filter"][:2].tolist() == [0.0, 1.0]
    assert np.isnan(found["filter"][2])
    assert np.isnan(found["off-axis angle"][1])


def test_corrected_hardness_is_free_of_the_area() -> None:
    block = archive(5, 1e6)
    plain = corrected_hardness(block)
    block.sensitivity = block.sensitivity.copy()
    block.counts = block.counts.astype(np.float64)
    block.counts[0, 119:] *= 3.0
    block.sensitivity[0, 119:] *= 3.0
    assert corrected_hardness(block)[0] == pytest.approx(plain[0], abs=0.3)
    assert corrected_hardness(block)[0] - corrected_hardness(block)[1] == pytest.approx(plain[0] - plain[1], abs=0.05)
