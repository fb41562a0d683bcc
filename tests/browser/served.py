"""The app as a person meets it: a server of its own, and a watch over everything that goes wrong in a page."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request

ROOT = Path(__file__).resolve().parents[2]
START_S = 180
WAIT_MS = 60_000

#: Tornado's complaint about a page that was closed while the server wrote to it.
_LEFT_IN_MID_SENTENCE = re.compile(
    r"Task exception was never retrieved\nfuture: [^\n]*WebSocketClosedError"
    r".*?\ntornado\.websocket\.WebSocketClosedError\n",
    re.DOTALL,
)
#: Bokeh's, about a message of a page that was closed before it was answered: a record of the log that holds this line.
_LEFT_UNANSWERED = "assert self._session is not None"
_RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d)", re.MULTILINE)


@dataclass
class App:
    """A running server."""

    url: str
    log: Path
    atlas: Path
    process: subprocess.Popen[bytes]

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def faults(self, start: int) -> str:
        """What the log holds of tracebacks and errors after its character `start`; "" for none."""
        log = _LEFT_IN_MID_SENTENCE.sub("", self.log_text()[start:])
        log = "".join(record for record in _RECORD.split(log) if _LEFT_UNANSWERED not in record)
        return log[-3000:] if "Traceback" in log or re.search(r"\bERROR\b", log) else ""


def start_app(atlas: Path, log: Path, *arguments: str, warm: bool = True) -> App:
    """Serve explorer/app.py on a free port and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", "explorer/app.py", "--address", "127.0.0.1", "--port", str(port)]
    command += ["--warm"] if warm else []
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, *arguments, "--args", str(atlas)], cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT
        )
    app = App(f"http://127.0.0.1:{port}/app", log, atlas, process)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(app.url, timeout=START_S):
                return app
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    stop_app(app)
    pytest.fail(f"the server did not start:\n{app.log_text()[-3000:]}")


def stop_app(app: App) -> None:
    app.process.terminate()
    try:
        app.process.wait(10)
    except subprocess.TimeoutExpired:
        app.process.kill()
        app.process.wait()


@dataclass
class Watch:
    """What went wrong in a page, whether or not anybody looked."""

    problems: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url[:200]}"))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text[:500]}")

    def _request(self, request: Request) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", request.url):
            self.problems.append(f"a request leaves the machine: {request.url[:200]}")


OpenPage = Callable[..., Page]
