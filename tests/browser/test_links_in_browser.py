"""The address follows the page, and a link brings the page back."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from served import App, OpenPage

VALUE = "(name) => new URLSearchParams(location.search).get(name)"


@pytest.fixture(scope="module")
def catalogue(served_app: App) -> pd.DataFrame:
    return pd.read_parquet(served_app.atlas / "catalogue.parquet")


def wait_for(page: Page, name: str, value: str | None) -> None:
    page.wait_for_function(f"([name, value]) => ({VALUE})(name) === value", arg=[name, value])


def pick(page: Page, detection_id: int) -> None:
    page.keyboard.press("/")
    page.keyboard.type(str(detection_id))
    page.keyboard.press("Enter")
    wait_for(page, "pick", str(detection_id))


def test_the_address_follows_and_a_link_restores(open_page: OpenPage, catalogue: pd.DataFrame) -> None:
    page = open_page()
    assert page.evaluate("location.search") == ""
    entries = page.evaluate("history.length")
    detection = int(catalogue["detection_id"].iat[77])
    pick(page, detection)
    page.keyboard.press("2")
    wait_for(page, "tab", "trajectory")
    page.get_by_role("button", name="Light theme").click()
    wait_for(page, "theme", "light")
    page.locator(".xle-controls").get_by_role("button", name="Log").click()
    wait_for(page, "density", "log")
    page.locator(".xle-legend li[data-class=Quasar] .toggle").click()
    wait_for(page, "hide", "quasar")
    page.keyboard.press("+")
    page.wait_for_function(f"() => ({VALUE})('view') !== null")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(900)  # the address rests after the last frame
    assert page.evaluate("history.length") == entries
    address = page.evaluate("location.search")

    other = open_page(address)
    expect(other.locator("html")).to_have_attribute("data-theme", "light")
    expect(other.locator("html")).to_have_attribute("data-tab", "trajectory")
    expect(other.get_by_role("tab", name="Trajectory")).to_have_attribute("aria-selected", "true")
    expect(other.locator(".xle-legend li[data-class=Quasar] .toggle")).to_have_attribute("aria-pressed", "false")
    expect(other.locator(".xle-controls").get_by_role("button", name="Log")).to_have_attribute("aria-pressed", "true")
    other.keyboard.press("1")
    expect(other.locator(".xle-readout")).to_contain_text(catalogue["name"].iat[77].split()[-1])
    other.keyboard.press("2")
    other.wait_for_timeout(900)
    was = [float(edge) for edge in page.evaluate(VALUE, "view").split(",")]
    now = [float(edge) for edge in other.evaluate(VALUE, "view").split(",")]
    assert now == pytest.approx(was, abs=1e-3 * (was[1] - was[0]))


def test_a_decoded_position_travels(open_page: OpenPage) -> None:
    page = open_page("?v=1&at=0.5,-0.25")
    expect(page.locator(".xle-readout")).to_contain_text("0.50")
    wait_for(page, "at", "0.5,-0.25")
    page.keyboard.press("Escape")
    wait_for(page, "at", None)
    page.wait_for_function("() => location.search === ''")


def test_filters_and_selections_travel(open_page: OpenPage, catalogue: pd.DataFrame) -> None:
    page = open_page("?v=1&filter=net_counts:1000..")
    number = int((catalogue["net_counts"] >= 1000).sum())
    expect(page.locator(".xle-status")).to_contain_text(f"{number:,} of")
    page.keyboard.press("/")
    page.keyboard.type(str(catalogue["obs_id"].value_counts().idxmax()))
    page.locator(".xle-search").get_by_role("option").filter(has_text="Select all").click()
    count = page.locator(".xle-selection-count")
    page.wait_for_function(f"() => ({VALUE})('select') !== null")
    said = count.text_content() or ""
    other = open_page(page.evaluate("location.search"))
    expect(other.locator(".xle-status")).to_contain_text(f"{number:,} of")
    expect(other.locator(".xle-selection-count")).to_contain_text(said.split()[0])


def test_a_bad_link_is_used_as_far_as_it_goes(open_page: OpenPage) -> None:
    page = open_page("?v=1&density=log&view=1,2&zoom=7&pick=%3Cb%3E")
    status = page.locator(".xle-status")
    for words in ("view “1,2” (not four numbers", "pick “<b>” (not a DETID)", "“zoom”"):
        expect(status).to_contain_text(words)
    assert status.locator("b", has_text="DETID").count() == 0
    expect(page.locator(".xle-controls").get_by_role("button", name="Log")).to_have_attribute("aria-pressed", "true")
    page.goto(page.url.split("?")[0] + "?v=1&pick=987654321987")
    expect(status).to_contain_text("This atlas holds no detection 987654321987")


def test_share_copies_the_link_and_says_so(open_page: OpenPage, served_app: App, catalogue: pd.DataFrame) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served_app.url.rsplit("/", 1)[0])
    detection = int(catalogue["detection_id"].iat[12])
    pick(page, detection)
    page.keyboard.press("3")
    page.get_by_role("button", name="Share").click()
    expect(page.locator(".xle-head").get_by_role("status").filter(has_text="Link copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{served_app.url}?v=1&pick={detection}&tab=similar"
    assert page.evaluate("location.href") == copied
    expect(page.get_by_text("Link copied")).to_be_hidden()  # it goes away
    page.goto("about:blank")  # back leaves the page, and coming back restores it
    page.go_back()
    expect(page.get_by_role("tab", name="Similar")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("1")
    expect(page.locator(".xle-readout")).to_contain_text(catalogue["name"].iat[12].split()[-1])
    page.wait_for_timeout(500)  # Bokeh complains of a page that is closed in mid-sentence
