"""Filters and colours under a real mouse and keyboard: drag, type, toggle, remove, clear; histograms that follow."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from served import App

from explorer.filters import filters, quantities
from vae.atlas import Atlas


@pytest.fixture(scope="module")
def atlas(served_app: App) -> Atlas:
    return Atlas.open(served_app.atlas)


def chips(page: Page) -> Locator:
    return page.locator(".xle-filters .fchip .words")


def card(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Filters")


def row(page: Page, key: str) -> Locator:
    return page.locator(f'.filtercard [data-key="{key}"]')


def opened(page: Page, key: str) -> Locator:
    """Open the card at a quantity, with the mouse."""
    if not card(page).is_visible():
        page.get_by_role("button", name="Add filter").click()
    row(page, key).locator(".rowhead").click()
    expect(row(page, key).locator(".plot")).to_be_visible()
    return row(page, key)


def shown(page: Page) -> Locator:
    return page.locator(".xle-status .shown")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def words(number: int) -> re.Pattern[str]:
    return re.compile(rf"\b{number:,} of ")


def test_a_handle_is_dragged(page: Page, atlas: Atlas) -> None:
    counts = opened(page, "net_counts")
    x, y = middle(counts.locator(".handle.low"))
    plot = counts.locator(".plot").bounding_box()
    assert plot is not None
    drag(page, (x, y), (plot["x"] + plot["width"] * 0.4, y))
    expect(chips(page)).to_have_text([re.compile(r"Net counts ≥ [\d,]+")])
    low = quantities.inverse(
        quantities.quantity("net_counts"),  # type: ignore[arg-type]
        np.interp(0.4, [0, 1], np.log10(quantities.limits(atlas, "net_counts"))),
    )
    typed = counts.get_by_role("textbox", name="Net counts: from").input_value()
    expect(chips(page)).to_have_text([f"Net counts ≥ {typed}"])  # the map heard of the last place, too
    kept = float(typed.replace(",", ""))
    assert kept == pytest.approx(low, rel=0.02)
    expect(shown(page)).to_have_text(words(int((atlas.catalogue["net_counts"] >= kept).sum())))
    expect(card(page)).to_contain_text("pass")
    # back to the edge: no limit, no filter
    drag(page, middle(counts.locator(".handle.low")), (plot["x"] - 20, y))
    expect(chips(page)).to_have_count(0)


def test_a_new_range_is_drawn_and_moved(page: Page, atlas: Atlas) -> None:
    rarity = opened(page, "rarity")
    plot = rarity.locator(".plot").bounding_box()
    assert plot is not None
    at = [plot["x"] + plot["width"] * share for share in (0.2, 0.4, 0.3, 0.5)]
    y = plot["y"] + 20
    drag(page, (at[0], y), (at[1], y))
    expect(chips(page)).to_have_text([re.compile("Rarity (20|19.9|20.1)–(40|39.9|40.1)%")])
    drag(page, (at[2], y), (at[3], y))
    expect(chips(page)).to_have_text([re.compile("Rarity (40|39.9|40.1)–(60|59.9|60.1)%")])
    ends = [float(rarity.get_by_role("textbox", name=f"Rarity: {end}").input_value()) for end in ("from", "to")]
    expect(shown(page)).to_have_text(words(int(atlas.catalogue["rarity"].between(*np.float32(ends)).sum())))


def test_limits_are_typed_and_faults_are_said(page: Page, atlas: Atlas) -> None:
    date = opened(page, "mjd_start")
    low, high = date.get_by_role("textbox", name="Date: from"), date.get_by_role("textbox", name="Date: to")
    low.click()
    page.keyboard.type("2005")
    page.keyboard.press("Tab")
    expect(high).to_be_focused()
    page.keyboard.type("2012-06")
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_text(["2005-01-01 to 2012-06-30"])
    expected = filters.passing([filters.Range("mjd_start", 53371.0, 56109.0 - 1e-6)], atlas)
    assert expected is not None
    expect(shown(page)).to_have_text(words(int(expected.sum())))
    high.fill("soon")
    page.keyboard.press("Enter")
    expect(date.get_by_role("alert")).to_contain_text("not a date: “soon”")
    expect(chips(page)).to_have_text(["2005-01-01 to 2012-06-30"])
    high.fill("")
    page.keyboard.press("Enter")
    expect(date.get_by_role("alert")).to_be_hidden()
    expect(chips(page)).to_have_text(["Date from 2005-01-01"])


def test_handles_obey_the_keyboard_and_the_map_does_not(page: Page) -> None:
    rarity = opened(page, "rarity")
    handle = rarity.get_by_role("slider", name="Rarity: from")
    view = page.locator(".xle-legend .where").inner_text()
    handle.focus()
    for _ in range(4):
        page.keyboard.press("PageUp")
    expect(handle).to_have_attribute("aria-valuetext", "25 %")
    page.keyboard.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuetext", re.compile("^25.8 %"))
    expect(chips(page)).to_have_text(["Rarity ≥ 25.8%"])
    page.keyboard.press("Home")
    expect(handle).to_have_attribute("aria-valuetext", "no limit")
    expect(chips(page)).to_have_count(0)
    assert page.locator(".xle-legend .where").inner_text() == view


def test_right_ascension_runs_through_zero(page: Page, atlas: Atlas) -> None:
    ra = opened(page, "ra_deg")
    ra.get_by_role("textbox", name="Right ascension: from").fill("20h")
    page.keyboard.press("Tab")
    page.keyboard.type("60")  # faster than the server answers the first: that must not undo it
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_text(["Right ascension 300–60°"])
    where = atlas.catalogue["ra_deg"]
    expect(shown(page)).to_have_text(words(int(((where >= 300) | (where <= 60)).sum())))
    drawn = ra.locator(".plot .in").get_attribute("d") or ""
    edges = [float(x) for x in re.findall(r"M([\d.]+)", drawn)]
    assert min(edges) < 10 < 54 < max(edges)  # ink at both ends of the 64 bins, none between 60° and 300°
    assert not [x for x in edges if 11 < x < 53]


def test_histograms_follow_the_other_filters(page: Page) -> None:
    opened(page, "net_counts")

    def ink(key: str) -> str:
        return row(page, key).locator(".mini .in").get_attribute("d") or ""

    expect(row(page, "hr1").locator(".mini .in")).to_have_attribute("d", re.compile("M"))
    before = {key: ink(key) for key in ("hr1", "rarity")}
    row(page, "filter").get_by_role("button", name="medium").click()
    expect(chips(page)).to_have_text(["Optical filter: medium"])
    for key, path in before.items():
        expect(row(page, key).locator(".mini .in")).not_to_have_attribute("d", path)
    page.locator('.xle-legend li[data-class="AGN"] .toggle').click()
    middle_of_it = ink("hr1")
    expect(row(page, "hr1").locator(".mini .in")).not_to_have_attribute("d", before["hr1"])
    page.get_by_role("button", name="Show all").click()
    row(page, "filter").get_by_role("button", name="medium").click()
    expect(row(page, "hr1").locator(".mini .in")).to_have_attribute("d", before["hr1"])
    assert middle_of_it != before["hr1"]


def test_the_selection_is_outlined_in_the_histograms(page: Page) -> None:
    opened(page, "net_counts")
    outline = row(page, "net_counts").locator(".plot .sel")
    expect(outline).to_have_attribute("d", "")
    page.locator('.xle-legend li[data-class="Star"] .toggle').click(modifiers=["Control"])
    expect(outline).to_have_attribute("d", re.compile("^M0 1V"))


def test_values_toggle(page: Page, atlas: Atlas) -> None:
    opened(page, "net_counts")
    picks = row(page, "filter").get_by_role("button")
    names, codes = filters.choices(atlas, "filter")
    picks.nth(0).click()
    expect(chips(page)).to_have_text([f"Optical filter: {names[0]}"])
    expect(shown(page)).to_have_text(words(int((codes == 0).sum())))
    picks.nth(1).click()
    expect(chips(page)).to_have_text([f"Optical filter: {names[0]}, {names[1]}"])
    expect(picks.nth(1)).to_have_attribute("aria-pressed", "true")
    for place in range(2, len(names)):
        picks.nth(place).click()
    expect(chips(page)).to_have_count(0)  # all of them are no filter


def test_text_chips_and_clear(page: Page, atlas: Atlas) -> None:
    page.get_by_role("button", name="Add filter").click()
    field = page.get_by_label("Name, OBS_ID or SIMBAD type contains")
    expect(field).to_be_focused()
    page.keyboard.type("sim j1")
    expect(chips(page)).to_have_text(["contains “sim j1”"])
    expected = filters.passing([filters.Text("sim j1")], atlas)
    assert expected is not None
    assert 0 < expected.sum() < len(atlas)
    expect(shown(page)).to_have_text(words(int(expected.sum())))
    row(page, "sum_flag").get_by_role("button", name=re.compile("^0")).click()
    expect(chips(page)).to_have_count(2)
    page.get_by_role("button", name="Remove the filter contains “sim j1”").click()
    expect(chips(page)).to_have_text(["Quality flag: 0"])
    expect(field).to_have_value("")
    page.locator(".xle-filters h2").get_by_role("button", name="Clear").click()
    expect(chips(page)).to_have_count(0)
    expect(shown(page)).to_have_text(f"{len(atlas):,} shown")


def test_the_card_opens_closes_and_gives_the_focus_back(page: Page) -> None:
    page.keyboard.press("f")
    expect(card(page)).to_be_visible()
    expect(page.get_by_label("Name, OBS_ID or SIMBAD type contains")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Add filter")).to_be_focused()
    counts = opened(page, "net_counts")
    toggle = page.locator('.xle-legend li[data-class="AGN"] .toggle')
    toggle.click(modifiers=["Control"])
    toggle.focus()
    page.keyboard.press("Escape")  # from elsewhere in the page too, before it clears the selection
    expect(card(page)).to_be_hidden()
    expect(page.locator(".xle-insp").get_by_role("tab", name="Selection")).to_contain_text(re.compile(r"\d"))
    page.get_by_role("button", name="Add filter").click()
    counts.get_by_role("textbox", name="Net counts: from").fill("400")
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_text(["Net counts ≥ 400"])
    page.get_by_role("button", name="Close the filters").click()
    chips(page).click()
    expect(row(page, "net_counts").locator(".plot")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chips(page)).to_be_focused()


def test_nothing_passes_is_said_and_can_be_undone(page: Page, atlas: Atlas) -> None:
    counts = opened(page, "net_counts")
    counts.get_by_role("textbox", name="Net counts: from").fill("1e12")
    page.keyboard.press("Enter")
    expect(shown(page)).to_have_text(words(0))
    expect(card(page)).to_contain_text(f"0 of {len(atlas):,} pass")
    guide = page.locator(".xle-guide")
    guide.get_by_role("button", name="Clear filters").click()
    expect(shown(page)).to_have_text(f"{len(atlas):,} shown")


def test_colour_by_changes_map_key_and_chips(page: Page) -> None:
    colour = page.get_by_label("Colour by")
    key = page.locator(".xle-overlay .key.colour")
    expect(key).to_be_hidden()
    chip = page.locator('.xle-legend li[data-class="AGN"] .chip')
    by_class = chip.evaluate("node => getComputedStyle(node).backgroundColor")
    colour.focus()
    colour.select_option("net_counts")
    expect(key).to_be_visible()
    expect(key.locator("b")).to_have_text("Net counts")
    expect(key.locator(".ends span")).to_have_count(2)
    assert "gradient" in key.locator(".ramp").evaluate("node => getComputedStyle(node).backgroundImage")
    assert chip.evaluate("node => getComputedStyle(node).backgroundColor") != by_class
    colour.select_option("cstat_z")
    expect(key.locator(".ends span")).to_have_text([re.compile("^−"), "0", re.compile(r"^\d")])
    colour.select_option("count")
    expect(key).to_be_hidden()
    colour.select_option("class")
    expect(chip).to_have_css("background-color", by_class)
