"""Polygons that a hand draws and worse: self-crossing, degenerate, with points on edges and corners."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explorer.selection.polygon import in_polygon

on_grid = st.integers(-4, 4).map(float)
anywhere = st.floats(-4, 4).map(lambda value: round(value, 4))  # finer steps are a matter of rounding
corners = st.lists(st.one_of(st.tuples(on_grid, on_grid), st.tuples(anywhere, anywhere)), min_size=3, max_size=24)


def reference(x: np.ndarray, y: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Even-odd rule, edge by edge, with whole arrays: an edge holds its lower end and not its upper one."""
    inside = np.zeros(x.size, dtype=bool)
    x, y = x.astype(np.float64), y.astype(np.float64)
    for k in range(px.size):
        ax, ay, bx, by = px[k - 1], py[k - 1], px[k], py[k]
        if ay == by:
            continue
        between = (by > y) != (ay > y)
        with np.errstate(all="ignore"):
            inside ^= between & (x < (ax - bx) * (y - by) / (ay - by) + bx)
    return inside


def looked_at() -> tuple[np.ndarray, np.ndarray]:
    """All points of the corners' grid and its middles, so that many lie on edges; and some anywhere."""
    grid = np.arange(-5, 5.5, 0.5)
    x, y = (part.ravel() for part in np.meshgrid(grid, grid))
    more = np.random.default_rng(2).uniform(-4.5, 4.5, (2, 600))
    return np.append(x, more[0]).astype(np.float32), np.append(y, more[1]).astype(np.float32)


@given(corners)
@settings(max_examples=100, deadline=None)
def test_any_polygon_agrees_with_the_rule_written_in_numpy(found: list[tuple[float, float]]) -> None:
    px, py = np.array(found).T
    x, y = looked_at()
    assume(np.ptp(px) > 1e-6)
    assume(np.ptp(py) > 1e-6)
    np.testing.assert_array_equal(in_polygon(x, y, px, py), reference(x, y, px, py))


@given(corners)
@settings(max_examples=60, deadline=None)
def test_a_polygon_that_crosses_itself_agrees_with_shapely_off_its_edges(found: list[tuple[float, float]]) -> None:
    px, py = np.array(found).T
    assume(len(set(zip(px, py, strict=True))) > 2)
    x, y = looked_at()
    ring = shapely.LinearRing(np.column_stack([px, py]))
    pieces = shapely.polygonize([shapely.node(ring)])
    clear = shapely.distance(shapely.points(x.astype(float), y.astype(float)), ring) > 1e-6
    middles = shapely.point_on_surface(shapely.get_parts(pieces))
    odd = [
        piece
        for piece, middle in zip(shapely.get_parts(pieces), middles, strict=True)
        if reference(*(np.array([each]) for each in (middle.x, middle.y)), px, py)[0]
    ]
    expected = np.zeros(x.size, dtype=bool)
    for piece in odd:
        expected |= shapely.contains_xy(piece, x.astype(float), y.astype(float))
    np.testing.assert_array_equal(in_polygon(x, y, px, py)[clear], expected[clear])


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_tiles_share_no_point_and_leave_none_out(seed: int) -> None:
    """A point on the edge of two neighbours belongs to one of them."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.choice(np.arange(-8, 9), 4, replace=False)) / 2.0
    x, y = looked_at()
    covered = np.zeros(x.size, dtype=int)
    for left, right in pairwise(cuts):
        for below, above in pairwise(cuts):
            tile = np.array([left, right, right, left]), np.array([below, below, above, above])
            covered += in_polygon(x, y, *tile)
    within = (x > cuts[0]) & (x < cuts[-1]) & (y > cuts[0]) & (y < cuts[-1])
    assert (covered[within] == 1).all()
    assert covered.max() <= 1


def test_what_has_no_area_or_no_place_holds_nothing() -> None:
    x, y = looked_at()
    for px, py in (
        ([0, 0, 0], [0, 1, 2]),
        ([1, 1, 1, 1], [1, 1, 1, 1]),
        ([0, 5e-324, 0], [0, 1, 1]),
        ([0, 1, 2, 1], [0, 0, 0, 0]),
    ):
        assert not in_polygon(x, y, np.array(px, float), np.array(py, float)).any()
    nowhere = np.array([np.nan, np.inf, 0.5, np.nan], np.float32), np.array([0.5, 0.5, np.nan, np.nan], np.float32)
    square = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    assert not in_polygon(*nowhere, *square).any()


def test_a_closed_outline_is_the_same_as_an_open_one() -> None:
    x, y = looked_at()
    px, py = np.array([-2.0, 3.0, 1.0, -1.0]), np.array([-2.0, -1.0, 3.0, 2.0])
    closed = np.append(px, px[0]), np.append(py, py[0])
    inside = in_polygon(x, y, px, py)
    assert inside.any()
    np.testing.assert_array_equal(inside, in_polygon(x, y, *closed))
    np.testing.assert_array_equal(inside, in_polygon(x, y, px[::-1], py[::-1]))


def test_many_points_are_shared_out_and_keep_their_order() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 600_001)).astype(np.float32)
    angles = np.linspace(0, 2 * np.pi, 40)
    px, py = np.cos(angles), 0.7 * np.sin(angles)
    found = in_polygon(x, y, px, py)
    assert found.shape == x.shape
    assert np.array_equal(found, reference(x, y, px, py))
