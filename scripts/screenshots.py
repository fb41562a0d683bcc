#!/usr/bin/env python
"""Take the pictures of the README: an atlas, a server and a headless Chromium (needs the dev extra's playwright)."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from _command import run
from playwright.sync_api import Browser, Page, sync_playwright
from scipy.spatial import cKDTree

from vae.atlas import Atlas
from vae.errors import ExplorerError

ROOT = Path(__file__).resolve().parent.parent
#: How long the server and a page may take, on a busy machine too [s].
PATIENCE_S = 180
#: Where a latent position is in the window, by the map's own scales.
TO_PIXELS = """([x, y]) => {
  const find = (view) => view.model?.type === "Figure" && view.model.css_classes.includes("xle-map") ? view
    : [...(view.child_views ?? [])].map(find).find(Boolean);
  const map = Object.values(Bokeh.index).map(find).find(Boolean);
  const box = map.el.getBoundingClientRect();
  return [box.left + map.frame.x_scale.compute(x), box.top + map.frame.y_scale.compute(y)];
}"""


@dataclass(frozen=True)
class Options:
    """Take pictures of the explorer: a picked source, a trajectory, a lasso; dark, light and small."""

    atlas: tyro.conf.Positional[Path]
    """Atlas to show."""
    out: Path = ROOT / "assets" / "screenshots"
    """Folder for the pictures."""
    source: int | None = None
    """source_id to pick; by default one that moves far in latent space and can be clicked on the whole map."""
    chromium: Path = Path("/usr/bin/chromium")
    """Chromium to drive."""
    json: bool = False
    """Print the summary as JSON."""


def main(options: Options) -> Mapping[str, Any]:
    """Take all pictures."""
    atlas = Atlas.open(options.atlas)
    position = striking_detection(atlas, options.source)
    options.out.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with server(options.atlas) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(options.chromium), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )

        def take(page: Page, name: str) -> None:
            page.wait_for_timeout(1500)  # frames and the marks' 160 ms have landed
            taken.append(options.out / f"{name}.png")
            page.screenshot(path=taken[-1])

        for suffix, theme, size in (
            ("", "dark", (1440, 900)),
            ("-light", "light", (1440, 900)),
            ("-small", "dark", (1280, 720)),
        ):
            page = opened(browser, f"{url}?theme={theme}", size)
            pick(page, position)
            take(page, f"picked{suffix}")
            page.get_by_role("tab", name="Trajectory").click()
            take(page, f"trajectory{suffix}")
            page.get_by_role("tab", name="Similar").click()
            take(page, f"similar{suffix}")
            page.keyboard.press("l")
            page.wait_for_selector('.xle-overlay button[title^="Lasso"][aria-pressed="true"]')
            lasso(page, around(atlas))
            take(page, f"lasso{suffix}")
            page.close()
        browser.close()
    return {"pictures": taken}


def striking_detection(atlas: Atlas, source: int | None) -> tuple[float, float]:
    """Latent position of an observation of a source that moves far, with no other detection near it."""
    mu = atlas.latents[:, :2]
    sources, members = np.unique(atlas.catalogue["source_id"].to_numpy(), return_inverse=True)
    if source is None:
        several = np.flatnonzero((np.bincount(members) >= 5) & (np.bincount(members) <= 14))
    else:
        several = np.flatnonzero(sources == source)
    if several.size == 0:
        raise ExplorerError(
            "no source to show", where=atlas.path, todo="Name one with --source, or take a larger atlas"
        )
    low, high = np.percentile(mu, [0.5, 99.5], axis=0)
    tree = cKDTree(mu)
    best: tuple[float, tuple[float, float]] | None = None
    for member in several:
        path = atlas.trajectory(int(sources[member]))
        rows = path["row"].to_numpy()
        steps = np.nan_to_num(path["step_significance"].to_numpy(dtype=float))
        track = mu[rows]
        if not ((track > low) & (track < high)).all() and source is None:
            continue
        alone = tree.query(track, k=2)[0][:, 1]
        # long tracks of significant steps, with an observation that a click can tell from its neighbours
        score = float(np.ptp(track, axis=0).sum() * np.mean(steps > 3) * min(alone.max() / 0.02, 1.0))
        if best is None or score > best[0]:
            at = track[int(alone.argmax())]
            best = score, (float(at[0]), float(at[1]))
    assert best is not None
    return best[1]


def around(atlas: Atlas) -> list[tuple[float, float]]:
    """Return a lasso around the middle of the X-ray binaries."""
    chosen = (atlas.catalogue["class_label"] == "X-ray binary").to_numpy()
    mu = atlas.latents[chosen, :2] if chosen.any() else atlas.latents[:, :2]
    middle, spread = np.median(mu, axis=0), 0.7 * np.percentile(np.abs(mu - np.median(mu, axis=0)), 68, axis=0)
    angles = np.linspace(0, 2 * np.pi, 40)
    wobble = 1 + 0.12 * np.sin(3 * angles)
    ring = middle + spread * (wobble * np.array([np.cos(angles), np.sin(angles)])).T
    return [(float(x), float(y)) for x, y in ring]


@contextmanager
def server(atlas: Path) -> Iterator[str]:
    """Serve the explorer while the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", "explorer/app.py", "--address", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--warm", "--args", str(atlas.resolve())], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/app", timeout=PATIENCE_S).close()
                    break
                except (urllib.error.URLError, ConnectionError):
                    if process.poll() is not None or time.monotonic() > deadline:
                        log.seek(0)
                        raise ExplorerError(
                            "the server did not start", where=atlas, todo=log.read().decode()[-1000:]
                        ) from None
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}/app"
        finally:
            process.terminate()
            process.wait()


def opened(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    """Open a page whose map has been drawn."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(1000 * PATIENCE_S)
    page.goto(url)
    page.wait_for_selector(".xle-overlay .density")
    return page


def pick(page: Page, position: tuple[float, float]) -> None:
    """Click at a latent position."""
    page.mouse.click(*page.evaluate(TO_PIXELS, list(position)))
    page.locator(".xle-readout h1").wait_for()
    page.mouse.move(5, 5)


def lasso(page: Page, ring: list[tuple[float, float]]) -> None:
    """Draw a lasso through latent positions."""
    points = [page.evaluate(TO_PIXELS, list(point)) for point in ring]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()
    page.locator(".xle-selection-count").first.wait_for()
    page.mouse.move(5, 5)


if __name__ == "__main__":
    run(main, Options)
