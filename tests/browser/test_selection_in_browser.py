"""Selecting: by hand with modes and keys held, by query, around a pick, by class and by name; undo, table, export."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect
from served import App, OpenPage

from vae.atlas import Atlas


@pytest.fixture(scope="module")
def catalogue(served_app: App) -> pd.DataFrame:
    return Atlas.open(served_app.atlas).catalogue


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    page = open_page()
    page.wait_for_function(
        "[...Bokeh.documents[0]._all_models.values()].find((m) => m.name == 'xle-image')?.data.image.length > 0"
    )
    page.keyboard.press("4")
    return page


def count(page: Page) -> Locator:
    return page.locator("div.xle-selection-count")


def number(page: Page) -> int:
    return int((count(page).text_content() or "").split()[0].replace(",", ""))


def expect_count(page: Page, expected: int) -> None:
    expect(count(page)).to_have_text(f"{expected:,} detection{'' if expected == 1 else 's'} selected")


def press(page: Page, key: str) -> None:
    """Press a shortcut with no field holding the keyboard."""
    count(page).click()
    page.keyboard.press(key)


def query(page: Page, text: str) -> None:
    page.locator("[data-key=way-query]").click()
    page.get_by_label("Query over the columns").fill(text)
    page.keyboard.press("Enter")


def drag(page: Page, x0: float, x1: float, y0: float = 0.25, y1: float = 0.85) -> None:
    """Draw a box over these fractions of the map."""
    box = page.locator(".xle-map").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x0 * box["width"], box["y"] + y0 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + x1 * box["width"], box["y"] + y1 * box["height"], steps=6)
    page.mouse.up()


def test_queries_modes_by_keys_and_undo(page: Page, catalogue: pd.DataFrame) -> None:
    bright, soft = catalogue["net_counts"] > 600, catalogue["hr2"] < 0
    agn = catalogue["class_label"] == "AGN"
    query(page, "net_counts > 600")
    expect_count(page, int(bright.sum()))
    press(page, "s")
    expect(page.locator(".selectby .go:visible")).to_have_text("Subtract")
    query(page, "hr2 < 0")
    expect_count(page, int((bright & ~soft).sum()))
    press(page, "a")
    expect(page.locator(".selectby .go:visible")).to_have_text("Add")
    query(page, 'class == "AGN"')
    expect_count(page, int((bright & ~soft | agn).sum()))
    expect(page.locator(".lead .made")).to_have_text(
        'Query net_counts > 600; take away query hr2 < 0; add query class == "AGN"'
    )
    press(page, "i")
    query(page, "hr2 < 0")
    expect_count(page, int((agn & soft).sum()))
    press(page, "Control+z")
    expect_count(page, int((bright & ~soft | agn).sum()))
    press(page, "Control+z")
    press(page, "Control+Shift+z")
    expect_count(page, int((bright & ~soft | agn).sum()))
    press(page, "r")
    expect(page.locator(".selectby .go:visible")).to_have_text("Select")


def test_a_wrong_query_is_told_and_changes_nothing(page: Page, catalogue: pd.DataFrame) -> None:
    query(page, "rarity > 90")
    expect_count(page, int((catalogue["rarity"] > 90).sum()))
    query(page, "raritty > 90")
    said = page.locator(".selectby .said")
    expect(said).to_have_text("“raritty” at character 1 is no column. Did you mean rarity?")
    expect_count(page, int((catalogue["rarity"] > 90).sum()))
    page.get_by_role("button", name="Columns and functions").click()
    page.get_by_label("Query over the columns").fill("")
    page.locator(".selectby .names").get_by_role("button", name="net_snr", exact=True).click()
    page.keyboard.type(" > 30")
    page.keyboard.press("Enter")
    expect_count(page, int((catalogue["net_snr"] > 30).sum()))
    expect(said).to_be_hidden()


def test_shift_adds_and_alt_subtracts_while_drawing(page: Page) -> None:
    press(page, "b")
    page.wait_for_function(
        "[...Bokeh.documents[0]._all_models.values()]"
        ".some((m) => m.gestures?.pan?.active?.type === 'BoxSelectTool')"  # a drag before that would pan
    )
    drag(page, 0.30, 0.45)
    expect(count(page)).to_have_text(re.compile(r"^[1-9]"))
    left = number(page)
    drag(page, 0.50, 0.65)
    expect(count(page)).not_to_have_text(re.compile(rf"^{left:,} "))
    right = number(page)
    assert left > 20
    assert right > 20
    page.keyboard.down("Shift")
    expect(page.locator(".selectby .go:visible")).to_have_text("Add")
    drag(page, 0.30, 0.45)
    page.keyboard.up("Shift")
    expect_count(page, left + right)
    expect(page.locator(".selectby .go:visible")).to_have_text("Select")
    page.keyboard.down("Alt")
    expect(page.locator(".selectby .go:visible")).to_have_text("Subtract")
    drag(page, 0.50, 0.65)
    page.keyboard.up("Alt")
    expect_count(page, left)
    page.keyboard.down("Shift")  # a letter typed in a field is no mode
    page.keyboard.up("Shift")
    press(page, "Control+z")
    expect_count(page, left + right)


def test_around_what_is_picked(page: Page) -> None:
    page.locator("[data-key=way-around]").click()
    expect(page.locator(".selectby")).to_contain_text("Click a point on the map first")
    page.keyboard.press("1")
    page.get_by_role("button", name="Pick a random source").click()
    expect(page.locator(".xle-readout").first).to_contain_text("C-stat")
    page.keyboard.press("4")
    expect(page.locator(".selectby .about")).to_have_text(re.compile(r"^J\d"))
    page.get_by_label("Unit of the distance").select_option("nearest")
    page.get_by_label("How far").fill("37")
    page.keyboard.press("Enter")
    expect_count(page, 37)
    expect(page.locator(".plots .plot")).to_have_count(4)
    expect(page.locator(".plots")).not_to_have_class(re.compile("old"))
    page.get_by_label("Unit of the distance").select_option("sigma")
    page.get_by_label("How far").fill("1.5")
    page.locator(".selectby .go:visible").click()
    expect(page.locator(".lead .made")).to_have_text(re.compile(r"^Within 1\.5 σ of J\d"))
    assert number(page) >= 1


def test_names_keep_selections(page: Page, catalogue: pd.DataFrame) -> None:
    stars = int((catalogue["class_label"] == "Star").sum())
    page.locator("[data-key=way-class]").click()
    page.get_by_label("Class to select").select_option("Star")
    page.locator(".selectby .go:visible").click()
    expect_count(page, stars)
    page.locator("[data-key=way-saved]").click()
    page.get_by_label("Name to save the selection under").fill("<b>suns</b>")
    page.keyboard.press("Enter")
    kept = page.locator(".selectby .kept .one")
    expect(kept).to_have_text(f"<b>suns</b>{stars:,}")
    kept.locator(".take").dblclick()
    page.get_by_label(re.compile("^New name")).fill("stars")
    page.keyboard.press("Enter")
    expect(kept).to_have_text(f"stars{stars:,}")
    page.get_by_role("button", name="All shown").click()
    expect_count(page, len(catalogue))
    page.locator(".lead [data-key=clear]").click()
    expect_count(page, 0)
    kept.locator(".take").click()
    expect_count(page, stars)
    page.get_by_role("button", name="Forget stars").click()
    expect(kept).to_have_count(0)


def test_the_table_is_walked_by_keyboard_and_the_export_says_how(
    page: Page, catalogue: pd.DataFrame, tmp_path: Path
) -> None:
    query(page, 'class == "AGN" and net_counts > 600')
    chosen = catalogue[(catalogue["class_label"] == "AGN") & (catalogue["net_counts"] > 600)]
    expect_count(page, len(chosen))
    lines = page.locator(".xle-selection .vt .line")
    best = chosen.sort_values("net_counts", ascending=False, kind="stable")["name"].tolist()
    expect(lines.nth(1).locator("[title]").nth(1)).to_have_attribute("title", best[1])
    with page.expect_download() as waiting:
        page.locator(".xle-export").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    head = path.read_text(encoding="utf-8").split("\ndetection_id")[0]
    assert 'query class == \\"AGN\\" and net_counts > 600' in head
    table = pd.read_csv(path, comment="#")
    assert np.array_equal(np.sort(table["detection_id"]), np.sort(chosen["detection_id"]))
    lines.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".xle-readout").first).to_contain_text(best[1])
