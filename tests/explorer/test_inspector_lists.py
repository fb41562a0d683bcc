"""Trajectory, neighbours and selection, without a browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.panels.neighbours import NeighboursPanel
from explorer.panels.selection import SelectionPanel
from explorer.panels.trajectory import TrajectoryPanel
from explorer.services import Services
from explorer.session import Session
from vae.atlas import Atlas
from vae.errors import AtlasError


def often_observed(opened: Services) -> np.ndarray:
    return opened.atlas.source_rows(int(opened.atlas.catalogue["source_id"].value_counts().index[0]))


# -- trajectory --------------------------------------------------------------------------------------------------------
def test_trajectory_lists_observations_in_time_order_with_significance(session: Session, opened: Services) -> None:
    panel = TrajectoryPanel(session)
    rows = often_observed(opened)
    session.tab = "trajectory"
    session.pick(int(rows[1]))
    content = panel.list.content
    assert [line["row"] for line in content["rows"]] == rows.tolist()
    assert [line["current"] for line in content["rows"]].index(True) == 1
    mu, sigma = opened.atlas.latents[rows[:2]].astype(float), opened.atlas.sigmas[rows[:2]].astype(float)
    step = np.sqrt(((mu[1] - mu[0]) ** 2 / (sigma[0] ** 2 + sigma[1] ** 2)).sum())
    assert content["rows"][0]["step"] == "–"
    assert content["rows"][1]["step"] == f"{step:.1f} σ"
    assert content["rows"][1]["weak"] == (step < 3)
    panel.list._handle_msg({"type": "pick", "row": int(rows[2])})
    assert session.picked == rows[2]
    assert panel.list.content["rows"][2]["current"]


def test_single_observation_is_said_in_a_line(session: Session, opened: Services) -> None:
    panel = TrajectoryPanel(session)
    counts = opened.atlas.catalogue["source_id"].value_counts()
    source = int(counts[counts == 1].index[0])
    session.tab = "trajectory"
    session.pick(int(opened.atlas.source_rows(source)[0]))
    assert panel.list.content["words"] == "observed once: there is no trajectory"
    assert panel.list.content["curve"] is None
    session.clear_pick()
    assert panel.list.content["state"] == "empty"


def test_hidden_tabs_do_no_work(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    panels = TrajectoryPanel(session), NeighboursPanel(session)

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise AssertionError("asked for while hidden")

    monkeypatch.setattr(Atlas, "trajectory", fail)
    monkeypatch.setattr(Atlas, "neighbours", fail)
    session.pick(5)
    assert all(panel.list.content["state"] == "empty" for panel in panels)


# -- neighbours --------------------------------------------------------------------------------------------------------
def test_neighbours_are_the_atlas_s_and_a_click_hops(session: Session, opened: Services) -> None:
    panel = NeighboursPanel(session)
    session.tab = "similar"
    session.pick(12)
    detection_id = int(opened.atlas.catalogue["detection_id"].iat[12])
    items = panel.list.content["items"]
    expected = opened.atlas.neighbours(detection_id, k=20)
    assert [item["row"] for item in items] == expected["row"].tolist()
    assert [item["same"] for item in items] == expected["same_within_errors"].tolist()
    assert len(panel.list.sparks) == len(items)
    assert all(max(spark) == 1.0 for spark in panel.list.sparks)
    panel.list.metric = "bhattacharyya"
    expected = opened.atlas.neighbours(detection_id, k=20, metric="bhattacharyya")
    assert [item["row"] for item in panel.list.content["items"]] == expected["row"].tolist()
    target = panel.list.content["items"][3]["row"]
    panel.list._handle_msg({"type": "pick", "row": target})
    assert session.picked == target
    assert panel.list.content["title"] == opened.atlas.catalogue["name"].iat[target]


def test_neighbours_of_a_decoded_position_are_the_nearest(session: Session, opened: Services) -> None:
    panel = NeighboursPanel(session)
    session.tab = "similar"
    session.decode(0.3, -0.2)
    distance = np.hypot(opened.x - 0.3, opened.y + 0.2)
    rows = [item["row"] for item in panel.list.content["items"]]
    np.testing.assert_allclose(distance[rows], np.sort(distance)[:20], rtol=1e-5)


def test_failing_search_is_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = NeighboursPanel(session)
    session.tab = "similar"

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise AtlasError("gone", where="atlas", todo="Build it again")

    monkeypatch.setattr(Atlas, "neighbours", fail)
    session.pick(5)
    assert panel.list.content["error"]["todo"] == "Build it again"


# -- selection ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def selection(session: Session) -> SelectionPanel:
    return SelectionPanel(session)


def right_half(opened: Services) -> np.ndarray:
    return opened.x > np.median(opened.x)


def test_selection_counts_and_makes_up(selection: SelectionPanel, session: Session, opened: Services) -> None:
    assert selection.view_.content["state"] == "empty"
    assert selection.view_.content["count_words"] == "0 detections selected"
    mask = right_half(opened)
    session.select(mask)
    content = selection.view_.content
    assert content["count_words"] == f"{mask.sum():,} detections selected"
    listed = {line["name"]: int(line["count"].replace(",", "")) for line in content["makeup"]}
    assert sum(listed.values()) == mask.sum()
    assert sum(line["share"] for line in content["makeup"]) == pytest.approx(1.0)
    labels = opened.atlas.catalogue["class_label"][mask].value_counts()
    for name, number in listed.items():
        if name in labels.index:
            assert number == labels[name]


def test_table_pages_through_all_rows_in_the_order_asked_for(
    selection: SelectionPanel, session: Session, opened: Services
) -> None:
    mask = right_half(opened)
    session.select(mask)
    for key, column in (("net", "net_counts"), ("z", "cstat_z"), ("rarity", "rarity")):
        selection.view_._handle_msg({"type": "sort", "key": key})
        rows: list[int] = []
        while len(rows) < mask.sum():
            selection.view_._handle_msg({"type": "page", "start": len(rows), "size": 300})
            assert selection.view_.page["start"] == len(rows)
            rows += [line["row"] for line in selection.view_.page["rows"]]
        assert sorted(rows) == np.flatnonzero(mask).tolist()
        values = opened.atlas.catalogue[column].to_numpy(float)[rows]
        steps = np.diff(values[np.isfinite(values)])
        down = selection.view_.content["sort"]["down"]
        assert (steps <= 0).all() if down else (steps >= 0).all()
    selection.view_._handle_msg({"type": "sort", "key": "name"})
    selection.view_._handle_msg({"type": "page", "start": 0, "size": 60})
    names = [line["full"] for line in selection.view_.page["rows"]]
    assert names == sorted(names)


def test_undo_redo_clear(selection: SelectionPanel, session: Session, opened: Services) -> None:
    session.select(right_half(opened))
    session.select(~right_half(opened) & (opened.y > 0))
    second = session.selection_count
    for kind, count in (("undo", right_half(opened).sum()), ("redo", second), ("clear", 0), ("undo", second)):
        selection.view_._handle_msg({"type": kind})
        assert selection.view_.content["count"] == count


def test_selection_of_nothing_says_so(selection: SelectionPanel, session: Session, opened: Services) -> None:
    session.select(np.zeros(len(opened), bool))
    assert selection.view_.content["state"] == "some"
    assert "holds no detection" in selection.view_.content["text"]


def test_same_number_of_other_rows_is_another_selection(
    selection: SelectionPanel, session: Session, opened: Services
) -> None:
    order = np.argsort(opened.x)
    for chosen in (order[:100], order[-100:]):
        mask = np.zeros(len(opened), bool)
        mask[chosen] = True
        session.select(mask)
        selection.view_._handle_msg({"type": "page", "start": 0, "size": 60})
        assert {line["row"] for line in selection.view_.page["rows"]} <= set(chosen.tolist())


def test_export_arrives_in_pieces_and_whole(
    selection: SelectionPanel, session: Session, opened: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(selection.view_, "_send_msg", sent.append)
    monkeypatch.setattr("explorer.tools.export.PIECE_ROWS", 400)
    session.select(right_half(opened))
    selection.view_._handle_msg({"type": "export", "id": "one"})
    session.clear_selection()  # an export goes on with what was selected when it began
    while not sent[-1]["last"]:
        selection.view_._handle_msg({"type": "next", "id": "one"})
    lines = "".join(piece["text"] for piece in sent).splitlines()
    assert sum(not line.startswith("#") for line in lines) == right_half(opened).sum() + 1
    assert len(sent) > 3
    before = len(sent)
    selection.view_._handle_msg({"type": "next", "id": "one"})  # nothing is left
    assert len(sent) == before
