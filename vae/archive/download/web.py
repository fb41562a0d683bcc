"""HTTP with manners: sessions that wait their turn, time out, stay on http(s) and have a bound; index pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

import vae
from vae.archive.download.gate import Gate, RefusedError, TroubleError, retry_after

USER_AGENT: Final = f"xmm-latent-explorer/{vae.__version__}"
#: Bytes read at a time.
CHUNK: Final = 1 << 16
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_REDIRECTS: Final = 5
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE: Final = re.compile(r"(?<![\w:.-])(\d{1,12}(?:\.\d+)?)([KMG]?)(?![\w:.-])")


class PoliteAdapter(HTTPAdapter):
    """Sends each request when it is its turn, waits for no answer for ever, and takes no more than a bound.

    Parameters
    ----------
    gate : Gate
    timeout : float
        Longest silence [s].
    limit : int
        Most bytes of one answer.
    connections : int
        Kept open.
    """

    def __init__(self, gate: Gate, timeout: float, limit: int, connections: int = 1) -> None:
        self._gate, self._timeout, self._limit = gate, timeout, limit
        super().__init__(pool_maxsize=connections, max_retries=0)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Send a request; see `requests.adapters.HTTPAdapter.send`."""
        self._gate.enter()
        if kwargs.get("timeout") is None:  # astroquery gives none
            kwargs["timeout"] = self._timeout
        response = super().send(request, *args, **kwargs)
        response.raw = _Bounded(response.raw, self._limit, self._gate)
        return response


class _Bounded:
    """The body of an answer, as far as the bound."""

    def __init__(self, raw: Any, limit: int, gate: Gate) -> None:
        self._raw, self._limit, self._gate = raw, limit, gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int = CHUNK, decode_content: bool | None = None) -> Iterator[bytes]:
        size = 0
        for chunk in self._raw.stream(amt, decode_content=decode_content):
            self._gate.check()
            size += len(chunk)
            if size > self._limit:
                self._raw.close()
                raise RefusedError("too-large", f"more than the {self._limit} bytes that it can have")
            yield chunk


class _NoAdapter(HTTPAdapter):
    """Refuses: what was asked for under https does not come over http."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise requests.exceptions.InvalidSchema(f"{request.url} leaves https")


def session(base: str, gate: Gate, *, timeout: float, limit: int, connections: int = 1) -> requests.Session:
    """Return a session for a host.

    Parameters
    ----------
    base : str
        Its address. Redirections may not lead to anything but http(s), nor from https to http.
    gate : Gate
    timeout, limit, connections
        See `PoliteAdapter`.
    """
    made = requests.Session()
    made.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    mount(made, base, PoliteAdapter(gate, timeout, limit, connections))
    return made


def mount(onto: requests.Session, base: str, adapter: PoliteAdapter) -> None:
    """Let a session, our own or astroquery's, send all its requests through an adapter."""
    onto.max_redirects = _MOST_REDIRECTS
    onto.mount("https://", adapter)
    onto.mount("http://", _NoAdapter() if urlsplit(base).scheme == "https" else adapter)


@contextmanager
def trouble_told() -> Iterator[None]:
    """Turn what requests and urllib3 raise into `TroubleError` and `RefusedError`."""
    try:
        yield
    except (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL, requests.TooManyRedirects) as error:
        raise RefusedError("refused", f"a redirection that is not followed ({_short(error)})") from error
    except requests.HTTPError as error:
        check_status(error.response.status_code, error.response.headers)
        raise TroubleError(_short(error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise TroubleError(_short(error)) from error


def check_status(status: int, headers: Mapping[str, str]) -> None:
    """Raise what a status means: `TroubleError` with the pause asked for, or `RefusedError`; nothing for 200."""
    if status == 200:
        return
    if status in _LATER:
        raise TroubleError(f"HTTP status {status}", wait=retry_after(headers.get("Retry-After")))
    if status in (404, 410):
        raise RefusedError("absent", f"HTTP status {status}")
    raise RefusedError("refused", f"HTTP status {status}")


@dataclass(frozen=True)
class Body:
    """An answer's body on its way.

    Parameters
    ----------
    chunks : iterator of bytes
        As sent, nothing decoded.
    length : int or None
        Content-Length.
    """

    chunks: Iterator[bytes]
    length: int | None


@contextmanager
def fetched(over: requests.Session, url: str) -> Iterator[Body]:
    """Ask for a URL; its body is there to be read within the block.

    Raises
    ------
    TroubleError, RefusedError
    """
    with trouble_told(), over.get(url, stream=True) as response:
        check_status(response.status_code, response.headers)
        length = response.headers.get("Content-Length", "")
        # Undecoded: a server that declares a .FTZ to be gzip on the way means the very bytes of the file.
        yield Body(
            response.raw.stream(CHUNK, decode_content=False),
            int(length) if length.isdecimal() else None,
        )


@dataclass(frozen=True)
class Entry:
    """One file of an index page.

    Parameters
    ----------
    name : str
        Relative to the page: not trusted.
    size : int or None
        As the page shows it, mostly rounded to three digits [bytes].
    """

    name: str
    size: int | None


def index(over: requests.Session, url: str) -> list[Entry]:
    """Return what a folder's index page lists.

    Raises
    ------
    TroubleError
        Also when what came is no index page: an error page with status 200 must not pass for an empty folder.
    RefusedError
    """
    with fetched(over, url) as body:
        size, parts = 0, []
        for chunk in body.chunks:
            size += len(chunk)
            parts.append(chunk)
        if body.length is not None and size != body.length:
            raise TroubleError(f"{size} of {body.length} bytes of the index page came")
    page = _Page(url)
    page.feed(b"".join(parts).decode("utf-8", "replace"))
    page.close()
    if not page.whole or not (page.entries or page.says_index):
        raise TroubleError("no index page came, but something else", kind="failed")
    return page.entries


class _Page(HTMLParser):
    """Links of an index page to files of its own folder, each with the size beside it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._href: str | None = None
        self._in_link = False
        self._beside: list[str] = []
        self.entries: list[Entry] = []
        self.says_index = False
        self.whole = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._finish()
            self._href, self._in_link = dict(attrs).get("href"), True

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._in_link = False
        if tag in ("html", "body"):
            self.whole = True

    def handle_data(self, data: str) -> None:
        if re.search(r"\bindex of\b|\bdirectory listing\b", data, re.IGNORECASE):
            self.says_index = True
        if self._href is not None and not self._in_link:
            self._beside.append(data)

    def close(self) -> None:
        super().close()
        self._finish()

    def _finish(self) -> None:
        href, beside = self._href, " ".join(self._beside)
        self._href, self._beside = None, []
        if not href:
            return
        target = urljoin(self._url, href)
        name = target.removeprefix(self._url)
        if name == target or not name or re.search(r"[/?#\\]", name):
            return
        sizes = _SIZE.findall(beside)
        self.entries.append(Entry(name, round(float(sizes[-1][0]) * _UNITS[sizes[-1][1]]) if sizes else None))


def _short(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
