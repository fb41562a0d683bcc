"""The likest simulated source is the one a spectrum was drawn from."""

from __future__ import annotations

import numpy as np

from vae.evaluation.likeness import candidates, likest
from vae.simulate.population import KINDS, ODDITIES
from vae.spectra.background import background_template


def test_a_spectrum_finds_its_own_model() -> None:
    rng = np.random.default_rng(0)
    made = candidates(rng, 300, filter_="thin", mjd=55_500.0)
    assert len(made.models) == len(made.true_class) == len(made.shapes)
    assert set(ODDITIES) <= set(made.true_class) <= {kind.true_class for kind in KINDS}
    np.testing.assert_allclose(made.shapes.sum(axis=1), 1.0, rtol=1e-5)
    background = 200.0 * background_template() / background_template().sum()
    for row in (3, 20, 50):
        counts = rng.poisson(50_000 * made.shapes[row] + background)
        found = likest(counts, rng.poisson(background / 0.05), 0.05, made.shapes)
        assert np.abs(made.shapes[found.order[0]] - made.shapes[row]).sum() < 0.03
        assert abs(found.amplitude[0] / 50_000 - 1) < 0.03
        assert np.all(np.diff(found.divergence) >= 0)
        assert found.divergence[0] < 0.004
