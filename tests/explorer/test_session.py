from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.filters.filters import Range
from explorer.page.actions import actions
from explorer.services import Services
from explorer.session import Session


def rows_of_a_track(opened: Services) -> np.ndarray:
    counts = opened.atlas.catalogue["source_id"].value_counts()
    return opened.atlas.trajectory(int(counts.index[0]))["row"].to_numpy()


def test_picked_and_decoded_exclude_each_other(session: Session) -> None:
    seen = []
    session.param.watch(lambda *_: seen.append((session.picked, session.decoded)), ["picked", "decoded"])
    session.pick(5)
    session.decode(0.5, -1.0)
    session.pick(6)
    assert seen == [(5, None), (None, (0.5, -1.0)), (6, None)]  # no watcher ever sees both, and each change is one
    session.clear_pick()
    assert session.picked is None
    assert session.detection_id is None


def test_detection_id_is_that_of_the_row(session: Session, opened: Services) -> None:
    session.pick(17)
    assert opened.atlas.row(session.detection_id) == 17


def test_pick_leaves_only_the_selection_tab(session: Session) -> None:
    session.tab = "similar"
    session.pick(3)
    assert session.tab == "similar"
    session.select(np.ones(len(session.services), bool))
    assert session.tab == "selection"
    session.pick(4)
    assert session.tab == "spectrum"


def test_hiding_counts_what_is_shown(session: Session, opened: Services) -> None:
    counts = dict(zip(opened.class_names, opened.class_counts, strict=True))
    session.toggle_class("AGN")
    assert session.shown == len(opened) - counts["AGN"]
    session.solo_class("Star")
    assert session.shown == counts["Star"]
    assert session.visible.sum() == 1
    session.solo_class("Star")
    assert session.shown == len(opened)
    session.toggle_class("AGN")
    session.toggle_class("AGN")
    assert session.hidden_classes == frozenset()


def test_selection_modes_follow_set_algebra(session: Session) -> None:
    rng = np.random.default_rng(3)
    a, b, c = (rng.random(len(session.services)) < 0.4 for _ in range(3))
    session.select(a)
    session.selection_mode = "add"
    session.select(b)
    session.selection_mode = "subtract"
    session.select(c)
    np.testing.assert_array_equal(session.selection, (a | b) & ~c)
    session.selection_mode = "intersect"
    session.select(a)
    np.testing.assert_array_equal(session.selection, a & ~c)
    assert session.selection_count == np.count_nonzero(a & ~c)


def test_undo_and_redo_restore_selections(session: Session) -> None:
    masks = [np.arange(len(session.services)) % step == 0 for step in (2, 3, 5)]
    for mask in masks:
        session.select(mask)
    session.undo()
    np.testing.assert_array_equal(session.selection, masks[1])
    session.undo()
    session.undo()
    assert session.selection is None
    assert session.selection_count == -1
    session.undo()  # nothing before: stays
    session.redo()
    np.testing.assert_array_equal(session.selection, masks[0])
    session.select(masks[2])
    session.redo()  # what was undone is gone
    np.testing.assert_array_equal(session.selection, masks[2])


def test_hidden_classes_are_not_selected(session: Session, opened: Services) -> None:
    session.solo_class("Star")
    session.select(np.ones(len(opened), bool))
    assert session.selection_count == opened.class_counts[opened.class_names.index("Star")]


def test_a_selection_of_the_same_size_is_a_change(session: Session) -> None:
    seen = []
    session.param.watch(lambda event: seen.append(event.new), "selection_count", onlychanged=False)
    first = np.zeros(len(session.services), bool)
    first[0] = True
    session.select(first)
    session.select(np.roll(first, 1))
    assert seen == [1, 1]


def test_steps_walk_the_observations_in_time_and_stop_at_the_ends(session: Session, opened: Services) -> None:
    assert session.observations().size == 0
    session.step_observation(1)
    assert session.picked is None
    rows = rows_of_a_track(opened)
    assert rows.size > 2
    session.pick(int(rows[0]))
    np.testing.assert_array_equal(session.observations(), rows)
    start = opened.atlas.catalogue["mjd_start"].to_numpy()[rows]
    assert (np.diff(start) >= 0).all()
    session.step_observation(-1)
    assert session.picked == rows[0]
    for row in rows[1:]:
        session.step_observation(1)
        assert session.picked == row
    session.step_observation(1)
    assert session.picked == rows[-1]


def test_escape_clears_the_lasso_then_the_pick(session: Session) -> None:
    calls = []
    fake_map = SimpleNamespace(
        zoom=lambda factor: calls.append(("zoom", factor)),
        home=lambda: calls.append("home"),
        pan=lambda fx, fy: calls.append((fx, fy)),
    )
    does = actions(session, fake_map)
    session.pick(1)
    session.select(np.ones(len(session.services), bool))
    does["escape"]()
    assert (session.selection_count, session.picked) == (-1, 1)
    does["escape"]()
    assert session.picked is None
    does["west"]()
    does["north"]()
    does["zoom-in"]()
    does["zoom-out"]()
    (fx, _), (_, fy), (_, closer), (_, wider) = calls
    assert fx < 0 < fy
    assert closer == pytest.approx(1 / wider)
    assert closer > 1
    before = session.grey_unselected
    does["grey"]()
    assert session.grey_unselected is not before
    does["tab-3"]()
    assert session.tab == "similar"


def test_sessions_share_services_and_nothing_else(opened: Services) -> None:
    one, other = Session(opened), Session(replace(opened))
    one.pick(2)
    one.toggle_class("AGN")
    one.select(np.ones(len(opened), bool))
    assert other.picked is None
    assert other.hidden_classes == frozenset()
    assert other.selection is None


def test_filters_leave_detections_out_and_out_of_selections(session: Session) -> None:
    net = session.services.atlas.catalogue["net_counts"].to_numpy()
    session.set_filter(Range("net_counts", 500))
    assert session.shown == int((net >= 500).sum()) < len(session.services)
    session.set_filter(Range("net_counts", 500, 900))
    assert [each.words for each in session.filters] == ["Net counts 500–900"]
    session.select(np.ones(len(session.services), dtype=bool))
    assert np.array_equal(session.selection, (net >= 500) & (net <= 900))
    session.remove_filter("net_counts")
    assert session.filters == ()
    assert session.shown == len(session.services)


def test_a_hop_brings_the_view_only_where_it_must(session: Session) -> None:
    x0, x1, y0, y1 = session.services.home
    session.view = (x0, (x0 + x1) / 2, y0, (y0 + y1) / 2)
    inside = int(np.argmin(np.hypot(session.services.x - (3 * x0 + x1) / 4, session.services.y - (3 * y0 + y1) / 4)))
    session.hop(inside)
    assert session.wanted_view is None
    outside = int(np.argmax(session.services.x))
    session.hop(outside)
    assert session.picked == outside
    wanted = session.wanted_view
    assert (wanted[0] + wanted[1]) / 2 == pytest.approx(float(session.services.x[outside]), rel=1e-5)
    assert wanted[1] - wanted[0] == pytest.approx((x1 - x0) / 2)
