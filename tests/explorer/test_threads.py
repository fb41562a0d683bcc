from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from explorer.tools.threads import when_done


class Page:
    """A served document that notes in which thread it is spoken to; one that is gone refuses."""

    session_context = object()

    def __init__(self, *, gone: bool = False) -> None:
        self.gone, self.threads = gone, []

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.threads.append(threading.get_ident())
        if self.gone:
            raise RuntimeError("Attempting to add session callback to already-destroyed Document")
        callback()


def results(page: Page) -> tuple[list[int], int]:
    """What arrives of work that ends in another thread, and the thread of the server's loop.

    The loop runs in a thread of its own: a browser's driver may keep one running in the tests'.
    """
    got: list[int] = []
    server: list[int] = []

    async def wait() -> None:
        server.append(threading.get_ident())
        with ThreadPoolExecutor(1) as pool:
            begin = threading.Event()
            future: Future[int] = pool.submit(lambda: begin.wait(5) and 7)
            when_done(future, page, lambda done: got.append(done.result()))  # type: ignore[arg-type]
            begin.set()
            for _ in range(200):
                await asyncio.sleep(0.01)
                if page.threads:
                    break

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, wait()).result()
    return got, server[0]


def test_a_page_is_spoken_to_from_its_own_thread_only() -> None:
    page = Page()
    got, server = results(page)
    assert got == [7]
    assert page.threads == [server]


def test_a_page_that_is_gone_is_left_alone() -> None:
    page = Page(gone=True)
    got, _server = results(page)
    assert got == []
    assert len(page.threads) == 1


def test_outside_a_server_work_is_heard_at_once() -> None:
    page = Page()
    page.session_context = None  # type: ignore[assignment]
    future: Future[int] = Future()
    got: list[int] = []
    when_done(future, page, lambda done: got.append(done.result()))  # type: ignore[arg-type]
    future.set_result(3)
    assert got == [3]
