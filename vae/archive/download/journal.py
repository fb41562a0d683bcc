"""The journal of an archive: who is wanted, what each one's files are, what became of them. One SQLite file.

What is noted survives the process, however it ends. A row is noted after its file is in place; a file that is in place
and not noted is found and taken over by the next run.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from vae.archive.download.arrivals import disk_full
from vae.archive.download.names import KINDS, RESPONSE
from vae.archive.download.records import Listed, Outcome, Pending
from vae.errors import DownloadError

_VERSION: Final = "1"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wanted (
    obs_id TEXT NOT NULL, src_num INTEGER NOT NULL, detid INTEGER,
    state TEXT NOT NULL DEFAULT 'new',   -- new, looked (its files are below), none (there are none), failed
    kind TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (obs_id, src_num)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, obs_id TEXT, src_num INTEGER, exposure TEXT,
    url TEXT NOT NULL DEFAULT '', size INTEGER, exact INTEGER NOT NULL DEFAULT 0, md5 TEXT,
    state TEXT NOT NULL,                 -- wanted, there, missing, failed
    missing TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL DEFAULT '', bytes INTEGER, sha256 TEXT NOT NULL DEFAULT '', response TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_of ON files (obs_id, src_num);
CREATE INDEX IF NOT EXISTS files_in ON files (state, obs_id);
"""
#: Columns of `Pending`.
_PENDING: Final = "f.name, f.kind, ifnull(f.obs_id, ''), ifnull(f.src_num, 0), f.url, iif(f.exact, f.size, NULL), f.md5"


class Journal:
    """The rows of an archive's journal. Used by one thread.

    Parameters
    ----------
    path : Path or None
        The file, made where there is none; None keeps all in memory.
    where : Path
        The archive, for error messages.
    """

    def __init__(self, path: Path | None, where: Path) -> None:
        self._where = where
        with self._told():
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            # A commit survives the process; that of the last seconds may not survive a power cut, which costs a look at
            # the files that lie there and nothing else.
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            version = self._meta("version", _VERSION)
        if version != _VERSION:
            raise DownloadError(
                f"its journal is of version {version}, and this program's is {_VERSION}",
                where=where,
                todo="Choose another --out",
            )

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def copy_from(self, path: Path) -> None:
        """Copy all rows of another journal's file, which is left as it is.

        Even to read a database SQLite writes beside it, so a copy of it is read.
        """
        with tempfile.TemporaryDirectory(prefix="journal-") as scratch:
            for file in path.parent.glob(f"{path.name}*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, scratch)
            with self._told(), closing(sqlite3.connect(Path(scratch, path.name))) as other:
                other.backup(self._db)

    def want(self, rows: Iterable[tuple[str, int, int | None]], origin: str, *, ask_again: bool) -> None:
        """Take down who is wanted.

        Parameters
        ----------
        rows : iterable of (OBS_ID, SRC_NUM, DETID or None)
        origin : str
            Which archive is asked. Where another one was, what it did not have is asked for again.
        ask_again : bool
            Do so in any case.
        """
        with self._written():
            # Those of earlier runs with another selection stay: what they have is told in the manifest.
            self._db.execute("CREATE TEMP TABLE now (obs_id TEXT, src_num INTEGER, PRIMARY KEY (obs_id, src_num))")
            for obs_id, src_num, detid in rows:
                self._db.execute("INSERT INTO now VALUES (?, ?)", (obs_id, src_num))
                self._db.execute(
                    "INSERT INTO wanted (obs_id, src_num, detid) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET detid = coalesce(excluded.detid, detid)",
                    (obs_id, src_num, detid),
                )
            if self._meta("origin", origin) != origin or ask_again:
                self._db.execute("UPDATE meta SET value = ? WHERE key = 'origin'", (origin,))
                self._db.execute(
                    "UPDATE wanted SET state = 'new', kind = '', reason = '' WHERE state != 'looked' OR EXISTS"
                    " (SELECT 1 FROM files f WHERE f.obs_id = wanted.obs_id AND f.src_num = wanted.src_num"
                    " AND f.state != 'there')"
                )
                self._db.execute("DELETE FROM files WHERE state != 'there'")
            self._db.execute("UPDATE wanted SET state = 'new', kind = '', reason = '' WHERE state = 'failed'")
            self._db.execute("UPDATE files SET state = 'wanted', missing = '', reason = '' WHERE state = 'failed'")
            # Matrices follow from spectra, each time.
            self._db.execute("DELETE FROM files WHERE kind = ? AND state != 'there'", (RESPONSE,))

    def forget_lost(self, out: Path) -> int:
        """Want again whatever is noted as being there and is not; return how many files that is."""
        lost = []
        for name, path, size in self._db.execute("SELECT name, path, bytes FROM files WHERE state = 'there'"):
            try:
                if (out / path).stat().st_size == size:
                    continue
            except OSError:
                pass
            lost.append((name,))
        with self._written():
            self._db.executemany("UPDATE files SET state = 'wanted', path = '', bytes = NULL WHERE name = ?", lost)
        return len(lost)

    def to_look(self) -> list[tuple[str, tuple[int, ...]]]:
        """Return the observations to look at, each with the sources wanted of it."""
        found: dict[str, list[int]] = {}
        for obs_id, src_num in self._db.execute(
            "SELECT obs_id, src_num FROM wanted NATURAL JOIN now WHERE state = 'new' ORDER BY obs_id, src_num"
        ):
            found.setdefault(obs_id, []).append(src_num)
        return [(obs_id, tuple(sources)) for obs_id, sources in found.items()]

    def note_look(
        self,
        obs_id: str,
        src_nums: Sequence[int],
        listed: Sequence[Listed],
        outcomes: Sequence[Outcome],
        absent: str,
    ) -> None:
        """Note what an observation has.

        Parameters
        ----------
        obs_id : str
        src_nums : sequence of int
            Those wanted.
        listed : sequence of Listed
            Their products.
        outcomes : sequence of Outcome
            Products that came with the look.
        absent : str
            Why there is none at all of the observation; empty where there is one.
        """
        by_name = {one.product.name: one for one in listed}
        have = {one.product.src_num for one in listed if one.product.kind == "spectrum"}
        with self._written():
            for one in listed:
                if one.product.kind != "spectrum":
                    continue
                for type_ in KINDS:
                    part = one.product.of_type(type_)
                    there = by_name.get(part.name)
                    self._db.execute(
                        "INSERT INTO files (name, kind, obs_id, src_num, exposure, url, size, exact, md5, state,"
                        " missing, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        " ON CONFLICT DO UPDATE SET url = excluded.url, size = excluded.size, exact = excluded.exact,"
                        " md5 = excluded.md5, state = excluded.state, missing = excluded.missing,"
                        " reason = excluded.reason WHERE state != 'there'",
                        (part.name, part.kind, obs_id, part.src_num, part.exposure, *_known(there, part.kind)),
                    )
            for src_num in src_nums:
                row = ("looked", "", "")
                if src_num not in have:
                    row = (
                        ("none", "no-observation", absent)
                        if absent
                        else ("none", "no-spectrum", "the observation has no pn spectrum of this source")
                    )
                self._db.execute(
                    "UPDATE wanted SET state = ?, kind = ?, reason = ? WHERE obs_id = ? AND src_num = ?",
                    (*row, obs_id, src_num),
                )
            self._note(outcomes)

    def note_unlooked(self, obs_id: str, src_nums: Sequence[int], state: str, kind: str, reason: str) -> None:
        """Note that an observation could not be looked at."""
        with self._written():
            self._db.executemany(
                "UPDATE wanted SET state = ?, kind = ?, reason = ? WHERE obs_id = ? AND src_num = ?",
                [(state, kind, reason, obs_id, src_num) for src_num in src_nums],
            )

    def want_response(self, name: str, url: str) -> None:
        """Note that a matrix is to be fetched."""
        with self._written():
            self._db.execute(
                "INSERT OR IGNORE INTO files (name, kind, url, state) VALUES (?, ?, ?, 'wanted')", (name, RESPONSE, url)
            )

    def lack_response(self, name: str, missing: str, reason: str) -> None:
        """Note that a matrix cannot be had."""
        with self._written():
            self._db.execute(
                "INSERT OR REPLACE INTO files (name, kind, state, missing, reason) VALUES (?, ?, ?, ?, ?)",
                (name, RESPONSE, "failed" if missing == "failed" else "missing", missing, reason),
            )

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of files."""
        with self._written():
            self._note(outcomes)

    def count_pending(self) -> tuple[int, int, int]:
        """Count the products to fetch for those wanted now.

        Returns
        -------
        n_files, n_known : int
            How many, and of how many of these the size is known, exactly or rounded.
        n_bytes : int
            The sum of these sizes.
        """
        query = "SELECT count(*), count(f.size), ifnull(sum(f.size), 0) FROM files f NATURAL JOIN now"
        query += " WHERE f.state = 'wanted'"
        n_files, n_known, n_bytes = self._db.execute(query).fetchone()
        return int(n_files), int(n_known), int(n_bytes)

    def pending(self) -> Iterator[Pending]:
        """Yield the products to fetch for those wanted now, observation by observation, kind by kind."""
        query = (
            f"SELECT {_PENDING} FROM files f NATURAL JOIN now WHERE f.state = 'wanted' AND f.obs_id = ?"
            " ORDER BY f.kind, f.name"
        )
        # A million rows are not held at a time, and no row changes while it is being read.
        for (obs_id,) in self._db.execute("SELECT DISTINCT obs_id FROM now ORDER BY obs_id").fetchall():
            yield from [Pending(*row) for row in self._db.execute(query, (obs_id,))]

    def pending_responses(self) -> list[Pending]:
        """Return the matrices to fetch."""
        query = f"SELECT {_PENDING} FROM files f WHERE f.kind = ? AND f.state = 'wanted' ORDER BY f.name"
        return [Pending(*row) for row in self._db.execute(query, (RESPONSE,))]

    def respfiles(self) -> list[str]:
        """Return what RESPFILE says in the spectra that are there, each once."""
        rows = self._db.execute("SELECT DISTINCT response FROM files WHERE kind = 'spectrum' AND state = 'there'")
        return sorted(row[0] for row in rows)

    def names(self, kind: str, state: str = "there") -> list[str]:
        """Return the names of files of a kind in a state."""
        rows = self._db.execute("SELECT name FROM files WHERE kind = ? AND state = ? ORDER BY name", (kind, state))
        return [row[0] for row in rows]

    def blocks(self, query: str, n_rows: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query, so many at a time; at least one block, which may be empty."""
        cursor = self._db.execute(query)
        block = cursor.fetchmany(n_rows)
        yield block
        while block := cursor.fetchmany(n_rows):
            yield block

    def counts(self) -> tuple[int, int]:
        """Return how many files are there, and how many are known of."""
        query = "SELECT count(*) FILTER (WHERE state = 'there'), count(*) FROM files"
        there, total = self._db.execute(query).fetchone()
        return int(there), int(total)

    def _note(self, outcomes: Iterable[Outcome]) -> None:
        for one in outcomes:
            arrived = one.arrived
            self._db.execute(
                "UPDATE files SET state = ?, path = ?, bytes = ?, sha256 = ?, response = ?, missing = ?, reason = ?"
                " WHERE name = ?",
                (
                    one.state, one.path, arrived.size if arrived else None, arrived.sha256 if arrived else "",
                    arrived.response if arrived else "", one.missing, one.reason, one.name,
                ),
            )  # fmt: skip

    def _meta(self, key: str, value: str) -> str:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, value))
        return str(self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    @contextmanager
    def _written(self) -> Iterator[None]:
        with self._told():
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk rolls back by itself
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise disk_full(self._where) from error
            raise DownloadError(
                f"its journal cannot be used ({error})", where=self._where, todo="Choose another --out"
            ) from error


def _known(there: Listed | None, kind: str) -> tuple[Any, ...]:
    """Columns url to reason of a product that an observation has, or has not beside its spectrum."""
    if there is None:
        return "", None, False, None, "missing", f"no-{kind}", f"the observation has the spectrum but not its {kind}"
    return there.url, there.size, there.exact, there.md5, "wanted", "", ""
