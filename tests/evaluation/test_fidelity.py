"""Band ratios: nothing for the truth, what it is for anything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vae.evaluation.fidelity import BAND_EDGES, band_photons, fidelity, log_ratios
from vae.evaluation.paired import draw_sources
from vae.simulate.spectral_model import FINE_EDGES, FINE_WIDTHS


class Knows:
    """Decodes the true spectra, tilted: photons times E^tilt; its latent is the number of the row."""

    def __init__(self, photons: np.ndarray, tilt: float) -> None:
        self.photons, self.tilt = photons, tilt

    def encode_arrays(self, counts: Any, *_: Any) -> tuple[np.ndarray, np.ndarray]:
        row = np.arange(len(counts), dtype=np.float64)[:, None]
        return row, np.ones_like(row)

    def decode(self, z: Any, energies_keV: Any | None = None) -> np.ndarray:
        rows = np.asarray(z)[:, 0].astype(int)
        return self.photons[rows] / FINE_WIDTHS * np.asarray(energies_keV) ** self.tilt


def test_bands_share_photons_out() -> None:
    inside = (FINE_EDGES[:-1] >= BAND_EDGES[0]) & (FINE_EDGES[1:] <= BAND_EDGES[-1])
    photons = np.where(inside, 3.0, 0.0)[None]
    assert band_photons(photons, FINE_EDGES).sum() == pytest.approx(photons.sum())


def test_ratio_ignores_normalisation_and_bands_without_photons() -> None:
    truth = np.full((1, 12), 1.0)
    truth[0, 0] = 0.01
    other = 7.0 * truth
    other[0, 0] = 1e6
    ratio = log_ratios(other, truth)
    assert np.isnan(ratio[0, 0])
    assert np.allclose(ratio[0, 1:], 0.0)
    other[0, 1] = -5.0
    assert log_ratios(other, truth)[0, 1] == -2.0


def test_the_truth_is_found_true_and_a_tilt_is_measured() -> None:
    sources = draw_sources(50, seed=2)
    right, arrays = fidelity(Knows(sources.photons, 0.0), sources=sources)
    assert right["all"]["decoded"]["p90"]["value"] < 1e-5
    assert right["sources"] == 50
    for name in ("unfolded", "unfolded_without_noise", "best_absorbed_power_law"):
        assert right["all"][name]["median"]["value"] > 1e-3
    assert right["all"]["unfolded_without_noise"]["median"]["value"] < right["all"]["unfolded"]["median"]["value"]
    rows = sum(right[name]["rows"] for name in ("300-1000", "1000-10000", "above 10000"))
    assert rows == 50
    assert arrays["bias decoded"].shape == (3, 12)
    tilted, _ = fidelity(Knows(sources.photons, 0.3), sources=sources)
    score = tilted["all"]["decoded"]["median"]
    assert 0.02 < score["low"] < score["value"] < score["high"] < 0.2
