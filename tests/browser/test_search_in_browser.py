"""Search with real keys and a real mouse."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect
from served import App


@pytest.fixture(scope="module")
def catalogue(served_app: App) -> pd.DataFrame:
    return pd.read_parquet(served_app.atlas / "catalogue.parquet")


def field(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search by name")


def options(page: Page) -> Locator:
    return page.locator(".xle-search").get_by_role("option")


def ask(page: Page, text: str) -> None:
    page.keyboard.press("/")
    expect(field(page)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def test_a_name_is_typed_chosen_and_picked(page: Page, catalogue: pd.DataFrame) -> None:
    name = catalogue["name"].iat[33]
    short = name.split()[-1]
    readout = page.locator(".xle-readout")
    ask(page, short[:-3])
    first = options(page).first
    expect(first).to_contain_text(name)
    expect(first.locator("mark")).to_have_text(short[:-3])
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Enter")
    expect(readout).to_contain_text(short)
    expect(options(page).first).to_be_hidden()
    expect(field(page)).not_to_be_focused()

    ask(page, "j1")  # arrows choose and go round
    expect(options(page)).to_have_count(8)
    expect(options(page).last.locator("mark")).to_have_text("J1")  # the answer to "j" looks much the same
    page.keyboard.press("ArrowDown")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    assert field(page).get_attribute("aria-activedescendant") == options(page).nth(1).get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options(page).last).to_have_attribute("aria-selected", "true")
    name = options(page).last.locator(".name").text_content() or ""
    page.keyboard.press("Enter")
    expect(readout).to_contain_text(name.split()[-1])

    ask(page, str(catalogue["detection_id"].iat[71]))  # Enter may come before the answer
    page.keyboard.press("Enter")
    expect(readout).to_contain_text(catalogue["name"].iat[71].split()[-1])

    ask(page, "lasso v 1")  # what is typed here is text, no shortcut
    expect(field(page)).to_have_value("lasso v 1")
    expect(page.get_by_role("button", name="Lasso (L)")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".xle-search .said")).to_contain_text("holds “lasso v 1”")
    page.keyboard.press("Escape")  # closes, then clears, then leaves; the pick stays
    expect(page.locator(".xle-search .found")).to_be_hidden()
    expect(field(page)).to_have_value("lasso v 1")
    page.keyboard.press("Escape")
    expect(field(page)).to_have_value("")
    page.keyboard.press("Escape")
    expect(readout).to_contain_text(catalogue["name"].iat[71].split()[-1])


def test_the_view_is_brought_to_what_is_found(page: Page, catalogue: pd.DataFrame) -> None:
    middle = catalogue[["mu_1", "mu_2"]].median()
    far = int(((catalogue[["mu_1", "mu_2"]] - middle) ** 2).sum(axis=1).idxmax())
    for _ in range(5):
        page.keyboard.press("+")
    page.wait_for_function("new URLSearchParams(location.search).has('view')")
    ask(page, str(catalogue["detection_id"].iat[far]))
    page.keyboard.press("Enter")
    page.wait_for_function(
        """([x, y]) => { const [a, b, c, d] = new URLSearchParams(location.search).get('view').split(',').map(Number);
        return a < x && x < b && c < y && y < d; }""",
        arg=[float(catalogue["mu_1"].iat[far]), float(catalogue["mu_2"].iat[far])],
    )


def test_a_click_goes_there_even_to_what_is_hidden(page: Page, catalogue: pd.DataFrame) -> None:
    readout = page.locator(".xle-readout")
    field(page).click()
    expect(page.locator(".xle-search .found")).to_contain_text("SIMBAD")  # what may be typed
    page.keyboard.type("j0")
    expect(options(page).last.locator("mark")).to_have_text("J0")  # the answer to "j" looks much the same
    name = options(page).nth(2).locator(".name").text_content() or ""
    options(page).nth(2).click()
    expect(readout).to_contain_text(name.split()[-1])

    row = catalogue.index[catalogue["class_label"] == "Star"][3]
    page.locator(".xle-legend li[data-class=Star] .toggle").click()
    expect(page.locator(".xle-legend li[data-class=Star] .toggle")).to_have_attribute("aria-pressed", "false")
    ask(page, str(catalogue["name"].iat[row]))
    hidden = options(page).filter(has_text="its class is hidden").first
    hidden.click()
    expect(readout).to_contain_text(str(catalogue["name"].iat[row]).split()[-1])


def test_lists_are_selected_whole(page: Page, catalogue: pd.DataFrame) -> None:
    count = page.locator(".xle-selection-count")
    obs_id = str(catalogue["obs_id"].value_counts().idxmax())
    number = int((catalogue["obs_id"] == obs_id).sum())
    ask(page, obs_id)
    every = options(page).filter(has_text="Select all")
    expect(every).to_contain_text(f"{number} detections")
    every.click()
    expect(count).to_contain_text(f"{number} ")
    expect(page.get_by_role("tab", name="Selection")).to_have_attribute("aria-selected", "true")

    ra, dec = catalogue["ra_deg"].iat[9], catalogue["dec_deg"].iat[9]
    same = int((catalogue["source_id"] == catalogue["source_id"].iat[9]).sum())
    ask(page, f'{ra:.5f} {dec:+.5f} r=2"')
    expect(page.locator(".xle-search .said")).to_contain_text("Within 2″ of")
    expect(options(page).first.locator(".what")).to_contain_text("″ away")
    page.keyboard.press("ArrowUp")
    expect(options(page).last).to_contain_text(f"Select all {same} detection")
    page.keyboard.press("Enter")
    expect(count).to_contain_text(f"{same} ")


def test_nothing_found_says_what_was_tried_as_text(page: Page) -> None:
    ask(page, "<img src=x onerror=alert(1)>")
    said = page.locator(".xle-search .said")
    expect(said).to_contain_text("holds “<img src=x onerror=alert(1)>”")
    expect(said).to_contain_text("As coordinates")
    expect(options(page)).to_have_count(1)
    expect(options(page)).to_contain_text("Ask Sesame")
    expect(options(page)).to_contain_text("cds.unistra.fr")
    assert page.locator(".xle-search img").count() == 0
    expect(options(page)).to_have_attribute("aria-selected", "false")  # Enter sends nothing anywhere
    page.get_by_role("button", name="Clear the search").click()
    expect(field(page)).to_have_value("")
    expect(field(page)).to_be_focused()
    page.keyboard.type("12 12 12 -88 10 10 r=1")
    expect(said).to_contain_text("no detection within 1″")
    expect(said).to_contain_text("nearest detection is")
    expect(options(page).first).to_have_attribute("aria-selected", "false")


def test_the_header_holds_everything(page: Page) -> None:
    parts = [page.locator(".xle-head .brand"), page.locator(".xle-head .pill"), page.locator(".xle-search .search")]
    parts += [page.get_by_role("button", name=name) for name in ("Share", "Light theme", "Help and shortcuts")]
    for width, height in ((1280, 720), (1440, 900), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        right = 0.0
        for part in parts:
            box = part.bounding_box()
            assert box is not None
            assert box["x"] >= right
            right = box["x"] + box["width"]
        assert right <= width
        assert field(page).evaluate("(node) => node.scrollWidth <= node.clientWidth")  # the placeholder is not cut
        ask(page, "j1")
        expect(options(page)).to_have_count(8)
        found = page.locator(".xle-search .found").bounding_box()
        assert found is not None
        assert found["x"] >= 0
        assert found["x"] + found["width"] <= width
        assert found["y"] + found["height"] <= height
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
