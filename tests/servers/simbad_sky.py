"""A small SIMBAD in memory, and what the servers that offer it share: uploads, VOTables, scripted faults.

A server takes its faults from a list, one a request that asks something: "ok", "404", "500", "503" (Retry-After: 1),
"503:2.5" (that many seconds), "503:date" (an HTTP date), "timeout" (no answer for as long as the server lives),
"truncated" (an answer cut in its middle, its length said right), "short" (a wrong Content-Length: longer than what
comes), "hangup" (the connection closed without an answer), "html" (a page with status 200), "overflow" (half of the
rows, and a VOTable that says so after the table), "overflow-before" (the same, said before), "error" (an error VOTable
with status 200), "empty".
"""

from __future__ import annotations

import email.parser
import email.policy
import email.utils
import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

#: Kind, unit and UCD of the columns, as SIMBAD gives them.
FIELDS = {
    "source_row": ("long", "", ""), "oid": ("long", "", ""), "main_id": ("char", "", "meta.id;meta.main"),
    "ra": ("double", "deg", "pos.eq.ra;meta.main"), "dec": ("double", "deg", "pos.eq.dec;meta.main"),
    "coo_err_maj": ("float", "mas", ""), "coo_err_min": ("float", "mas", ""), "coo_err_angle": ("short", "deg", ""),
    "nbref": ("int", "", "meta.bib"), "otype": ("char", "", "src.class"), "otypes": ("char", "", "src.class"),
    "main_type": ("char", "", "src.class"), "other_types": ("char", "", "src.class"),
    "pmra": ("double", "mas.yr-1", "pos.pm"), "pmdec": ("double", "mas.yr-1", "pos.pm"),
    "sep_deg": ("double", "deg", "pos.angDistance"), "angDist": ("double", "arcsec", "pos.angDistance"),
}  # fmt: skip


class SimbadSky:
    """Objects with positions and types.

    Parameters
    ----------
    objects : DataFrame
        ``main_id ra dec otype``; more columns of SIMBAD's table `basic` where wanted. ``otypes`` holds all types,
        joined by "|".
    """

    def __init__(self, objects: pd.DataFrame) -> None:
        table = objects.reset_index(drop=True).copy()
        for name, value in (
            ("coo_err_maj", 100.0), ("coo_err_min", 100.0), ("coo_err_angle", 90), ("nbref", 1), ("pmra", np.nan),
            ("pmdec", np.nan),
        ):  # fmt: skip
            if name not in table:
                table[name] = value
        if "otypes" not in table:
            table["otypes"] = table["otype"]
        table["oid"] = 1000 + np.arange(len(table))
        self.objects = table
        self._tree = cKDTree(_vectors(table["ra"], table["dec"])) if len(table) else None

    def near(self, ra: Any, dec: Any, radius_deg: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows asked and rows of `objects` within a radius of each other, and their distances [deg]."""
        centres = _vectors(ra, dec)
        if self._tree is None:
            return np.empty(0, int), np.empty(0, int), np.empty(0)
        chords = 2 * np.sin(np.radians(np.broadcast_to(radius_deg, len(centres))) / 2)
        found = self._tree.query_ball_point(centres, chords, return_sorted=True)
        asked = np.repeat(np.arange(len(centres)), [len(rows) for rows in found])
        rows = np.array([row for rows in found for row in rows], int)
        a, b = centres[asked], _vectors(self.objects["ra"], self.objects["dec"])[rows]
        return asked, rows, np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1)))


def _vectors(ra: Any, dec: Any) -> np.ndarray:
    ra, dec = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], -1).reshape(-1, 3)


@dataclass
class Log:
    """What a server was asked.

    Parameters
    ----------
    bodies : list of bytes
        What was posted, in order of arrival.
    answered : list of str
        How each was answered: "ok" or a fault.
    at_once : int
        Most requests that were on their way together.
    """

    bodies: list[bytes] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    at_once: int = 0


class Server(ThreadingHTTPServer):
    """A server on loopback with a script of faults."""

    daemon_threads = True

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], sky: SimbadSky, faults: Sequence[str], **limits: Any
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.sky, self.faults, self.limits = sky, list(faults), limits
        self.log = Log()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.now = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up, or are killed, are nothing to print about."""


class Handler(BaseHTTPRequestHandler):
    """Answers questions by `answer`, with the fault that is next."""

    server: Server
    protocol_version = "HTTP/1.1"
    counted = False

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self.server.log.paths.append(self.path)
        self.send(404, b"<html><title>Not found</title></html>", "text/html")

    def do_POST(self) -> None:
        server, log = self.server, self.server.log
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with server.lock:
            fault = server.faults.pop(0) if server.faults else "ok"
            server.now += 1
            log.at_once = max(log.at_once, server.now)
            log.bodies.append(body)
            log.answered.append(fault)
            log.times.append(time.monotonic())
            log.paths.append(self.path)
        self.counted = True
        try:
            self.reply(fault, body)
        finally:
            self.leave()

    def leave(self) -> None:
        """Count a question as answered: before the answer is sent, a client may ask the next as soon as it has it."""
        with self.server.lock:
            self.server.now -= self.counted
            self.counted = False

    def reply(self, fault: str, body: bytes) -> None:
        kind, _, extra = fault.partition(":")
        if kind == "timeout":
            self.server.closing.wait(60)
            self.close_connection = True
        elif kind == "hangup":
            self.close_connection = True
        elif kind == "html":
            self.send(
                200, b"<!DOCTYPE html>\n<html><head><title>Down for maintenance</title></head></html>", "text/html"
            )
        elif kind == "empty":
            self.send(200, b"", "application/x-votable+xml")
        elif kind.isdigit():
            headers = {}
            if kind == "503":
                when = email.utils.formatdate(time.time() + 1, usegmt=True) if extra == "date" else extra or "1"
                headers["Retry-After"] = when
            self.send(int(kind), b"<html><head><title>Proxy error</title></head></html>", "text/html", headers)
        else:
            status, document = self.answer(form(self.headers["Content-Type"], body), kind)
            if kind == "truncated":
                document = document[: len(document) // 2]
            length = len(document) + 100 if kind == "short" else len(document)
            self.send(status, document, "application/x-votable+xml", length=length)
            if kind == "short":
                self.close_connection = True

    def answer(self, fields: dict[str, bytes], fault: str) -> tuple[int, bytes]:
        raise NotImplementedError

    def send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.leave()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Fields of a posted form, files among them."""
    if not content_type.startswith("multipart/form-data"):
        from urllib.parse import parse_qsl

        return {name: value.encode() for name, value in parse_qsl(body.decode())}
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


def votable(table: pd.DataFrame, *, names: dict[str, str] | None = None, cut: str = "") -> bytes:
    """A table as SIMBAD sends it; `cut` says "before" or "after" where it has been cut."""
    out = io.StringIO()
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
    )
    out.write(
        f'<RESOURCE type="results">\n<INFO name="QUERY_STATUS" value="{"OVERFLOW" if cut == "before" else "OK"}"/>\n'
    )
    out.write("<TABLE>\n")
    for name in table.columns:
        kind, unit, ucd = FIELDS.get(name, ("double", "", ""))
        size = ' arraysize="*"' if kind == "char" else ""
        out.write(f'<FIELD name="{name}" datatype="{kind}"{size} unit="{unit}" ucd="{ucd}"/>\n')
    out.write("<DATA><TABLEDATA>\n")
    for row in table.itertuples(index=False):
        cells = ("" if pd.isna(value) else escape(str(value)) for value in row)
        out.write("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in cells) + "</TR>\n")
    out.write("</TABLEDATA></DATA>\n</TABLE>\n")
    if cut == "after":
        out.write('<INFO name="QUERY_STATUS" value="OVERFLOW"/>\n')
    out.write("</RESOURCE>\n</VOTABLE>\n")
    return out.getvalue().encode()


def error_votable(words: str) -> bytes:
    """An error as a VOTable."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">{escape(words)}</INFO></RESOURCE></VOTABLE>'
    ).encode()


def cut_to(table: pd.DataFrame, most: int | None, fault: str) -> tuple[pd.DataFrame, str]:
    """What the limits or a scripted fault leave of a table, and where the VOTable says so."""
    if fault in ("overflow", "overflow-before"):
        return table.iloc[: len(table) // 2], "before" if fault.endswith("before") else "after"
    if most is not None and len(table) > most:
        return table.iloc[:most], "after"
    return table, ""


@contextmanager
def serving(handler: type[Handler], sky: SimbadSky, faults: Sequence[str] = (), **limits: Any) -> Iterator[Server]:
    """Serve a sky on loopback until the block ends."""
    server = Server(handler, sky, faults, **limits)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def from_command_line(handler: type[Handler], path: str) -> None:
    """Serve the objects of a CSV file (``main_id ra dec otype`` ...) until killed; print the address first."""
    import sys

    sky = SimbadSky(pd.read_csv(sys.argv[1], keep_default_na=False, na_values={"pmra": "", "pmdec": ""}))
    with serving(handler, sky) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}{path}\n")
        sys.stdout.flush()
        threading.Event().wait()
