from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path as Ring

from explorer.latent_map import contours
from explorer.latent_map.frame import View

VIEW = View(-3, 3, -2, 2)
SIZE = contours.CELLS


def counted(points: np.ndarray) -> np.ndarray:
    x, y = points.T
    edges = np.linspace(VIEW.x0, VIEW.x1, SIZE + 1), np.linspace(VIEW.y0, VIEW.y1, SIZE + 1)
    return np.histogram2d(y, x, bins=edges[::-1])[0].astype(np.uint32)


def two_heaps(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.3, (n, 2)) + np.where(rng.random((n, 1)) < 0.7, [-1.2, 0.4], [1.3, -0.5])


def inside(lines: tuple[contours.Contour, ...], share: float, points: np.ndarray) -> float:
    """Share of points inside the lines of a level (even-odd)."""
    odd = np.zeros(len(points), dtype=bool)
    for each in lines:
        if each.share == share:
            odd ^= Ring(np.column_stack([each.xs, each.ys])).contains_points(points)
    return float(odd.mean())


@pytest.mark.parametrize("n", [3_000, 200_000])
def test_lines_hold_the_share_that_they_say(n: int) -> None:
    points = two_heaps(n)
    lines = contours.lines(counted(points), VIEW)
    assert {each.share for each in lines} == set(contours.SHARES)
    for share in contours.SHARES:
        assert inside(lines, share, points) == pytest.approx(share, abs=0.04)


def test_two_heaps_have_two_lines() -> None:
    lines = contours.lines(counted(two_heaps(100_000)), VIEW, (0.8,))
    assert len(lines) == 2
    middles = sorted(float(each.xs.mean()) for each in lines)
    assert middles == [pytest.approx(-1.2, abs=0.05), pytest.approx(1.3, abs=0.05)]
    for each in lines:  # they close
        assert (each.xs[0], each.ys[0]) == (each.xs[-1], each.ys[-1])


def test_nothing_has_no_lines_and_one_detection_is_no_error() -> None:
    counts = np.zeros((SIZE, SIZE), np.uint32)
    assert contours.lines(counts, VIEW) == ()
    counts[40, 50] = 1
    contours.lines(counts, VIEW)


def test_few_are_blurred_more_than_many() -> None:
    few, many = (contours.smooth(counted(two_heaps(n))) / n for n in (200, 200_000))
    assert few.max() < many.max() * 1.5
    assert contours.smooth(counted(two_heaps(500))).sum() == pytest.approx(500, rel=1e-3)


def test_all_of_the_map_and_a_margin_is_contoured() -> None:
    around = contours.around(VIEW)
    assert around.x0 < VIEW.x0 < VIEW.x1 < around.x1
    assert around.y0 < VIEW.y0 < VIEW.y1 < around.y1
