from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bokeh.events import DoubleTap, SelectionGeometry, Tap

from explorer.latent_map import LatentMap, pointer
from explorer.latent_map.cells import cells_of
from explorer.latent_map.frame import View
from explorer.latent_map.scene import Scale
from explorer.palette import palette
from explorer.services import Services
from explorer.session import Session
from explorer.tools.words import fixed as number
from explorer.tools.words import short_name

SIZE = (800, 700)


@pytest.fixture
def latent_map(session: Session) -> LatentMap:
    """A map laid out at SIZE, with neither browser nor document: frames land at once."""
    shown = LatentMap(session)
    look(shown)
    return shown


def look(latent_map: LatentMap, view: View | None = None, **more: Any) -> None:
    """Say what the browser looks at, as its script does."""
    view = view or latent_map.view
    told = {"x0": view.x0, "x1": view.x1, "y0": view.y0, "y1": view.y1, "width": SIZE[0], "height": SIZE[1]}
    told |= {"moving": False, "seen": 0, "gone": latent_map.viewport._number} | more
    latent_map.viewport.told.data = {name: [value] for name, value in told.items()}


def scale(latent_map: LatentMap) -> Scale:
    return Scale(latent_map.view, *SIZE)


def click(latent_map: LatentMap, x: float, y: float, kind: type = Tap) -> None:
    latent_map.figure._trigger_event(kind(latent_map.figure, x=x, y=y, sx=0, sy=0))


def point(latent_map: LatentMap, x: float, y: float) -> None:
    latent_map.gestures._cursor.data = {"x": [x], "y": [y], "x_px": [100.0], "y_px": [60.0]}


def lonely_row(latent_map: LatentMap, opened: Services) -> int:
    """A detection with nothing else within three times the reach of a click."""
    per_unit = scale(latent_map).per_unit
    points = np.column_stack([opened.x, opened.y]) * per_unit
    inside = [latent_map.view.holds(x, y) for x, y in zip(opened.x, opened.y, strict=True)]
    for row in np.flatnonzero(inside):
        distance = np.linalg.norm(points - points[row], axis=1)
        if np.count_nonzero(distance < 3 * pointer.REACH) == 1:
            return int(row)
    raise AssertionError("every detection has neighbours")


def test_first_frame_is_the_whole_map(latent_map: LatentMap, session: Session, opened: Services) -> None:
    assert latent_map.frame is not None
    assert latent_map.frame.image.shape == SIZE[::-1]
    assert latent_map.view == View(*opened.home)
    assert latent_map.frame.in_view > 0.98 * len(opened)
    assert session.frame_ms > 0
    assert session.max_per_pixel == latent_map.frame.max_per_pixel
    assert "xle-map" in latent_map.figure.css_classes


def test_nothing_is_drawn_before_the_browser_knows_the_size(session: Session) -> None:
    latent_map = LatentMap(session)
    look(latent_map, width=0, height=0)
    session.pick(0)
    session.toggle_class("AGN")
    assert latent_map.frame is None


@pytest.mark.parametrize("kind", [Tap, DoubleTap])
def test_click_within_reach_picks_and_else_decodes(
    latent_map: LatentMap, session: Session, opened: Services, kind: type
) -> None:
    row = lonely_row(latent_map, opened)
    x, y = float(opened.x[row]), float(opened.y[row])
    one_x, one_y = 1 / scale(latent_map).per_unit
    click(latent_map, x + 0.95 * pointer.REACH * one_x, y, kind)
    assert (session.picked, session.decoded) == (row, None)
    click(latent_map, x, y - 1.05 * pointer.REACH * one_y, kind)
    assert session.picked is None
    assert session.decoded == (x, y - 1.05 * pointer.REACH * one_y)


def test_hidden_classes_are_not_picked(latent_map: LatentMap, session: Session, opened: Services) -> None:
    row = lonely_row(latent_map, opened)
    session.toggle_class(opened.class_of(row))
    click(latent_map, float(opened.x[row]), float(opened.y[row]))
    assert session.picked is None
    assert session.decoded is not None


def test_near_is_what_a_person_would_measure(latent_map: LatentMap, session: Session, opened: Services) -> None:
    cells, rng = cells_of(opened), np.random.default_rng(0)
    points = np.column_stack([opened.x, opened.y]).astype(float) * scale(latent_map).per_unit
    for row in rng.integers(0, len(opened), 30):
        x, y = opened.x[row] + 0.01, opened.y[row] - 0.01
        found = pointer.around(cells, session, float(x), float(y), scale(latent_map))
        away = np.linalg.norm(points - np.array([x, y]) * scale(latent_map).per_unit, axis=1)
        inside = np.flatnonzero(away <= pointer.REACH)
        counts = np.bincount(opened.class_codes[inside], minlength=len(opened.class_names))
        np.testing.assert_array_equal(found.counts, counts)
        assert found.nearest == inside[np.argmin(away[inside])]
        assert pointer.REACH * found.distance == pytest.approx(away.min(), rel=1e-5)


def test_hover_tells_the_make_up(latent_map: LatentMap, session: Session, opened: Services) -> None:
    row = int(np.argmin(np.hypot(opened.x - np.median(opened.x), opened.y - np.median(opened.y))))
    x, y = float(opened.x[row]), float(opened.y[row])
    point(latent_map, x, y)
    card = session.hover
    assert card["nearest"] == short_name(opened.atlas.catalogue["name"].iat[row])
    assert card["distance_px"] == pytest.approx(0, abs=1e-6)
    assert sum(share for _, share in card["shares"]) == pytest.approx(1)
    assert len(card["shares"]) <= 4
    assert (card["x_px"], card["y_px"]) == (100.0, 60.0)
    assert session.cursor == (x, y)
    latent_map.gestures._cursor.data = {name: [] for name in ("x", "y", "x_px", "y_px")}
    assert session.hover is None
    assert session.cursor is None


def test_lasso_and_box_select_when_the_mouse_is_up(latent_map: LatentMap, session: Session, opened: Services) -> None:
    x0, x1, y0, y1 = -0.5, 0.7, -0.6, 0.5
    box = {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1}
    figure = latent_map.figure
    figure._trigger_event(SelectionGeometry(figure, geometry=box, final=False))
    assert session.selection_count == -1
    figure._trigger_event(SelectionGeometry(figure, geometry=box, final=True))
    inside = (opened.x > x0) & (opened.x < x1) & (opened.y > y0) & (opened.y < y1)
    assert 0 < session.selection_count == np.count_nonzero(inside)
    tag = latent_map.marks.sources["tag"].data["text"]
    assert tag == [f"{np.count_nonzero(inside):,} selected"]
    greyed = latent_map.frame
    assert greyed is not None
    assert len(np.unique(greyed.image)) > 1
    session.grey_unselected = False
    assert not np.array_equal(latent_map.frame.image, greyed.image)

    lasso = {"type": "poly", "x": {"0": x0, "1": x1, "2": x0}, "y": {"0": y0, "1": y0, "2": y1}}
    figure._trigger_event(SelectionGeometry(figure, geometry=lasso, final=True))
    below = inside & ((opened.x - x0) / (x1 - x0) + (opened.y - y0) / (y1 - y0) < 1)
    assert session.selection_count == np.count_nonzero(below)
    session.clear_selection()
    assert latent_map.marks.sources["tag"].data["text"] == []


def test_track_of_a_source_and_its_observations(latent_map: LatentMap, session: Session, opened: Services) -> None:
    catalogue = opened.atlas.catalogue
    source = int(catalogue["source_id"].value_counts().index[0])
    track = opened.atlas.trajectory(source)
    rows = track["row"].to_numpy()
    assert len(rows) > 2
    session.pick(int(rows[1]))
    sources = latent_map.marks.sources
    np.testing.assert_array_equal(sources["observations"].data["x"], opened.x[rows])
    assert sources["ends"].data["text"] == ["1", str(len(rows))]
    assert f"observation 2 of {len(rows)}" in sources["name"].data["text"]
    ramp = palette("dark").time_ramp()
    assert [sources["observations"].data["colour"][at] for at in (0, -1)] == [ramp[0], ramp[-1]]

    last = rows[-1]
    click(latent_map, float(opened.x[last]), float(opened.y[last]))
    assert session.picked in rows  # an observation of the track, whatever else lies there
    assert (opened.x[session.picked], opened.y[session.picked]) == (opened.x[last], opened.y[last])
    session.decode(0.0, 0.0)
    assert len(sources["observations"].data["x"]) == 0
    assert sources["name"].data["text"] == []
    assert sources["decoded_name"].data["text"] == ["Decoded", "(0.00, 0.00)"]


def test_buttons_move_the_view_and_a_pick_does_not(latent_map: LatentMap, session: Session, opened: Services) -> None:
    home = latent_map.view
    latent_map.zoom(2)
    assert latent_map.view.width == pytest.approx(home.width / 2)
    assert latent_map.frame is not None
    assert latent_map.frame.view == latent_map.view
    near = latent_map.view
    latent_map.pan(0.5, -0.25)
    assert latent_map.view.x0 == pytest.approx(near.x0 + near.width / 2)
    assert latent_map.view.y0 == pytest.approx(near.y0 - near.height / 4)
    view = latent_map.view
    session.pick(int(np.argmin(opened.x)))
    assert latent_map.view == view
    session.hop(int(np.argmin(opened.x)))
    assert latent_map.view.holds(float(opened.x.min()), float(opened.y[np.argmin(opened.x)]))
    assert latent_map.view.width == pytest.approx(view.width)
    latent_map.home()
    assert latent_map.view == home
    for _ in range(60):
        latent_map.zoom(4)
    assert latent_map.view.width > 1e-5 * home.width  # no further than single precision can tell points apart


def test_theme_and_tool_follow_the_session(latent_map: LatentMap, session: Session) -> None:
    dark = latent_map.frame
    session.theme = "light"
    assert latent_map.figure.xaxis[0].major_tick_line_color == palette("light")["map-tick"]
    assert latent_map.frame is not None
    assert dark is not None
    assert not np.array_equal(latent_map.frame.image, dark.image)
    for tool in ("lasso", "box", "disc", "pan"):
        session.tool = tool
        assert latent_map.gestures._tool.data["tool"] == [tool]  # tool.js takes it when no hand drags


def test_the_same_view_is_not_drawn_twice(latent_map: LatentMap) -> None:
    frame = latent_map.frame
    look(latent_map, seen=1)
    assert latent_map.frame is frame


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "1.23"), (-3.5, "−3.50"), (-0.001, "0.00"), (0.0, "0.00"), (-12.0, "−12.00")]
)
def test_numbers_have_a_true_minus_and_no_minus_zero(value: float, text: str) -> None:
    assert number(value) == text


def test_keys_pressed_faster_than_the_browser_answers_lose_no_step(latent_map: LatentMap) -> None:
    start = latent_map.view
    for _ in range(3):
        before = latent_map.viewport._number
        latent_map.pan(0.1, 0.0)
        look(latent_map, start, gone=before)  # the browser had not heard of it when it spoke
    assert latent_map.view.x0 == pytest.approx(start.x0 + 0.3 * start.width)
    look(latent_map, start)  # a hand that went back afterwards is believed
    assert latent_map.view == start
