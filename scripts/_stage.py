"""The explorer on stage, for pictures of it: a server, pages of a headless Chromium, and a hand that draws."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Playwright
from scipy.spatial import cKDTree

from vae.atlas import Atlas
from vae.errors import ExplorerError

ROOT = Path(__file__).resolve().parent.parent
#: How long the server and a page may take, on a busy machine too [s].
PATIENCE_S = 180
#: How long a server may take to end [s].
_FAREWELL_S = 10
#: Where a latent position is in the window, by the map's own scales.
TO_PIXELS = """([x, y]) => {
  const find = (view) => view.model?.type === "Figure" && view.model.css_classes.includes("xle-map") ? view
    : [...(view.child_views ?? [])].map(find).find(Boolean);
  const map = [...(Bokeh.index.roots ?? Object.values(Bokeh.index))].map(find).find(Boolean);
  const box = map.el.getBoundingClientRect();
  return [box.left + map.frame.x_scale.compute(x), box.top + map.frame.y_scale.compute(y)];
}"""
#: Who takes pictures has been here before.
_SEEN = "try { localStorage.setItem('xle-hint-1', 'seen') } catch {}"


@contextmanager
def server(atlas: Path) -> Iterator[str]:
    """Serve the explorer while the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", "explorer/app.py", "--address", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--warm", "--args", str(atlas.absolute())], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
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
            try:
                process.wait(timeout=_FAREWELL_S)
            except subprocess.TimeoutExpired:  # a thread that waits for a spectrum that never comes holds it
                process.kill()
                process.wait()


def chromium(playwright: Playwright, path: Path) -> Browser:
    """Start Chromium."""
    return playwright.chromium.launch(
        executable_path=str(path), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
    )


def blank(browser: Browser, size: tuple[int, int]) -> Page:
    """Return a page without an address, for someone who has been here before."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(1000 * PATIENCE_S)
    page.add_init_script(_SEEN)
    return page


def opened(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    """Open a page whose map has been drawn."""
    page = blank(browser, size)
    page.goto(url)
    page.wait_for_selector(".xle-overlay .density")
    return page


def settle(page: Page) -> None:
    """Wait until frames, spectra and the marks' 160 ms have landed."""
    page.wait_for_timeout(1800)


def lasso(page: Page, ring: list[tuple[float, float]]) -> None:
    """Draw a lasso through latent positions."""
    page.keyboard.press("l")
    page.wait_for_selector('.xle-overlay button[aria-label^="Lasso"][aria-pressed="true"]')
    points = [page.evaluate(TO_PIXELS, list(point)) for point in ring]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()
    page.locator(".xle-selection-count").first.wait_for()
    page.mouse.move(5, 5)


def striking_detection(atlas: Atlas, source: int | None) -> int:
    """Catalogue row of an observation of a source that moves far, with no other detection near it."""
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
    best: tuple[float, int] | None = None
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
            best = score, int(rows[alone.argmax()])
    if best is None:
        raise ExplorerError("no source to show", where=atlas.path, todo="Name one with --source")
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
