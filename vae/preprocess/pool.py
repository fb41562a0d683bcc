"""A map over files that keeps their order, shows a progress bar, and uses as many processes as asked for."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

from rich.progress import Progress

from vae.errors import ExplorerError

T = TypeVar("T")
S = TypeVar("S")
#: Files that a process gets at a time.
_FILES_A_TASK: Final = 32

#: What this process does; sent to it once, since it keeps what it has read from one file to the next.
_work: Callable[[Any], Any] | None = None


def ordered_map(
    work: Callable[[S], T], items: Sequence[S], *, workers: int, progress: Progress, title: str
) -> Iterator[T]:
    """Apply `work` to every item, in order.

    Parameters
    ----------
    work : callable
        In one process it is called as it is; for several it must pickle, and each has its own copy.
    items : sequence
    workers : int
        Processes; below 2 the work is done here.
    progress : Progress
    title : str

    Raises
    ------
    ExplorerError
        When a process dies.
    """
    if workers < 2 or len(items) < 2:
        yield from progress.track(map(work, items), total=len(items), description=title)
        return
    with ProcessPoolExecutor(workers, _context(), initializer=_install, initargs=(work,)) as pool:
        try:
            results = pool.map(_call, items, chunksize=min(_FILES_A_TASK, -(-len(items) // workers)))
            yield from progress.track(results, total=len(items), description=title)
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


def _call(item: Any) -> Any:
    assert _work is not None
    return _work(item)
