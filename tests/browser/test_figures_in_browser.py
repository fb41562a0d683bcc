"""Plots saved as figures, with a real mouse and keyboard: the files arrive, and are what was asked for."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect
from served import App, OpenPage
from test_inspector import map_of, name_of, pick, readout, select_by_box, tab

from vae.atlas import Atlas


@pytest.fixture(scope="module")
def opened_atlas(served_app: App) -> Atlas:
    return Atlas.open(served_app.atlas)


def button(page: Page, what: str) -> Locator:
    return page.locator(f"[data-key=save-{what}]")


def menu(page: Page) -> Locator:
    return page.locator(".savemenu:popover-open")


def save(page: Page, what: str, form: str, *choices: str) -> Download:
    button(page, what).click()
    expect(menu(page)).to_be_visible()
    for choice in choices:
        menu(page).get_by_role("button", name=choice).click()
    with page.expect_download() as download:
        menu(page).get_by_role("button", name=form).click()
    expect(menu(page)).to_have_count(0)  # it closes once the file is there
    return download.value


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def described(svg: bytes) -> str:
    (description,) = ET.fromstring(svg).iter("{http://purl.org/dc/elements/1.1/}description")
    return description.text or ""


def test_map_is_saved_as_it_is_filtered(page: Page, opened_atlas: Atlas) -> None:
    map_of(page, opened_atlas)
    page.locator(".xle-legend [data-class=Star] .toggle").click()
    download = save(page, "map", "PNG", "180 mm")
    assert download.suggested_filename.endswith("-map.png")
    image = Image.open(io.BytesIO(content(download)))
    assert image.width == 2126
    assert "without Star" in image.info["Description"]
    assert "simulated" in image.info["Description"].lower()


def test_spectrum_is_saved_in_each_form(page: Page, opened_atlas: Atlas) -> None:
    row = pick(page, opened_atlas)
    designation = name_of(opened_atlas, row).split()[-1]
    svg = save(page, "spectrum", "SVG", "88 mm")
    assert svg.suggested_filename == f"xmmsim-{designation}-spectrum.svg"
    assert f"detection {opened_atlas.catalogue['detection_id'].iat[row]}" in described(content(svg))
    readout(page).get_by_role("button", name="Unfolded").click()
    pdf = save(page, "spectrum", "PDF")
    assert pdf.suggested_filename == f"xmmsim-{designation}-unfolded.pdf"
    assert content(pdf).startswith(b"%PDF-")
    readout(page).get_by_role("button", name="Templates").click()
    dark = save(page, "spectrum", "PNG", "As on screen")
    assert dark.suggested_filename == f"xmmsim-{designation}-templates.png"
    assert max(Image.open(io.BytesIO(content(dark))).convert("RGB").getpixel((0, 0))) < 40


def test_trajectory_and_similar_spectra_are_saved(page: Page, opened_atlas: Atlas) -> None:
    pick(page, opened_atlas, observations=2)
    tab(page, "Trajectory").click()
    assert "observations in time order" in described(content(save(page, "trajectory", "SVG")))
    tab(page, "Similar").click()
    assert "small spectra" in described(content(save(page, "similar", "SVG")))


def test_a_menu_stays_open_where_what_is_under_it_is_drawn_anew(page: Page, opened_atlas: Atlas) -> None:
    pick(page, opened_atlas)
    tab(page, "Similar").click()
    button(page, "similar").click()
    expect(menu(page)).to_be_visible()
    drawn_anew = page.evaluate(
        """() => {
          const models = [...Bokeh.documents[0]._all_models.values()]
          const list = models.find((model) => model.type.startsWith("NeighbourList"))
          const before = list.content
          list.content = { ...before, text: `${before.text} ` }
          return list.content !== before
        }"""
    )
    assert drawn_anew
    page.wait_for_timeout(300)
    expect(menu(page)).to_be_visible()


def test_selection_is_saved_with_how_it_was_made(page: Page, opened_atlas: Atlas) -> None:
    count = select_by_box(page, opened_atlas)
    download = save(page, "selection", "SVG")
    assert f"-{count}-selected.svg" in download.suggested_filename


def test_the_menu_keeps_its_keys_to_itself(page: Page, opened_atlas: Atlas) -> None:
    """Enter opens it, Tab walks it, Escape closes it and nothing else: the pick stays."""
    row = pick(page, opened_atlas)
    button(page, "spectrum").focus()
    page.keyboard.press("Enter")
    expect(menu(page)).to_be_visible()
    expect(menu(page).get_by_role("button", name="PNG")).to_be_focused()
    page.keyboard.press("Tab")
    expect(menu(page).get_by_role("button", name="SVG")).to_be_focused()
    page.keyboard.press("l")  # would take the lasso
    page.keyboard.press("Escape")
    expect(menu(page)).to_have_count(0)
    expect(button(page, "spectrum")).to_be_focused()
    expect(readout(page)).to_contain_text(name_of(opened_atlas, row))
    expect(page.get_by_role("button", name="Pan and pick")).to_have_attribute("aria-pressed", "true")


def test_a_choice_of_width_is_kept_for_the_next_figure(page: Page, opened_atlas: Atlas) -> None:
    pick(page, opened_atlas)
    wide = Image.open(io.BytesIO(content(save(page, "spectrum", "PNG", "180 mm"))))
    again = Image.open(io.BytesIO(content(save(page, "spectrum", "PNG"))))
    assert wide.width == again.width == 2126


def test_tall_screens_show_what_is_most_similar(open_page: OpenPage, opened_atlas: Atlas) -> None:
    page = open_page(width=1440, height=1200)
    row = pick(page, opened_atlas)
    cards = page.locator(".simi button")
    expect(cards).to_have_count(4)
    nearest = opened_atlas.neighbours(int(opened_atlas.catalogue["detection_id"].iat[row]), k=4)["row"]
    cards.first.click()
    expect(readout(page)).to_contain_text(name_of(opened_atlas, int(nearest.iloc[0])))
    page.get_by_role("button", name="Open all 20").click()
    expect(tab(page, "Similar")).to_have_attribute("aria-selected", "true")
