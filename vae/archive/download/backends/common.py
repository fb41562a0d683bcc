"""What every backend can do, and what those that list files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from vae.archive.download.arrivals import Archive, Arrived
from vae.archive.download.gate import Gate, RefusedError, TroubleError, persist
from vae.archive.download.names import product
from vae.archive.download.options import DownloadOptions
from vae.archive.download.records import Listed, Outcome, Pending
from vae.archive.download.web import Body

T = TypeVar("T")


@dataclass(frozen=True)
class Looked:
    """What an observation has of the sources asked for.

    Parameters
    ----------
    listed : tuple of Listed
    outcomes : tuple of Outcome
        Of products that came with the look.
    absent : str
        Why there is nothing of the observation at all; empty where there is.
    """

    listed: tuple[Listed, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    absent: str = ""


class Backend(ABC):
    """One place that products come from. Its methods are called by several threads.

    Parameters
    ----------
    options : DownloadOptions
    gate : Gate
        Every request goes through it.
    archive : Archive
        What is filled.
    """

    #: ``exact``, ``rounded`` or ``estimated``: what is known of sizes before anything is fetched.
    size_is = "exact"
    #: An observation can be looked at without fetching anything.
    can_list = True

    def __init__(self, options: DownloadOptions, gate: Gate, archive: Archive) -> None:
        self.options, self.gate, self.archive = options, gate, archive

    @abstractmethod
    def look(self, obs_id: str, src_nums: Sequence[int]) -> Looked:
        """Find out what an observation has of some sources.

        Raises
        ------
        TroubleError, RefusedError
            When the observation cannot be looked at.
        """

    @abstractmethod
    def fetch(self, batch: Sequence[Pending]) -> list[Outcome]:
        """Fetch what comes with one request."""

    def batches(self, pending: Iterable[Pending]) -> Iterator[list[Pending]]:
        """Cut the files to fetch into what comes with one request."""
        return ([one] for one in pending)

    def noted(self, obs_id: str, kinds: Iterable[str]) -> None:  # noqa: B027 - most keep nothing till then
        """Be told that the journal has what became of an observation's files of some kinds."""

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of connections."""

    def persist(self, work: Callable[[], T], name: str) -> T:
        """Try as often as the options say; see `vae.archive.download.gate.persist`."""
        options = self.options
        return persist(
            work, self.gate, retries=options.retries, backoff=options.backoff, patience=options.patience, name=name
        )

    def outcome(self, name: str, place: str, work: Callable[[], Arrived]) -> Outcome:
        """Try to bring a file to its place; say what became of it."""
        try:
            return Outcome(name, "there", place, self.persist(work, name))
        except (TroubleError, RefusedError) as error:
            return lost(name, error, self.options.retries)


class ListingBackend(Backend):
    """A backend with one request for a list, and one for each file."""

    @abstractmethod
    def open(self, one: Pending) -> AbstractContextManager[Body]:
        """Ask for a file."""

    def fetch(self, batch: Sequence[Pending]) -> list[Outcome]:
        """Fetch files one by one, those that lie in their places already excepted."""
        return [self._fetch(one) for one in batch]

    def _fetch(self, one: Pending) -> Outcome:
        named = product(one.name)
        assert named is not None, "the journal holds names of parsed products only"

        def work() -> Arrived:
            there = self.archive.adopt(named.place, one.kind, one.size)
            if there is not None:
                return there
            with self.open(one) as body:
                return self.archive.receive(
                    body.chunks, named.place, one.kind, length=_promised(one.size, body.length), md5=one.md5
                )

        return self.outcome(one.name, named.place, work)


def lost(name: str, error: TroubleError | RefusedError, retries: int) -> Outcome:
    """Say why a file is not there. What may come another time has failed, the rest is missing."""
    if isinstance(error, RefusedError):
        words = "the server lists it but has it not" if error.kind == "absent" else "the server refuses it"
        return Outcome(name, "missing", missing=error.kind, reason=f"{words} ({error.what})")
    return Outcome(
        name, "failed", missing=error.kind, reason=f"{error.what}, {retries + 1} times" if retries else error.what
    )


def _promised(listed: int | None, told: int | None) -> int | None:
    return told if listed is None else listed
