"""Answers of services on disk, so that nothing is asked twice: after an interruption, or of another atlas."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
from platformdirs import user_cache_path

from vae.files import new_file

#: Rises when what an answer holds changes.
_VERSION: Final = 1
_SPLIT: Final = "split"
_TABLE: Final = "parquet"


@dataclass(frozen=True)
class Answer:
    """What is known of a question.

    Parameters
    ----------
    table : DataFrame or None
        None where the service cut its answer: the halves were asked instead.
    date : date
        When the service answered (UTC).
    """

    table: pd.DataFrame | None
    date: datetime.date


class AnswerCache:
    """A folder with one file an answer, ``SERVICE-KEY-DATE.parquet``; files appear whole, under their names, or not.

    Parameters
    ----------
    folder : Path, optional
        The user's cache folder by default.
    max_age_days : float
        Older answers are not used. SIMBAD changes daily, slowly.
    today : date, optional
        For tests.
    """

    def __init__(
        self, folder: Path | None = None, *, max_age_days: float = 90.0, today: datetime.date | None = None
    ) -> None:
        self.folder = folder or user_cache_path("xmm-latent-explorer", ensure_exists=False) / "simbad"
        self.max_age_days = max_age_days
        self.today = today or datetime.datetime.now(datetime.UTC).date()

    @staticmethod
    def key(identity: str, question: pd.DataFrame) -> str:
        """Name of a question: whom it asks and how (`identity`: address, query, radius), and all that it sends."""
        digest = hashlib.sha256(f"{_VERSION}|{identity}|{','.join(question.columns)}|{len(question)}".encode())
        for name in question.columns:
            column = question[name]
            plain = column.to_numpy().tobytes() if column.dtype.kind in "if" else "\n".join(column).encode()
            digest.update(plain)
        return digest.hexdigest()[:32]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process that uses this folder asks anything. The system lets go when its holder dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".asking.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def get(self, service: str, key: str) -> Answer | None:
        """Return the newest answer that is not too old, None where there is none."""
        for path in sorted(self.folder.glob(f"{service}-{key}-*.*"), key=lambda path: path.name, reverse=True):
            date = _date(path)
            if date is None or (self.today - date).days > self.max_age_days:
                continue
            if path.suffix == f".{_SPLIT}":
                return Answer(None, date)
            try:
                return Answer(pd.read_parquet(path), date)
            except (OSError, ValueError, pa.ArrowException):
                path.unlink(missing_ok=True)  # damaged by something else: it is asked again
        return None

    def put(self, service: str, key: str, table: pd.DataFrame | None) -> Answer:
        """Keep an answer; None for one that the service cut."""
        suffix = _SPLIT if table is None else _TABLE
        with new_file(self.folder / f"{service}-{key}-{self.today.isoformat()}.{suffix}") as work:
            if table is None:
                work.touch()
            else:
                table.to_parquet(work, index=False)
        return Answer(table, self.today)


def _date(path: Path) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat("-".join(path.stem.split("-")[-3:]))
    except ValueError:
        return None
