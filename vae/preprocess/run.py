"""The whole of preprocessing: survey, rows from many processes, sources, the store in order of detection_id."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.progress import Progress

import vae
from vae.archive.catalogue import read_catalogue
from vae.errors import ExplorerError, OgipError, OptionError
from vae.files import new_folder, only_one
from vae.preprocess.assembly import Assembly, choose
from vae.preprocess.extract import Extractor, Row, Task
from vae.preprocess.identify import COLUMNS
from vae.preprocess.ledger import LEDGER_TYPES, Before, Names, ledger_row, refuse_strange
from vae.preprocess.options import PreprocessOptions, PreprocessSummary, Update
from vae.preprocess.pool import Elsewhere, ordered_map
from vae.preprocess.rejections import rejected_table, unmade, unused, why_nothing
from vae.preprocess.spool import ROW_TYPES, Spool, Table
from vae.preprocess.survey import Rejection, Survey, by_parts, files_under, is_response_name, label_file, survey
from vae.preprocess.triples import ResponsePlaces
from vae.progress import progress_bar
from vae.spectra.ogip import Label, read_rmf
from vae.spectra.ogip_types import PN_NAMES

#: Fewer files than this are not worth starting processes for, unless they are asked for.
_WORTH_POOL: Final = 256
#: How many of the spectra that changed, and of those removed, a summary names.
_NAMED: Final = 5


def preprocess(
    paths: Sequence[Path],
    out: Path,
    options: PreprocessOptions | None = None,
    *,
    quiet: bool = False,
    overwrite: bool = False,
    update: bool = False,
) -> PreprocessSummary:
    """Turn OGIP files into a spectra store.

    Parameters
    ----------
    paths : sequence of Path
        Folders to search, or files.
    out : Path
        The store to write; it appears whole or not at all.
    options : PreprocessOptions
    quiet : bool
        No progress bars.
    overwrite : bool
        Replace an existing store.
    update : bool
        Bring an existing store up to date with its archive: spectra that are as they were, with all that belongs to
        them, are taken from it, the others are read; the result is the same as from nothing. Without a store, one is
        made.

    Returns
    -------
    PreprocessSummary

    Raises
    ------
    OptionError
        When options do not go together.
    ExplorerError
        When a path does not exist, the stand-in does not open, there is no usable spectrum at all, or a store cannot be
        brought up to date.
    """
    started = time.perf_counter()
    options = options or PreprocessOptions()
    paths, out = [Path(path) for path in paths], Path(out)
    _check(paths, options)
    if update and overwrite:
        raise OptionError("--update keeps what --overwrite throws away", todo="Give one of them")
    catalogue = None if options.catalogue is None else read_catalogue(options.catalogue, COLUMNS)
    with ExitStack() as stack:
        before = None
        if update and out.exists():
            stack.enter_context(only_one(out))
            before = Before.open(out)
        folder = stack.enter_context(new_folder(out, overwrite=overwrite or before is not None))
        spool = stack.enter_context(Spool(folder / "rows.partial"))
        progress = stack.enter_context(progress_bar(quiet=quiet))
        crew = _Crew(options, paths, progress, stack)
        found = survey(paths, crew.labels, single=len(paths) == 1 and paths[0].is_file())
        if len(found.spectra) > 1 and (options.arf or options.rmf or options.background):
            raise OptionError(
                f"--arf, --rmf and --background are for a single spectrum, and there are {len(found.spectra)}",
                todo="Give that one spectrum as the argument",
            )
        rejected = [item for item in found.rejected if catalogue is None or item.file != str(catalogue.path.resolve())]
        extractor = Extractor(_absolute(options), _places(found, options))
        tried = _try_all(found, extractor, crew, spool, before)
        rejected += unmade(tried.ledger, found.spectra)
        made = tried.ledger.loc[tried.ledger["kind"] == "", list(ROW_TYPES)]
        where = ", ".join(map(str, paths))
        if made.empty:
            raise ExplorerError(why_nothing(rejected), where=where, todo="Check what is there")
        rows, lost = choose(made, found.spectra, catalogue)
        if rows.empty:
            raise ExplorerError(
                f"none of the {len(made)} spectra stands in the catalogue {options.catalogue}",
                where=where,
                todo="Give the catalogue of this archive, or none",
            )
        del made
        rejected += lost
        rejected += unused(tried.unused, crew.labels(tried.unused))
        _read_missing(tried.assembly, rows, found, extractor, crew)
        origin: dict[str, object] = {"archives": [root.name for root in found.roots]}
        if catalogue is not None:
            origin["catalogue"] = catalogue.name
        names = tried.assembly.write(
            folder,
            rows,
            tried.ledger,
            rejected_table(rejected, tried.names),
            {"made_by": "vae.preprocess", "version": vae.__version__, **origin},
            progress,
        )
    return PreprocessSummary(
        store=out,
        files=found.n_files,
        detections=len(rows),
        sources=int(rows["source_id"].nunique()),
        standin_responses=int(rows["response_is_standin"].sum()),
        responses=len(names),
        rejected=dict(sorted(Counter(rejection.kind for rejection in rejected).items())),
        examples=_examples(rejected, tried.names),
        update=tried.update,
        seconds=round(time.perf_counter() - started, 2),
    )


class _Crew:
    """Who does the work: this process, several, or a cluster, connected to when it is first needed."""

    def __init__(self, options: PreprocessOptions, paths: Sequence[Path], progress: Progress, stack: ExitStack) -> None:
        self._options, self._paths, self._progress = options, paths, progress
        self._cluster: Elsewhere | None = None
        if options.scheduler is not None:
            # distributed takes a second to load: only who works on a cluster needs it.
            from vae.preprocess.cluster import connected

            cluster = stack.enter_context(connected(options.scheduler, self._processes(_WORTH_POOL)))
            cluster.check([path.absolute() for path in self._everything()])
            self._cluster = cluster

    def map(self, work: Any, items: Iterable[Any], total: int, title: str, *, few: bool = False) -> Iterator[Any]:
        """Apply `work` to every item, in order; `few` of them are not worth starting processes for."""
        workers = 1 if few and total < _WORTH_POOL else self._processes(total)
        return ordered_map(
            work, items, workers=workers, total=total, progress=self._progress, title=title, elsewhere=self._cluster
        )

    def labels(self, files: Sequence[Path]) -> Iterator[Label | Rejection]:
        """Look what files are."""
        return self.map(label_file, files, len(files), "looking at files", few=True)

    def _processes(self, n_items: int) -> int:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self._options.workers or (cores if n_items >= _WORTH_POOL else 1)

    def _everything(self) -> Iterator[Path]:
        yield from self._paths
        yield from self._options.responses
        for path in (self._options.standin_response, self._options.arf, self._options.rmf, self._options.background):
            if path is not None:
                yield path


class _Tried:
    """What became of every spectrum of a survey."""

    def __init__(self, found: Survey, before: Before | None, spool: Spool) -> None:
        self.names = Names(found.roots)
        n_spectra = len(found.spectra)
        self.assembly = Assembly(spool, np.full(n_spectra, -1), before, np.full(n_spectra, -1), {})
        self.ledger = pd.DataFrame()
        self.unused: list[Path] = []
        self.update: Update | None = None


def _try_all(found: Survey, extractor: Extractor, crew: _Crew, spool: Spool, before: Before | None) -> _Tried:
    """Make a row of every spectrum, or learn that it is as it was."""
    tried = _Tried(found, before, spool)
    n_spectra = len(found.spectra)
    place = np.full(n_spectra, -1)
    tasks: Iterator[Task] = (Task(Path(file)) for file in found.spectra)
    if before is not None:
        place = before.places([tried.names.key(file) for file in found.spectra])
        refuse_strange(before, int((place >= 0).sum()), ", ".join(map(str, found.roots)))
        tasks = before.tasks(found.spectra, place)
    fresh, anew = Table(LEDGER_TYPES), np.zeros(n_spectra, bool)
    used = np.zeros(len(found.parts), bool)
    for number, outcome in enumerate(crew.map(extractor, tasks, n_spectra, "spectra")):
        for file in outcome.used:
            at = bisect_left(found.parts, by_parts(str(file)), key=by_parts)
            if at < len(used) and found.parts[at] == str(file):
                used[at] = True
        if outcome.result is None:
            continue
        anew[number] = True
        fresh.add(ledger_row(outcome, tried.names))
        if isinstance(outcome.result, Row):
            tried.assembly.spooled[number] = spool.add(outcome.result)
            tried.assembly.matrices.setdefault(outcome.result.response_key, outcome.used[-1])
    tried.unused = [Path(file) for file, is_used in zip(found.parts, used, strict=True) if not is_used]
    tried.ledger = fresh.frame()
    if before is not None:
        kept = before.table.iloc[place[~anew]]
        tried.assembly.stored[~anew] = kept["store_row"]
        both = pd.concat([tried.ledger, kept], ignore_index=True)
        tried.ledger = both.iloc[np.argsort(np.concatenate([np.flatnonzero(anew), np.flatnonzero(~anew)]))]
        tried.ledger = tried.ledger.reset_index(drop=True)
        tried.update = _what_changed(found, before, place, anew, tried.names)
    return tried


def _what_changed(found: Survey, before: Before, place: Any, anew: Any, names: Names) -> Update:
    changed = np.flatnonzero((place >= 0) & anew)
    removed = np.setdiff1d(np.arange(len(before.table)), place)
    named = {
        "changed": [names.shown(found.spectra[number]) for number in changed[:_NAMED]],
        "removed": [str(key).partition(":")[2] for key in before.table["file"].iloc[removed[:_NAMED]]],
    }
    return Update(
        unchanged=int((~anew).sum()),
        added=int((place < 0).sum()),
        changed=len(changed),
        removed=len(removed),
        names={what: files for what, files in named.items() if files},
    )


def _read_missing(assembly: Assembly, rows: pd.DataFrame, found: Survey, extractor: Extractor, crew: _Crew) -> None:
    """Read spectra that have not changed, but were not kept before and are now."""
    missing = assembly.missing(rows)
    tasks = [Task(Path(found.spectra[number])) for number in missing]
    for number, outcome in zip(
        missing, crew.map(extractor, tasks, len(tasks), "spectra kept now", few=True), strict=True
    ):
        if not isinstance(outcome.result, Row):
            raise ExplorerError(
                "it changed while it was read", where=outcome.file, todo="Try again when the archive is at rest"
            )
        assembly.spooled[number] = assembly.spool.add(outcome.result)
        assembly.matrices.setdefault(outcome.result.response_key, outcome.used[-1])


def _examples(rejected: Sequence[Rejection], names: Names) -> dict[str, str]:
    first: dict[str, Rejection] = {}
    for item in rejected:
        first.setdefault(item.kind, item)
    return {kind: f"{names.shown(item.file)}: {item.reason}" for kind, item in sorted(first.items())}


def _check(paths: Sequence[Path], options: PreprocessOptions) -> None:
    if not paths:
        raise OptionError("no archive given", todo="Name a folder or a spectrum")
    if options.workers < 0:
        raise OptionError(f"--workers {options.workers} is no number of processes", todo="Give 1 or more, or 0")
    for flag, file in (("--arf", options.arf), ("--rmf", options.rmf), ("--background", options.background)):
        if file is not None and not file.is_file():
            raise OptionError(f"{flag}: no such file", where=file)
    for folder in options.responses:
        if not folder.exists():
            raise OptionError("--responses: no such folder", where=folder)
    if options.standin_response is not None:
        try:
            instrument = read_rmf(options.standin_response).instrument
        except OgipError as error:
            raise OptionError(
                f"--standin-response cannot be used: {error.what}",
                where=options.standin_response,
                todo="Give an EPIC-pn redistribution matrix",
            ) from error
        if instrument and instrument not in PN_NAMES:
            raise OptionError(f"--standin-response is of {instrument}, not of EPIC-pn", where=options.standin_response)


def _absolute(options: PreprocessOptions) -> PreprocessOptions:
    def full(path: Path | None) -> Path | None:
        return None if path is None else path.resolve()

    return PreprocessOptions(
        arf=full(options.arf), rmf=full(options.rmf), background=full(options.background), workers=options.workers
    )


def _places(found: Survey, options: PreprocessOptions) -> ResponsePlaces:
    folders: dict[str, list[Path]] = {}
    for file in files_under(options.responses):
        path = Path(file)
        if is_response_name(path.name):
            folders.setdefault(path.name, []).append(path)
    standin = options.standin_response
    return ResponsePlaces(found.roots, found.responses, folders, None if standin is None else standin.resolve())
