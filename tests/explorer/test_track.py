from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.latent_map import track

tracks = st.integers(2, 9).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(-500, 500, width=32)))


@given(tracks)
def test_curve_passes_through_every_observation(points: np.ndarray) -> None:
    curves = track.step_curves(points)
    ends = track.curve_at(curves, np.array([0.0, 1.0]))
    np.testing.assert_allclose(ends[:, 0], points[:-1], atol=1e-9)
    np.testing.assert_allclose(ends[:, 1], points[1:], atol=1e-9)


@given(tracks)
def test_curve_strays_from_a_step_by_less_than_its_length(points: np.ndarray) -> None:
    """No loop that is larger than the step it belongs to, however far the neighbours are."""
    curves = track.step_curves(points)
    along = track.curve_at(curves, np.linspace(0, 1, 21))
    length = np.linalg.norm(np.diff(points, axis=0), axis=1)
    middle = (points[:-1] + points[1:]) / 2
    away = np.linalg.norm(along - middle[:, None], axis=2).max(axis=1)
    assert (away <= 0.85 * length + 1e-9).all()


def test_observations_on_a_line_are_joined_by_it() -> None:
    points = np.column_stack([np.array([0.0, 10, 40, 45]), 2 * np.array([0.0, 10, 40, 45])])
    along = track.curve_at(track.step_curves(points), np.linspace(0, 1, 9)).reshape(-1, 2)
    np.testing.assert_allclose(along[:, 1], 2 * along[:, 0], atol=1e-9)
    assert (np.diff(along[:, 0]) >= -1e-9).all()


def test_arrows_sit_on_long_steps_and_point_forward_in_time() -> None:
    points = np.array([[0.0, 0], [100, 0], [110, 0], [110, 80], [10, 80]])
    heads = track.arrows(points, track.step_curves(points))
    assert heads.step.tolist() == [0, 2, 3]
    steps = np.diff(points, axis=0)[heads.step]
    ahead = np.column_stack([np.cos(heads.angle), np.sin(heads.angle)])
    assert (np.einsum("ij,ij->i", steps, ahead) > 0.7 * np.linalg.norm(steps, axis=1)).all()


def test_ramp_hits_its_colours_and_rises_between() -> None:
    ramp = ["#000000", "#804020", "#ffffff"]
    assert track.ramp_colours(ramp, np.array([0, 0.5, 1.0, 2.0])) == [*ramp, "#ffffff"]
    reds = [track.rgb(colour)[0] for colour in track.ramp_colours(ramp, np.linspace(0, 1, 30))]
    assert (np.diff(reds) > 0).all()
    assert track.half_faded(["#ff8000"], "#010001") == ["#804000"]


@pytest.mark.parametrize(("mjd", "shares"), [([50.0, 60, 100], [0, 0.2, 1]), ([7.0, 7.0], [0, 0])])
def test_time_runs_from_0_to_1(mjd: list[float], shares: list[float]) -> None:
    np.testing.assert_allclose(track.time_shares(np.array(mjd)), shares)
