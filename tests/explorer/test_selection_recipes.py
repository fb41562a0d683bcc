from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.filters.filters import Range, Text
from explorer.selection.query import Query
from explorer.selection.recipes import (
    MAX_CORNERS,
    ByQuery,
    Disc,
    Lasso,
    Listed,
    Nearest,
    OfClass,
    Recipe,
    Shown,
    fewer_corners,
)
from explorer.selection.steps import Saved, Step, in_words, made, shown_mask, steps_from_plain, steps_to_plain
from explorer.services import Services
from explorer.tools.masks import SELECTION_MODES
from vae.errors import OptionError

BOX = Lasso(np.array([-1.0, 0.5, 0.5, -1.0]), np.array([-0.5, -0.5, 1.0, 1.0]))
TRIANGLE = Lasso(np.array([-1.0, 1.0, 0.25]), np.array([-1.0, -0.75, 1.5]))

finite = st.floats(-5, 5, allow_nan=False).map(lambda value: round(value, 3))
sizes = st.floats(0.01, 3).map(lambda value: round(value, 3))
recipes = st.one_of(
    st.sampled_from([BOX, TRIANGLE, Shown(), OfClass("AGN"), OfClass("Star")]),
    st.builds(Disc, finite, finite, sizes, sizes),
    st.builds(Nearest, finite, finite, st.integers(1, 5000)),
    st.sampled_from(["net_counts > 500", 'class == "Quasar" or z > 1']).map(Query).map(ByQuery),
)
steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(SELECTION_MODES),
        recipes,
        st.sampled_from([frozenset[str](), frozenset({"AGN"}), frozenset({"Star", "Galaxy"})]),
        st.sampled_from([(), (Range("net_counts", 300),), (Range("hr2", -0.5, 0.5), Text("J1"))]),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


def test_a_box_is_known_as_one() -> None:
    assert BOX.is_box
    assert not TRIANGLE.is_box
    assert BOX.words == "box μ₁ −1 to 0.5, μ₂ −0.5 to 1"
    assert TRIANGLE.words == "lasso of 3 corners"
    assert BOX.to_plain() == {"box": [-1.0, 0.5, -0.5, 1.0]}


def test_a_disc_holds_what_is_near(opened: Services) -> None:
    distance = np.hypot(opened.x - 0.5, opened.y + 0.2)
    disc = Disc(0.5, -0.2, 0.4, 0.4)
    np.testing.assert_array_equal(disc.mask(opened, None), distance <= 0.4)
    assert disc.words == "within 0.4 of (0.5, −0.2) in latent space"
    x, y = disc.outline
    np.testing.assert_allclose(np.hypot(x - 0.5, y + 0.2), 0.4)
    assert Disc(0.5, 0, 0.2, 0.1, "J12", 2).words == "within 2 σ of J12"
    ellipse = Disc(0.5, -0.2, 0.4, 0.1).mask(opened, None)
    assert 0 < ellipse.sum() < disc.mask(opened, None).sum()
    for wrong in ((0, 0, 0, 1), (0, 0, -1, 1), (np.nan, 0, 1, 1), (0, 0, np.inf, 1)):
        with pytest.raises(OptionError):
            Disc(*wrong)


def test_the_nearest_are_nearest_among_what_is_shown(opened: Services) -> None:
    shown = opened.class_codes != opened.class_names.index("AGN")
    mask = Nearest(0.3, 0.1, 25).mask(opened, shown)
    assert mask.sum() == 25
    assert not (mask & ~shown).any()
    distance = np.hypot(opened.x - 0.3, opened.y - 0.1)
    assert distance[mask].max() <= distance[shown & ~mask].min()
    assert Nearest(0, 0, 10**6).mask(opened, shown).sum() == shown.sum()
    with pytest.raises(OptionError):
        Nearest(0, 0, 0)


def test_classes_and_lists(opened: Services) -> None:
    assert OfClass("Star").mask(opened, None).sum() == opened.class_counts[opened.class_names.index("Star")]
    with pytest.raises(OptionError, match="no class “Ghost”"):
        OfClass("Ghost").mask(opened, None)
    with pytest.raises(OptionError, match="cannot be made again"):
        Listed("42 results").mask(opened, None)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_steps_come_back_from_a_link(opened: Services, chosen: tuple[Step, ...]) -> None:
    plain = json.loads(json.dumps(steps_to_plain(chosen)))
    back = steps_from_plain(plain)
    assert steps_to_plain(back) == plain
    assert [(step.mode, step.hidden, step.filters) for step in back] == [
        (step.mode, step.hidden, step.filters) for step in chosen
    ]
    np.testing.assert_array_equal(made(back, opened), made(chosen, opened))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_steps_are_set_algebra_over_what_was_shown(opened: Services, chosen: tuple[Step, ...]) -> None:
    selected: set[int] | None = None
    for step in chosen:
        shown = shown_mask(opened, step.hidden, step.filters)
        on_map = set(range(len(opened))) if shown is None else set(np.flatnonzero(shown).tolist())
        new = set(np.flatnonzero(step.recipe.mask(opened, shown)).tolist()) & on_map
        before = selected or set()
        selected = {"replace": new, "add": before | new, "subtract": before - new, "intersect": before & new}[step.mode]
    assert set(np.flatnonzero(made(chosen, opened)).tolist()) == selected


@given(st.integers(3, 400), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_lasso_in_a_link_has_few_corners_and_the_same_shape(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, size))
    radius = 1 + 0.2 * np.sin(3 * angle)
    lasso = Lasso(radius * np.cos(angle), radius * np.sin(angle))
    plain = lasso.to_plain()["lasso"]
    assert len(plain) == 2 * min(size, MAX_CORNERS)
    assert len(json.dumps(plain)) < 1200
    before = shapely.Polygon(np.column_stack([lasso.x, lasso.y]))
    after = shapely.Polygon(np.reshape(plain, (-1, 2)))
    if before.is_valid and after.is_valid:
        assert before.symmetric_difference(after).area < 0.02 * before.area + 0.02


def test_corners_that_matter_least_go_first() -> None:
    x, y = fewer_corners(np.array([0, 0.5, 1, 1, 0.0]), np.array([0, 1e-6, 0, 1, 1.0]), 4)
    assert (x.tolist(), y.tolist()) == ([0, 1, 1, 0], [0, 0, 1, 1])


def test_words_say_how_and_of_what() -> None:
    few = (Range("net_counts", 300),)
    chosen = (
        Step("replace", TRIANGLE, frozenset({"Star"}), few),
        Step("add", OfClass("AGN"), frozenset({"Star"}), few),
        Step("subtract", ByQuery(Query("z > 3"))),
    )
    assert in_words(chosen) == (
        "lasso of 3 corners, of Net counts ≥ 300; without Star; add class AGN; take away query z > 3, of all"
    )
    assert in_words((Step("intersect", Saved("odd ones", chosen[2:])),)) == (
        "keep only selection “odd ones” (take away query z > 3)"
    )


def test_what_no_short_rule_makes_is_left_out_of_links() -> None:
    assert steps_to_plain((Step("replace", Listed("12 results")),)) is None
    assert steps_to_plain((Step("replace", Saved("a", (Step("replace", Listed("12 results")),))),)) is None
    assert steps_to_plain((Step("replace", Shown()),) * 13) is None
    nested: Recipe = Shown()
    for depth in range(5):
        nested = Saved(f"level {depth}", (Step("replace", nested),))
    with pytest.raises(OptionError):
        steps_from_plain(steps_to_plain((Step("replace", nested),)))


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                "lasso box disc near query class shown saved steps mode hidden filters about sigmas".split()
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


@given(json_like)
@settings(max_examples=300, deadline=None)
def test_hostile_links_are_refused_in_words(plain: object) -> None:
    try:
        read = steps_from_plain(plain)
    except OptionError as error:
        said = str(error)
    else:
        said = in_words(read)
        assert all(isinstance(step, Step) for step in read)
    assert isinstance(said, str)
