"""The page in Firefox: it opens without errors, and the hand does there what it does in Chromium."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from firefox import FIREFOX, PATIENCE_S, Firefox, firefox
from PIL import Image
from served import App

#: The map's figure: its box in the window and its ranges.
VIEW = """(() => {
  const up = (view) => view.model?.type === "Figure" && view.model.css_classes.includes("xle-map") ? view
    : [...(view.child_views ?? [])].map(up).find(Boolean);
  const map = [...(Bokeh.index.roots ?? Object.values(Bokeh.index))].map(up).find(Boolean);
  if (!map || !find(".density")) return null;
  const { left, top, width, height } = map.el.getBoundingClientRect();
  return { left, top, width, height, x0: map.model.x_range.start, x1: map.model.x_range.end };
})()"""


@pytest.fixture(scope="module")
def fox(served_app: App, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    if not FIREFOX.exists():
        reason = f"no Firefox at {FIREFOX}: its test is skipped (Debian: apt install firefox-esr)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with firefox(tmp_path_factory.mktemp("firefox")) as browser:
        browser.open(served_app.url)
        browser.wait("document.documentElement.dataset.ready !== undefined")
        yield browser


def lit(fox: Firefox, middle: tuple[float, float], path: Path) -> int:
    """Count the coloured pixels in the middle of the map, where there is no card and no number."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        fox.screenshot(path)
        x, y = map(round, middle)
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB").crop((x - 150, y - 150, x + 150, y + 150))).astype(int)
        count = int(np.count_nonzero(np.ptp(pixels, axis=2) > 40))
        if count or time.monotonic() > deadline:
            return count
        time.sleep(0.2)


def test_firefox_does_what_the_hand_asks(fox: Firefox, served_app: App, tmp_path: Path) -> None:
    before = len(served_app.log_text())
    start = fox.wait(VIEW)
    middle = start["left"] + start["width"] / 2, start["top"] + start["height"] / 2

    assert lit(fox, middle, tmp_path / "map.png") > 20  # frames arrive, unpack and show

    fox.wheel(*middle, -240)
    narrower = 0.95 * (start["x1"] - start["x0"])
    near = fox.wait(f"(() => {{ const now = {VIEW}; return now.x1 - now.x0 < {narrower} && now; }})()")
    fox.drag([middle, (middle[0] + 60, middle[1]), (middle[0] + 120, middle[1])])
    fox.wait(f"{VIEW}.x0 < {near['x0']} - 1e-6")
    fox.press("0")
    fox.wait(f"Math.abs({VIEW}.x0 - {start['x0']}) < 1e-6")

    fox.click(*middle)  # a detection or the place between them: either is told in the inspector
    fox.wait('find(".xle-readout h1, .id h1")?.textContent.length > 3')

    fox.press("l")
    fox.wait("""find('.tools button[aria-label^="Lasso"]').getAttribute("aria-pressed") === "true" """)
    x, y, r = *middle, start["height"] / 3
    fox.drag([(x + across * r, y + down * r) for across, down in ((-1, -1), (1, -1), (1, 0), (1, 1), (-1, 1), (-1, 0))])
    fox.wait("""/[1-9]/.test(find('[role=tab][data-tab=selection] .c').textContent)""")

    ground = "getComputedStyle(document.body).backgroundColor"
    dark = fox.evaluate(ground)
    fox.click(*fox.middle("#theme"))
    fox.wait('document.documentElement.dataset.theme === "light"')
    assert fox.evaluate(ground) != dark
    fox.press("?")
    fox.wait('find(".sheet")')
    fox.press("\ue00c")
    fox.wait('!find(".sheet")')
    assert fox.problems == []
    assert served_app.faults(before) == ""


def test_firefox_clips_nothing(fox: Firefox) -> None:
    root = "document.scrollingElement"
    assert fox.evaluate(f"{root}.scrollWidth <= innerWidth && {root}.scrollHeight <= innerHeight")
    assert fox.evaluate("document.fonts.check('13px \"Inter Variable\"', 'μ1')")
    map_box, slot = (fox.evaluate(f"find('{part}').getBoundingClientRect()") for part in (".xle-map", ".xle-mapslot"))
    assert map_box["width"] == pytest.approx(slot["width"], abs=1.5)
    assert map_box["height"] == pytest.approx(slot["height"], abs=1.5)
