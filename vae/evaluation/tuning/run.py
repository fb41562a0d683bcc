"""A study from start to report."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from optuna.trial import TrialState
from rich.progress import Progress

from vae.errors import ExplorerError
from vae.evaluation.tuning.options import TuneOptions
from vae.evaluation.tuning.report import write_report
from vae.evaluation.tuning.storage import StudyFolder
from vae.evaluation.tuning.worker import Job, OnUpdate, in_process, work
from vae.files import only_one
from vae.network.devices import pick_device
from vae.progress import progress_bar
from vae.spectra.store import SpectraStore
from vae.training.prepared import Prepared, prepare

#: Seconds between looks at the workers.
_PATIENCE: Final = 0.5
#: Processes that may die between their start and their first trial: one can be killed there, all lack memory.
_EARLY_DEATHS: Final = 3
#: Libraries that bring threads of their own read these when they are loaded.
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class TuneSummary:
    """What a study found.

    Parameters
    ----------
    study : Path
    trials, failed : int
        Trials with a result, and without.
    pareto : list of dict
        The trials that no other beats in everything: number, objectives, values of the settings.
    baseline : dict or None
        The same of the default recipe.
    report : Path
    """

    study: Path
    trials: int
    failed: int
    pareto: list[dict[str, Any]]
    baseline: dict[str, Any] | None
    report: Path


def tune(
    store: str | Path,
    out: str | Path,
    options: TuneOptions | None = None,
    *,
    resume: bool = False,
    quiet: bool = True,
    on_update: OnUpdate | None = None,
) -> TuneSummary:
    """Search for better recipes on a spectra store (or an atlas).

    Trial 0 is the default recipe. Every trial trains a network for as many spectra and is judged by three objectives
    at once (see `vae.evaluation.tuning.objectives`), hence no trial is cut short for being worse than others in one.

    Parameters
    ----------
    store, out : str or Path
        The spectra, and the folder of the study.
    options : TuneOptions, optional
    resume : bool
        Go on with the study in `out`; trials that were cut short are tried again.
    quiet : bool
        No progress bar.
    on_update : callable, optional
        Called with trial, updates done and updates in all, where one worker does it all in this process. An exception
        it raises ends the study like Ctrl-C or a crash.

    Returns
    -------
    TuneSummary

    Raises
    ------
    OptionError
        When the options make no sense, or are not those of the study to go on with.
    ExplorerError
        When the store has too few spectra or the output exists.
    KeyboardInterrupt
        Passed on; what is done is kept and reported.
    """
    store, out, options = Path(store), Path(out), options or TuneOptions()
    options.check()
    if out.exists() and not resume:
        raise ExplorerError(
            "the output exists already", where=out, todo="Go on with --resume, choose another --out or remove it first"
        )
    if resume and not out.is_dir():
        raise ExplorerError("there is no study to resume", where=out, todo="Start without --resume")
    prepared = None
    if options.workers == 1:
        prepared = prepare(store, options.likelihood, pick_device(options.device), quiet=quiet)
    content_hash = SpectraStore.open(store).content_hash() if prepared is None else prepared.content_hash
    with only_one(out), progress_bar(quiet=quiet) as progress:
        folder = StudyFolder.start(out, options, {"store": content_hash})
        job = Job(store.resolve(), out.resolve(), options)
        try:
            if prepared is not None:
                _here(job, folder, prepared, progress, on_update)
            else:
                _side_by_side(job, folder, progress)
        except KeyboardInterrupt:
            write_report(folder, store)
            raise KeyboardInterrupt(
                f"Stopped after {len(folder.done())} trials. The same command with --resume goes on."
            ) from None
        study = write_report(folder, store)
    return TuneSummary(
        study=out,
        trials=sum(trial["values"] is not None for trial in study["trials"]),
        failed=sum(trial["values"] is None for trial in study["trials"]),
        pareto=[_brief(trial) for trial in study["trials"] if trial["pareto"]],
        baseline=next((_brief(trial) for trial in study["trials"] if trial["baseline"] and trial["values"]), None),
        report=out / "report.html",
    )


def _brief(trial: dict[str, Any]) -> dict[str, Any]:
    return {"trial": trial["number"], **trial["values"], "settings": trial["settings"]}


def _here(job: Job, folder: StudyFolder, prepared: Prepared, progress: Progress, on_update: OnUpdate | None) -> None:
    task = progress.add_task("Trials", total=job.options.trials, completed=len(folder.done()))

    def after(number: int, update: int, total: int) -> None:
        progress.update(task, description=f"Trial {number}: {update}/{total}")
        if on_update is not None:
            on_update(number, update, total)

    work(job, 0, prepared, on_update=after, on_trial=lambda: progress.update(task, completed=len(folder.done())))


def _side_by_side(job: Job, folder: StudyFolder, progress: Progress) -> None:
    """Keep as many processes at work as were asked for; a trial whose process dies is tried again by another."""
    context = _context()
    stop, errors = context.Event(), context.SimpleQueue()
    task = progress.add_task("Trials", total=job.options.trials, completed=len(folder.done()))
    workers: dict[int, BaseProcess] = {}
    early = 0

    def start(number: int) -> None:
        workers[number] = context.Process(target=in_process, args=(job, number, stop, errors), daemon=True)
        with _deaf():
            workers[number].start()

    try:
        with _single_threads():
            for number in range(min(job.options.workers, max(job.options.trials - len(folder.done()), 1))):
                start(number)
            while workers:
                connection.wait([process.sentinel for process in workers.values()], timeout=_PATIENCE)
                progress.update(task, completed=len(folder.done()))
                for number, process in [*workers.items()]:
                    if process.exitcode is None:
                        continue
                    del workers[number]
                    if not errors.empty():
                        raise errors.get()
                    if process.exitcode:
                        early += not _abandoned(folder, number)
                        if early >= _EARLY_DEATHS:
                            raise ExplorerError(
                                f"{early} workers died before a trial, the last with status {process.exitcode}",
                                where=job.study,
                                todo="It most likely lacked memory: go on with --resume and fewer --workers",
                            )
                        start(number)
    finally:
        stop.set()
        for process in workers.values():
            process.join()


def _context() -> ForkServerContext | SpawnContext:
    """Fork workers off a fresh process that has done the imports, which take longer than a short trial."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vae.evaluation.tuning.worker"])
    return context


def _abandoned(folder: StudyFolder, worker: int) -> bool:
    """Put the trial of a dead worker back into the queue; whether there was one."""
    found = [trial for trial in folder.counted((TrialState.RUNNING,)) if trial.user_attrs.get("worker") == worker]
    for trial in found:
        folder.try_again(trial, killed=True)
    return bool(found)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, not even while they import."""
    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _single_threads() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
