"""The legend: counts, toggles and solo, by mouse and by keyboard."""

from __future__ import annotations

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
        expect(row(page, name).locator(".n")).to_have_text(f"{counts[name]:,}")


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
