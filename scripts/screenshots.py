#!/usr/bin/env python
"""Take the pictures of the README and the gallery: a server and a headless Chromium (needs the dev extra)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import _gallery
import tyro
from _command import run
from _stage import ROOT, TO_PIXELS, around, chromium, lasso, opened, server, settle, striking_detection
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from vae.atlas import Atlas

#: Colours that a picture of the README keeps.
_COLOURS: Final = 256


@dataclass(frozen=True)
class Options:
    """Take pictures of the explorer: those of the README, and each state of the look at three sizes in both themes."""

    atlas: tyro.conf.Positional[Path]
    """Atlas to show."""
    out: Path = ROOT / "assets" / "screenshots"
    """Folder for the pictures; the gallery goes into its folder gallery."""
    source: int | None = None
    """source_id to pick; by default one that moves far in latent space and can be clicked on the whole map."""
    mock: Path = ROOT.parent / "shared" / "look" / "mock.html"
    """Page of the look to put beside ours; left out where it is not."""
    gallery: bool = True
    """Whether to take the gallery too."""
    chromium: Path = Path("/usr/bin/chromium")
    """Chromium to drive."""
    json: bool = False
    """Print the summary as JSON."""


def main(options: Options) -> Mapping[str, Any]:
    """Take all pictures."""
    atlas = Atlas.open(options.atlas)
    row = striking_detection(atlas, options.source)
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium(playwright, options.chromium)
        with server(atlas.path) as url:
            taken = for_readme(browser, url, atlas, row, options.out)
        if options.gallery:
            mock = options.mock if options.mock.exists() else None
            taken += _gallery.take(browser, atlas, row, options.out / "gallery", mock)
        browser.close()
    return {"pictures": taken, "megabytes": round(sum(path.stat().st_size for path in taken) / 1e6, 2)}


def for_readme(browser: Browser, url: str, atlas: Atlas, row: int, out: Path) -> list[Path]:
    """Take the README's four: a pick in both themes, its trajectory, a lasso."""
    taken = []

    def take(name: str) -> None:
        settle(page)
        taken.append(out / f"{name}.png")
        page.screenshot(path=taken[-1])
        with Image.open(taken[-1]) as picture:
            small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        small.save(taken[-1], optimize=True)

    for suffix, theme in (("-light", "light"), ("", "dark")):
        page = opened(browser, f"{url}?theme={theme}", (1440, 900))
        settle(page)
        page.mouse.click(*page.evaluate(TO_PIXELS, [float(value) for value in atlas.latents[row, :2]]))
        page.locator(".xle-readout h1").wait_for()
        page.mouse.move(5, 5)
        take(f"picked{suffix}")
        if theme == "dark":
            page.get_by_role("tab", name="Trajectory").click()
            take("trajectory")
            lasso(page, around(atlas))
            take("lasso")
        page.close()
    return taken


if __name__ == "__main__":
    run(main, Options)
