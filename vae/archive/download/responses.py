"""Redistribution matrices: which ones the spectra name, where they are had, one fetch each."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

from vae.archive.download.arrivals import RESPONSE_LIMIT, Archive, Arrived
from vae.archive.download.backends.common import lost
from vae.archive.download.backends.local import place_local
from vae.archive.download.gate import Gate, RefusedError, TroubleError, persist
from vae.archive.download.journal import Journal
from vae.archive.download.names import RESPONSE, Canned, canned, newest
from vae.archive.download.options import MANNERS, RESPONSES_URL, DownloadOptions
from vae.archive.download.records import Outcome, Pending
from vae.archive.download.web import fetched, index, session
from vae.errors import OptionError

T = TypeVar("T")
#: Connections to the host of matrices at a time.
MATRIX_CONNECTIONS: Final = 4
#: Longest RESPFILE that is repeated in a message.
_LONGEST: Final = 80


class Matrices(Protocol):
    """A place that matrices are had from."""

    def there(self) -> dict[Canned, str]:
        """Return what it has, and where each lies."""

    def fetch(self, one: Pending) -> Outcome:
        """Fetch one."""


def matrices_from(options: DownloadOptions, archive: Archive, gate: Gate) -> Matrices:
    """Return the place that the options name.

    Parameters
    ----------
    options : DownloadOptions
    archive : Archive
    gate : Gate
        Of its host.
    """
    place = options.responses_url or (str(options.source) if options.source else RESPONSES_URL)
    if re.match(r"https?://", place):
        return WebMatrices(place, options, archive, gate)
    if "://" in place or not Path(place).is_dir():
        raise OptionError(
            f"--responses-url {place} is neither a web address nor a folder", todo="Give http(s)://... or a folder"
        )
    return FolderMatrices(Path(place), options, archive)


def gate_for_matrices(stop: threading.Event) -> Gate:
    """Return a gate for the host of matrices: whichever it is, a single web server."""
    return Gate(MANNERS["heasarc-https"][1], stop)


class WebMatrices:
    """A web page that lists matrices."""

    def __init__(self, url: str, options: DownloadOptions, archive: Archive, gate: Gate) -> None:
        self._url, self._options, self._archive, self._gate = f"{url.rstrip('/')}/", options, archive, gate
        self._session = session(
            self._url, gate, timeout=options.timeout, limit=RESPONSE_LIMIT, connections=MATRIX_CONNECTIONS
        )

    def there(self) -> dict[Canned, str]:
        """Read the page.

        Raises
        ------
        TroubleError, RefusedError
        """
        entries = self._persist(lambda: index(self._session, self._url), self._url)
        parsed = ((canned(entry.name), entry) for entry in entries)
        return {one: self._url + entry.name for one, entry in parsed if one is not None}

    def fetch(self, one: Pending) -> Outcome:
        """Fetch a matrix, unless it lies in its place."""
        place = _place(one)

        def work() -> Arrived:
            there = self._archive.adopt(place, RESPONSE, None)
            if there is not None:
                return there
            with fetched(self._session, one.url) as body:
                return self._archive.receive(body.chunks, place, RESPONSE, length=body.length)

        try:
            return Outcome(one.name, "there", place, self._persist(work, one.name))
        except (TroubleError, RefusedError) as error:
            return lost(one.name, error, self._options.retries)

    def _persist(self, work: Callable[[], T], name: str) -> T:
        options = self._options
        return persist(
            work, self._gate, retries=options.retries, backoff=options.backoff, patience=options.patience, name=name
        )


class FolderMatrices:
    """A folder with matrices, at any depth."""

    def __init__(self, folder: Path, options: DownloadOptions, archive: Archive) -> None:
        self._folder, self._options, self._archive = folder.absolute(), options, archive

    def there(self) -> dict[Canned, str]:
        """Look through the folder."""
        found: dict[Canned, str] = {}
        for folder, names, files in os.walk(self._folder):
            names.sort()
            for file in sorted(files):
                one = canned(file)
                if one is not None:
                    found.setdefault(one, str(Path(folder, file)))
        return found

    def fetch(self, one: Pending) -> Outcome:
        """Link, copy or list a matrix."""
        place = one.url if self._options.placing == "list" else _place(one)
        try:
            arrived = place_local(Path(one.url), self._archive, place, RESPONSE, self._options.placing)
        except (TroubleError, RefusedError) as error:
            return Outcome(one.name, "missing", missing="damaged", reason=error.what)
        return Outcome(one.name, "there", place, arrived)


def matrix_of(respfile: str, there: list[Canned]) -> Canned | None:
    """Return which matrix a RESPFILE means, of those that are there."""
    wanted = canned(_base(respfile))
    return None if wanted is None else newest(wanted, there)


def note_wanted(journal: Journal, matrices: Matrices, *, ask_again: bool) -> None:
    """Note in the journal which matrices the spectra want; ask the place only where one is not there yet.

    Parameters
    ----------
    journal : Journal
    matrices : Matrices
    ask_again : bool
        Ask for newer versions of those that are there, too.
    """
    there = [one for one in map(canned, journal.names(RESPONSE)) if one is not None]
    wanted = []
    for respfile in journal.respfiles():
        if canned(_base(respfile)) is None:
            what = f"names {respfile[:_LONGEST]!r}, which is no canned matrix of EPIC-pn" if respfile else "is absent"
            journal.lack_response(respfile[:_LONGEST] or "NONE", "no-response", f"RESPFILE {what}")
        elif ask_again or matrix_of(respfile, there) is None:
            wanted.append(respfile)
    if not wanted:
        return
    try:
        offered = matrices.there()
    except (TroubleError, RefusedError) as error:
        kind = error.kind if isinstance(error, TroubleError) else "no-response"
        for respfile in wanted:
            if matrix_of(respfile, there) is None:
                journal.lack_response(_base(respfile), kind, f"the list of matrices cannot be had ({error.what})")
        return
    for respfile in wanted:
        chosen = matrix_of(respfile, list(offered))
        if chosen is not None:
            journal.want_response(chosen.name, offered[chosen])
        elif matrix_of(respfile, there) is None:
            journal.lack_response(_base(respfile), "no-response", "it is not where the matrices are listed")


def _place(one: Pending) -> str:
    named = canned(one.name)
    assert named is not None, "the journal holds names of parsed matrices only"
    return named.place


def _base(respfile: str) -> str:
    return re.split(r"[/\\]", respfile)[-1][:_LONGEST]
