from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from explorer.tools.threads import when_done


class Page:
    """A document that notes in which thread it is spoken to; one that is gone refuses."""

    def __init__(self, *, gone: bool = False) -> None:
        self.gone, self.threads = gone, []

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.threads.append(threading.get_ident())
        if self.gone:
            raise RuntimeError("Attempting to add session callback to already-destroyed Document")
        callback()


def results(page: Page) -> list[int]:
    """What arrives of work that ends in another thread."""
    got: list[int] = []

    async def wait() -> None:
        with ThreadPoolExecutor(1) as pool:
            begin = threading.Event()
            future: Future[int] = pool.submit(lambda: begin.wait(5) and 7)
            when_done(future, page, lambda done: got.append(done.result()))  # type: ignore[arg-type]
            begin.set()
            for _ in range(200):
                await asyncio.sleep(0.01)
                if page.threads:
                    break

    asyncio.run(wait())
    return got


def test_a_page_is_spoken_to_from_its_own_thread_only() -> None:
    page = Page()
    assert results(page) == [7]
    assert page.threads == [threading.get_ident()]


def test_a_page_that_is_gone_is_left_alone() -> None:
    page = Page(gone=True)
    assert results(page) == []
    assert len(page.threads) == 1
