"""What one process of a study does: ask for a trial, train, judge, tell, until there is none left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch
from optuna.trial import Trial

from vae.errors import ExplorerError
from vae.evaluation.tuning.objectives import OBJECTIVES, HeldOut, judge
from vae.evaluation.tuning.options import TuneOptions
from vae.evaluation.tuning.space import train_options
from vae.evaluation.tuning.storage import StudyFolder
from vae.network import TrainedModel
from vae.network.devices import pick_device
from vae.spectra.store import SpectraStore
from vae.training import train
from vae.training.prepared import Prepared, prepare

#: Called with the trial's number, updates done and updates in all.
OnUpdate = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Job:
    """What a worker needs to know; travels to its process.

    Parameters
    ----------
    store, study : Path
    options : TuneOptions
    """

    store: Path
    study: Path
    options: TuneOptions


def work(
    job: Job,
    worker: int,
    prepared: Prepared | None = None,
    *,
    on_update: OnUpdate | None = None,
    on_trial: Callable[[], None] | None = None,
) -> None:
    """Do trials until there is none left, on one core.

    Parameters
    ----------
    job : Job
    worker : int
        Its number, from 0.
    prepared : Prepared, optional
        The store made ready for training, where it has been.
    on_update, on_trial : callable, optional
        Called after each update, and after each trial. KeyboardInterrupt raised by either ends the work; the trial
        under way goes back into the queue.
    """
    folder = StudyFolder(job.study, job.options)
    spectra = HeldOut.read(SpectraStore.open(job.store), seed=job.options.seed)
    if prepared is None:
        prepared = prepare(job.store, job.options.likelihood, pick_device(job.options.device))
    with _one_thread():
        while (trial := folder.ask(worker)) is not None:
            try:
                _do(folder, trial, prepared, spectra, on_update)
            except KeyboardInterrupt:
                folder.try_again(trial, killed=False)
                raise
            except ExplorerError as error:  # a loss that is not finite, say: an answer, too
                folder.give_up(trial, str(error))
            if on_trial is not None:
                on_trial()


def _do(folder: StudyFolder, trial: Trial, prepared: Prepared, spectra: HeldOut, on_update: OnUpdate | None) -> None:
    options = train_options(trial.params, folder.options)
    total = options.updates or 0
    before = time.perf_counter()

    def after(update: int) -> None:
        if on_update is not None:
            on_update(trial.number, update, total)

    out = folder.model(trial.number)
    summary = train(prepared.store.path, out, options, prepared=prepared, overwrite=True, on_update=after)
    scores = judge(TrainedModel.load(out), spectra, summary.held_out["trimmed_mean"])
    notes: dict[str, Any] = {
        **scores,
        "held_out": summary.held_out,
        "train_options": asdict(options),
        "seconds": round(time.perf_counter() - before, 1),
    }
    folder.tell(trial, [scores[name]["value"] for name in OBJECTIVES], notes)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_process(job: Job, worker: int, stop: Event, errors: SimpleQueue[ExplorerError]) -> None:
    """Do `work` in a process of its own, which ends with an update when asked to or when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process: the first one tells the others
    parent = multiprocessing.parent_process()

    def check(*_: int) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        if parent is not None and not parent.is_alive():
            os._exit(1)  # whoever goes on with the study tries this trial again

    try:
        work(job, worker, on_update=check, on_trial=check)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except ExplorerError as error:
        errors.put(error)
        raise SystemExit(1) from None
