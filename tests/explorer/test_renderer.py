from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import datashader
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from explorer.latent_map.renderer import Renderer, View, render
from explorer.palette import CLASS_TOKENS
from explorer.services import Services

N = 20_000


def some_services(n: int = N, seed: int = 0) -> Services:
    rng = np.random.default_rng(seed)
    names = tuple(CLASS_TOKENS)
    codes = rng.integers(0, len(names), n).astype(np.uint8)
    centres = rng.normal(0, 1.5, (len(names), 2))
    x, y = (centres[codes] + rng.normal(0, 0.6, (n, 2))).astype(np.float32).T.copy()
    home = float(x.min()), float(x.max()) + 1e-3, float(y.min()), float(y.max()) + 1e-3
    atlas = cast(Any, SimpleNamespace())  # a renderer has no use for it
    tree = cKDTree(np.column_stack([x, y]))
    counts = np.bincount(codes, minlength=len(names))
    return Services(atlas, x, y, names, codes, counts, home, tree, ThreadPoolExecutor(1))


@pytest.fixture(scope="module")
def services() -> Services:
    return some_services()


@pytest.fixture(scope="module")
def renderer(services: Services) -> Renderer:
    return Renderer(services)


@pytest.fixture(scope="module")
def every(services: Services) -> np.ndarray:
    return np.ones(len(services.class_names), dtype=bool)


def plain_aggregate(services: Services, view: View, size: tuple[int, int], rows: slice | np.ndarray) -> np.ndarray:
    """Datashader on the catalogue as it stands: not sorted, nothing left out."""
    classes = pd.Categorical.from_codes(services.class_codes[rows].astype(int), services.class_names)
    frame = pd.DataFrame({"x": services.x[rows], "y": services.y[rows], "class": classes})
    canvas = datashader.Canvas(*size, x_range=(view.x0, view.x1), y_range=(view.y0, view.y1))
    return canvas.points(frame, "x", "y", datashader.by("class", datashader.count())).data


@given(
    st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    st.tuples(st.floats(1e-3, 12), st.floats(1e-3, 12)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
@settings(max_examples=40, deadline=None)
def test_any_view_counts_what_datashader_counts(corner, extent, size) -> None:
    services, renderer = _shared()
    view = View(corner[0], corner[0] + extent[0], corner[1], corner[1] + extent[1])
    expected = plain_aggregate(services, view, size, slice(None))
    np.testing.assert_array_equal(renderer.aggregate(view, size), expected)
    mask = services.x > 0.1
    expected = plain_aggregate(services, view, size, mask)
    np.testing.assert_array_equal(renderer.aggregate(view, size, renderer.selected(mask)), expected)


_SHARED: list[tuple[Services, Renderer]] = []


def _shared() -> tuple[Services, Renderer]:
    """Services for hypothesis, which takes no fixtures of a narrower scope than its own loop."""
    if not _SHARED:
        services = some_services()
        _SHARED.append((services, Renderer(services)))
    return _SHARED[0]


def test_every_detection_of_the_whole_map_is_drawn(services: Services, renderer: Renderer, every: np.ndarray) -> None:
    view = View(*services.home)
    counts = renderer.aggregate(view, (300, 200))
    np.testing.assert_array_equal(counts.sum(axis=(0, 1)), services.class_counts)
    frame = renderer.render(view, (300, 200), visible=every)
    assert frame.in_view == N
    assert frame.image.shape == (200, 300)
    assert frame.max_per_pixel == counts.sum(axis=2).max()


def test_hiding_classes_keeps_the_scale(services: Services, renderer: Renderer, every: np.ndarray) -> None:
    view = View(*services.home)
    one = every.copy()
    one[3] = False
    whole = renderer.render(view, (60, 50), visible=every)
    part = renderer.render(view, (60, 50), visible=one)
    assert part.max_per_pixel == whole.max_per_pixel
    assert part.in_view == N - services.class_counts[3]
    without = renderer.aggregate(view, (60, 50))[..., 3] == 0
    assert without.any()
    assert not np.array_equal(part.image, whole.image)
    dense = without & (renderer.aggregate(view, (60, 50)).sum(axis=2) > 5)
    np.testing.assert_array_equal(part.image[dense], whole.image[dense])


def test_a_remembered_view_draws_the_same(services: Services, every: np.ndarray) -> None:
    view = View(*services.home)
    fresh, warm = Renderer(services), Renderer(services)
    warm.render(view, (80, 70), visible=every, theme="light")
    warm.render(view, (80, 71), visible=every)
    warm.render(view, (80, 70), visible=~every)
    for theme in ("dark", "light"):
        np.testing.assert_array_equal(
            warm.render(view, (80, 70), visible=every, theme=theme).image,
            fresh.render(view, (80, 70), visible=every, theme=theme).image,
        )


def test_selected_detections_keep_their_colour_and_the_others_turn_grey(services: Services, every: np.ndarray) -> None:
    view = View(*services.home)
    mask = services.x > 0
    size = (2 * 97, 60)
    plain = render(services, view, size, visible=every)
    greyed = render(services, view, size, visible=every, selection=mask)
    assert greyed.max_per_pixel == plain.max_per_pixel
    bytes_ = greyed.image.view(np.uint8).reshape(*greyed.image.shape, 4)
    edge = (0 - view.x0) / view.width * size[0]
    left = bytes_[:, : int(edge) - 1]
    assert (left[..., 0] == left[..., 1]).all()
    assert (left[..., 0] == left[..., 2]).all()
    right = slice(int(edge) + 2, None)
    np.testing.assert_array_equal(greyed.image[:, right], plain.image[:, right])


def test_selecting_all_changes_nothing(services: Services, every: np.ndarray) -> None:
    view = View(*services.home)
    everything = np.ones(N, dtype=bool)
    np.testing.assert_array_equal(
        render(services, view, (90, 80), visible=every, selection=everything).image,
        render(services, view, (90, 80), visible=every).image,
    )


def test_points_grow_as_the_view_empties(services: Services, renderer: Renderer, every: np.ndarray) -> None:
    """Zoomed in far, a detection covers more pixels: first a plus, then discs of 3 and 5 pixels."""
    x, y = float(services.x[0]), float(services.y[0])
    covered = []
    for half in (3.0, 0.5, 0.01):
        frame = renderer.render(View(x - half, x + half, y - half, y + half), (500, 500), visible=every)
        covered.append(np.count_nonzero(frame.image) / frame.in_view)
    assert covered[0] < 5.5 < covered[1] <= 9 < covered[2] <= 25


def test_an_empty_view_and_an_absurd_size_are_no_errors(renderer: Renderer, every: np.ndarray) -> None:
    frame = renderer.render(View(50, 51, 50, 51), (30, 20), visible=every)
    assert not frame.image.any()
    assert (frame.max_per_pixel, frame.in_view) == (0, 0)
    assert renderer.render(View(50, 51, 50, 51), (0, 10**6), visible=every).image.shape == (4096, 1)
