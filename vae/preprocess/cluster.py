"""Work on a Dask cluster: the same map as `vae.preprocess.pool`, by workers that may sit on other machines.

Workers read the archive's files themselves, by the same paths, and need this version of the project.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import dask
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed import TimeoutError as DaskTimeoutError
from distributed.comm.core import CommClosedError

import vae
from vae.errors import ExplorerError, OptionError
from vae.preprocess.pool import FILES_A_TASK, batches

S = TypeVar("S")
T = TypeVar("T")
#: What ``--scheduler`` takes in place of an address: a cluster of this machine, for as long as it is needed.
LOCAL: Final = "local"
#: How long a scheduler may take to answer, and the first worker to come [s].
_PATIENCE_S: Final = 5
_WORKERS_S: Final = 30
#: How often the cluster is asked whether anyone is still there, and how often it may say no.
_LOOK_EVERY_S: Final = 10
_MOST_ALONE: Final = 6
#: Batches on their way to each thread.
_WAITING: Final = 4
#: Runs whose work a worker remembers: matrices aside, that is a list of folders.
_MOST_RUNS: Final = 4

#: What this worker does, by run: the first copy that came is kept, since it remembers what it has seen.
_installed: dict[str, Callable[[Any], Any]] = {}


@dataclass(frozen=True)
class Unseen:
    """A file that a worker does not see.

    Parameters
    ----------
    file : Path
    host : str
    """

    file: Path
    host: str


class Cluster:
    """Workers behind a Dask client.

    Parameters
    ----------
    client : Client
    address : str
        For error messages.
    """

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address

    def check(self, paths: Sequence[Path]) -> None:
        """Make sure that every worker has this version and sees the paths that this process sees.

        Raises
        ------
        ExplorerError
            When one does not.
        """
        todo = "Install this version of the project there too, in an environment like this one"
        asked = [str(path) for path in paths]
        try:
            # The scheduler takes work apart before it hands it on, so it needs to know it as well.
            answers = {"the scheduler": self._client.run_on_scheduler(_probe, [])}
            if answers["the scheduler"][0] == vae.__version__:
                said = self._client.run(_probe, asked, on_error="return")
                answers |= {f"worker {worker}": answer for worker, answer in said.items()}
        except (OSError, CommClosedError, DaskTimeoutError) as error:
            raise self._gone() from error
        except (ImportError, AttributeError) as error:
            answers = {"the scheduler": error}
        for who, answer in answers.items():
            if isinstance(answer, BaseException):
                raise ExplorerError(f"{who} cannot run it ({answer})", where=self._address, todo=todo)
            version, missing = answer
            if version != vae.__version__:
                raise ExplorerError(
                    f"{who} has version {version}, not {vae.__version__}", where=self._address, todo=todo
                )
            if missing:
                raise _unseen(Path(missing[0]), who)

    def map(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        """Apply `work` to every item, in order; what a lost worker had is done again by another.

        Raises
        ------
        ExplorerError
            When a worker does not see a file, a batch has killed several, nobody is left, or the scheduler is gone.
        """
        waiting: deque[Future] = deque()
        try:
            most = _WAITING * max(1, sum(self._client.nthreads().values()))
            for batch in batches(items, FILES_A_TASK):
                waiting.append(self._client.submit(_call, work, batch, pure=False))
                if len(waiting) > most:
                    yield from self._result(waiting.popleft())
            while waiting:
                yield from self._result(waiting.popleft())
        except (OSError, CommClosedError) as error:
            raise self._gone() from error
        finally:
            for future in waiting:
                future.cancel()

    def _result(self, future: Future) -> list[Any]:
        alone = 0
        while True:
            try:
                found: list[Any] = future.result(timeout=_LOOK_EVERY_S)
                break
            except (TimeoutError, DaskTimeoutError):
                alone = 0 if self._client.nthreads() else alone + 1
                if alone >= _MOST_ALONE:
                    raise ExplorerError(
                        f"no worker is left for {_MOST_ALONE * _LOOK_EVERY_S} s", where=self._address,
                        todo="Start workers again: dask worker ADDRESS",
                    ) from None  # fmt: skip
            except KilledWorker as error:
                raise ExplorerError(
                    f"several workers died over the same files ({error})", where=self._address,
                    todo="Give workers more memory (dask worker --memory-limit)",
                ) from error  # fmt: skip
        for item in found:
            if isinstance(item, Unseen):
                raise _unseen(item.file, f"the worker on {item.host}")
        return found

    def _gone(self) -> ExplorerError:
        return ExplorerError(
            "the scheduler is gone", where=self._address, todo="Start it again: nothing was left half written"
        )


@contextmanager
def connected(address: str, workers: int) -> Iterator[Cluster]:
    """Connect to a cluster; or, for `LOCAL`, have one of this machine while the block runs.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://127.0.0.1:8786``, or `LOCAL`.
    workers : int
        Processes of a local cluster.

    Raises
    ------
    ExplorerError
        When nobody answers, or there is no worker.
    """
    # No dashboard: nothing of it is asked for, and it would listen on all interfaces.
    quiet = {"distributed.worker.daemon": True, "distributed.logging.distributed": "error"}
    with dask.config.set(quiet):
        if address == LOCAL:
            with (
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                    worker_dashboard_address=None, memory_limit=0, silence_logs=40,
                    # its pages have a server all the same: on any free port, there may be another cluster here
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                ) as cluster,
                Client(cluster) as client,
            ):  # fmt: skip
                yield Cluster(client, address)
            return
        if "://" in address and not address.startswith(("tcp://", "tls://")):
            raise OptionError(f"--scheduler {address} is no address", todo="Give one like tcp://HOST:8786")
        try:
            client = Client(address, timeout=_PATIENCE_S, set_as_default=False)
        except (OSError, TimeoutError, DaskTimeoutError) as error:
            raise ExplorerError(
                f"no Dask scheduler answers within {_PATIENCE_S} s", where=address,
                todo="Start one with `dask scheduler`, or leave out --scheduler to work on this machine alone",
            ) from error  # fmt: skip
        except ValueError as error:
            raise OptionError(
                f"--scheduler {address} is no address ({error})", todo="Give one like tcp://HOST:8786"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_WORKERS_S)
            except (TimeoutError, DaskTimeoutError) as error:
                raise ExplorerError(
                    f"the scheduler has had no worker for {_WORKERS_S} s", where=address,
                    todo="Start some with `dask worker ADDRESS`",
                ) from error  # fmt: skip
            yield Cluster(client, address)


def _probe(paths: list[str]) -> tuple[str, list[str]]:
    """Return the version that a worker has, and which paths it does not see."""
    return vae.__version__, [path for path in paths if not Path(path).exists()]


def _call(work: Callable[[Any], Any], batch: tuple[Any, ...]) -> list[Any]:
    """Do some work on a worker."""
    key = getattr(work, "key", None)
    if key is not None:
        while len(_installed) >= _MOST_RUNS and key not in _installed:
            _installed.pop(next(iter(_installed)))
        work = _installed.setdefault(key, work)
    for item in batch:
        file = getattr(item, "file", item)
        if isinstance(file, Path) and not file.exists():
            return [Unseen(file, socket.gethostname())]
    return [work(item) for item in batch]


def _unseen(file: Path, who: str) -> ExplorerError:
    if not file.exists():
        return ExplorerError("it was there and has gone", where=file, todo="Try again when the archive is at rest")
    return ExplorerError(
        f"{who} does not see it", where=file,
        todo="Workers read the archive by the same paths: put it where all machines see it (NFS, Lustre)",
    )  # fmt: skip
