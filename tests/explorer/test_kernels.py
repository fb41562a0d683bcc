from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.latent_map import growth, kernels
from explorer.latent_map.kernels import Inks
from explorer.selection.polygon import in_polygon

CLASSES = 5
WEIGHTS = np.array([1.0, 1.0, 0.35, 0.1, 1.0])


def some_counts(seed: int = 0, h: int = 23, w: int = 31) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.poisson(0.8, (h, w, CLASSES)) * rng.integers(0, 6, (h, w, 1))).astype(np.uint32)


def some_colours(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((CLASSES, 3))


def channels(image: np.ndarray) -> np.ndarray:
    """RGBA as float, shape (h, w, 4); little-endian bytes are what Bokeh reads."""
    return np.ascontiguousarray(image).view(np.uint8).reshape(*image.shape, 4).astype(float)


def light_of(counts: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Weighted linear light of the visible classes and its weight, shape (h, w, 4)."""
    paints = np.column_stack([kernels.srgb_to_linear(some_colours()), np.ones(CLASSES)]) * (WEIGHTS * visible)[:, None]
    return (counts @ paints).astype(np.float32)


def totals(counts: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    whole, shown = counts.sum(axis=2, dtype=np.uint32), (counts * visible).sum(axis=2).astype(np.uint32)
    return whole, shown, int(whole.max())


def draw(counts: np.ndarray, visible: np.ndarray, *, dark: bool = True, scale: int = 0) -> np.ndarray:
    whole, shown, most = totals(counts, visible)
    ranks = kernels.opacity_table(whole, most, scale)
    return kernels.mix_colours(shown, light_of(counts, visible), ranks, Inks(dark))


def reference_image(counts: np.ndarray, visible: np.ndarray, *, dark: bool, scale: int) -> np.ndarray:
    """Written from LOOK.md with whole arrays, no tables: hue, opacity and white of every pixel."""
    whole = counts.sum(axis=2).astype(float)
    occupied = np.sort(whole[whole > 0])
    shown = (counts * visible).sum(axis=2).astype(float)
    logarithm = np.log1p(shown) / np.log1p(whole.max())
    smallest = np.count_nonzero(occupied == occupied[0])
    at_most = np.searchsorted(occupied, shown, side="right")
    rank = np.maximum(at_most - smallest, 0) / (occupied.size - smallest)
    t = [0.5 * rank + 0.5 * logarithm, logarithm, shown / whole.max()][scale]
    share = counts * visible * WEIGHTS
    with np.errstate(invalid="ignore"):
        linear = share @ kernels.srgb_to_linear(some_colours()) / share.sum(axis=2)[..., None]
    rgb = 255 * kernels.linear_to_srgb(np.nan_to_num(linear))
    if dark:
        white = 0.11 * np.maximum(t - 0.8, 0) / 0.2
        rgb = rgb + white[..., None] * (255 - rgb)
    alpha = 0.58 + 0.42 * t**0.9 if dark else 0.5 + 0.5 * t**0.75
    image = np.concatenate([rgb, 255 * alpha[..., None]], axis=2)
    image[shown == 0] = 0
    return image


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("scale", [0, 1, 2])
@pytest.mark.parametrize("hidden", [(), (0, 3)])
def test_colours_agree_with_the_look_written_in_numpy(dark: bool, scale: int, hidden: tuple[int, ...]) -> None:
    counts = some_counts()
    visible = ~np.isin(np.arange(CLASSES), hidden)
    ours = channels(draw(counts, visible, dark=dark, scale=scale))
    reference = reference_image(counts, visible, dark=dark, scale=scale)
    assert np.abs(ours - reference).max() <= 1.6  # rounding to 255 levels, twice


def test_hiding_a_class_leaves_the_pixels_without_it_alone() -> None:
    counts = some_counts()
    every = np.ones(CLASSES, dtype=bool)
    without = every.copy()
    without[1] = False
    untouched = counts[:, :, 1] == 0
    assert untouched.any()
    np.testing.assert_array_equal(draw(counts, every)[untouched], draw(counts, without)[untouched])


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_opacity_grows_with_density_from_0_to_1(seed: int) -> None:
    whole, _, most = totals(some_counts(seed), np.ones(CLASSES, dtype=bool))
    for scale in range(3):
        ranks = kernels.opacity_table(whole, most, scale)
        assert (np.diff(ranks) >= 0).all()
        assert ranks[0] == 0
        assert ranks[-1] == pytest.approx(1.0)


def test_nothing_in_view_is_an_empty_image() -> None:
    counts = np.zeros((4, 6, CLASSES), dtype=np.uint32)
    assert not draw(counts, np.ones(CLASSES, dtype=bool)).any()


def test_opaque_enough_colours_are_the_class_colours() -> None:
    counts = np.zeros((1, CLASSES, CLASSES), dtype=np.uint32)
    counts[0, np.arange(CLASSES), np.arange(CLASSES)] = 7
    image = channels(draw(counts, np.ones(CLASSES, dtype=bool), dark=False))[0]
    assert np.abs(image[:, :3] - 255 * some_colours()).max() <= 1.1


@pytest.mark.parametrize("dark", [True, False])
def test_unselected_pixels_are_grey_of_the_same_luminance(dark: bool) -> None:
    counts = some_counts()
    counts[::2] = 0
    selected = counts.copy()
    selected[:, 16:] = 0
    every = np.ones(CLASSES, dtype=bool)
    whole, shown, most = totals(counts, every)
    ranks = kernels.opacity_table(whole, most, 0)
    linear = kernels.srgb_to_linear(some_colours())
    image = kernels.mix_colours(totals(selected, every)[1], light_of(selected, every), ranks, Inks(dark))
    kernels.mix_greys(image, shown, light_of(counts, every), ranks, Inks(dark))
    full = draw(counts, every, dark=dark)
    np.testing.assert_array_equal(image[:, :16], full[:, :16])

    grey, lit = channels(image)[:, 16:], channels(full)[:, 16:]
    occupied = shown[:, 16:] > 0
    assert (grey[..., 0] == grey[..., 1]).all()
    assert (grey[..., 0] == grey[..., 2]).all()
    share = counts[:, 16:] * WEIGHTS
    light = (share @ linear)[occupied] / share.sum(axis=2)[occupied][:, None]
    luminance = kernels.linear_to_srgb(light @ [0.2126, 0.7152, 0.0722])
    brightness, opacity = (0.42, 1.0) if dark else (1.0, 0.38)
    assert np.abs(grey[occupied][:, 0] - 255 * brightness * luminance).max() <= 1.1
    assert np.abs(grey[occupied][:, 3] - opacity * lit[occupied][:, 3]).max() <= 1.1
    assert not image[shown == 0].any()


def test_lonely_points_grow_and_crowds_do_not() -> None:
    shown = np.zeros((40, 40), dtype=np.uint32)
    shown[5, 5] = 5  # alone
    shown[0, 39] = 1  # in a corner
    shown[20:24, 20:24] = 1  # sixteen neighbours
    shown[30, 30] = 6  # one too many
    image = np.where(shown > 0, np.uint32(0xC8102030), np.uint32(0))
    grown = growth.grow_lonely(image, shown)
    arms = [(4, 5), (6, 5), (5, 4), (5, 6), (1, 39), (0, 38)]
    new = np.argwhere((grown != 0) & (image == 0))
    assert sorted(map(tuple, new.tolist())) == sorted(arms)
    for j, i in arms:
        assert grown[j, i] & 0xFFFFFF == 0x102030
        assert grown[j, i] >> 24 == 0xC8 // 2
    np.testing.assert_array_equal(grown[image != 0], image[image != 0])


@given(st.integers(0, 10_000), st.sampled_from([0.002, 0.01, 0.05, 0.3]))
@settings(max_examples=25, deadline=None)
def test_loneliness_counts_the_49_pixels_around(seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    shown = (rng.random((29, 37)) < density).astype(np.uint32) * rng.integers(1, 4, (29, 37)).astype(np.uint32)
    image = np.where(shown > 0, np.uint32(0xFF000000), np.uint32(0))
    grown = growth.grow_lonely(image, shown)
    padded = np.pad(shown, 3)
    around = np.lib.stride_tricks.sliding_window_view(padded, (7, 7)).sum(axis=(2, 3))
    lonely = np.pad((shown > 0) & (around <= 5), 1)
    neighbours = lonely[:-2, 1:-1] | lonely[2:, 1:-1] | lonely[1:-1, :-2] | lonely[1:-1, 2:]
    np.testing.assert_array_equal(grown != 0, (shown > 0) | neighbours)


@pytest.mark.parametrize("across", [3, 5])
def test_discs_are_round_and_as_large_as_said(across: int) -> None:
    stamp = growth.disc(across)
    np.testing.assert_array_equal(stamp, stamp.T)
    np.testing.assert_array_equal(stamp, stamp[::-1])
    assert stamp.sum() == pytest.approx(np.pi * across**2 / 4, rel=0.02)
    shown = np.zeros((11, 11), dtype=np.uint32)
    shown[5, 5] = shown[0, 0] = 1
    grown = growth.grow_discs(np.where(shown > 0, np.uint32(0xFF123456), np.uint32(0)), shown, stamp)
    reach = across // 2
    around = grown[5 - reach : 6 + reach, 5 - reach : 6 + reach]
    assert np.abs((around >> 24) / 255 - stamp).max() <= 0.5 / 255 + 1e-9
    assert (grown[grown > 0] & 0xFFFFFF == 0x123456).all()


def star(seed: int, corners: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(0.3, 2.0, corners)
    return radius * np.cos(angle) + 0.3, radius * np.sin(angle) - 0.2


@given(st.integers(0, 10_000), st.integers(3, 300))
@settings(max_examples=40, deadline=None)
def test_points_in_a_polygon_agree_with_shapely(seed: int, corners: int) -> None:
    px, py = star(seed, corners)
    x, y = np.random.default_rng(seed).normal(0, 1.2, (2, 3000)).astype(np.float32)
    polygon = shapely.Polygon(np.column_stack([px, py]))
    if not polygon.is_valid:
        polygon = shapely.make_valid(polygon, method="linework")
    expected = shapely.contains_xy(polygon, x.astype(float), y.astype(float))
    np.testing.assert_array_equal(in_polygon(x, y, px, py), expected)


def test_points_at_the_edges_of_a_polygon_agree_with_shapely() -> None:
    px, py = star(3, 60)
    rng = np.random.default_rng(0)
    edge = rng.integers(0, 60, 20_000)
    along = rng.random(20_000)
    off = rng.normal(0, 3e-3, (2, 20_000))
    x = (px[edge] + along * (np.roll(px, -1)[edge] - px[edge]) + off[0]).astype(np.float32)
    y = (py[edge] + along * (np.roll(py, -1)[edge] - py[edge]) + off[1]).astype(np.float32)
    expected = shapely.contains_xy(shapely.Polygon(np.column_stack([px, py])), x.astype(float), y.astype(float))
    np.testing.assert_array_equal(in_polygon(x, y, px, py), expected)


def test_a_polygon_that_crosses_itself_has_a_hole() -> None:
    angle = 4 * np.pi / 5 * np.arange(5) + np.pi / 2  # a pentagram: its middle is outside by the even-odd rule
    x, y = np.array([0.0, 0.0], np.float32), np.array([0.0, 0.7], np.float32)
    np.testing.assert_array_equal(in_polygon(x, y, np.cos(angle), np.sin(angle)), [False, True])


@pytest.mark.parametrize("corners", [([], []), ([0.0, 1.0], [0.0, 1.0]), ([0.0, 1.0, 2.0], [0.0, 0.0, 0.0])])
def test_a_polygon_without_area_holds_nothing(corners: tuple[list[float], list[float]]) -> None:
    x = np.linspace(0, 2, 9, dtype=np.float32)
    assert not in_polygon(x, np.zeros_like(x), *map(np.array, corners)).any()
