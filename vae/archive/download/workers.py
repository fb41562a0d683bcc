"""Threads that share jobs. They are left behind when the program ends: a server that says nothing holds nobody up."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from vae.archive.download.gate import StoppedError

J = TypeVar("J")
T = TypeVar("T")
#: Jobs waiting for each thread.
_WAITING: Final = 4
#: How long those at work may take to notice that the run is being stopped [s].
_PARTING: Final = 2.0


class Workers:
    """So many threads at work.

    Parameters
    ----------
    n : int
    stop : Event
        Set when the run is being stopped; jobs then raise `StoppedError` as soon as they look.
    """

    def __init__(self, n: int, stop: threading.Event) -> None:
        self._n, self._stop = n, stop
        self._jobs: queue.SimpleQueue[tuple[Callable[[Any], Any], Any] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Any, Any, BaseException | None]] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name="download", daemon=True) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._stop.set()
        for _thread in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(_PARTING if kind is not None else None)

    def each(self, work: Callable[[J], T], jobs: Iterable[J]) -> Iterator[tuple[J, T]]:
        """Map over jobs; yield each with its result as it is done, in any order.

        Raises
        ------
        BaseException
            What a job raised: then no other is begun.
        """
        waiting = 0
        for job in jobs:
            if waiting >= self._n * (1 + _WAITING):
                yield self._next()
                waiting -= 1
            self._jobs.put((work, job))
            waiting += 1
        for _ in range(waiting):
            yield self._next()

    def _next(self) -> tuple[Any, Any]:
        job, result, error = self._done.get()
        if error is not None:
            self._stop.set()
            raise error
        return job, result

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            work, job = item
            if self._stop.is_set():
                continue
            with contextlib.suppress(StoppedError):
                try:
                    result, error = work(job), None
                except StoppedError:
                    raise
                except BaseException as raised:
                    result, error = None, raised
                self._done.put((job, result, error))
