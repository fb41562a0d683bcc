from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vae.atlas import Atlas
from vae.errors import AtlasError
from vae.evaluation import SeparationOptions, calibration, separation
from vae.evaluation.baselines import Pca, corrected_fraction, hardness_ratios
from vae.evaluation.knn import balanced_accuracy, balanced_bootstrap, knn_predict
from vae.spectra import grid
from vae.spectra.statistics import net_summary
from vae.spectra.store import Block
from vae.training import is_held_out


def block(n: int = 40) -> Block:
    rng = np.random.default_rng(2)
    sensitivity = np.tile(1e6 * grid.BIN_WIDTHS * grid.BIN_CENTRES**-0.3, (n, 1)).astype(np.float32)
    counts = rng.poisson(5.0 * grid.BIN_CENTRES**-1.0, (n, grid.N_BINS))
    background = rng.poisson(1.0, counts.shape)
    return Block(counts, background, np.full(n, 0.1), sensitivity, np.empty((n, 0)), np.zeros(n))


def test_knn_agrees_with_counting() -> None:
    rng = np.random.default_rng(0)
    reference, query = rng.normal(size=(300, 3)), rng.normal(size=(50, 3))
    labels = rng.integers(0, 4, 300)
    predicted = knn_predict(reference, labels, query, 7)
    for point, found in zip(query, predicted, strict=True):
        nearest = labels[np.argsort(((reference - point) ** 2).sum(1))[:7]]
        votes = np.bincount(nearest, minlength=4)
        assert votes[found] == votes.max()


def test_balanced_accuracy_does_not_reward_guessing_the_commonest() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    assert balanced_accuracy(labels, np.zeros(100, int)) == 0.5
    assert balanced_accuracy(labels, labels) == 1.0


def test_bootstrap_interval_covers() -> None:
    labels = np.repeat([0, 1], 200)
    right = np.random.default_rng(1).random((400, 1)) < 0.7
    draws = balanced_bootstrap(labels, right, 4000, np.random.default_rng(2))[:, 0]
    assert draws.mean() == pytest.approx(right.mean(), abs=0.005)
    assert draws.std() == pytest.approx(np.sqrt(0.7 * 0.3 / 400), rel=0.1)


def test_hardness_ratios_extend_the_catalogues() -> None:
    spectra = block()
    summary = net_summary(spectra.counts, spectra.background_counts, spectra.background_ratio)
    ratios = hardness_ratios(spectra)
    for number in (1, 2, 3):
        np.testing.assert_allclose(ratios[:, number - 1], summary[f"hr{number}"], atol=1e-5)
    assert ratios.shape == (40, 4)


def test_pca_is_the_best_linear_map() -> None:
    rng = np.random.default_rng(3)
    hidden, loading = rng.normal(size=(500, 2)), rng.normal(size=(2, 30))
    values = hidden @ loading + 0.01 * rng.normal(size=(500, 30)) + 5
    scores = Pca.fit(values, 2)(values)
    coefficients, residual, *_ = np.linalg.lstsq(np.c_[scores, np.ones(500)], hidden, rcond=None)
    assert coefficients.shape == (3, 2)
    assert residual.max() < 0.1


def test_corrected_fraction_takes_the_response_out() -> None:
    spectra = block()
    mean = spectra.sensitivity.mean(0)
    dimmer = Block(**{**vars(spectra), "sensitivity": spectra.sensitivity * 0.3})
    np.testing.assert_allclose(corrected_fraction(dimmer, mean), corrected_fraction(spectra, mean), rtol=1e-5)


def test_separation_on_held_out_sources(tiny_atlas: Path) -> None:
    atlas = Atlas.open(tiny_atlas)
    # The tiny archive holds too few of most classes: keep three.
    common = atlas.catalogue["true_class"].value_counts().index[:3]
    atlas.catalogue = atlas.catalogue.assign(
        true_class=atlas.catalogue["true_class"].where(atlas.catalogue["true_class"].isin(common))
    )
    found = separation(atlas, SeparationOptions(net_low=0, net_high=1e9, k=5, bootstrap=200))
    names = [entry["name"] for entry in found["representations"]]
    assert names[0] == "latents, 2-D"
    assert len(names) == 5
    assert names[-1] == "four hardness ratios"
    for entry in found["representations"]:
        low, high = entry["interval_95"]
        assert low <= entry["balanced_accuracy"] <= high
    assert found["chance"] == pytest.approx(1 / 3)
    held_out = is_held_out(atlas.catalogue["source_id"].to_numpy())
    assert found["queries"] < held_out.sum()
    again = separation(atlas, SeparationOptions(net_low=0, net_high=1e9, k=5, bootstrap=200))
    assert again == found


def test_unknown_classes_are_refused(tiny_atlas: Path) -> None:
    atlas = Atlas.open(tiny_atlas)
    atlas.catalogue = atlas.catalogue.assign(true_class=pd.Series(pd.NA, index=atlas.catalogue.index, dtype="category"))
    with pytest.raises(AtlasError, match="unknown"):
        separation(atlas)


def test_calibration_counts_every_spectrum_once() -> None:
    table = pd.DataFrame({"net_counts": [-3.0, 50, 299.9, 300, 5e6], "cstat_z": [9.0, 0, 4, -1, np.nan]})
    parts = calibration(table)
    assert sum(part["detections"] for part in parts) == 3
    assert parts[0]["net_low"] == 0.0
    assert parts[1] == {"net_low": 100.0, "net_high": 300.0, "detections": 1, "median_z": 4.0, "share_within_3": 0.0}
