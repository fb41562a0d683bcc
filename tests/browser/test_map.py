"""The map under a real mouse: pick, decode, zoom, pan, lasso, box, trajectory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser, Page, expect
from served import WAIT_MS, App

from explorer.tools.words import short_name
from vae.atlas import Atlas

#: Runs in the page: the figure of the map, and the data of one of its sources.
_FIGURE = "[...Bokeh.documents[0]._all_models.values()].find((m) => m.css_classes?.includes('xle-map'))"
_SOURCE = "Bokeh.documents[0].get_model_by_name"
_IMAGE_SUM = f"{_SOURCE}('xle-image').data.image[0].reduce((a, b) => (a * 31 + b) % 1000003, 7)"


@pytest.fixture(scope="module")
def atlas(served_app: App) -> Atlas:
    return Atlas.open(served_app.atlas)


@dataclass
class MapPage:
    """The map in a browser, in latent units."""

    page: Page
    atlas: Atlas

    def __post_init__(self) -> None:
        self.page.wait_for_function(f"{_SOURCE}('xle-image')?.data.number[0] > 0")

    def view(self) -> tuple[float, float, float, float]:
        ends = "((f) => [f.x_range.start, f.x_range.end, f.y_range.start, f.y_range.end])"
        return tuple(self.page.evaluate(f"{ends}({_FIGURE})"))

    def box(self) -> dict[str, float]:
        found = self.page.locator(".xle-map").bounding_box()
        assert found is not None
        return found

    def to_px(self, x, y) -> np.ndarray:
        """Latent to page pixels, shape (n, 2)."""
        x0, x1, y0, y1 = self.view()
        box = self.box()
        across = (np.asarray(x) - x0) / (x1 - x0) * box["width"] + box["x"]
        down = (y1 - np.asarray(y)) / (y1 - y0) * box["height"] + box["y"]
        return np.stack([across, down], axis=-1)

    def free(self, at: np.ndarray) -> np.ndarray:
        """Whether no card of the page floats over these pixels, and they lie well inside the map."""
        box = self.box()
        inside = (at > [box["x"] + 60, box["y"] + 70]).all(axis=1)
        inside &= (at < [box["x"] + box["width"] - 60, box["y"] + box["height"] - 150]).all(axis=1)
        return inside

    def image_extent(self) -> list[float]:
        return self.page.evaluate(f"((d) => [d.x[0], d.dw[0], d.y[0], d.dh[0]])({_SOURCE}('xle-image').data)")

    def image_sum(self) -> int:
        return self.page.evaluate(_IMAGE_SUM)

    def wait_for_another_image(self, before: int) -> None:
        self.page.wait_for_function(f"{_IMAGE_SUM} != {before}")

    def column(self, source: str, name: str) -> list:
        return self.page.evaluate(f"Array.from({_SOURCE}('xle-{source}').data['{name}'])")

    def wait_for_frame(self) -> None:
        """Until the image on screen is the one of the view on screen."""
        self.page.wait_for_function(
            f"((f, d) => Math.abs(d.x[0] - f.x_range.start) + Math.abs(d.dw[0] - f.x_range.span) < 1e-6 * d.dw[0])"
            f"({_FIGURE}, {_SOURCE}('xle-image').data)",
            timeout=WAIT_MS,
        )

    def take(self, key: str, name: str, kind: str) -> None:
        """Take a tool by its key, until the page says so and a drag would use it."""
        self.page.keyboard.press(key)
        expect(self.page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        self.page.wait_for_function(f"({_FIGURE}.toolbar.active_drag?.type ?? '') == '{kind}'")

    def click(self, at: np.ndarray) -> None:
        self.page.mouse.click(float(at[0]), float(at[1]))

    def move(self, at: np.ndarray) -> None:
        self.page.mouse.move(float(at[0]), float(at[1]))

    def drag(self, corners: np.ndarray) -> None:
        mouse = self.page.mouse
        self.move(corners[0])
        mouse.down()
        for corner in corners[1:]:
            mouse.move(float(corner[0]), float(corner[1]), steps=4)
        mouse.up()


@pytest.fixture
def map_page(page: Page, atlas: Atlas) -> Iterator[MapPage]:
    shown = MapPage(page, atlas)
    shown.wait_for_frame()
    # and for the marks, which come once the page is open
    drawn = (
        "({ computed_renderers: all, computed_renderer_views: views }) => all.length > 30 && views.length == all.length"
    )
    page.wait_for_function(f"({drawn})(Bokeh.index.find_one({_FIGURE}))")
    return shown


def to_rest(map_page: MapPage) -> None:
    """Until the hand is seen to rest and the session knows the view."""
    map_page.wait_for_frame()
    map_page.page.wait_for_function(f"!{_SOURCE}('xle-look').data.moving[0]")


def isolated_row(map_page: MapPage) -> int:
    """A detection on free ground with no other within 24 px."""
    latents = map_page.atlas.latents
    at = map_page.to_px(latents[:, 0], latents[:, 1])
    for row in np.flatnonzero(map_page.free(at)):
        if np.count_nonzero(np.hypot(*(at - at[row]).T) < 24) == 1:
            return int(row)
    raise AssertionError("every detection has neighbours")


def test_click_on_a_point_picks_it_and_beside_it_decodes(map_page: MapPage) -> None:
    row = isolated_row(map_page)
    at = map_page.to_px(*map_page.atlas.latents[row, :2])
    map_page.click(at + np.array([3, -3]))
    name = str(map_page.atlas.catalogue["name"].iat[row])
    expect(map_page.page.locator(".xle-readout").first).to_contain_text(short_name(name))
    assert short_name(name) in map_page.column("name", "text")
    assert map_page.column("ring", "x") == pytest.approx([float(map_page.atlas.latents[row, 0])])

    map_page.page.wait_for_timeout(350)  # a click within 300 ms would be the second of a double click
    map_page.click(at + np.array([12, 0]))
    expect(map_page.page.locator(".xle-readout").first).to_contain_text("ecoded at (")
    assert map_page.column("decoded_name", "text")[0] == "Decoded"
    assert map_page.column("ring", "x") == []


def test_wheel_zooms_home_returns_and_a_drag_pans(map_page: MapPage) -> None:
    home, before = map_page.view(), map_page.image_sum()
    box = map_page.box()
    map_page.page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    map_page.page.mouse.wheel(0, -400)
    map_page.page.wait_for_function(f"{_FIGURE}.x_range.span < {0.9 * (home[1] - home[0])}")
    map_page.wait_for_another_image(before)
    map_page.wait_for_frame()
    view = map_page.view()
    assert home[0] < view[0] < view[1] < home[1]
    map_page.page.get_by_role("button", name="Whole map").click()
    map_page.page.wait_for_function(f"Math.abs({_FIGURE}.x_range.start - {home[0]}) < 1e-9")
    map_page.page.wait_for_function(f"{_IMAGE_SUM} == {before}")

    start = np.array([box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]])
    map_page.drag(np.array([start, start + np.array([90, 40])]))
    map_page.wait_for_frame()
    view = map_page.view()
    assert view[0] == pytest.approx(home[0] - 90 / box["width"] * (home[1] - home[0]), abs=2e-3)
    assert view[2] == pytest.approx(home[2] + 40 / box["height"] * (home[3] - home[2]), abs=2e-3)
    assert map_page.image_extent()[1] == pytest.approx(home[1] - home[0])


def expected_count(map_page: MapPage, corners: np.ndarray) -> tuple[int, int]:
    """Detections in a polygon of page pixels, by shapely: without and with a border of 1.5 px."""
    latents = map_page.atlas.latents
    points = shapely.points(map_page.to_px(latents[:, 0], latents[:, 1]))
    polygon = shapely.Polygon(corners)
    few, many = (int(shapely.contains(polygon.buffer(by), points).sum()) for by in (-1.5, 1.5))
    return few, many


def selected_count(map_page: MapPage) -> int:
    count = map_page.page.locator(".xle-selection-count").first
    expect(count).to_contain_text("selected")
    map_page.page.wait_for_function(f"{_SOURCE}('xle-tag').data.text.length > 0")
    tag = int(map_page.column("tag", "text")[0].split()[0].replace(",", ""))
    expect(count).to_contain_text(f"{tag:,}")
    return tag


def test_lasso_and_box_select_what_they_enclose(map_page: MapPage) -> None:
    box = map_page.box()
    angle = np.linspace(0, 1.93 * np.pi, 30)
    middle = [box["x"] + 0.52 * box["width"], box["y"] + 0.5 * box["height"]]
    corners = np.array(middle) + np.stack([190 * np.cos(angle), 120 * np.sin(angle)], axis=1)
    before, view = map_page.image_sum(), map_page.view()
    map_page.take("l", "Lasso", "LassoSelectTool")
    map_page.drag(corners)
    few, many = expected_count(map_page, corners)
    assert 50 < few <= selected_count(map_page) <= many
    map_page.wait_for_another_image(before)  # the others are grey
    assert map_page.view() == view
    map_page.page.keyboard.press("Escape")
    map_page.page.wait_for_function(f"{_SOURCE}('xle-tag').data.text.length == 0")

    x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.4 * box["height"]
    map_page.take("b", "Box", "BoxSelectTool")
    map_page.drag(np.array([[x, y], [x + 180, y + 140]]))
    corners = np.array([[x, y], [x + 180, y], [x + 180, y + 140], [x, y + 140]])
    few, many = expected_count(map_page, corners)
    assert 20 < few <= selected_count(map_page) <= many


def several_observations(map_page: MapPage) -> tuple[int, np.ndarray]:
    """A detection that a click reaches, of a source whose observations lie apart, and all rows of that source."""
    latents = map_page.atlas.latents
    at = map_page.to_px(latents[:, 0], latents[:, 1])
    free = map_page.free(at)
    sources = map_page.atlas.catalogue["source_id"]
    counts = sources.value_counts()
    for source in counts.index[counts > 2]:
        rows = map_page.atlas.trajectory(int(source))["row"].to_numpy()
        apart = np.hypot(*(at[rows][:, None] - at[rows][None]).transpose(2, 0, 1)) + 99 * np.eye(len(rows))
        for row in rows:
            nearest = int(np.argsort(np.hypot(*(at - at[row]).T))[0])
            if free[rows].all() and apart.min() > 20 and nearest == row:
                return int(row), rows
    raise AssertionError("no source with observations that lie apart")


def test_a_source_with_several_observations_shows_its_track(map_page: MapPage) -> None:
    row, rows = several_observations(map_page)
    latents = map_page.atlas.latents
    map_page.click(map_page.to_px(*latents[row, :2]))
    map_page.page.wait_for_function(f"{_SOURCE}('xle-observations').data.x.length == {len(rows)}")
    assert map_page.column("observations", "x") == pytest.approx(latents[rows, 0].tolist(), abs=1e-6)
    assert map_page.column("ends", "text") == ["1", str(len(rows))]
    at = list(rows).index(row) + 1
    assert f"observation {at} of {len(rows)}" in map_page.column("name", "text")

    other = int(rows[-1] if rows[-1] != row else rows[0])
    map_page.page.wait_for_timeout(350)  # a click within 300 ms would be the second of a double click
    map_page.click(map_page.to_px(*latents[other, :2]))
    map_page.page.wait_for_function(
        f"Math.abs({_SOURCE}('xle-ring').data.x[0] - {float(latents[other, 0])}) < 1e-6", timeout=WAIT_MS
    )
    assert len(map_page.column("observations", "x")) == len(rows)


def test_hovering_describes_what_is_under_the_mouse(map_page: MapPage) -> None:
    row = isolated_row(map_page)
    at = map_page.to_px(*map_page.atlas.latents[row, :2])
    map_page.move(at + np.array([2, 0]))
    tip = map_page.page.locator(".xle-overlay .tip")
    expect(tip).to_contain_text("1 detection")
    expect(tip).to_contain_text(short_name(str(map_page.atlas.catalogue["name"].iat[row])))
    map_page.move(at + np.array([13, 1]))
    expect(tip).to_be_hidden()


def test_a_double_click_is_a_click(map_page: MapPage) -> None:
    row = isolated_row(map_page)
    at = map_page.to_px(*map_page.atlas.latents[row, :2])
    map_page.page.mouse.dblclick(float(at[0]), float(at[1]))
    expect(map_page.page.locator(".xle-readout").first).to_contain_text(
        short_name(str(map_page.atlas.catalogue["name"].iat[row]))
    )


def test_a_slow_click_is_a_click_and_a_drag_after_a_pause_a_drag(map_page: MapPage) -> None:
    page, row = map_page.page, isolated_row(map_page)
    at = map_page.to_px(*map_page.atlas.latents[row, :2])
    page.mouse.move(float(at[0]), float(at[1]))
    page.mouse.down()
    page.wait_for_timeout(700)  # longer than Bokeh's long press
    page.mouse.up()
    name = short_name(str(map_page.atlas.catalogue["name"].iat[row]))
    expect(page.locator(".xle-readout").first).to_contain_text(name)
    before = map_page.view()
    page.mouse.down()
    page.wait_for_timeout(700)
    page.mouse.move(float(at[0]) + 40, float(at[1]), steps=4)
    page.mouse.up()
    page.wait_for_function(f"{_FIGURE}.x_range.start < {before[0]}")


def test_the_wheel_holds_what_is_under_the_mouse(map_page: MapPage) -> None:
    box = map_page.box()
    at = np.array([box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"]])
    share = np.array([0.7, 0.7])  # from the left, and from below

    def under() -> np.ndarray:
        x0, x1, y0, y1 = map_page.view()
        return np.array([x0, y0]) + share * [x1 - x0, y1 - y0]

    before, span = under(), map_page.view()
    map_page.move(at)
    for _ in range(3):
        map_page.page.mouse.wheel(0, -150)
    map_page.page.wait_for_function(f"{_FIGURE}.x_range.span < {0.8 * (span[1] - span[0])}")
    to_rest(map_page)
    np.testing.assert_allclose(under(), before, atol=5e-3 * (span[1] - span[0]))


def test_keys_zoom_move_and_return(map_page: MapPage) -> None:
    home = map_page.view()
    map_page.page.keyboard.press("+")
    map_page.page.wait_for_function(f"{_FIGURE}.x_range.span < {0.7 * (home[1] - home[0])}")
    to_rest(map_page)
    near = map_page.view()
    for key, sign, end in (("ArrowRight", 1, 0), ("ArrowUp", 1, 2), ("ArrowLeft", -1, 0), ("ArrowDown", -1, 2)):
        before = map_page.view()
        map_page.page.keyboard.press(key)
        side = "x" if end == 0 else "y"
        map_page.page.wait_for_function(f"{sign} * ({_FIGURE}.{side}_range.start - {before[end]}) > 0.01")
        to_rest(map_page)
    assert map_page.view() == pytest.approx(near)
    map_page.page.keyboard.press("0")
    map_page.page.wait_for_function(f"Math.abs({_FIGURE}.x_range.start - {home[0]}) < 1e-9")
    map_page.wait_for_frame()
    assert map_page.view() == pytest.approx(home)


def test_disc_selects_around_a_point(map_page: MapPage) -> None:
    box = map_page.box()
    middle = np.array([box["x"] + 0.5 * box["width"], box["y"] + 0.45 * box["height"]])
    map_page.take("d", "Disc", "")
    map_page.drag(middle + np.array([[0, 0], [60, 20], [90, 40]]))
    angle = np.linspace(0, 2 * np.pi, 300)
    corners = middle + np.hypot(90, 40) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    few, many = expected_count(map_page, corners)
    assert 20 < few <= selected_count(map_page) <= many
    assert map_page.column("disc", "x") == []


def test_escape_lets_go_of_a_disc(map_page: MapPage) -> None:
    box = map_page.box()
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    map_page.take("d", "Disc", "")
    map_page.page.mouse.move(x, y)
    map_page.page.mouse.down()
    map_page.page.mouse.move(x + 60, y, steps=4)
    map_page.page.wait_for_function(f"{_SOURCE}('xle-disc').data.size[0] > 100")
    map_page.page.keyboard.press("Escape")
    map_page.page.mouse.move(x + 90, y, steps=2)
    map_page.page.mouse.up()
    assert map_page.column("disc", "x") == []
    map_page.page.wait_for_timeout(200)
    assert map_page.column("tag", "text") == []


def test_equal_aspect_keeps_units_equal_also_when_the_window_changes(map_page: MapPage) -> None:
    units = f"((f) => (f.x_range.span / f.inner_width) / (f.y_range.span / f.inner_height))({_FIGURE})"
    home = map_page.view()
    assert abs(map_page.page.evaluate(units) - 1) > 0.01
    map_page.page.keyboard.press("e")
    map_page.page.wait_for_function(f"Math.abs({units} - 1) < 1e-6")
    to_rest(map_page)
    x0, x1, y0, y1 = map_page.view()
    assert x0 <= home[0] + 1e-9
    assert x1 >= home[1] - 1e-9
    assert y0 <= home[2] + 1e-9
    assert y1 >= home[3] - 1e-9
    width = map_page.box()["width"]
    map_page.page.set_viewport_size({"width": 1280, "height": 860})
    map_page.page.wait_for_function(f"{_FIGURE}.inner_width != {width} && Math.abs({units} - 1) < 2e-3")
    map_page.wait_for_frame()
    map_page.page.keyboard.press("+")
    map_page.page.wait_for_function(f"{_FIGURE}.x_range.span < {0.8 * (x1 - x0)}")
    assert map_page.page.evaluate(units) == pytest.approx(1, abs=2e-3)


def test_contours_come_and_go(map_page: MapPage) -> None:
    view = map_page.view()
    map_page.page.keyboard.press("k")
    map_page.page.wait_for_function(f"{_SOURCE}('xle-contours').data.xs.length >= 2")
    assert map_page.view() == view
    map_page.page.keyboard.press("k")
    map_page.page.wait_for_function(f"{_SOURCE}('xle-contours').data.xs.length == 0")


def test_what_is_hidden_is_neither_hovered_nor_picked(map_page: MapPage) -> None:
    row = isolated_row(map_page)
    catalogue, before = map_page.atlas.catalogue, map_page.image_sum()
    name = str(catalogue["class_label"].iat[row])
    map_page.page.locator(".xle-legend").get_by_text(name, exact=True).click()
    map_page.wait_for_another_image(before)
    at = map_page.to_px(*map_page.atlas.latents[row, :2])
    map_page.move(at + np.array([2, 0]))
    map_page.page.wait_for_timeout(300)
    expect(map_page.page.locator(".xle-overlay .tip")).to_be_hidden()
    map_page.click(at)
    expect(map_page.page.locator(".xle-readout").first).to_contain_text("ecoded at (")


def test_a_tool_taken_during_a_drag_waits_for_its_end(map_page: MapPage) -> None:
    box, home = map_page.box(), map_page.view()
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    active = f"{_FIGURE}.toolbar.active_drag.type"
    map_page.page.mouse.move(x, y)
    map_page.page.mouse.down()
    map_page.page.mouse.move(x + 40, y, steps=3)
    map_page.page.keyboard.press("l")
    map_page.page.wait_for_function(f"{_SOURCE}('xle-tool').data.tool[0] == 'lasso'")
    map_page.page.mouse.move(x + 80, y, steps=3)  # still the drag that it was: an error here fails the test
    assert map_page.page.evaluate(active) == "PanTool"
    map_page.page.mouse.up()
    map_page.page.wait_for_function(f"{active} == 'LassoSelectTool'")
    map_page.wait_for_frame()
    assert map_page.view()[0] == pytest.approx(home[0] - 80 / box["width"] * (home[1] - home[0]), abs=2e-3)


def test_a_ring_closes_in_on_what_was_picked(map_page: MapPage) -> None:
    row = isolated_row(map_page)
    map_page.page.evaluate(
        """window.closing = []
        new MutationObserver((changes) => {
          for (const { addedNodes } of changes) for (const node of addedNodes) if (node.className == "closing") {
            const box = node.getBoundingClientRect(), from = node.getAnimations()[0].effect.getKeyframes()[0].transform
            window.closing.push([box.x + box.width / 2, box.y + box.height / 2, node.offsetWidth, from])
          }
        }).observe(document.querySelector(".xle-mapslot"), { childList: true })"""
    )
    at = map_page.to_px(*map_page.atlas.latents[row, :2])
    map_page.click(at)
    map_page.page.wait_for_function("window.closing.length == 1")
    x, y, size, wide = map_page.page.evaluate("window.closing[0]")
    assert (x, y) == pytest.approx(tuple(at), abs=1)
    assert (size, wide) == (16, "scale(1.75)")  # LOOK: from a radius of 14 px to one of 8
    expect(map_page.page.locator(".xle-mapslot .closing")).to_have_count(0)
    assert map_page.column("ring", "size") == [16]


def test_no_ring_moves_for_those_who_want_no_motion(map_page: MapPage) -> None:
    map_page.page.emulate_media(reduced_motion="reduce")
    row = isolated_row(map_page)
    map_page.click(map_page.to_px(*map_page.atlas.latents[row, :2]))
    expect(map_page.page.locator(".xle-mapslot .closing")).to_have_css("display", "none")


def test_the_mouse_repaints_the_marks_and_not_the_map(map_page: MapPage) -> None:
    map_page.page.evaluate(
        f"""(() => {{ const view = Bokeh.index.find_one({_FIGURE})
        const did = (window.did = {{ map: 0, marks: 0, layouts: 0 }})
        const count = (name, what) => {{
          const before = view[name].bind(view)
          view[name] = (...given) => {{ did[what] += 1; return before(...given) }}
        }}
        count("_paint_primary", "map"); count("_paint_overlays", "marks"); count("compute_layout", "layouts") }})()"""
    )
    box = map_page.box()
    for step in range(1, 6):
        map_page.page.mouse.move(box["x"] + 200 + 20 * step, box["y"] + 300 + 10 * step)
        map_page.page.wait_for_function(f"window.did.marks >= {step}")
    assert map_page.page.evaluate("[window.did.map, window.did.layouts]") == [0, 0]


def test_the_page_has_a_map_before_any_script_runs(browser: Browser, served_app: App, atlas: Atlas) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(served_app.url)
    image = page.locator(".xle-mapslot .first")
    expect(image).to_be_visible()
    assert image.get_attribute("src").startswith("data:image/jpeg;base64,")
    assert image.bounding_box() == page.locator(".xle-mapslot").bounding_box()
    context.close()


def test_what_changes_while_the_marks_are_made_is_drawn(browser: Browser, served_app: App) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(served_app.url)
    changed = f"""(() => {{
        const figure = window.Bokeh?.documents?.length && {_FIGURE}
        if (!figure || window.alone != null) return figure && window.alone != null
        window.alone = figure.renderers.length == 1
        const data = {{ x0: [0], y0: [0], x1: [1], y1: [1], colour: ["#ff0000"] }}
        figure.properties.renderers.change.connect(() => setTimeout(() => {{ {_SOURCE}("xle-pieces").data = data }}, 0))
        return true
    }})()"""
    page.wait_for_function(changed, polling=5)
    assert page.evaluate("window.alone")  # the page opens without marks
    piece = "({ computed_renderer_views: all }) => all.find((v) => v.model.data_source?.name == 'xle-pieces')"
    page.wait_for_function(f"({piece})(Bokeh.index.find_one({_FIGURE}))?.glyph.data_size == 1")
    context.close()


def test_the_first_image_gives_way_and_its_size_is_remembered(map_page: MapPage) -> None:
    page, box = map_page.page, map_page.box()
    expect(page.locator(".xle-mapslot .first")).to_have_count(0)
    page.wait_for_function("document.cookie.includes('xle-map-size')")
    assert f"xle-map-size={box['width']:.0f}x{box['height']:.0f}" in page.evaluate("document.cookie")
