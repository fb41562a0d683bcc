"""From a worker's thread back to the page's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from bokeh.document import Document

from explorer.tools.messages import in_one_message

T = TypeVar("T")


def when_done(future: Future[T], document: Document, then: Callable[[Future[T]], Any]) -> None:
    """Call `then` with a future that is done, under the document's lock.

    Parameters
    ----------
    future : Future
    document : bokeh.document.Document
        Of the page that waits.
    then : callable
        Gets the future. It is not called for a page that was closed meanwhile.

    Notes
    -----
    To be called on the event loop's thread where the document is served. Workers go through the loop: a document that
    holds its events back (`panel.io.hold`) also holds back the wish for a callback, and a wish that comes from another
    thread while the hold ends is lost or waits for the next hold; a page then loads for ever.
    """

    def tell(done: Future[T]) -> None:
        with suppress(RuntimeError):  # the page is gone
            document.add_next_tick_callback(partial(in_one_message(then), done))

    if document.session_context is None:  # outside a server; a loop that runs in this thread would be another's
        future.add_done_callback(tell)
        return
    loop = asyncio.get_running_loop()

    def hand_over(done: Future[T]) -> None:
        with suppress(RuntimeError):  # the server is gone
            loop.call_soon_threadsafe(tell, done)

    future.add_done_callback(hand_over)
