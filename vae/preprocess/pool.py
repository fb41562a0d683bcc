"""A map over files that keeps their order, shows a progress bar, and uses as many processes as asked for."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

from rich.progress import Progress

from vae.errors import ExplorerError
from vae.processes import die_with_parent

T = TypeVar("T")
S = TypeVar("S")
#: Files that a process gets at a time, and such batches on their way to each: results wait no longer than that.
FILES_A_TASK: Final = 32
_WAITING: Final = 4

#: What this process does; sent to it once, since it keeps what it has read from one file to the next.
_work: Callable[[Any], Any] | None = None


class Elsewhere(Protocol):
    """Workers that are no processes of ours (`vae.preprocess.cluster.Cluster`)."""

    def map(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        """Apply `work` to every item, in order."""


def ordered_map(
    work: Callable[[S], T],
    items: Iterable[S],
    *,
    workers: int,
    progress: Progress,
    title: str,
    total: int | None = None,
    elsewhere: Elsewhere | None = None,
) -> Iterator[T]:
    """Apply `work` to every item, in order.

    Parameters
    ----------
    work : callable
        In one process it is called as it is; for several it must travel between processes, and each has its own copy.
    items : iterable
        Taken as they are needed, so that a million of them need not be there at once.
    workers : int
        Processes; below 2 the work is done here.
    progress : Progress
    title : str
    total : int, optional
        Number of items, if they do not say it themselves.
    elsewhere : Elsewhere, optional
        Who does the work instead of processes of ours.

    Raises
    ------
    ExplorerError
        When a process dies.
    """
    if total is None:
        total = len(items)  # type: ignore[arg-type]
    if not total:
        return
    if elsewhere is not None:
        results = elsewhere.map(work, items)
    elif workers < 2 or total < 2:
        results = map(work, items)
    else:
        results = _in_processes(work, items, workers, min(FILES_A_TASK, -(-total // workers)))
    yield from progress.track(results, total=total, description=title)


def batches(items: Iterable[S], size: int) -> Iterator[tuple[S, ...]]:
    """Yield items, so many at a time."""
    ahead = iter(items)
    while batch := tuple(islice(ahead, size)):
        yield batch


def _in_processes(work: Callable[[S], T], items: Iterable[S], workers: int, size: int) -> Iterator[T]:
    with ProcessPoolExecutor(workers, _context(), initializer=_install, initargs=(work,)) as pool:
        waiting: deque[Future[list[T]]] = deque()
        try:
            for batch in batches(items, size):
                waiting.append(pool.submit(_call, batch))
                if len(waiting) > _WAITING * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as error:
            raise ExplorerError(
                "a worker process died, most likely for lack of memory", todo="Try again with fewer --workers"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """Never fork this process, whose threads would not survive it; fork a fresh one that has the imports done."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vae.preprocess.extract"])
    return context


def _install(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work
    die_with_parent()


def _call(batch: tuple[Any, ...]) -> list[Any]:
    assert _work is not None
    return [_work(item) for item in batch]
