"""Firefox, driven over WebDriver BiDi with real input actions.

Playwright drives only a Firefox of its own making, and Selenium's geckodriver is in no Debian package; npm's
puppeteer-core would need a node that a fresh machine lacks. BiDi is JSON over a websocket, Firefox serves it without a
driver, and tornado (which Bokeh brings) speaks websockets: these lines are all it takes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tornado.websocket import WebSocketClientConnection, websocket_connect

T = TypeVar("T")
FIREFOX = Path("/usr/bin/firefox-esr")
#: How long Firefox may take to start, to answer, and to show what a test waits for, on a busy machine too [s].
PATIENCE_S = 60
_PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}
#: `find("button.x")` looks through every shadow root.
_FIND = """const find = (selector, root = document) => {
  const roots = [...root.querySelectorAll("*")].map((node) => node.shadowRoot).filter(Boolean);
  return root.querySelector(selector) ?? roots.map((inner) => find(selector, inner)).find(Boolean) ?? null;
};"""


class Firefox:
    """One page of Firefox."""

    def __init__(self, socket: WebSocketClientConnection, loop: asyncio.AbstractEventLoop) -> None:
        self._socket, self._loop, self._sent = socket, loop, 0
        self.problems: list[str] = []
        self._ask("session.new", {"capabilities": {}})
        self._context = self._ask("browsingContext.getTree", {})["contexts"][0]["context"]
        self._ask("session.subscribe", {"events": ["log.entryAdded", "network.beforeRequestSent"]})

    def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._sent += 1
        return _finish(self._loop, self._exchange({"id": self._sent, "method": method, "params": parameters}))

    async def _exchange(self, question: dict[str, Any]) -> dict[str, Any]:
        await self._socket.write_message(json.dumps(question))
        while True:
            text = await asyncio.wait_for(self._socket.read_message(), PATIENCE_S)
            assert text is not None, "Firefox has gone"
            message = json.loads(text)
            if message.get("id") == question["id"]:
                assert message["type"] == "success", f"{question['method']}: {message.get('message')}"
                return dict(message["result"])
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "log.entryAdded" and parameters["level"] == "error":
            self.problems.append(f"{parameters['type']}: {parameters['text']}"[:500])
        if event.get("method") == "network.beforeRequestSent":
            url = parameters["request"]["url"]
            if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", url):
                self.problems.append(f"a request leaves the machine: {url[:200]}")

    def open(self, url: str, width: int = 1440, height: int = 900) -> None:
        """Open a page in a window of this size."""
        self._ask(
            "browsingContext.setViewport", {"context": self._context, "viewport": {"width": width, "height": height}}
        )
        self._ask("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript with ``find(selector)`` in scope; a JSON value comes back, True for an element."""
        answer = self._ask(
            "script.evaluate",
            {
                "expression": f"{{ {_FIND} const value = ({expression}); "
                "JSON.stringify(value instanceof Node ? true : value ?? null) }",
                "target": {"context": self._context},
                "awaitPromise": False,
            },
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true, and return its value."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            value = self.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"waited {PATIENCE_S} s in vain for: {expression}")

    def middle(self, selector: str) -> tuple[float, float]:
        """Return where the middle of an element is in the window."""
        box = self.wait(
            f"(() => {{ const b = find({json.dumps(selector)})?.getBoundingClientRect();"
            " return b && [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        return float(box[0]), float(box[1])

    def click(self, x: float, y: float) -> None:
        """Press and release the mouse."""
        self.drag([(x, y)])

    def drag(self, points: Sequence[tuple[float, float]]) -> None:
        """Press the mouse at the first point, move through the others, release it."""
        moves = [_move(x, y) for x, y in points]
        self._mouse([moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}])

    def move(self, x: float, y: float) -> None:
        """Move the mouse."""
        self._mouse([_move(x, y)])

    def _mouse(self, actions: list[dict[str, Any]]) -> None:
        self._act({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions})

    def wheel(self, x: float, y: float, dy: int) -> None:
        """Turn the wheel; negative is away from the hand."""
        turn = {"type": "scroll", "x": round(x), "y": round(y), "deltaX": 0, "deltaY": dy}
        self._act({"type": "wheel", "id": "wheel", "actions": [turn]})

    def press(self, key: str) -> None:
        """Press and release a key."""
        self._act(
            {"type": "key", "id": "keys", "actions": [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]}
        )

    def _act(self, source: dict[str, Any]) -> None:
        self._ask("input.performActions", {"context": self._context, "actions": [source]})

    def screenshot(self, path: Path) -> None:
        """Save what the window shows as PNG."""
        answer = self._ask("browsingContext.captureScreenshot", {"context": self._context})
        path.write_bytes(base64.b64decode(answer["data"]))


def _move(x: float, y: float) -> dict[str, Any]:
    return {"type": "pointerMove", "x": round(x), "y": round(y)}


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Run a headless Firefox with a fresh profile in this folder while the block runs."""
    profile = folder / "profile"
    profile.mkdir()
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    log = folder / "firefox.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [FIREFOX, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank"],
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    loop = asyncio.new_event_loop()  # in a thread of its own: Playwright's runs in this one
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Firefox(_finish(loop, _connect(f"{_address(log, process)}/session")), loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _finish(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(2 * PATIENCE_S)


async def _connect(url: str) -> WebSocketClientConnection:
    return await websocket_connect(url, max_message_size=64 * 2**20)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"Firefox did not start:\n{log.read_text(errors='replace')[-2000:]}")
