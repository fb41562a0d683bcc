"""Everything is within reach: by keyboard, by a screen reader, on the first visit, and where the map is empty."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from served import App
from test_inspector import map_of, pick

from vae.atlas import Atlas

#: Where the focus is: the landmark of the page, and how wide the ring is.
FOCUS = """() => {
  let node = document.activeElement;
  const place = node.closest(".xle-head, .xle-rail, .xle-mapslot, .xle-insp, .xle-stat");
  while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  const style = getComputedStyle(node), ring = style.outlineStyle === "none" ? "" : style.outlineWidth;
  return [place?.className.split(" ")[0] ?? "", ring];
}"""


@pytest.fixture(scope="module")
def reach_atlas(served_app: App) -> Atlas:
    return Atlas.open(served_app.atlas)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(rf"^{re.escape(name)}"))


def pressed(page: Page, name: str) -> Locator:
    return page.locator(f'.xle-overlay button[aria-label^="{name}"][aria-pressed=true]')


def test_tab_goes_through_header_rail_map_inspector(page: Page) -> None:
    page.mouse.click(700, 10)  # the header's ground: the focus begins at the top
    places, rings = [], set()
    for _ in range(120):
        page.keyboard.press("Tab")
        place, ring = page.evaluate(FOCUS)
        if place == "xle-insp":
            places.append(place)
            break
        places.append(place)
        rings.add(ring)
    seen = list(dict.fromkeys(place for place in places if place))
    assert seen == ["xle-head", "xle-rail", "xle-mapslot", "xle-insp"]
    assert rings <= {"2px", ""}  # search draws its ring around its field
    assert "2px" in rings


def test_the_map_names_itself_and_what_it_shows(page: Page) -> None:
    named = page.get_by_role("application", name=re.compile("Latent map"))
    expect(named).to_have_attribute("aria-label", re.compile(r"3,000 of 3,000 detections, coloured by class"))
    page.locator(".xle-legend .toggle").first.click()
    expect(named).not_to_have_attribute("aria-label", re.compile(r"3,000 of 3,000"))
    expect(page.locator(".xle-guide .counted")).to_contain_text("of 3,000 detections shown")


def test_a_pick_is_said_aloud_and_its_track_plays(page: Page, reach_atlas: Atlas) -> None:
    pick(page, reach_atlas, observations=2)
    said = page.locator(".xle-guide .spoken")
    expect(said).to_have_text(re.compile(r"^Picked .* observation \d+ of \d+\.$"))
    play = page.locator(".xle-overlay .play")
    expect(play).to_have_attribute("aria-label", "Play the observations in time order")
    said.evaluate("""node => { window.heard = [];
        new MutationObserver(() => window.heard.push(node.textContent)).observe(node, { childList: true }); }""")
    play.click()
    expect(play).to_have_attribute("aria-label", "Stop")
    expect(play).to_have_attribute("aria-label", "Play the observations in time order")  # stops at the last
    expect(said).to_have_text(re.compile(r"observation (\d+) of \1\.$"))
    assert len(set(page.evaluate("window.heard"))) >= 2  # a busy machine may say two in one


def test_keys_of_tools_switches_and_modes(page: Page) -> None:
    for key, name in (
        ("d", "Disc"),
        ("l", "Lasso"),
        ("b", "Box"),
        ("k", "Contours"),
        ("e", "Equal scale"),
        ("v", "Pan"),
    ):
        page.keyboard.press(key)
        expect(pressed(page, name)).to_have_count(1)
    for key, name in (("k", "Contours"), ("e", "Equal scale")):
        page.keyboard.press(key)
        expect(pressed(page, name)).to_have_count(0)
    for key, name in (("a", "Add"), ("s", "Subtract"), ("i", "Intersect"), ("r", "Replace")):
        page.keyboard.press(key)
        mode = page.locator(".xle-rail .seg.tall button[aria-pressed=true]")
        expect(mode).to_have_count(1)
        expect(mode).to_contain_text(name)


def test_keys_in_a_field_are_letters(page: Page) -> None:
    page.keyboard.press("/")
    field = page.locator(".xle-search input")
    expect(field).to_be_focused()
    page.keyboard.type("lb?")
    expect(field).to_have_value("lb?")
    expect(pressed(page, "Pan")).to_have_count(1)
    expect(page.get_by_role("dialog", name="Help and shortcuts")).to_have_count(0)


def test_help_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    button(page, "Help and shortcuts").focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Help and shortcuts")
    for key in ("F", "K", "E", "D", "R", "/"):
        expect(sheet.locator("kbd", has_text=re.compile(rf"^{re.escape(key)}$"))).to_have_count(1)
    page.keyboard.press("Tab")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(button(page, "Help and shortcuts")).to_be_focused()


def test_a_hint_on_the_first_visit_only(page: Page, reach_atlas: Atlas) -> None:
    hint = page.get_by_role("note", name="How to begin")
    expect(hint).to_contain_text("Every lit pixel is a detection")
    hint.get_by_role("button", name="Close this hint").click()
    expect(hint).to_have_count(0)
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    map_of(page, reach_atlas)
    expect(hint).to_have_count(0)


def test_tooltip_is_a_card_and_the_title_comes_back(page: Page) -> None:
    tool = button(page, "Contours of density")
    card = page.locator(".xle-tooltip")
    tool.hover()
    expect(card).to_have_text("Contours of density (K)")
    assert tool.get_attribute("title") is None  # the browser would show a second one
    inside = card.bounding_box()
    assert inside is not None
    assert inside["x"] >= 0
    assert inside["y"] >= 0
    page.mouse.move(700, 500)
    expect(card).to_be_hidden()
    expect(tool).to_have_attribute("title", "Contours of density (K)")


def test_an_empty_map_says_why_and_leads_back(page: Page, reach_atlas: Atlas) -> None:
    map_of(page, reach_atlas)
    words = page.locator(".xle-guide .nothing")
    expect(words).to_be_hidden()
    first = page.locator(".xle-legend li").first
    first.hover()
    first.locator(".solo").click()
    first.locator(".toggle").click()
    expect(words).to_contain_text("Every class is hidden")
    words.get_by_role("button", name="Show all classes").click()
    expect(words).to_be_hidden()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(40)
    expect(words).to_contain_text("No detection here")
    words.get_by_role("button", name="Whole map").click()
    expect(words).to_be_hidden()


def test_reduced_motion_moves_nothing(page: Page) -> None:
    eased = "getComputedStyle(document.documentElement).getPropertyValue('--t-base').trim()"
    assert page.evaluate(eased) == "160ms"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(eased) == "0ms"


def test_more_contrast_is_given_where_it_is_asked_for(page: Page) -> None:
    third = "getComputedStyle(document.documentElement).getPropertyValue('--text-3').trim()"
    plain = page.evaluate(third)
    page.emulate_media(contrast="more")
    assert page.evaluate(third) != plain
