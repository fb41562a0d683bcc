import numpy as np
import pytest
from numpy.typing import NDArray

from vae.simulate import instrument
from vae.spectra import grid
from vae.spectra.background import background_components


def test_regions_hold_more_light_the_larger_and_the_nearer_to_the_axis() -> None:
    radii = np.array([12.0, 20.0, 40.0])
    on_axis, outside = instrument.enclosed(radii, 0.0), instrument.enclosed(radii, 12.0)
    assert (np.diff(on_axis) > 0).all()
    assert (outside < on_axis).all()
    assert on_axis[0] == pytest.approx(0.69, abs=0.01)
    assert on_axis[-1] < 1.0


def test_regions_grow_with_brightness() -> None:
    rng, n = np.random.default_rng(1), 4000
    offaxis, background = rng.uniform(0.0, 14.0, n), np.full(n, 0.02)
    faint, bright = (instrument.draw_regions(rng, np.full(n, rate), background, offaxis) for rate in (1e-3, 10.0))
    assert np.median(bright[1]) > 2 * np.median(faint[1])
    smallest = np.pi * 12**2 * 400
    assert np.median(faint[1]) == pytest.approx(smallest, rel=1e-5)
    for area_scale, backscal, background_backscal in (faint, bright):
        assert (area_scale > 0.05).all()
        assert (area_scale < 1.0).all()
        assert np.array_equal(backscal, np.rint(backscal))
        ratio = backscal / background_backscal
        assert ratio.min() > 0.0099
        assert ratio.max() < 0.501
    cut = faint[1] < smallest - 1
    assert cut.mean() == pytest.approx(0.2, abs=0.03)
    assert faint[0][cut].mean() < 0.8 * faint[0][~cut].mean()


def test_detections_of_one_observation_share_their_background() -> None:
    rng = np.random.default_rng(2)
    visit = np.repeat(np.arange(400), 5)
    rates = instrument.background_rates(rng, visit, np.zeros(visit.size, int), np.full(visit.size, 10.0))
    level = np.log10(rates.sum(axis=1)).reshape(400, 5)
    assert level.std(axis=1).mean() < 0.25 * level.mean(axis=1).std()
    assert (rates > 0).all()


def test_the_middle_of_the_field_has_no_copper_and_more_sky() -> None:
    n = 600
    middle, edge = (
        instrument.background_rates(np.random.default_rng(3), np.arange(n), np.zeros(n, int), np.full(n, theta))
        for theta in (0.5, 12.0)
    )
    copper, beside = (np.abs(grid.BIN_CENTRES - energy) < 0.08 for energy in (8.03, 7.75))

    def excess(rates: NDArray[np.float64]) -> float:
        return float(rates[:, copper].mean() / rates[:, beside].mean())

    assert excess(middle) < 1.1
    assert excess(edge) > 1.5
    soft = grid.BIN_CENTRES < 0.6
    assert middle[:, soft].mean() > edge[:, soft].mean()
    thick = instrument.background_rates(np.random.default_rng(3), np.arange(n), np.full(n, 2), np.full(n, 0.5))
    assert thick[:, soft].mean() < 0.9 * middle[:, soft].mean()


def test_the_usual_background_is_what_real_fields_have() -> None:
    total = sum(part.sum() for part in background_components().values())
    assert total == pytest.approx(0.033, rel=0.05)  # counts / s for BACKSCAL 1e6: median of 58 real spectra 0.032
