"""Manners towards a host: so many requests a second, pauses when it asks for one, tries at growing intervals."""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from vae.errors import DownloadError

T = TypeVar("T")
#: Longest interval between two tries where the server names none [s].
_LONGEST_INTERVAL: Final = 60.0


class StoppedError(Exception):
    """The run is being stopped: nothing is to be begun any more."""


class TroubleError(Exception):
    """It may work next time.

    Parameters
    ----------
    what : str
        What happened.
    wait : float, optional
        Seconds that the server asked for.
    kind : str
        Under which it is listed when it is given up: ``failed``, or ``damaged`` where something came that is of no use.
    """

    def __init__(self, what: str, *, wait: float | None = None, kind: str = "failed") -> None:
        super().__init__(what)
        self.what, self.wait, self.kind = what, wait, kind


class RefusedError(Exception):
    """It will not work next time either.

    Parameters
    ----------
    kind : str
        ``absent``, ``refused`` or ``too-large``.
    what : str
    """

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind, self.what = kind, what


class Gate:
    """Lets requests to one host through, a few a second, and none while the host wants to be left alone.

    Parameters
    ----------
    rate : float
        Requests a second.
    stop : Event
        Set when the run is being stopped.
    """

    def __init__(self, rate: float, stop: threading.Event) -> None:
        self._interval = 1.0 / rate
        self._stop = stop
        self._lock = threading.Lock()
        self._next = self._closed_until = 0.0
        #: Requests let through.
        self.requests = 0

    def enter(self) -> None:
        """Wait for one's turn.

        Raises
        ------
        StoppedError
            When the run is being stopped.
        """
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._interval
        self.wait(turn - time.monotonic())
        while (rest := self._closed_until - time.monotonic()) > 0:
            self.wait(rest)
        with self._lock:
            self.requests += 1

    def close(self, seconds: float) -> None:
        """Let nobody through for so long."""
        with self._lock:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def wait(self, seconds: float) -> None:
        """Sleep, but wake up when the run is stopped.

        Raises
        ------
        StoppedError
            In that case.
        """
        if self._stop.wait(max(seconds, 0.0)):
            raise StoppedError

    def check(self) -> None:
        """Raise `StoppedError` when the run is being stopped."""
        self.wait(0.0)


def persist(work: Callable[[], T], gate: Gate, *, retries: int, backoff: float, patience: float, name: str) -> T:
    """Try, and try again at growing intervals.

    Parameters
    ----------
    work : callable
        Raises `TroubleError` where trying again may help.
    gate : Gate
        Of the host. A pause that the host asks for holds for all who wait there.
    retries : int
        Tries after the first.
    backoff : float
        First interval [s]; doubles up to a minute, with a scatter of a half so that not all come back at once.
    patience : float
        Longest pause that a host may ask for [s].
    name : str
        What is fetched; its scatter follows from it.

    Raises
    ------
    TroubleError
        The last one.
    DownloadError
        When the host asks for more than `patience`.
    """
    scatter = random.Random(name)
    for attempt in range(retries + 1):
        try:
            return work()
        except TroubleError as trouble:
            if trouble.wait is not None and trouble.wait > patience:
                raise DownloadError(
                    f"the server asks to be left alone for {trouble.wait:.0f} s ({trouble.what})",
                    where=name,
                    todo="Start the same command again after that: it goes on where it was",
                ) from trouble
            if trouble.wait is not None:
                gate.close(trouble.wait)
            if attempt == retries:
                raise
            interval = min(backoff * 2.0**attempt, _LONGEST_INTERVAL) * scatter.uniform(0.75, 1.25)
            gate.wait(interval if trouble.wait is None else 0.0)
    raise AssertionError("unreachable: the last try returns or raises")


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, section 10.2.3): a number, or a date.

    Parameters
    ----------
    value : str or None
        The header.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:  # "-0000": the standard wants GMT
        when = when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)
