"""The frame of the page: header, tabs, keyboard, messages, a server that goes away."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect
from served import App, OpenPage, start_app, stop_app


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def test_header_says_what_is_shown(page: Page, served_app: App) -> None:
    assert page.title() == "XMM latent explorer"
    expect(page.locator(".xle-head .pill")).to_contain_text("detections")
    expect(page.locator(".xle-head .pill.simulated")).to_contain_text("Simulated archive")
    for part in ("legend", "overlay", "status", "map"):
        expect(page.locator(f".xle-{part}").first).to_be_visible()


def test_theme_button_restyles_page_live(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(ground) != dark
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) == dark


def test_theme_of_the_address(open_page: OpenPage) -> None:
    page = open_page("?theme=light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--map-bg').trim()") == "#fcfcfb"


def test_unknown_theme_is_dark_with_a_notice(open_page: OpenPage) -> None:
    page = open_page("?theme=%ff<b>bogus")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".xle-status")).to_contain_text("There is no theme")
    assert page.locator(".xle-status b", has_text="bogus").count() == 0


def test_tabs_switch_panels_by_mouse_and_keyboard(page: Page) -> None:
    expect(page.locator("#panel-spectrum")).to_be_visible()
    tab(page, "Similar").click()
    expect(page.locator("#panel-similar")).to_be_visible()
    expect(page.locator("#panel-spectrum")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel-selection")).to_be_visible()
    expect(tab(page, "Selection")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel-spectrum")).to_be_visible()
    expect(tab(page, "Spectrum")).to_have_attribute("aria-selected", "true")


def test_keys_choose_tools(page: Page) -> None:
    for key, name in (("l", "Lasso"), ("b", "Box"), ("v", "Pan and pick")):
        page.keyboard.press(key)
        expect(page.get_by_role("button", name=f"{name} ({key.upper()})")).to_have_attribute("aria-pressed", "true")


def test_help_lists_keys_and_closes(page: Page) -> None:
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Help and shortcuts")
    expect(sheet).to_contain_text("Previous, next observation")
    page.keyboard.press("l")  # a sheet takes the keys
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(page.get_by_role("button", name="Lasso (L)")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Help and shortcuts").click()
    expect(sheet).to_be_visible()
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_have_count(0)


def test_error_page_says_what_where_what_to_do(browser: Browser, tmp_path: Path) -> None:
    empty = tmp_path / "not-an-atlas"
    empty.mkdir()
    app = start_app(empty, tmp_path / "server.log")
    try:
        page = browser.new_page()
        page.goto(app.url)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("not-an-atlas")
        assert len(alert.locator("p").all()) >= 1
        assert "Traceback" not in app.log_text()
        page.close()
    finally:
        stop_app(app)


def test_lost_server_is_said_in_words(browser: Browser, served_app: App, tmp_path: Path) -> None:
    app = start_app(served_app.atlas, tmp_path / "server.log")
    try:
        page = browser.new_page()
        page.goto(app.url)
        page.wait_for_selector("html[data-ready]", state="attached")
    finally:
        stop_app(app)
    expect(page.locator(".xle-status")).to_contain_text("The server is gone")
    expect(page.locator(".xle-status").get_by_role("button", name="Reload")).to_be_visible()
    page.close()
