"""Long questions in chunks, one after the other; chunks whose answers a service cut are asked again in halves."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd
from rich.progress import Progress

from vae.archive.simbad.cache import AnswerCache
from vae.archive.simbad.manners import Manners, TooLargeError, Trouble, patiently
from vae.archive.simbad.sphere import separation_arcsec
from vae.errors import ServiceError

#: Column of answers that says which row of the question they are about.
ROW: Final = "source_row"
#: Columns of answers about positions, whoever gave them.
ANSWER: Final = (
    "main_id", "ra_deg", "dec_deg", "error_mas", "references", "otype_label", "otypes", "pm_ra_mas", "pm_dec_mas",
)  # fmt: skip
#: How far a distance that a service gives may be from that of the positions it gives.
_AGREE_ARCSEC: Final = 0.5


class Service(Protocol):
    """Somebody to ask.

    Attributes
    ----------
    name : str
        Short, for file names.
    url : str
    identity : str
        Everything but the rows that an answer depends on.
    largest : int
        Most rows of a question.
    """

    name: str
    url: str
    identity: str
    largest: int

    def ask(self, question: pd.DataFrame) -> pd.DataFrame:
        """Answer to a question: columns of the service's own after `ROW`, any number of rows for one asked.

        Raises
        ------
        Trouble
            When no whole answer came.
        TooLargeError
            When the answer was cut.
        """


@dataclass
class Asking:
    """What it took to get the answers.

    Parameters
    ----------
    requests : int
        Questions put to services.
    from_cache : int
        Questions answered from disk.
    split : int
        Questions that had to be halved.
    missing : int
        Questions that nobody answered, as nothing was to be asked.
    first, last : date or None
        When the services answered (UTC).
    """

    requests: int = 0
    from_cache: int = 0
    split: int = 0
    missing: int = 0
    first: datetime.date | None = None
    last: datetime.date | None = None

    def on(self, date: datetime.date) -> None:
        """Note the date of an answer."""
        self.first = date if self.first is None else min(self.first, date)
        self.last = date if self.last is None else max(self.last, date)


class Asker:
    """Puts questions in chunks and keeps the answers.

    Parameters
    ----------
    cache : AnswerCache
    manners : Manners
    offline : bool
        Ask nobody: what is on disk has to do.
    """

    def __init__(self, cache: AnswerCache, manners: Manners, *, offline: bool = False) -> None:
        self.cache, self.manners, self.offline = cache, manners, offline
        self.tally = Asking()

    def ask(
        self, service: Service, question: pd.DataFrame, *, chunk_rows: int, progress: Progress, title: str
    ) -> pd.DataFrame | None:
        """Return the answers to all rows, `ROW` counted through the whole question; None where some are missing.

        Raises
        ------
        ServiceError
            When the service does not answer. What it has answered is kept.
        """
        chunk_rows = min(chunk_rows, service.largest)
        # The last is asked first: halves are put back in order.
        waiting = [
            (start, min(start + chunk_rows, len(question))) for start in range(0, len(question), chunk_rows)
        ]  # fmt: skip
        waiting.reverse()
        task = progress.add_task(title, total=len(question))
        answers: list[pd.DataFrame] = []
        missing = 0
        while waiting:
            start, stop = waiting.pop()
            table = self._answer(service, question.iloc[start:stop].reset_index(drop=True))
            if table is None:
                missing += 1
            elif isinstance(table, pd.DataFrame):
                answers.append(table.assign(**{ROW: table[ROW] + start}))
                progress.update(task, advance=stop - start)
            else:
                middle = _middle(start, stop, service)
                waiting += [(middle, stop), (start, middle)]
        self.tally.missing += missing
        if missing or not answers:
            return None
        return pd.concat(answers, ignore_index=True)

    def _answer(self, service: Service, chunk: pd.DataFrame) -> pd.DataFrame | bool | None:
        """Answer to one chunk; True where it must be halved, None where nobody is to be asked."""
        key = self.cache.key(service.identity, chunk)
        known = self._known(service, key)
        if known is not None or self.offline:
            return known
        with self.cache.alone():
            known = self._known(service, key)  # another process may have asked the same
            return self._ask(service, key, chunk) if known is None else known

    def _known(self, service: Service, key: str) -> pd.DataFrame | bool | None:
        known = self.cache.get(service.name, key)
        if known is None or known.table is None:
            return None if known is None else True
        self.tally.from_cache += 1
        self.tally.on(known.date)
        return known.table

    def _ask(self, service: Service, key: str, chunk: pd.DataFrame) -> pd.DataFrame | bool:
        self.tally.requests += 1
        what = f"{len(chunk):,} rows were not answered"
        try:
            table = patiently(lambda: service.ask(chunk), self.manners, what=what, where=service.url)
        except TooLargeError:
            self.tally.split += 1
            self.cache.put(service.name, key, None)
            return True
        self.tally.on(self.cache.put(service.name, key, table).date)
        return table


def check_answer(question: pd.DataFrame, found: pd.DataFrame, distance_arcsec: pd.Series | None = None) -> None:
    """Raise `Trouble` where an answer is about rows that were not asked, or about another one than it says.

    Parameters
    ----------
    question : DataFrame
    found : DataFrame
        With `ROW`; with ``ra_deg`` and ``dec_deg`` where `distance_arcsec` is given.
    distance_arcsec : Series, optional
        Distance to the position asked for, by the service.
    """
    rows = found[ROW].to_numpy()
    if len(rows) and not (0 <= rows.min() and rows.max() < len(question)):
        raise Trouble("the answer is about rows that were not asked")
    if distance_arcsec is not None and len(rows):
        ours = separation_arcsec(
            question["ra_deg"].to_numpy()[rows], question["dec_deg"].to_numpy()[rows], found["ra_deg"], found["dec_deg"]
        )
        if not np.all(np.abs(ours - distance_arcsec.to_numpy()) < _AGREE_ARCSEC):
            raise Trouble("distances in the answer are not those of its positions")


def _middle(start: int, stop: int, service: Service) -> int:
    if stop - start < 2:
        raise ServiceError(
            "the answer to a single row exceeds the service's limit",
            where=service.url,
            todo="Search a smaller circle: --density-radius, --radius-cap",
        )
    return (start + stop) // 2
