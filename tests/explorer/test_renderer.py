from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import datashader
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.registry import CPUDispatcher as Dispatcher
from scipy.spatial import cKDTree

from explorer.latent_map import counting, growth, kernels, ramps, regions
from explorer.latent_map import points as points_module
from explorer.latent_map.points import Points, gather, sort_by_cell
from explorer.latent_map.renderer import Frame, Renderer, Request, View, renderer_of
from explorer.palette import CLASS_TOKENS, palette
from explorer.selection import polygon
from explorer.services import Services

N = 20_000
NAMES = tuple(CLASS_TOKENS)
SIZE = (80, 70)


def some_services(n: int = N, seed: int = 0) -> Services:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, len(NAMES), n).astype(np.uint8)
    centres = rng.normal(0, 1.5, (len(NAMES), 2))
    x, y = (centres[codes] + rng.normal(0, 0.6, (n, 2))).astype(np.float32).T.copy()
    home = float(x.min()), float(x.max()) + 1e-3, float(y.min()), float(y.max()) + 1e-3
    counts = 10 ** rng.normal(2, 0.6, n)
    counts[x > 1.5] = np.nan
    hardness = np.clip(0.4 * y + rng.normal(0, 0.1, n), -1, 1)
    atlas = cast(Any, _Atlas(pd.DataFrame({"net_counts": counts, "hr2": hardness})))
    tree = cKDTree(np.column_stack([x, y]))
    of_class = np.bincount(codes, minlength=len(NAMES))
    return Services(atlas, x, y, NAMES, codes, of_class, home, tree, ThreadPoolExecutor(1), ThreadPoolExecutor(1))


class _Atlas(SimpleNamespace):
    """As much of an atlas as a renderer asks for; hashable, because what is derived from one is remembered."""

    def __init__(self, catalogue: pd.DataFrame) -> None:
        super().__init__(catalogue=catalogue)

    def __hash__(self) -> int:
        return id(self)


@pytest.fixture(scope="module")
def services() -> Services:
    return some_services()


@pytest.fixture(scope="module")
def renderer(services: Services) -> Renderer:
    return Renderer(services)


@pytest.fixture(scope="module")
def home(services: Services) -> View:
    return View(*services.home)


def plain_counts(services: Services, view: View, size: tuple[int, int], rows: slice | np.ndarray) -> np.ndarray:
    """Datashader on the catalogue as it stands: not sorted, nothing left out. Shape (h, w, n_classes)."""
    classes = pd.Categorical.from_codes(services.class_codes[rows].astype(int), services.class_names)
    frame = pd.DataFrame({"x": services.x[rows], "y": services.y[rows], "class": classes})
    canvas = datashader.Canvas(*size, x_range=(view.x0, view.x1), y_range=(view.y0, view.y1))
    return np.asarray(canvas.points(frame, "x", "y", datashader.by("class", datashader.count())).data)


views = st.builds(
    lambda x, y, w, h: View(x, x + w, y, y + h),
    st.floats(-4, 4),
    st.floats(-4, 4),
    st.floats(1e-3, 12),
    st.floats(1e-3, 12),
)
sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))
_SHARED: list[tuple[Services, Points]] = []


def _shared() -> tuple[Services, Points]:
    """Services for hypothesis, which takes no fixtures of a narrower scope than its own loop."""
    if not _SHARED:
        services = some_services()
        _SHARED.append((services, Points(services)))
    return _SHARED[0]


@given(views, sizes, st.integers(0, 2**16 - 1), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_view_counts_what_datashader_counts(view, size, seen, some_pass, some_selected) -> None:
    services, points = _shared()
    visible = (seen >> np.arange(len(NAMES))) & 1 == 1
    passing = services.x > 0.1 if some_pass else None
    selection = services.y < 0.3 if some_selected else None
    weights = np.linspace(0.1, 1.0, len(NAMES))
    paints = np.random.default_rng(seen).random((len(NAMES), 4)).astype(np.float32) * weights[:, None]
    tally = counting.count(
        points,
        view,
        size,
        paints.astype(np.float32),
        visible,
        passing=None if passing is None else points.sorted(passing),
        selection=None if selection is None else points.sorted(selection),
    )
    np.testing.assert_array_equal(tally.whole, plain_counts(services, view, size, slice(None)).sum(axis=2))
    of_passing = plain_counts(services, view, size, slice(None) if passing is None else passing)
    np.testing.assert_array_equal(tally.by_class[: len(NAMES)], of_passing.sum(axis=(0, 1)))
    np.testing.assert_array_equal(tally.shown, (of_passing * visible).sum(axis=2))
    np.testing.assert_allclose(tally.light, (of_passing * visible) @ paints, rtol=2e-5, atol=1e-6)
    if selection is not None:
        of_both = plain_counts(services, view, size, selection if passing is None else passing & selection)
        np.testing.assert_array_equal(tally.chosen, (of_both * visible).sum(axis=2))
        np.testing.assert_allclose(tally.chosen_light, (of_both * visible) @ paints, rtol=2e-5, atol=1e-6)


def test_rows_outside_a_views_runs_are_outside_the_view(services: Services) -> None:
    points = Points(services)
    rng = np.random.default_rng(4)
    for _ in range(50):
        x0, y0 = rng.uniform(-5, 4, 2)
        view = View(x0, x0 + rng.exponential(), y0, y0 + rng.exponential())
        within = (points.x >= view.x0) & (points.x <= view.x1) & (points.y >= view.y0) & (points.y <= view.y1)
        looked_at = np.zeros(N, dtype=bool)
        for first, last in points.runs(view):
            looked_at[first:last] = True
        assert not (within & ~looked_at).any()


def test_every_detection_of_the_whole_map_is_drawn(services: Services, renderer: Renderer, home: View) -> None:
    frame = renderer.draw(Request(home, (300, 200)))
    np.testing.assert_array_equal(frame.class_counts, services.class_counts)
    assert frame.in_view == N
    assert frame.image.shape == (200, 300)
    assert frame.max_per_pixel == plain_counts(services, home, (300, 200), slice(None)).sum(axis=2).max()


def test_hiding_classes_keeps_the_scale(services: Services, renderer: Renderer, home: View) -> None:
    whole = renderer.draw(Request(home, (60, 50)))
    part = renderer.draw(Request(home, (60, 50), frozenset({NAMES[3]})))
    assert part.max_per_pixel == whole.max_per_pixel
    assert part.in_view == N - services.class_counts[3]
    np.testing.assert_array_equal(part.class_counts, services.class_counts)  # the legend still says how many there are
    assert not np.array_equal(part.image, whole.image)
    counts = plain_counts(services, home, (60, 50), slice(None))
    dense = (counts[..., 3] == 0) & (counts.sum(axis=2) > 5)
    assert dense.any()
    np.testing.assert_array_equal(part.image[dense], whole.image[dense])


def test_filters_leave_out_and_keep_the_scale(services: Services, renderer: Renderer, home: View) -> None:
    passing = services.x > 0
    whole = renderer.draw(Request(home, (2 * 97, 60)))
    part = renderer.draw(Request(home, (2 * 97, 60), passing=passing))
    assert part.max_per_pixel == whole.max_per_pixel
    assert part.in_view == passing.sum()
    np.testing.assert_array_equal(part.class_counts, np.bincount(services.class_codes[passing], minlength=len(NAMES)))
    edge = (0 - home.x0) / home.width * 2 * 97
    assert not part.image[:, : int(edge) - 1].any()
    np.testing.assert_array_equal(part.image[:, int(edge) + 2 :], whole.image[:, int(edge) + 2 :])


def test_filtered_detections_are_left_out_and_not_greyed(services: Services, renderer: Renderer, home: View) -> None:
    passing, selection = services.x > 0, services.y > 0
    frame = renderer.draw(Request(home, SIZE, selection=selection, passing=passing))
    left = int((0 - home.x0) / home.width * SIZE[0]) - 1
    assert not frame.image[:, :left].any()
    assert frame.in_view == passing.sum()
    alone = renderer.draw(Request(home, SIZE, selection=selection & passing, passing=passing))
    np.testing.assert_array_equal(frame.image, alone.image)


def test_a_remembered_frame_is_the_one_asked_for(services: Services, home: View) -> None:
    fresh, warm = Renderer(services), Renderer(services)
    mask = services.x > 0
    requests = [
        Request(home, SIZE, theme="light"),
        Request(home, SIZE, passing=mask),
        Request(home, SIZE, selection=mask),
        Request(home, SIZE, frozenset(NAMES)),
        Request(home, SIZE, colour_by="count"),
        Request(home, SIZE),
    ]
    images = [fresh.draw(request).image for request in requests]
    for request, image in zip(2 * requests, 2 * images, strict=True):
        np.testing.assert_array_equal(warm.draw(request).image, image)
    assert len({image.tobytes() for image in images}) == len(requests)


def test_requests_with_equal_but_different_masks_differ(services: Services, home: View) -> None:
    mask = services.x > 0
    assert Request(home, SIZE, passing=mask) == Request(home, SIZE, passing=mask)
    assert Request(home, SIZE, passing=mask) != Request(home, SIZE, passing=mask.copy())
    assert Request(home, SIZE, passing=mask) != Request(home, SIZE, selection=mask)


def test_a_mask_at_the_address_of_a_dead_one_is_another(services: Services) -> None:
    points = Points(services)
    for seed in range(40):  # freed and allocated in turn, at the same address
        mask = np.random.default_rng(seed).random(N) < 0.5
        np.testing.assert_array_equal(np.sort(points.x[points.sorted(mask)]), np.sort(services.x[mask]))
        del mask


def test_selected_detections_keep_their_colour_and_the_others_turn_grey(
    services: Services, renderer: Renderer, home: View
) -> None:
    size = (2 * 97, 60)
    plain = renderer.draw(Request(home, size))
    greyed = renderer.draw(Request(home, size, selection=services.x > 0))
    assert greyed.max_per_pixel == plain.max_per_pixel
    edge = (0 - home.x0) / home.width * size[0]
    left = channels(greyed)[:, : int(edge) - 1]
    assert (left[..., 0] == left[..., 1]).all()
    assert (left[..., 0] == left[..., 2]).all()
    right = slice(int(edge) + 2, None)
    np.testing.assert_array_equal(greyed.image[:, right], plain.image[:, right])


@pytest.mark.parametrize("colour_by", ["class", "count", "net_counts"])
def test_selecting_all_changes_nothing(renderer: Renderer, home: View, colour_by: str) -> None:
    np.testing.assert_array_equal(
        renderer.draw(Request(home, (90, 80), colour_by=colour_by, selection=np.ones(N, dtype=bool))).image,
        renderer.draw(Request(home, (90, 80), colour_by=colour_by)).image,
    )


def channels(frame: Frame) -> np.ndarray:
    """RGBA, shape (h, w, 4)."""
    return frame.image.view(np.uint8).reshape(*frame.image.shape, 4)


def mean_of(services: Services, key: str, home: View, rows: np.ndarray) -> np.ndarray:
    """Datashader's mean of a quantity."""
    values = services.atlas.catalogue[key].to_numpy(float)
    frame = pd.DataFrame({"x": services.x[rows], "y": services.y[rows], "v": values[rows]})
    canvas = datashader.Canvas(*SIZE, x_range=(home.x0, home.x1), y_range=(home.y0, home.y1))
    return np.asarray(canvas.points(frame, "x", "y", datashader.mean("v")).data)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_quantity_colours_by_its_mean_of_what_is_shown(
    services: Services, renderer: Renderer, home: View, theme: str
) -> None:
    shown = (services.class_codes != 2) & (services.x > -1)
    request = Request(home, SIZE, frozenset({NAMES[2]}), theme=theme, colour_by="hr2", passing=services.x > -1)
    frame = renderer.draw(request)
    assert frame.scale is not None
    assert frame.scale.key == "hr2"
    assert frame.scale.low == -frame.scale.high
    mean = mean_of(services, "hr2", home, shown)
    at = np.clip((mean - frame.scale.low) / (frame.scale.high - frame.scale.low), 0, 1)
    crowded = plain_counts(services, home, SIZE, shown).sum(axis=2) > 5
    ramp = np.array([list(bytes.fromhex(colour[1:])) for colour in ramps.ramp("signed", theme)])
    expected = ramp[np.rint(255 * at[crowded]).astype(int)].astype(float)
    ours = channels(frame)[crowded][:, :3].astype(float)
    white = 0.11 * (255 - expected) if theme == "dark" else 0.0  # at most, where it is densest
    assert (ours >= expected - 6).all()  # a step of the ramp, and rounding
    assert (ours <= expected + white + 6).all()


def test_a_logarithmic_quantity_takes_the_mean_of_logarithms_and_skips_what_is_absent(
    services: Services, renderer: Renderer, home: View
) -> None:
    frame = renderer.draw(Request(home, SIZE, theme="light", colour_by="net_counts"))
    values = services.atlas.catalogue["net_counts"].to_numpy(float)
    logarithms = np.log10(values[np.isfinite(values)])
    low, high = np.percentile(logarithms, [5, 95])
    assert frame.scale is not None
    assert (frame.scale.low, frame.scale.high) == (pytest.approx(10**low, rel=1e-5), pytest.approx(10**high, rel=1e-5))
    services.atlas.catalogue["log_counts"] = np.log10(values)
    mean = mean_of(services, "log_counts", home, np.arange(N))
    known = (plain_counts(services, home, SIZE, slice(None)).sum(axis=2) > 5) & ~np.isnan(mean)
    ramp = np.array([list(bytes.fromhex(colour[1:])) for colour in ramps.ramp("log", "light")])
    at = np.clip((mean[known] - low) / (high - low), 0, 1)
    assert np.abs(channels(frame)[known][:, :3] - ramp[np.rint(255 * at).astype(int)].astype(float)).max() <= 6
    absent = (plain_counts(services, home, SIZE, slice(None)).sum(axis=2) > 5) & np.isnan(mean)
    assert absent.any()
    grey = bytes.fromhex(palette("light")["c-no-match"][1:])
    assert np.abs(channels(frame)[absent][:, :3] - np.array(list(grey), float)).max() <= 2


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_unselected_detections_have_one_grey_whatever_their_value(
    services: Services, renderer: Renderer, home: View, theme: str
) -> None:
    request = Request(home, SIZE, theme=theme, colour_by="hr2", selection=np.zeros(N, dtype=bool))
    image = channels(renderer.draw(request))
    lit = image[image[..., 3] > 0]
    assert len(np.unique(lit[:, :3])) == 1
    ground = bytes.fromhex(palette(theme)["map-bg"][1:])[0]
    seen = ground + (lit[:, 0].astype(float) - ground) * (lit[:, 3] / 255)
    dense = lit[:, 3] >= (0.58 if theme == "dark" else 0.19) * 255 - 1  # what is no arm of a lonely point
    assert np.abs(seen[dense] - ground).min() > 20


def test_the_scale_of_a_quantity_does_not_follow_view_or_filters(
    services: Services, renderer: Renderer, home: View
) -> None:
    whole = renderer.draw(Request(home, SIZE, colour_by="net_counts")).scale
    near = View(0, 0.5, 0, 0.5)
    for request in (
        Request(near, SIZE, colour_by="net_counts"),
        Request(home, SIZE, colour_by="net_counts", passing=services.x < -1),
        Request(home, SIZE, frozenset(NAMES[:5]), colour_by="net_counts"),
    ):
        assert renderer.draw(request).scale == whole
    assert renderer.draw(Request(home, SIZE)).scale is None


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_count_mode_has_one_ink(renderer: Renderer, home: View, theme: str) -> None:
    image = channels(renderer.draw(Request(home, SIZE, theme=theme, colour_by="count")))
    lit = image[image[..., 3] > 0]
    ink = list(bytes.fromhex(palette(theme)["text"][1:]))
    assert np.abs(lit[:, :3].astype(float) - ink).max() <= 1
    assert lit[:, 3].max() == 255
    assert lit[:, 3].min() < 80


def test_contours_stay_under_pan_and_follow_what_is_shown(services: Services, home: View) -> None:
    renderer = Renderer(services)
    whole = renderer.draw(Request(home, SIZE, contours=True)).contours
    assert {each.share for each in whole} == {0.9, 0.6, 0.3}
    assert renderer.draw(Request(View(0, 1, 0, 1), (50, 50), contours=True)).contours is whole
    part = renderer.draw(Request(home, SIZE, passing=services.x > 0, contours=True)).contours
    assert min(each.xs.min() for each in part) > min(each.xs.min() for each in whole) + 0.5
    one = renderer.draw(Request(home, SIZE, frozenset(NAMES[1:]), contours=True)).contours
    assert len(one) < len(whole)
    assert renderer.draw(Request(home, SIZE)).contours == ()


def test_regions_are_of_what_is_shown(services: Services, home: View) -> None:
    renderer = Renderer(services)
    found = renderer.draw(Request(home, SIZE, contours=True)).regions
    alone = frozenset(NAMES) - {NAMES[2]}
    (only,) = renderer.draw(Request(home, SIZE, alone, contours=True)).regions
    assert (only.name, only.share) == (NAMES[2], 1.0)
    assert all(each.share < 1 for each in found)
    passing = services.class_codes == 4
    (only,) = renderer.draw(Request(home, SIZE, passing=passing, contours=True)).regions
    assert only.name == NAMES[4]
    assert renderer.draw(Request(home, SIZE)).regions == ()


def test_points_grow_as_the_view_empties(services: Services, renderer: Renderer) -> None:
    """Zoomed in far, a detection covers more pixels: first a plus, then discs of 3 and 5 pixels."""
    x, y = float(services.x[0]), float(services.y[0])
    covered = []
    for half in (3.0, 0.5, 0.01):
        frame = renderer.draw(Request(View(x - half, x + half, y - half, y + half), (500, 500)))
        covered.append(np.count_nonzero(frame.image) / frame.in_view)
    assert covered[0] < 5.5 < covered[1] <= 9 < covered[2] <= 25


def test_an_empty_view_and_an_absurd_size_are_no_errors(renderer: Renderer) -> None:
    for colour_by in ("class", "count", "hr2"):
        frame = renderer.draw(Request(View(50, 51, 50, 51), (30, 20), colour_by=colour_by))
        assert not frame.image.any()
        assert (frame.max_per_pixel, frame.in_view) == (0, 0)
    assert renderer.draw(Request(View(50, 51, 50, 51), (0, 10**6))).image.shape == (4096, 1)


def test_nothing_is_left_to_compile_for_the_first_visitor(home: View) -> None:
    services = some_services()
    renderer = renderer_of(services)
    modules = (counting, growth, kernels, points_module, polygon, regions)
    kernels_ = [each for module in modules for each in vars(module).values() if isinstance(each, Dispatcher)]
    assert len(kernels_) > 10
    compiled = [list(each.signatures) for each in kernels_]
    selection, passing = services.x > 0, services.y > 0
    passing.flags.writeable = False
    x, y = float(services.x[0]), float(services.y[0])
    for half in (3.0, 0.5, 0.01):
        view = View(x - half, x + half, y - half, y + half)
        for colour_by in ("class", "count", "hr2", "net_counts"):
            for mask in (None, selection, passing):
                for other in (None, selection, passing):
                    request = Request(view, (200, 200), colour_by=colour_by, selection=mask, passing=other)
                    renderer.draw(request)
                    renderer.draw(replace(request, contours=True, density="log"))
    polygon.in_polygon(services.x, services.y, np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0]))
    assert [list(each.signatures) for each in kernels_] == compiled


@pytest.mark.parametrize("density", kernels.DENSITIES)
def test_each_density_is_drawn(renderer: Renderer, home: View, density: str) -> None:
    assert renderer.draw(Request(home, SIZE, density=density)).in_view == N


@given(st.lists(st.integers(0, 8), max_size=60))
@settings(deadline=None)
def test_rows_are_sorted_by_cell_and_stay_in_order(cells: list[int]) -> None:
    of_row = np.array(cells, np.int32)
    order, starts = sort_by_cell(of_row, 9)
    np.testing.assert_array_equal(order, np.argsort(of_row, kind="stable"))
    np.testing.assert_array_equal(starts, np.searchsorted(of_row[order], np.arange(10)))
    np.testing.assert_array_equal(gather(of_row, order), of_row[order])
