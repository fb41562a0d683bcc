"""The states of the page as pictures, at three sizes in both themes, and beside the mock's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import zarr
from _stage import PATIENCE_S, around, lasso, opened, server, settle
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page

from vae.atlas import Atlas
from vae.errors import ExplorerError
from vae.resources import asset

STATES = ("picked", "selection", "decoded", "empty", "loading", "error")
SIZES = ((1280, 720), (1440, 900), (2560, 1440))
THEMES = ("dark", "light")
#: Size of one picture in the contact sheet, the room for its words, and how well all are kept: the map is all detail.
_SMALL, _WORDS, _QUALITY = (960, 600), 34, 62


def take(browser: Browser, atlas: Atlas, row: int, out: Path, mock: Path | None) -> list[Path]:
    """Take all pictures of the gallery.

    Parameters
    ----------
    browser : Browser
    atlas : Atlas
    row : int
        Catalogue row of what is picked.
    out : Path
        Folder of the pictures: ``<state>-<theme>-<width>.webp`` and, with a mock, ``beside-<theme>.webp``.
    mock : Path or None
        The mock's page.

    Returns
    -------
    list of Path
    """
    out.mkdir(parents=True, exist_ok=True)
    taken = []

    def keep(page: Page, state: str, theme: str) -> None:
        size = page.viewport_size or {"width": 0}
        taken.append(out / f"{state}-{theme}-{size['width']}.webp")
        page.screenshot(path=out / "shot.png")
        with Image.open(out / "shot.png") as picture:
            picture.convert("RGB").save(taken[-1], quality=_QUALITY, method=6)
        (out / "shot.png").unlink()
        page.close()

    with server(atlas.path) as url:
        for state in _STATES:
            for theme in THEMES:
                for size in SIZES:
                    keep(_STATES[state](browser, f"{url}?theme={theme}", size, atlas, row), state, theme)
    for state, shows in (("loading", ".sk >> visible=true"), ("error", ".box")):
        with damaged(atlas, row, stuck=state == "loading") as folder, server(folder) as url:
            for theme in THEMES:
                for size in SIZES:
                    page = opened(browser, _picked(f"{url}?theme={theme}", atlas, row), size)
                    page.locator(f".xle-readout {shows}").first.wait_for()
                    settle(page)
                    keep(page, state, theme)
    if mock is not None:
        taken += [beside(browser, mock, theme, out) for theme in THEMES]
    return taken


def _picked(url: str, atlas: Atlas, row: int) -> str:
    return f"{url}&v=1&pick={int(atlas.catalogue['detection_id'].iat[row])}"


def _show_picked(browser: Browser, url: str, size: tuple[int, int], atlas: Atlas, row: int) -> Page:
    page = opened(browser, _picked(url, atlas, row), size)
    page.locator(".xle-readout h1").wait_for()
    settle(page)
    box = page.locator(".xle-mapslot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.55 * box["height"], steps=4)
    settle(page)
    return page


def _show_selection(browser: Browser, url: str, size: tuple[int, int], atlas: Atlas, row: int) -> Page:
    page = opened(browser, _picked(url, atlas, row), size)
    settle(page)
    lasso(page, around(atlas))
    settle(page)
    return page


def _show_decoded(browser: Browser, url: str, size: tuple[int, int], atlas: Atlas, _row: int) -> Page:
    x, y = (float(value) for value in atlas.latents[:, :2].mean(axis=0) + 1.2 * atlas.latents[:, :2].std(axis=0))
    page = opened(browser, f"{url}&v=1&at={x:.3f},{y:.3f}", size)
    page.locator(".xle-readout h1").wait_for()
    settle(page)
    return page


def _show_empty(browser: Browser, url: str, size: tuple[int, int], _atlas: Atlas, _row: int) -> Page:
    page = opened(browser, url, size)
    settle(page)
    return page


_STATES: dict[str, Callable[[Browser, str, tuple[int, int], Atlas, int], Page]] = {
    "picked": _show_picked,
    "selection": _show_selection,
    "decoded": _show_decoded,
    "empty": _show_empty,
}


@contextmanager
def damaged(atlas: Atlas, row: int, *, stuck: bool) -> Iterator[Path]:
    """Make a copy of the atlas, of links only, in which the spectrum of this row is cut short, or never comes."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / atlas.path.name
        shutil.copytree(atlas.path, copy, copy_function=lambda source, target: Path(target).symlink_to(source))
        counts = zarr.open_array(copy / "spectra.zarr" / "counts", mode="r")
        part = row // (counts.shards or counts.chunks)[0]
        if part == 0:  # the server reads its first spectrum before it answers
            raise ExplorerError("the gallery needs a larger atlas", where=atlas.path, todo="Take one of 100,000")
        victim = copy / "spectra.zarr" / "counts" / "c" / str(part) / "0"
        whole = victim.read_bytes()
        victim.unlink()
        if stuck:
            os.mkfifo(victim)  # a pipe that nobody writes to
        else:
            victim.write_bytes(whole[: len(whole) // 3])
        yield copy


def beside(browser: Browser, mock: Path, theme: str, out: Path) -> Path:
    """Put each state beside the mock's own rendering of it, ours at the left."""
    ink, ground = ("#e9edf3", "#0a0d12") if theme == "dark" else ("#14181e", "#eef0f3")
    width, height = _SMALL
    sheet = Image.new("RGB", (2 * width, len(STATES) * (height + _WORDS)), ground)
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(str(asset("fonts", "inter-latin-regular.ttf")), 17)
    for place, state in enumerate(STATES):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{mock.resolve().as_uri()}?theme={theme}&state={state}", timeout=1000 * PATIENCE_S)
        page.wait_for_timeout(500)
        page.screenshot(path=out / "mock.png")
        page.close()
        for column, (path, whose) in enumerate(
            [(out / f"{state}-{theme}-1440.webp", "the explorer"), (out / "mock.png", "the mock")]
        ):
            left, top = column * width, place * (height + _WORDS)
            draw.text((left + 12, top + 7), f"{state.capitalize()}: {whose}", fill=ink, font=font)
            with Image.open(path) as picture:
                small = picture.convert("RGB").resize(_SMALL, Image.Resampling.LANCZOS)
            sheet.paste(small, (left, top + _WORDS))
    (out / "mock.png").unlink()
    path = out / f"beside-{theme}.webp"
    sheet.save(path, quality=_QUALITY, method=6)
    return path
