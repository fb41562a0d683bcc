"""An HTTP/1.1 server on 127.0.0.1 in a thread of its own, which writes down what it was asked, and has faults."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from servers.faults import (
    Disconnect,
    Faults,
    Garbled,
    HtmlPage,
    Redirect,
    Stall,
    Status,
    Truncated,
    WrongLength,
)


@dataclass
class Request:
    """A request that came. `status` is what was answered, `whole` that all of the answer went out."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    whole: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class LoopbackServer(ABC):
    """Serves from its construction until `close`.

    Parameters
    ----------
    faults : Faults
        What goes wrong.
    delay : float
        Seconds before each answer.
    """

    def __init__(self, faults: Faults | None = None, *, delay: float = 0.0) -> None:
        self.faults = faults or Faults()
        self.requests: list[Request] = []
        self.most_at_once = 0
        self._at_once = 0
        self._delay = delay
        self._closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            server_of_tests = outer

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Answer a request."""

    @property
    def url(self) -> str:
        """Address, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def asked(self, text: str = "", method: str = "GET") -> list[Request]:
        """Return the requests so far whose path and query hold a text."""
        with self._lock:
            return [one for one in self.requests if one.method == method and text in one.target]

    def close(self) -> None:
        """Stop serving."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def handle(self, handler: _Handler, request: Request) -> None:
        """Write a request down, meet its fault, answer it."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self._closing.wait(self._delay)
            fault = self.faults.next(request.method, request.target)
            if isinstance(fault, Stall):
                self._closing.wait(fault.seconds)
            if isinstance(fault, Disconnect):
                handler.close_connection = True
                return
            answer = _faulty(fault, request, self.answer)
        finally:
            # before the answer is sent: a client may ask for the next thing as soon as it has it
            with self._lock:
                self._at_once -= 1
        handler.send_answer(request, answer, fault)


def _faulty(fault: Any, request: Request, answer: Any) -> Answer:
    if isinstance(fault, Status):
        headers = {"Content-Type": "text/html"}
        if fault.retry_after is not None:
            headers["Retry-After"] = fault.retry_after
        return Answer(fault.code, b"<html><body>no</body></html>", headers)
    if isinstance(fault, HtmlPage):
        return Answer(200, fault.body, {"Content-Type": "text/html; charset=UTF-8"})
    if isinstance(fault, Redirect):
        return Answer(302, b"", {"Location": fault.to})
    told = answer(request)
    if isinstance(fault, Garbled) and told.body:
        middle = len(told.body) // 2
        body = told.body[:middle] + bytes([told.body[middle] ^ 0xFF]) + told.body[middle + 1 :]
        return Answer(told.status, body, told.headers)
    return told


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_tests: LoopbackServer
    # One segment for headers and one for the body would wait for each other.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server_of_tests.handle(self, Request(self.command, self.path, dict(self.headers.items()), body))

    def send_answer(self, request: Request, answer: Answer, fault: Any) -> None:
        body = answer.body
        length = len(body)
        if isinstance(fault, WrongLength):
            length += fault.by
            body = body[: max(length, 0)]
        if isinstance(fault, Truncated):
            body = body[: int(len(body) * fault.keep)]
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        if isinstance(fault, Truncated | WrongLength):
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()
        request.status, request.whole = answer.status, len(body) == len(answer.body)

    def log_message(self, *_: Any) -> None:
        """Quietly: `LoopbackServer.requests` has it all."""
