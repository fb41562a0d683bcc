"""What a person feels: Chromium at 1440 x 900 on a warm server, ours beside a stock `datashade` map of the same points.

All times are taken in the page, from the event of the mouse to the paint after its answer.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from _benchmarks.processes import run_script
from _benchmarks.served import Served, serve
from _benchmarks.tiled import tile
from explorer.services import Services, services
from vae.errors import ExplorerError

#: Debian's Chromium, without what talks to anybody.
CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
WINDOW: Final = {"width": 1440, "height": 900}
TABS: Final = 10
CYCLES: Final = 50
#: Share of all detections in the lasso that is timed.
_LASSO_SHARE: Final = 0.3
_PROBE: Final = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
_HERE: Final = Path(__file__).resolve().parent
#: DESIGN's budgets [ms, MiB]: must, prize.
_BUDGETS: Final = {
    "wheel_ms": (None, 150),
    "lasso_ms": (150, 80),
    "pick_ms": (200, 100),
    "decode_ms": (200, 100),
    "first_map_ms": (3000, 1500),
    "live_map_ms": (3000, 1500),
    "server_rss_mib": (1024, None),
    "mib_per_tab": (10, None),
}


def measure(
    detections: int,
    seed: int,
    repeat: int,
    scratch: Path | None,
    atlas: Path | None = None,
    tabs: int = TABS,
    cycles: int = CYCLES,
    tile_to: int | None = None,
) -> dict[str, Any]:
    """Measure our page and the stock map, in turn, in one browser.

    Parameters
    ----------
    detections : int
        Size of the atlas that is built where none is given.
    seed : int
        Of its simulation.
    repeat : int
        Times each thing is done; medians are reported.
    scratch : Path, optional
        Where the atlas is built, and removed.
    atlas : Path, optional
        An atlas to use instead.
    tabs : int
        Tabs that pan at once.
    cycles : int
        Times that a page is opened and closed.
    tile_to : int, optional
        The given atlas is repeated until it has so many detections.

    Returns
    -------
    dict
        Medians [ms], memory [MiB], ratios to stock, and which budgets are met.
    """
    if not Path(CHROMIUM).exists():
        raise ExplorerError("no Chromium here", where=CHROMIUM, todo="Install it (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory(dir=scratch, prefix="benchmark-") as folder:
        path = atlas or Path(folder) / "atlas"
        if atlas is not None and tile_to is not None:
            path = tile(atlas, tile_to, seed, Path(folder) / "atlas")
        elif atlas is None:
            run_script("build_demo", "--detections", detections, "--seed", seed, "--out", path)
        opened = services(path)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            ours = _ours(browser, path, opened, repeat, tabs, cycles)
            stock = _stock(browser, path, repeat)
            browser.close()
    return {
        "cpu_count": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "detections": len(opened),
        "repeat": repeat,
        "window": list(WINDOW.values()),
        "ours": ours,
        "stock": stock,
        "times_faster_than_stock": {name: round(stock[name] / ours[name], 2) for name in ("wheel_ms", "live_map_ms")},
        "budgets": {
            name: {"measured": ours[name], "must": must, "prize": prize, "met": must is None or ours[name] <= must}
            for name, (must, prize) in _BUDGETS.items()
            if name in ours
        },
    }


# -- ours ------------------------------------------------------------------------------------------------------------
def _ours(browser: Browser, atlas: Path, opened: Services, repeat: int, tabs: int, cycles: int) -> dict[str, Any]:
    found = _Figures("ours")
    with serve("explorer/app.py", atlas) as served:
        found.add({"server_rss_mib": served.rss_mib()})
        _cycle(browser, served, 1)
        found.add(_opening(browser, served, repeat))
        with _page(browser, served) as page:
            found.add(_map(page, repeat))
            found.add(_inspector(page, opened, repeat))
            found.add(_lasso(page, opened, repeat))
        served.settle()
        found.add({"rss_before_tabs_mib": served.rss_mib()})
        found.add(_many_tabs(browser, served, tabs, repeat))
        served.settle()
        between = served.rss_mib()
        found.add({"rss_after_tabs_mib": between})
        _cycle(browser, served, cycles)
        served.settle()
        found.add({"cycles": cycles, "rss_growth_by_cycles_mib": round(served.rss_mib() - between, 1)})
    return found.figures


def _stock(browser: Browser, atlas: Path, repeat: int) -> dict[str, Any]:
    found = _Figures("stock")
    with serve(str(_HERE / "stock_map.py"), atlas) as served:
        _cycle(browser, served, 1)
        found.add(_opening(browser, served, repeat))
        with _page(browser, served) as page:
            found.add(_map(page, repeat, live=False))
        found.add({"server_rss_mib": served.rss_mib()})
    return found.figures


class _Figures:
    """What was measured so far, told on standard error as it comes: a long run that fails has said something."""

    def __init__(self, of: str) -> None:
        self.figures: dict[str, Any] = {}
        self._of, self._begun = of, time.monotonic()

    def add(self, figures: dict[str, Any]) -> None:
        self.figures |= figures
        words = ", ".join(f"{name} {value}" for name, value in figures.items())
        print(f"{time.monotonic() - self._begun:5.0f} s  {self._of}: {words}", file=sys.stderr, flush=True)


@contextmanager
def _page(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]  # a TypedDict of the same two
    context.add_init_script(_PROBE)
    page = context.new_page()
    page.goto(served.url)
    page.evaluate("probe.opened()")
    yield page
    context.close()


def _opening(browser: Browser, served: Served, repeat: int) -> dict[str, float]:
    """Open a page again and again, each until there is a map to look at, and until it is the one that follows the hand.

    Times are since the navigation began. A stock map is never only looked at: both are the same.
    """
    seen, live = [], []
    for _ in range(repeat):
        with _page(browser, served) as page:
            seen.append(float(page.evaluate("probe.seen()")))
            live.append(float(page.evaluate("probe.opened()")))
        served.settle()  # the page before is being forgotten: nobody opens one while another closes
    return {"first_map_ms": _median(seen), "live_map_ms": _median(live)}


def _cycle(browser: Browser, served: Served, times: int) -> None:
    for _ in range(times):
        with _page(browser, served):
            pass


def _map(page: Page, repeat: int, *, live: bool = True) -> dict[str, float]:
    """Wheel and pan, each until the image of the new view is painted.

    A stock map draws nothing anew while a hand drags, only when it lets go: there is no `live` pan to measure.
    """
    left, top, width, height = _figure(page)
    x, y = left + 0.45 * width, top + 0.5 * height
    page.mouse.move(x, y)
    page.wait_for_timeout(400)

    def wheel(turn: int) -> float:
        page.evaluate("probe.arm_image()")
        page.mouse.wheel(0, -240 if turn % 2 == 0 else 240)
        taken = float(page.evaluate("probe.since('wheel')"))
        page.wait_for_timeout(350)
        return taken

    def pan(turn: int) -> float:
        page.mouse.down()
        page.mouse.move(x + 12, y)  # enough to be a drag and no long press
        page.wait_for_timeout(400)
        page.evaluate("probe.arm_image()")
        page.mouse.move(x + (52 if turn % 2 == 0 else -28), y)
        taken = float(page.evaluate("probe.since('pointermove')"))
        page.mouse.up()
        page.mouse.move(x, y)
        page.wait_for_timeout(300)
        return taken

    wheel(0), wheel(1)  # the first turn of a page is not what a person remembers
    wheels = _until(wheel, repeat)
    found = {"wheel_ms": _median(wheels), "unanswered": repeat - len(wheels)}
    if live:
        pans = _until(pan, repeat)
        found |= {"pan_ms": _median(pans), "unanswered": found["unanswered"] + repeat - len(pans)}
    return found


def _until(do: Callable[[int], float], repeat: int) -> list[float]:
    """Return times of what was answered: Bokeh may lose a drag on a busy machine, and no image comes for it."""
    found = []
    for turn in range(repeat):
        try:
            found.append(do(turn))
        except BrowserError as error:
            lost = turn + 1 - len(found)
            if lost > 2 + turn // 4 or "did not come" not in str(error):
                raise
    return found


def _inspector(page: Page, opened: Services, repeat: int) -> dict[str, float]:
    """Click a detection, and click beside all of them, each until the spectrum is drawn."""
    page.keyboard.press("0")
    page.wait_for_timeout(600)
    left, top, width, height = _figure(page)
    x0, x1, y0, y1 = opened.home
    at = np.stack([(opened.x - x0) / (x1 - x0) * width, (y1 - opened.y) / (y1 - y0) * height], axis=1)
    inside = ((at > 120) & (at < np.array([width, height]) - 200)).all(axis=1)
    rows = np.random.default_rng(1).permutation(np.flatnonzero(inside))[: repeat + 1]
    bins = np.histogram2d(at[:, 0], at[:, 1], bins=[np.arange(0.0, width, 24), np.arange(0.0, height, 24)])[0]
    lit = np.array([bins[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].sum() for i, j in np.ndindex(bins.shape)])
    empty = (np.array(list(np.ndindex(bins.shape)))[lit == 0] + 0.5) * 24
    empty = empty[((empty > 70) & (empty < np.array([width, height]) - 70)).all(axis=1)]

    def click(place: Any) -> float:
        page.mouse.move(left + float(place[0]), top + float(place[1]))
        page.wait_for_timeout(150)  # a hand points before it clicks, and the page answers to that too
        page.evaluate("probe.arm_spectrum()")
        page.mouse.down()
        page.mouse.up()
        taken = float(page.evaluate("probe.since('pointerup')"))
        page.wait_for_timeout(450)
        return taken

    found = {"pick_ms": _median([click(at[row]) for row in rows][1:])}
    if len(empty):
        places = empty[np.random.default_rng(1).integers(0, len(empty), repeat)]
        places = places + np.arange(repeat)[:, None] % 9 - 4  # the same place twice would draw nothing new
        found["decode_ms"] = _median(map(click, places))
    return found


def _lasso(page: Page, opened: Services, repeat: int) -> dict[str, Any]:
    """Draw a lasso around a share of all, until its number is on the map."""
    left, top, width, height = _figure(page)
    x0, x1, y0, y1 = opened.home
    middle = np.array([np.median(opened.x), np.median(opened.y)])
    per = np.array([width / (x1 - x0), height / (y1 - y0)])
    away = np.hypot(*((np.column_stack([opened.x, opened.y]) - middle) * per).T)
    radius = float(np.quantile(away, _LASSO_SHARE))
    centre = np.array([left, top]) + (middle - [x0, y1]) * per * [1, -1]
    angles = np.linspace(0, 1.98 * np.pi, 400)
    ring = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def draw(turn: int) -> float:
        corners = centre + (1 + 0.01 * (turn % 5)) * ring  # the same lasso twice would change no number
        page.mouse.move(*corners[0])
        page.mouse.down()
        for corner in corners[10:]:  # the first step is long: a hand that hardly moves is a long press, and no drag
            page.mouse.move(*corner)
        page.evaluate("probe.arm_tag()")
        page.mouse.up()
        taken = float(page.evaluate("probe.since('pointerup')"))
        page.wait_for_timeout(500)
        return taken

    page.keyboard.press("l")
    page.locator('.xle-overlay [aria-label^="Lasso"][aria-pressed="true"]').wait_for()
    page.wait_for_timeout(300)
    taken = _median(map(draw, range(repeat)))
    page.keyboard.press("v")
    return {"lasso_ms": taken, "lasso_detections": int(np.count_nonzero(away <= radius))}


def _many_tabs(browser: Browser, served: Served, tabs: int, repeat: int) -> dict[str, Any]:
    """Memory of many tabs, and what panning costs in one of them and when all do it at once.

    Each has a window of its own, as ten persons have: a browser lets the timers of hidden tabs run once a second.
    """
    before, pages = served.rss_mib(), []
    for _ in range(tabs):
        page = browser.new_context(viewport=WINDOW).new_page()  # type: ignore[arg-type]  # a TypedDict of the same two
        page.add_init_script(_PROBE)
        page.goto(served.url)
        page.evaluate("probe.opened()")
        pages.append(page)
    rss = served.rss_mib()
    pages[0].wait_for_timeout(1000)  # what the last one does once it is open is done
    alone = list(pages[0].evaluate(f"probe.pan({repeat})"))
    for page in pages:
        page.evaluate(f"window.panned = probe.pan({repeat}), undefined")
    together = [time_ms for page in pages for time_ms in page.evaluate("window.panned")]
    for page in pages:
        page.context.close()
    return {
        "tabs": tabs,
        "mib_per_tab": round((rss - before) / tabs, 2),
        "pan_alone_ms": _median(alone),
        "pan_of_all_tabs_ms": _median(together),
        "pan_of_all_tabs_p90_ms": round(float(np.quantile(together, 0.9)), 1),
    }


# -- helpers ---------------------------------------------------------------------------------------------------------
def _figure(page: Page) -> tuple[float, float, float, float]:
    box = page.locator(".xle-map, .bk-Figure").first.bounding_box()
    assert box is not None, "there is no map in this page"
    return box["x"], box["y"], box["width"], box["height"]


def _median(values: Any) -> float:
    return round(float(statistics.median(values)), 1)
