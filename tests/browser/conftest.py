"""Chromium and the served app. Every page also fails on console errors, server tracebacks and outside requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from served import WAIT_MS, App, OpenPage, Watch, start_app, stop_app

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; tests are skipped in one line where it is missing, and fail in CI."""
    if not CHROMIUM.exists():
        reason = f"no Chromium at {CHROMIUM}: browser tests are skipped (Debian: apt install chromium)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def served_app(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[App]:
    """The app on the tiny simulated atlas, or on the one that EXPLORER_TEST_ATLAS names."""
    named = os.environ.get("EXPLORER_TEST_ATLAS")
    atlas = Path(named) if named else request.getfixturevalue("tiny_atlas")
    app = start_app(atlas, tmp_path_factory.mktemp("server") / "server.log")
    yield app
    stop_app(app)


@pytest.fixture
def open_page(browser: Browser, served_app: App) -> Iterator[OpenPage]:
    """Open pages of the app: ``open_page("?theme=light", width=1280, height=720)``."""
    before = len(served_app.log_text())
    watch, contexts = Watch(), []

    def open_one(query: str = "", *, width: int = 1440, height: int = 900) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        watch.attach(page)
        page.goto(served_app.url + query)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_one
    for context in contexts:
        context.close()
    faults = served_app.faults(before)
    if faults:
        watch.problems.append(f"the server's log: {faults}")
    assert not watch.problems, "\n".join(watch.problems)


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The app's page at 1440 x 900, dark."""
    return open_page()
