"""Downloads, in the order of things: who is wanted, what there is of them, products, matrices, tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pandas as pd

from vae.archive.download import manifest
from vae.archive.download.arrivals import Archive, disk_full_told, refuse_too_small
from vae.archive.download.backends import Backend, Looked, choose_backend
from vae.archive.download.gate import Gate, RefusedError, TroubleError
from vae.archive.download.journal import Journal
from vae.archive.download.names import KINDS, RESPONSE, observation, source_number
from vae.archive.download.options import BYTES_PER_DETECTION, DownloadOptions, DownloadSummary
from vae.archive.download.records import Outcome
from vae.archive.download.responses import MATRIX_CONNECTIONS, gate_for_matrices, matrices_from, note_wanted
from vae.archive.download.workers import Workers
from vae.archive.tables import BOOKS
from vae.errors import CatalogueError, DownloadError
from vae.files import only_one
from vae.progress import progress_bar

#: So many files given up one after the other: the server is down, and a million tries would not help.
_GIVEN_UP_IN_A_ROW: Final = 30
_JOURNAL: Final = "journal.sqlite"


def download(
    table: pd.DataFrame,
    out: str | Path,
    options: DownloadOptions | None = None,
    *,
    quiet: bool = False,
    dry_run: bool = False,
) -> DownloadSummary:
    """Fetch source spectrum, background and area of each detection from every pn exposure, and the matrices they name.

    Interrupted, even by kill -9, the same call goes on where it was: what is there is not fetched again.

    Parameters
    ----------
    table : DataFrame
        Columns `OBS_ID` (ten characters) and `SRC_NUM`; `DETID` where it is known.
    out : str or Path
        The archive: ``OBS_ID/pps/`` and ``responses/`` with files, ``manifest.parquet`` (path, url, bytes, SHA-256,
        kind, DETID, OBS_ID, SRC_NUM, status of each), ``missing.csv`` (what is not there, and why).
    options : DownloadOptions
    quiet : bool
        No progress bars.
    dry_run : bool
        Look only, and write nothing: the summary tells how many files and GiB are to come.

    Returns
    -------
    DownloadSummary

    Raises
    ------
    DownloadError
        When the disk is full or clearly too small, or the server is down or asks for more patience than the options
        have. The archive can be gone on with in all cases.
    CatalogueError
        When the table names no detections.
    """
    started = time.perf_counter()
    out, options = Path(out), options or DownloadOptions()
    wanted = _wanted(table)
    path = out / BOOKS / _JOURNAL
    if out.exists() and not path.exists() and any(out.iterdir()):
        raise DownloadError("it exists, and is no download's", where=out, todo="Choose another --out")
    archive = Archive(out)
    run = _Run(options, archive, quiet=quiet)
    if dry_run:
        with closing(Journal(None, out)) as journal:
            if path.exists():
                journal.copy_from(path)
            return run.foresee(journal, wanted, started)
    out.parent.mkdir(parents=True, exist_ok=True)
    with only_one(out):
        with disk_full_told(out):
            archive.prepare()
        with closing(Journal(path, out)) as journal:
            try:
                return run.all(journal, wanted, started)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(_kept(journal, out)) from None


def _wanted(table: pd.DataFrame) -> list[tuple[str, int, int | None]]:
    lacking = [name for name in ("OBS_ID", "SRC_NUM") if name not in table]
    if lacking:
        raise CatalogueError(f"the table lacks the column {' and '.join(lacking)}", todo="Give detections of 4XMM")
    identifiers = table["DETID"] if "DETID" in table else pd.Series([pd.NA] * len(table), dtype="Int64")
    rows = {
        (observation(obs_id), source_number(src_num)): None if pd.isna(detid) else int(detid)
        for obs_id, src_num, detid in zip(table["OBS_ID"], table["SRC_NUM"], identifiers, strict=True)
    }
    if not rows:
        raise CatalogueError("no detection is wanted", todo="Loosen the cuts")
    return [(obs_id, src_num, detid) for (obs_id, src_num), detid in rows.items()]


class _Run:
    """One run of a download."""

    def __init__(self, options: DownloadOptions, archive: Archive, *, quiet: bool) -> None:
        self.options, self.archive, self.quiet = options, archive, quiet
        self.stop = threading.Event()
        self.connections, rate = options.manners
        self.gate = Gate(rate, self.stop)
        self.matrix_gate = gate_for_matrices(self.stop)
        self.fetched = self.adopted = self.already = self._in_a_row = 0

    def foresee(self, journal: Journal, wanted: list[tuple[str, int, int | None]], started: float) -> DownloadSummary:
        """Say what there is to fetch."""
        journal.want(wanted, self._origin(), ask_again=self.options.ask_again)
        with self._backend() as backend:
            if backend.can_list:
                self._look(journal, backend)
        n_files, n_known, n_bytes = journal.count_pending()
        size_is = backend.size_is
        if not backend.can_list:
            n_files += len(KINDS) * sum(len(src_nums) for _, src_nums in journal.to_look())
        if n_known < n_files:
            n_bytes, size_is = n_bytes + (n_files - n_known) * BYTES_PER_DETECTION // len(KINDS), "estimated"
        return self._summary(journal, wanted, started, n_files, n_bytes, size_is)

    def all(self, journal: Journal, wanted: list[tuple[str, int, int | None]], started: float) -> DownloadSummary:
        """Download."""
        journal.forget_lost(self.archive.out)
        journal.want(wanted, self._origin(), ask_again=self.options.ask_again)
        self.already, _ = journal.counts()
        with self._backend() as backend:
            if not backend.can_list:
                n_new = sum(len(src_nums) for _, src_nums in journal.to_look())
                refuse_too_small(self.archive.out, n_new * BYTES_PER_DETECTION)
            self._look(journal, backend)
            self._products(journal, backend)
        if self.options.responses:
            self._matrices(journal)
        table = manifest.manifest(journal)
        with disk_full_told(self.archive.out):
            written = manifest.write(table, self.archive.out)
        n_bytes = int(table.loc[table["status"] == "there", "bytes"].sum())
        return self._summary(journal, wanted, started, 0, n_bytes, "exact", table, written)

    def _origin(self) -> str:
        """Which archive is asked."""
        options = self.options
        return f"{options.backend} {options.endpoint} {options.bucket} {options.prefix} {options.source}"

    @contextmanager
    def _backend(self) -> Iterator[Backend]:
        with closing(choose_backend(self.options, self.gate, self.archive)) as backend:
            yield backend

    def _look(self, journal: Journal, backend: Backend) -> None:
        """Find out what each observation has."""
        jobs = journal.to_look()

        def look(job: tuple[str, tuple[int, ...]]) -> Looked | TroubleError | RefusedError:
            try:
                return backend.look(*job)
            except (TroubleError, RefusedError) as error:
                return error

        with progress_bar(quiet=self.quiet) as progress, Workers(self.connections, self.stop) as workers:
            task = progress.add_task("Looking at observations", total=len(jobs))
            for (obs_id, src_nums), found in workers.each(look, jobs):
                if isinstance(found, Looked):
                    journal.note_look(obs_id, src_nums, found.listed, found.outcomes, found.absent)
                    backend.noted(obs_id, ["spectrum"])
                    self._count(found.outcomes)
                    self._in_a_row = 0
                elif isinstance(found, TroubleError) or backend.can_list:
                    # A list that is refused is a wrong address or an archive that is closed, not an observation's lack.
                    journal.note_unlooked(obs_id, src_nums, "failed", found.kind, found.what)
                    self._given_up(found.what)
                else:
                    journal.note_unlooked(obs_id, src_nums, "none", found.kind, found.what)
                progress.advance(task)

    def _products(self, journal: Journal, backend: Backend) -> None:
        """Fetch what is wanted and not there."""
        n_files, _, n_bytes = journal.count_pending()
        self._refuse_too_small(n_bytes)
        with progress_bar(quiet=self.quiet) as progress, Workers(self.connections, self.stop) as workers:
            task = progress.add_task("Fetching products", total=n_files)
            for batch, outcomes in workers.each(backend.fetch, backend.batches(journal.pending())):
                journal.note(outcomes)
                backend.noted(batch[0].obs_id, [batch[0].kind])
                self._count(outcomes)
                progress.advance(task, len(batch))

    def _matrices(self, journal: Journal) -> None:
        """Fetch the matrices that the spectra name."""
        matrices = matrices_from(self.options, self.archive, self.matrix_gate)
        note_wanted(journal, matrices, ask_again=self.options.ask_again)
        pending = journal.pending_responses()
        with (
            progress_bar(quiet=self.quiet) as progress,
            Workers(min(self.connections, MATRIX_CONNECTIONS), self.stop) as workers,
        ):
            task = progress.add_task("Fetching matrices", total=len(pending))
            for _, outcome in workers.each(matrices.fetch, pending):
                journal.note([outcome])
                self._count([outcome])
                progress.advance(task)

    def _refuse_too_small(self, n_bytes: int) -> None:
        options = self.options
        if options.source is not None and (
            options.placing in ("symlink", "list")
            or (options.placing == "link" and options.source.stat().st_dev == self.archive.out.stat().st_dev)
        ):
            return
        refuse_too_small(self.archive.out, n_bytes)

    def _count(self, outcomes: list[Outcome] | tuple[Outcome, ...]) -> None:
        for one in outcomes:
            if one.arrived is not None:
                self.adopted += one.arrived.adopted
                self.fetched += not one.arrived.adopted
            if one.missing in ("failed", "refused"):
                self._given_up(one.reason)
            else:
                self._in_a_row = 0

    def _given_up(self, reason: str) -> None:
        self._in_a_row += 1
        if self._in_a_row >= _GIVEN_UP_IN_A_ROW:
            raise DownloadError(
                f"{self._in_a_row} files in a row could not be fetched, the last because of: {reason}",
                where=self.options.endpoint or self.options.backend,
                todo="Check the network and the address, and start the same command again: it goes on where it was",
            )

    def _summary(
        self,
        journal: Journal,
        wanted: list[tuple[str, int, int | None]],
        started: float,
        to_come: int,
        n_bytes: int,
        size_is: str,
        table: pd.DataFrame | None = None,
        written: Path | None = None,
    ) -> DownloadSummary:
        told = manifest.manifest(journal) if table is None else table
        asked = pd.DataFrame(
            {
                "OBS_ID": pd.array([row[0] for row in wanted], dtype="str"),
                "SRC_NUM": pd.array([row[1] for row in wanted], dtype="Int32"),
            }
        )
        whole = manifest.complete(told, responses=self.options.responses)
        there = told[told["status"] == "there"]
        missing = told.loc[told["status"] == "missing", "missing"].value_counts()
        return DownloadSummary(
            out=self.archive.out,
            backend=self.options.backend,
            dry_run=written is None,
            detections=len(asked),
            observations=asked["OBS_ID"].nunique(),
            complete=len(asked.merge(whole)),
            products=to_come if written is None else int((there["kind"] != RESPONSE).sum()),
            responses=int((there["kind"] == RESPONSE).sum()),
            gib=round(n_bytes / 2**30, 6),
            size_is=size_is,
            fetched=self.fetched,
            adopted=self.adopted,
            already=self.already,
            missing={str(kind): int(n) for kind, n in missing.sort_index().items()},
            failed=0 if written is None else int((told["status"] == "failed").sum()),
            requests=self.gate.requests + self.matrix_gate.requests,
            manifest=written,
            seconds=round(time.perf_counter() - started, 2),
        )


def _kept(journal: Journal, out: Path) -> str:
    there, total = journal.counts()
    return f"Interrupted. {there} of {total} files known of so far are in {out}. The same command goes on from there"
