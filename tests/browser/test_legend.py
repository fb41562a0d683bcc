"""The legend: counts, toggles and solo, by mouse and by keyboard."""

from __future__ import annotations

import re

import pandas as pd
from playwright.sync_api import Locator, Page, expect
from served import App


def row(page: Page, name: str) -> Locator:
    return page.locator(f'.xle-legend li[data-class="{name}"]')


def toggle(page: Page, name: str) -> Locator:
    return row(page, name).locator("button.toggle")


def expected_counts(app: App) -> dict[str, int]:
    labels = pd.read_parquet(app.atlas / "catalogue.parquet", columns=["class_label"])["class_label"]
    return labels.astype("str").value_counts().to_dict()


def test_counts_are_those_of_the_catalogue(page: Page, served_app: App) -> None:
    counts = expected_counts(served_app)
    rows = page.locator(".xle-legend li")
    expect(rows).to_have_count(16)
    assert rows.nth(0).get_attribute("data-class") == "AGN"
    assert rows.nth(15).get_attribute("data-class") == "No match"
    for name in ("AGN", "Star", "No match"):
        toggle(page, name).focus()  # tooltips take the title away from what the mouse is on
        expect(toggle(page, name)).to_have_attribute("title", re.compile(f"in view of {counts[name]:,}\\."))


def in_view(page: Page) -> int:
    return sum(int(text.replace(",", "")) for text in page.locator(".xle-legend .n").all_inner_texts())


def test_counts_are_those_in_view(page: Page, served_app: App) -> None:
    total = sum(expected_counts(served_app).values())
    assert 0.99 * total <= in_view(page) <= total
    expect(page.locator(".xle-overlay .density .ends")).to_contain_text("per pixel")
    for _ in range(3):
        page.get_by_role("button", name="Zoom in (+)").click()
    expect(page.locator(".xle-legend .where")).to_have_text("in view")
    page.wait_for_function(
        """limit => { const rows = document.querySelector(".xle-legend").shadowRoot.querySelectorAll(".n");
           return [...rows].reduce((sum, row) => sum + Number(row.textContent.replace(",", "")), 0) < limit }""",
        arg=0.9 * total,
        timeout=20_000,
    )
    assert in_view(page) > 0
    toggle(page, "AGN").click()  # a hidden class is still counted: its number says what showing it would bring
    expect(row(page, "AGN").locator(".n")).not_to_have_text("0")


def test_click_hides_and_shows_a_class(page: Page, served_app: App) -> None:
    counts = expected_counts(served_app)
    total = sum(counts.values())
    shown = page.locator(".xle-status .shown")
    expect(shown).to_have_text(f"{total:,} shown")
    toggle(page, "AGN").click()
    expect(toggle(page, "AGN")).to_have_attribute("aria-pressed", "false")
    expect(shown).to_have_text(f"{total - counts['AGN']:,} of {total:,} shown")
    chip = row(page, "AGN").locator(".chip")
    assert chip.evaluate("node => getComputedStyle(node).backgroundColor") == "rgba(0, 0, 0, 0)"
    page.get_by_role("button", name="Show all").click()
    expect(toggle(page, "AGN")).to_have_attribute("aria-pressed", "true")
    expect(shown).to_have_text(f"{total:,} shown")
    expect(page.get_by_role("button", name="Show all")).to_be_disabled()


def test_solo_shows_one_class_and_then_all(page: Page, served_app: App) -> None:
    counts = expected_counts(served_app)
    total = sum(counts.values())
    shown = page.locator(".xle-status .shown")
    row(page, "Star").hover()
    row(page, "Star").get_by_role("button", name="Solo").click()
    expect(shown).to_have_text(f"{counts['Star']:,} of {total:,} shown")
    expect(toggle(page, "AGN")).to_have_attribute("aria-pressed", "false")
    row(page, "Star").get_by_role("button", name="Solo").click()
    expect(shown).to_have_text(f"{total:,} shown")
    row(page, "Star").locator(".label").dblclick()
    expect(shown).to_have_text(f"{counts['Star']:,} of {total:,} shown")


def test_invert_swaps_what_is_shown_and_hidden(page: Page, served_app: App) -> None:
    counts = expected_counts(served_app)
    shown = page.locator(".xle-status .shown")
    expect(page.get_by_role("button", name="Invert")).to_be_disabled()
    toggle(page, "Star").click()
    page.get_by_role("button", name="Invert").click()
    expect(shown).to_contain_text(f"{counts['Star']:,} of")
    expect(toggle(page, "Star")).to_have_attribute("aria-pressed", "true")
    expect(toggle(page, "AGN")).to_have_attribute("aria-pressed", "false")


def test_a_class_is_selected_with_the_keys_of_selection(page: Page, served_app: App) -> None:
    counts = expected_counts(served_app)
    tab = page.locator(".xle-insp").get_by_role("tab", name="Selection")
    toggle(page, "AGN").click(modifiers=["Control"])
    expect(tab).to_contain_text(f"{counts['AGN']:,}")
    toggle(page, "Star").click(modifiers=["Shift"])
    expect(tab).to_contain_text(f"{counts['AGN'] + counts['Star']:,}")
    toggle(page, "AGN").click(modifiers=["Alt"])
    expect(tab).to_contain_text(f"{counts['Star']:,}")
    expect(toggle(page, "AGN")).to_have_attribute("aria-pressed", "true")


def test_arrows_walk_the_rows(page: Page) -> None:
    toggle(page, "Quasar").focus()
    page.keyboard.press("ArrowDown")
    expect(toggle(page, "Blazar")).to_be_focused()
    page.keyboard.press("Home")
    expect(toggle(page, "AGN")).to_be_focused()


def test_keyboard_reaches_the_toggles(page: Page) -> None:
    toggle(page, "Quasar").focus()
    page.keyboard.press("Space")
    expect(toggle(page, "Quasar")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Enter")
    expect(toggle(page, "Quasar")).to_have_attribute("aria-pressed", "true")


def test_choices_of_the_rail(page: Page) -> None:
    controls = page.locator(".xle-controls")
    controls.get_by_role("button", name="Log").click()
    expect(controls.get_by_role("button", name="Log")).to_have_attribute("aria-pressed", "true")
    expect(controls.get_by_role("button", name="Equal")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".xle-overlay .density")).to_contain_text("logarithmic")
    controls.get_by_role("button", name="Subtract").click()
    expect(controls.get_by_role("button", name="Subtract")).to_have_attribute("aria-pressed", "true")
