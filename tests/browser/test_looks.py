"""Layout from 1280 x 720 to 2560 x 1440: nothing overlaps, nothing is clipped, the page never scrolls."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from served import App, OpenPage

from vae.atlas import Atlas

SIZES = [(1280, 720), (1440, 900), (1920, 1080), (2560, 1440)]
FRAME = {
    "header": ".xle-head",
    "rail": ".xle-rail",
    "map": ".xle-mapslot",
    "inspector": ".xle-insp",
    "status": ".xle-stat",
}
#: header, rail, inspector, status line in px at each size (LOOK.md).
MEASURES = {(1280, 720): (46, 232, 388, 26), (1440, 900): (46, 240, 420, 26)}
MEASURES |= dict.fromkeys([(1920, 1080), (2560, 1440)], (52, 272, 560, 30))

#: Elements whose text does not fit, in the light DOM and in every shadow root.
CLIPPED = """() => {
  const found = [];
  const visit = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) visit(node.shadowRoot);
      const style = getComputedStyle(node);
      const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
      if (!own || style.visibility === "hidden" || !node.offsetParent || node.closest(".sr")) continue;
      const box = node.getBoundingClientRect();
      if (box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5 || box.left < -0.5 || box.top < -0.5) continue;
      if (style.display === "inline" || node.scrollWidth <= node.clientWidth + 1) continue;
      found.push(`${node.className}: ${node.textContent}`);
    }
  };
  const parts = [".xle-head", ".xle-rail", ".xle-mapslot .over", ".xle-insp .strip", ".xle-stat"];
  for (const part of parts) visit(document.querySelector(part));
  return found;
}"""


def boxes(page: Page) -> dict[str, dict[str, float]]:
    return {name: page.locator(selector).bounding_box() for name, selector in FRAME.items()}


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    return (
        a["x"] < b["x"] + b["width"] - 0.5
        and b["x"] < a["x"] + a["width"] - 0.5
        and a["y"] < b["y"] + b["height"] - 0.5
        and b["y"] < a["y"] + a["height"] - 0.5
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_frame_fills_the_window_without_overlap(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page(width=size[0], height=size[1])
    frame = boxes(page)
    names = list(frame)
    clashes = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if overlap(frame[a], frame[b])]
    assert clashes == []
    assert sum(box["width"] * box["height"] for box in frame.values()) == pytest.approx(size[0] * size[1], rel=1e-3)
    header, rail, inspector, status = MEASURES[size]
    assert frame["header"]["height"] == header
    assert frame["rail"]["width"] == rail
    assert frame["inspector"]["width"] == inspector
    assert frame["status"]["height"] == status
    root = "document.scrollingElement"
    assert page.evaluate(f"{root}.scrollWidth <= innerWidth && {root}.scrollHeight <= innerHeight")
    assert page.evaluate(
        "document.querySelector('.xle-rail').scrollHeight <= document.querySelector('.xle-rail').clientHeight"
    )
    map_box = page.locator(".xle-map").bounding_box()
    assert map_box == pytest.approx(frame["map"], abs=1.5)  # the figure fills its slot
    assert page.evaluate(CLIPPED) == []


def test_cards_stay_on_the_map(open_page: OpenPage) -> None:
    page = open_page(width=1280, height=720)
    expect(page.locator(".xle-overlay .density")).to_be_visible()
    slot = page.locator(".xle-mapslot").bounding_box()
    cards = [page.locator(f".xle-overlay {card}").bounding_box() for card in (".tools", ".density")]
    for card in cards:
        assert card["x"] >= slot["x"] + 10
        assert card["x"] + card["width"] <= slot["x"] + slot["width"]
        assert card["y"] + card["height"] <= slot["y"] + slot["height"]
    assert not overlap(*cards)


def test_frame_does_not_move_when_tabs_or_theme_change(page: Page) -> None:
    before = boxes(page)
    for name in ("Trajectory", "Similar", "Selection"):
        page.get_by_role("tab", name=name).click()
        assert boxes(page) == before
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert boxes(page) == before


def test_text_is_set_in_inter(page: Page) -> None:
    assert page.evaluate("document.fonts.check('13px \"Inter Variable\"', 'μ1')")
    family = page.locator(".xle-legend .label").first.evaluate("node => getComputedStyle(node).fontFamily")
    assert family.startswith('"Inter Variable"')


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_whatever_is_open_lies_inside_the_window_and_moves_nothing(
    open_page: OpenPage, served_app: App, size: tuple[int, int]
) -> None:
    catalogue = Atlas.open(served_app.atlas).catalogue
    several = catalogue["source_id"].duplicated(keep=False)
    detection = int(catalogue.loc[several, "detection_id"].iat[0])
    page = open_page(f"?v=1&pick={detection}&filter=net_counts:10..", width=size[0], height=size[1])
    for card in (".density", ".key.time"):
        expect(page.locator(f".xle-overlay {card}")).to_be_visible()
    before = boxes(page)
    cards = [page.locator(f".xle-overlay {card}").bounding_box() for card in (".tools", ".density", ".key.time")]
    for at, card in enumerate(cards):
        assert inside(card, before["map"])
        assert not any(overlap(card, other) for other in cards[at + 1 :])
    opening = [
        (lambda: page.keyboard.press("f"), ".filtercard"),
        (lambda: page.get_by_role("button", name="Save the map as a figure").click(), ".savemenu"),
        (lambda: page.keyboard.press("?"), ".sheet .card"),
    ]
    for ask, opened in opening:
        ask()
        box = page.locator(opened).locator("visible=true").first.bounding_box()
        assert inside(box, {"x": 0, "y": 0, "width": size[0], "height": size[1]}), opened
        assert boxes(page) == before, opened
        page.keyboard.press("Escape")
        expect(page.locator(opened).locator("visible=true")).to_have_count(0)
    assert page.evaluate(CLIPPED) == []


def inside(a: dict[str, float] | None, b: dict[str, float]) -> bool:
    return a is not None and (
        a["x"] >= b["x"]
        and a["y"] >= b["y"]
        and a["x"] + a["width"] <= b["x"] + b["width"]
        and a["y"] + a["height"] <= b["y"] + b["height"]
    )
