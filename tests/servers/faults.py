"""What can go wrong between a server and us, as a script: the n-th request for something meets the n-th fault."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

ERROR_PAGE: Final = b"<html><head><title>Sorry</title></head><body><h1>We will be back soon</h1></body></html>\n"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""


@dataclass(frozen=True)
class Status(Fault):
    """An answer with another status than 200; `retry_after` is the header as it is sent."""

    code: int
    retry_after: str | None = None


@dataclass(frozen=True)
class Stall(Fault):
    """No answer for so many seconds, then the right one."""

    seconds: float


@dataclass(frozen=True)
class Truncated(Fault):
    """Right headers, a part of the body, and the connection ends."""

    keep: float = 0.5


@dataclass(frozen=True)
class Disconnect(Fault):
    """The connection ends without an answer."""


@dataclass(frozen=True)
class HtmlPage(Fault):
    """An error page with status 200."""

    body: bytes = ERROR_PAGE


@dataclass(frozen=True)
class WrongLength(Fault):
    """Content-Length is off by so many bytes; a length too small cuts the body."""

    by: int


@dataclass(frozen=True)
class Garbled(Fault):
    """All bytes come, and one in the middle is another."""


@dataclass(frozen=True)
class Redirect(Fault):
    """Elsewhere, with status 302."""

    to: str


class Faults:
    """A script of faults. Used by many threads.

    Each request takes the next fault of the first rule whose text is in its path and query.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[str, str | None, list[Fault], bool]] = []

    def add(self, text: str, *faults: Fault, method: str | None = None, always: bool = False) -> Faults:
        """Let the next requests for paths with `text` in them meet these faults; `always`: the last one for ever."""
        with self._lock:
            self._rules.append((text, method, list(faults), always))
        return self

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._rules.clear()

    @property
    def left(self) -> int:
        """Faults that nobody has met yet."""
        with self._lock:
            return sum(len(faults) for _, _, faults, _ in self._rules)

    def next(self, method: str, path: str) -> Fault | None:
        """Return what a request meets."""
        with self._lock:
            for text, wanted, faults, always in self._rules:
                if text in path and wanted in (None, method) and faults:
                    return faults[0] if always and len(faults) == 1 else faults.pop(0)
        return None
