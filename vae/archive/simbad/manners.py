"""How to behave towards a public service: one request at a time, pauses, patience; and whole answers or none.

Anything short of a whole answer becomes `Trouble`, whichever library asked: astroquery and pyvo read bodies in ways of
their own and hide what was wrong with them.
"""

from __future__ import annotations

import email.utils
import io
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import requests
from requests.adapters import HTTPAdapter

from vae.errors import ServiceError

T = TypeVar("T")

#: HTTP statuses that asking again does not change, with what to do about them.
_FINAL: Final = {
    400: "Report it: the service did not understand what this version asks",
    401: "Check whether the service has begun to ask for credentials",
    403: "The service refuses this address (CDS bans those that send jobs in parallel): ask cds-question@unistra.fr",
}
_TOO_LARGE: Final = 413
#: How much of an odd answer an error quotes.
_QUOTED: Final = 120


@dataclass(frozen=True)
class Manners:
    """How patiently a service is asked.

    Parameters
    ----------
    pause_s : float
        Rest between the end of a request and the start of the next.
    timeout_s : float
        The longest wait for a byte to come.
    tries : int
        How often the same thing is asked before giving up.
    backoff_s : float
        Wait after the first failure; doubled after each.
    longest_wait_s : float
        A service that asks for a longer pause (Retry-After) is not waited for: the answers so far are kept.
    sleep : callable
        Waits; tests put a clock of their own here.
    """

    pause_s: float = 1.0
    timeout_s: float = 300.0
    tries: int = 5
    backoff_s: float = 5.0
    longest_wait_s: float = 900.0
    sleep: Callable[[float], None] = time.sleep


class Trouble(requests.RequestException):
    """A request without a whole answer.

    Parameters
    ----------
    reason : str
        What happened, without a full stop.
    retry_after : float, optional
        Seconds for which the service asked to be left alone.
    todo : str, optional
        Set where asking again cannot help.
    too_large : bool
        Less should be asked at a time.
    """

    def __init__(
        self, reason: str, *, retry_after: float | None = None, todo: str | None = None, too_large: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.todo, self.too_large = reason, retry_after, todo, too_large


class TooLargeError(Exception):
    """The answer was cut at the service's limit, or the question was too long: ask for less."""


class PoliteAdapter(HTTPAdapter):
    """Sends one request at a time with pauses, reads the whole answer, and turns all that is wrong into `Trouble`."""

    #: Of the whole process: no two requests of this program are ever on their way at once.
    _one = threading.Lock()
    _ended: float | None = None

    def __init__(self, manners: Manners) -> None:
        super().__init__()
        self.manners = manners

    def send(self, request: Any, *args: Any, **keywords: Any) -> requests.Response:
        """Send a request; the answer's body is complete when this returns."""
        cls = type(self)
        with cls._one:
            if cls._ended is not None:
                rest = cls._ended + self.manners.pause_s - time.monotonic()
                if rest > 0:
                    self.manners.sleep(rest)
            try:
                return self._send(request, *args, **keywords)
            finally:
                cls._ended = time.monotonic()

    def _send(self, request: Any, *args: Any, **keywords: Any) -> requests.Response:
        request.headers["Connection"] = "close"  # nothing is held open over the pauses
        try:
            response = super().send(request, **{**keywords, "stream": True, "timeout": self.manners.timeout_s})
            body = response.content
        except requests.Timeout as error:
            raise Trouble(f"no answer within {self.manners.timeout_s:g} s") from error
        except (requests.RequestException, OSError) as error:
            raise Trouble(f"the connection failed ({_short(error)})") from error
        if response.status_code >= 400:
            raise Trouble(
                f"HTTP status {response.status_code} {response.reason}{_said(body)}",
                retry_after=_retry_after(response.headers.get("Retry-After")),
                todo=_FINAL.get(response.status_code),
                too_large=response.status_code == _TOO_LARGE,
            )
        check_whole(body)
        response.raw = _Body(body)  # pyvo reads it from here
        return response


class _Body(io.BytesIO):
    """A body that has been read and decoded already."""

    def read(self, size: int | None = -1, decode_content: bool | None = None) -> bytes:
        return super().read(size)


def check_whole(body: bytes) -> None:
    """Raise `Trouble` unless a body is an XML document, no web page, from its first tag to its last."""
    text = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    opening = re.search(rb"<([A-Za-z_][\w:.-]*)", text[:4096])
    if not text.startswith(b"<") or opening is None:
        raise Trouble(f"what came is no table but {_quote(text)!r}" if text else "the answer was empty")
    root = opening[1]
    if root.lower() == b"html" or re.match(rb"<!doctype\s+html", text, re.I):
        raise Trouble(f"a web page came instead of a table{_said(text)}")
    if not re.search(rb"(</" + re.escape(root) + rb"\s*>|/>)\s*$", text[-256:]):
        raise Trouble(f"the answer was cut off after {len(body)} bytes")


def patiently(call: Callable[[], T], manners: Manners, *, what: str, where: str) -> T:
    """Call until an answer comes, with growing waits; give up with a `ServiceError`.

    Raises
    ------
    TooLargeError
        When the service wants less at a time.
    ServiceError
        After `Manners.tries`, or at once where asking again cannot help.
    """
    kept = "What has been answered is kept: run the same command again to go on"
    for attempt in range(1, manners.tries + 1):
        try:
            return call()
        except Trouble as trouble:
            if trouble.too_large:
                raise TooLargeError from trouble
            if trouble.todo:
                raise ServiceError(f"{what}: {trouble.reason}", where=where, todo=trouble.todo) from trouble
            wait = manners.backoff_s * 2 ** (attempt - 1) if trouble.retry_after is None else trouble.retry_after
            if attempt == manners.tries:
                raise ServiceError(
                    f"{what}: {trouble.reason}, {attempt} times in a row", where=where, todo=f"{kept}, later"
                ) from trouble
            if wait > manners.longest_wait_s:
                raise ServiceError(
                    f"{what}: {trouble.reason}; it asks to be left alone for {wait:.0f} s", where=where, todo=kept
                ) from trouble
            manners.sleep(wait)
    raise ServiceError("Manners.tries must be at least 1", where=where)


def trouble_below(error: BaseException | None) -> Trouble | None:
    """Find what the adapter said below what a library made of it; None where it said nothing."""
    while error is not None:
        if isinstance(error, Trouble):
            return error
        error = error.__cause__ or error.__context__
    return None


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(moment.timestamp() - time.time(), 0.0)


def _short(error: BaseException) -> str:
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        error = reason
    return _quote(str(error).encode())


def _said(body: bytes) -> str:
    """Words of an error page or an error VOTable, for a message."""
    info = re.search(rb'<INFO[^>]*QUERY_STATUS[^>]*value="ERROR"[^>]*>(.*?)</INFO>', body, re.S)
    title = info or re.search(rb"<title[^>]*>(.*?)</title>", body, re.S | re.I)
    words = _quote(title[1] if title else b"")
    return f" ({words})" if words else ""


def _quote(text: bytes) -> str:
    words = " ".join(re.sub(r"<[^>]*>", " ", text[:2000].decode("utf-8", "replace")).split())
    return words if len(words) <= _QUOTED else words[:_QUOTED].rstrip() + " ..."
