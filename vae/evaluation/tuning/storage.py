"""The study on disk: optuna's journal, one JSON line a change; which trial is next, and which is tried again."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from vae.errors import ExplorerError, OptionError
from vae.evaluation.tuning.objectives import OBJECTIVES
from vae.evaluation.tuning.options import TuneOptions
from vae.evaluation.tuning.space import baseline_values, settings

_JOURNAL: Final = "journal.jsonl"
_NAME: Final = "tune"
#: Trials drawn at random before the sampler learns from them.
_STARTUP_TRIALS: Final = 10
#: Times that a trial may die with its process before it is given up.
_ATTEMPTS: Final = 3


class _Lock(JournalFileOpenLock):
    """A lock that the system lets go of when its holder is killed, which optuna's own ones survive by 30 s."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._file: TextIO | None = None

    def acquire(self) -> bool:
        self._file = self._path.open("a")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class StudyFolder:
    """A study and its folder.

    Parameters
    ----------
    path : Path
        Holds the journal and `models/`, a folder for each trial that is worth keeping.
    options : TuneOptions
    """

    def __init__(self, path: Path, options: TuneOptions) -> None:
        self.path, self.options = path, options
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        backend = JournalFileBackend(str(path / _JOURNAL), _Lock(path / ".journal.lock"))
        self._storage = JournalStorage(backend)
        directions = [StudyDirection.MAXIMIZE if more else StudyDirection.MINIMIZE for more in OBJECTIVES.values()]
        self.study: Study = optuna.create_study(
            storage=self._storage, study_name=_NAME, directions=directions, load_if_exists=True
        )

    @classmethod
    def start(cls, path: Path, options: TuneOptions, about: Mapping[str, Any]) -> StudyFolder:
        """Open or make a study, and put right what a killed process left: the one caller is alone with the folder.

        Parameters
        ----------
        path : Path
        options : TuneOptions
        about : mapping
            What else trials of one study have in common; JSON values.

        Raises
        ------
        OptionError
            When the study there has other options or other data.
        """
        path.mkdir(parents=True, exist_ok=True)
        _mend(path / _JOURNAL)
        try:
            folder = cls(path, options)
        except (ValueError, KeyError) as error:
            raise ExplorerError(f"unreadable: {error}", where=path / _JOURNAL, todo="Choose another --out") from error
        now = {
            **options.identity(),
            "searched": {row.name: str(row.distribution) for row in settings(options)},
            **about,
        }
        known = folder.study.user_attrs.get("identity")
        if known is None:
            folder.study.set_user_attr("identity", now)
        elif known != now:
            odd = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
            raise OptionError(
                f"{path}: the study there has other {', '.join(odd)}",
                todo="Repeat the options it was started with, or choose another --out",
            )
        for trial in folder.counted((TrialState.RUNNING,)):
            folder.try_again(trial, killed=True)
        if not any(trial.user_attrs.get("baseline") for trial in folder.counted((*_DONE, TrialState.WAITING))):
            folder.study.enqueue_trial(baseline_values(options), user_attrs={"baseline": True})
        folder.tidy()
        return folder

    def model(self, number: int) -> Path:
        """Where the model of a trial lies while it is on the Pareto front."""
        return self.path / "models" / str(number)

    def counted(self, states: tuple[TrialState, ...]) -> list[FrozenTrial]:
        """Trials in some states, less those that were asked again under another number."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False, states=states)
            if not trial.user_attrs.get("superseded")
        ]

    def done(self) -> list[FrozenTrial]:
        """Trials that have come to an end, good or bad."""
        return self.counted(_DONE)

    def ask(self, worker: int) -> Trial | None:
        """Return the next trial, or None where all are done or under way.

        The draw depends on the seed, the worker, and what is done already: one worker alone gives the same study
        whether it was interrupted or not.
        """
        with self._alone():
            asked = len(self.counted((*_DONE, TrialState.RUNNING)))
            if asked >= self.options.trials:
                return None
            seed = np.random.SeedSequence([self.options.seed, worker, asked]).generate_state(1)[0]
            self.study.sampler = TPESampler(seed=int(seed), multivariate=True, n_startup_trials=_STARTUP_TRIALS)
            trial = self.study.ask({row.name: row.distribution for row in settings(self.options)})
            trial.set_user_attr("worker", worker)
            return trial

    def tell(self, trial: Trial, values: list[float], scores: Mapping[str, Any]) -> None:
        """Record how a trial did."""
        trial.set_user_attr("scores", dict(scores))
        with self._alone():
            self.study.tell(trial, values)
            self.tidy()

    def give_up(self, trial: Trial, reason: str) -> None:
        """Record that a trial cannot be done."""
        self._fail(trial, error=reason)

    def try_again(self, trial: Trial | FrozenTrial, *, killed: bool) -> None:
        """Put a trial that was cut short back into the queue, unless it was killed too often.

        Parameters
        ----------
        trial : Trial or FrozenTrial
        killed : bool
            Its process died, perhaps of it; else a person stopped it.
        """
        attempts = trial.user_attrs.get("killed", 0) + killed
        if attempts >= _ATTEMPTS:
            self._fail(trial, error=f"its process died {attempts} times")
            return
        values = trial.params
        if not values and isinstance(trial, FrozenTrial):  # killed between its number and its draw
            values = trial.system_attrs.get("fixed_params", {})
        notes = {"baseline": True} if trial.user_attrs.get("baseline") else {}
        self._fail(trial, superseded=True)
        if values:  # else it was not even drawn
            self.study.enqueue_trial(values, user_attrs={**notes, "killed": attempts})

    def _fail(self, trial: Trial | FrozenTrial, **notes: Any) -> None:
        for name, value in notes.items():  # of another process's trial: optuna has no public way to its notes
            self._storage.set_trial_user_attr(trial._trial_id, name, value)
        self.study.tell(trial.number, state=TrialState.FAIL)

    def tidy(self) -> None:
        """Remove the models of trials that another one beats in everything, and what cut-short ones left."""
        kept = {str(trial.number) for trial in self.study.best_trials}
        kept |= {str(trial.number) for trial in self.counted((TrialState.RUNNING,))}
        folder = self.path / "models"
        for path in folder.iterdir() if folder.is_dir() else ():
            # A model NUMBER, its checkpoint NUMBER.checkpoint..., or unfinished .NUMBER.partial-...
            if path.name.lstrip(".").split(".")[0] not in kept:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = _Lock(self.path / ".ask.lock")
        lock.acquire()
        try:
            yield
        finally:
            lock.release()


_DONE: Final = (TrialState.COMPLETE, TrialState.FAIL)


def _mend(journal: Path) -> None:
    """Cut off the line that a killed process did not finish: the next one would be glued to it."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        with journal.open("r+b") as file:
            file.truncate(end)
