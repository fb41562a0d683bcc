"""What an astronomer reads: spectrum, trajectory, neighbours, selection, in a real page."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import WAIT_MS, App, OpenPage, Watch, start_app, stop_app
from test_map import MapPage

from vae.atlas import Atlas


@pytest.fixture(scope="module")
def opened_atlas(served_app: App) -> Atlas:
    return Atlas.open(served_app.atlas)


def map_of(page: Page, atlas: Atlas) -> MapPage:
    shown = MapPage(page, atlas)
    shown.wait_for_frame()
    return shown


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def readout(page: Page) -> Locator:
    return page.locator(".xle-readout").first


def pick(page: Page, atlas: Atlas, observations: int = 1) -> int:
    """Click a detection that stands alone, of a source with at least so many observations; return its row."""
    shown = map_of(page, atlas)
    source = atlas.catalogue["source_id"]
    enough = (source.map(source.value_counts()) >= observations).to_numpy()
    at = shown.to_px(atlas.latents[:, 0], atlas.latents[:, 1])
    for row in np.flatnonzero(enough & shown.free(at)):
        if np.count_nonzero(np.hypot(*(at - at[row]).T) < 18) == 1:
            shown.click(at[row])
            expect(readout(page)).to_contain_text(name_of(atlas, int(row)))
            return int(row)
    raise AssertionError("no such detection stands alone")


def name_of(atlas: Atlas, row: int) -> str:
    return str(atlas.catalogue["name"].iat[row])


def select_by_box(page: Page, atlas: Atlas) -> int:
    """Select the middle of the map; return the number that the page gives."""
    shown = map_of(page, atlas)
    box = shown.box()
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Box (B)")).to_have_attribute("aria-pressed", "true")
    corners = np.array([[0.35, 0.35], [0.7, 0.7]]) * [box["width"], box["height"]] + [box["x"], box["y"]]
    shown.drag(corners)
    tab(page, "Selection").click()
    count = page.locator(".xle-selection-count").first
    expect(count).to_have_text(re.compile(r"^[1-9][\d,]* detections selected$"))
    return int((count.text_content() or "").split()[0].replace(",", ""))


def plotted(page: Page, column: str) -> list[float]:
    """Values of a column behind the points of the spectrum."""
    find = (
        "[...Bokeh.documents[0]._all_models.values()]"
        ".find((m) => m.data && m.data.residual_shown !== undefined && m.data.y_lo !== undefined)"
    )
    return page.evaluate(f"Array.from({find}.data['{column}'])")


def test_empty_state_says_what_to_click(page: Page) -> None:
    expect(readout(page)).to_contain_text("Nothing picked yet")
    page.get_by_role("button", name="Pick a random source").click()
    expect(readout(page)).to_contain_text("C-stat")
    expect(readout(page)).not_to_contain_text("Nothing picked yet")


def test_pick_shows_who_it_is_and_how_well_it_fits(page: Page, opened_atlas: Atlas) -> None:
    row = pick(page, opened_atlas)
    entry = opened_atlas.catalogue.iloc[row]
    expect(readout(page)).to_contain_text(str(entry["class_label"]))
    expect(readout(page)).to_contain_text(re.compile(r"(Good|Fair|Poor) fit"))
    expect(readout(page)).to_contain_text(f"C-stat {round(float(entry['cstat'])):,} where")
    expect(readout(page)).to_contain_text("simulated: no page to open")
    assert page.locator(".xle-readout a").count() == 0
    expect(page.locator(".xle-spectrum canvas").first).to_be_visible()
    counts = np.array(plotted(page, "y")) * (np.array(plotted(page, "hi")) - np.array(plotted(page, "lo")))
    assert np.nansum(counts) == pytest.approx(entry["counts"])
    expect(page.get_by_text(f"{entry['counts']:,}", exact=True).first).to_be_visible()


def test_unfolded_view_and_regrouping(page: Page, opened_atlas: Atlas) -> None:
    pick(page, opened_atlas)
    points = len(plotted(page, "y"))
    page.get_by_label("Least signal-to-noise ratio of a point").select_option("0")
    deadline = time.monotonic() + WAIT_MS / 1000
    while len(plotted(page, "y")) != 238 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert len(plotted(page, "y")) == 238 > points
    page.get_by_role("button", name="Unfolded E F(E)").click()
    expect(page.get_by_text("unfolded, not deconvolved")).to_be_visible()
    page.get_by_role("button", name="Counts", exact=True).click()
    expect(page.get_by_text("unfolded, not deconvolved")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900)])
def test_templates_are_shown_instead_of_the_plot(
    open_page: OpenPage, opened_atlas: Atlas, width: int, height: int
) -> None:
    page = open_page(width=width, height=height)
    row = pick(page, opened_atlas)
    page.get_by_role("button", name="Templates").click()
    rows = page.locator(".xle-templates .template")
    expect(rows).to_have_count(6)
    expect(page.locator(".xle-spectrum").first).to_be_hidden()
    weight = float(opened_atlas.template_weights(opened_atlas.latents[row])[0])
    shown = rows.first.locator("b").text_content() or ""
    assert float(shown.replace("−", "-")) == pytest.approx(weight, abs=0.0051)
    # The bar begins at the zero line and ends where the weight is, within the population's scale.
    bar, zero = rows.first.locator(".bar").bounding_box(), rows.first.locator(".zero:not(path)").bounding_box()
    assert bar is not None
    assert zero is not None
    assert (bar["x"] if weight > 0 else bar["x"] + bar["width"]) == pytest.approx(zero["x"], abs=1.5)
    inside = page.locator("#panel-spectrum")
    assert inside.evaluate("(e) => e.scrollHeight <= e.clientHeight + 1 && e.scrollWidth <= e.clientWidth + 1")
    frame = page.locator(".xle-templates").first.bounding_box()
    assert frame is not None
    for line in rows.all():
        box = line.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
        assert line.evaluate("(e) => [...e.children].every((c) => c.scrollWidth <= c.clientWidth + 1)")
    page.get_by_role("button", name="Counts", exact=True).click()
    expect(page.locator(".xle-spectrum canvas").first).to_be_visible()


def test_decoded_position_names_the_nearest_detection(page: Page, opened_atlas: Atlas) -> None:
    shown = map_of(page, opened_atlas)
    x0, x1, y0, y1 = shown.view()
    grid = np.stack(np.meshgrid(np.linspace(x0, x1, 60), np.linspace(y0, y1, 60)), axis=-1).reshape(-1, 2)
    at = shown.to_px(grid[:, 0], grid[:, 1])
    points = shown.to_px(opened_atlas.latents[:, 0], opened_atlas.latents[:, 1])
    reach = np.array([np.hypot(*(points - one).T).min() for one in at])
    place = int(np.argmax(np.where(shown.free(at), reach, -1)))
    shown.click(at[place])
    expect(readout(page)).to_contain_text("Decoded at (")
    expect(readout(page)).not_to_contain_text("C-stat")
    expect(page.locator(".xle-spectrum").get_by_text(re.compile("^Decoded (photon )?spectrum$"))).to_be_visible()
    expect(page.locator(".xle-spectrum").get_by_text("Predictive, 90 %")).to_be_visible()
    nearest = page.get_by_title("Pick this detection")
    name = (nearest.text_content() or "").strip()
    assert name in set(opened_atlas.catalogue["name"])
    nearest.click()
    expect(readout(page).locator("h1")).to_have_text(name)
    expect(readout(page)).to_contain_text("C-stat")


def test_observations_can_be_stepped_and_picked(page: Page, opened_atlas: Atlas) -> None:
    row = pick(page, opened_atlas, observations=3)
    rows = opened_atlas.source_rows(int(opened_atlas.catalogue["source_id"].iat[row])).tolist()
    at = rows.index(row)
    expect(readout(page)).to_contain_text(f"{at + 1} of {len(rows)}")
    other = at + 1 if at + 1 < len(rows) else at - 1
    page.get_by_role("button", name="Next observation" if other > at else "Previous observation").click()
    expect(readout(page)).to_contain_text(f"{other + 1} of {len(rows)}")

    tab(page, "Trajectory").click()
    listed = page.locator(".xle-trajectory tbody tr")
    expect(listed).to_have_count(len(rows))
    expect(listed.nth(other)).to_have_attribute("aria-current", "true")
    listed.nth(0).click()
    expect(listed.nth(0)).to_have_attribute("aria-current", "true")
    expect(readout(page)).to_contain_text(f"1 of {len(rows)}")
    page.locator(".xle-trajectory .curve .mark").nth(2).click()
    expect(listed.nth(2)).to_have_attribute("aria-current", "true")
    listed.nth(0).click()
    expect(listed.nth(0)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(listed.nth(len(rows) - 1)).to_have_attribute("aria-current", "true", timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_hop_to_a_similar_detection(page: Page, opened_atlas: Atlas) -> None:
    row = pick(page, opened_atlas)
    expected = opened_atlas.neighbours(int(opened_atlas.catalogue["detection_id"].iat[row]), k=20)
    tab(page, "Similar").click()
    items = page.locator(".xle-neighbours .neighbour")
    expect(items).to_have_count(20)
    first = int(expected["row"].iat[0])
    expect(items.first).to_contain_text(name_of(opened_atlas, first).rpartition(" ")[2])
    expect(items.first.locator("b")).to_have_attribute("title", name_of(opened_atlas, first))
    expect(page.locator(".xle-neighbours polyline")).to_have_count(20)
    items.first.click()
    expect(page.locator(".xle-neighbours h1")).to_have_text(name_of(opened_atlas, first))
    expect(readout(page)).to_contain_text(name_of(opened_atlas, first))


def test_selection_table_scrolls_through_everything_and_picks(page: Page, opened_atlas: Atlas) -> None:
    count = select_by_box(page, opened_atlas)
    table = page.locator(".xle-selection .vt")
    assert int(table.get_attribute("aria-rowcount") or 0) == count
    page.get_by_role("columnheader", name="z", exact=True).click()
    expect(page.get_by_role("columnheader", name="z ↓", exact=True)).to_have_attribute("aria-sort", "descending")
    table.evaluate("(element) => { element.scrollTop = element.scrollHeight; }")
    page.wait_for_function(
        "(count) => [...Bokeh.documents[0]._all_models.values()]"
        ".some((m) => m.attributes.page && m.attributes.page.start + m.attributes.page.rows.length === count)",
        arg=count,
    )
    name = page.locator(".xle-selection .vt .line").last.locator("[title]").nth(1).get_attribute("title")
    page.locator(".xle-selection .vt .line").last.click()
    expect(readout(page)).to_contain_text(str(name))


def test_export_has_as_many_rows_as_the_count_says(page: Page, opened_atlas: Atlas, tmp_path: Path) -> None:
    count = select_by_box(page, opened_atlas)
    with page.expect_download() as waiting:
        page.locator(".xle-export").click()
    path = tmp_path / waiting.value.suggested_filename
    assert "simulated" in path.name
    waiting.value.save_as(path)
    table = pd.read_csv(path, comment="#")
    assert len(table) == count
    known = opened_atlas.catalogue.set_index("detection_id")["mu_1"]
    np.testing.assert_array_equal(known.loc[table["detection_id"]], table["mu_1"].astype(np.float32))
    assert "simulated" in path.read_text().split("\ndetection_id")[0]


def test_undo_redo_and_clear_the_selection(page: Page, opened_atlas: Atlas) -> None:
    expected = f"{select_by_box(page, opened_atlas):,} detections selected"
    count = page.locator(".xle-selection-count").first
    for button, text in (("Undo", "0 detections"), ("Redo", expected), ("Clear", "0 detections")):
        page.locator(".xle-selection").get_by_role("button", name=re.compile(button)).click()
        expect(count).to_contain_text(text)


def test_theme_changes_the_spectrum_live(page: Page, opened_atlas: Atlas) -> None:
    pick(page, opened_atlas)
    page.get_by_role("button", name="Light theme").click()
    page.wait_for_function(
        "[...Bokeh.documents[0]._all_models.values()].some((m) => m.line_color?.value === '#00836d')"
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (2560, 1440)])
def test_nothing_is_cut_off(open_page: OpenPage, opened_atlas: Atlas, width: int, height: int) -> None:
    page = open_page(width=width, height=height)
    pick(page, opened_atlas, observations=3)
    expect(page.locator(".xle-spectrum canvas").first).to_be_visible()
    inside = page.locator("#panel-spectrum")
    assert inside.evaluate("(e) => e.scrollHeight <= e.clientHeight + 1 && e.scrollWidth <= e.clientWidth + 1")
    plot = page.locator(".xle-spectrum").bounding_box()
    assert plot is not None
    assert plot["height"] >= 236
    for name in ("Counts", "Unfolded E F(E)", "Templates"):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")


@pytest.fixture
def own_app(tmp_path: Path, served_app: App, browser: Browser) -> Iterator[App]:
    """The app on a copy of the atlas that a test may damage."""
    copy = tmp_path / "copy"
    shutil.copytree(served_app.atlas, copy)
    app = start_app(copy, tmp_path / "server.log")
    yield app
    stop_app(app)


def test_unreadable_spectrum_is_an_error_in_its_place(browser: Browser, own_app: App) -> None:
    watch, context = Watch(), browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    watch.attach(page)
    page.goto(own_app.url)
    page.wait_for_selector("html[data-ready]", state="attached")
    shards = {
        path: path.read_bytes() for path in (own_app.atlas / "spectra.zarr/counts/c").rglob("*") if path.is_file()
    }
    for path, content in shards.items():
        path.write_bytes(content[:100])
    page.get_by_role("button", name="Pick a random source").click()
    alert = readout(page).get_by_role("alert")
    expect(alert).to_contain_text("This spectrum could not be read")
    expect(alert).to_contain_text("spectra.zarr")
    expect(alert).to_contain_text("Rebuild it, or open a complete copy")
    expect(page.locator(".xle-map").first).to_be_visible()
    for path, content in shards.items():
        path.write_bytes(content)
    page.get_by_role("button", name="Try again").click()
    expect(readout(page)).to_contain_text("C-stat")
    context.close()
    assert "Traceback" not in own_app.log_text()
    assert not watch.problems
