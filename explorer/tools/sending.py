"""Exports on their way to the browser: it asks for one piece after the other while the next one is being written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import panel as pn

from explorer.tools.threads import when_done

#: Rows written so far, and their text.
Piece = tuple[int, str]


class Export:
    """One file, written ahead by a piece in a thread of the pool, so that nothing piles up here.

    Parameters
    ----------
    pool : Executor
    pieces : iterator of (int, str)
    name : str
        Of the file.
    total : int
        Rows.
    """

    def __init__(self, pool: Executor, pieces: Iterator[Piece], name: str, total: int) -> None:
        self._pool, self._pieces, self._name, self._total = pool, pieces, name, total
        self._next: Future[Piece] = pool.submit(next, pieces)

    def take(self, send: Callable[[dict[str, Any]], None]) -> None:
        """Send the next piece when it is written, under the page's lock; ask once for each piece."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._hand(self._next, send)
        else:
            when_done(self._next, document, lambda ready: self._hand(ready, send))

    def _hand(self, ready: Future[Piece], send: Callable[[dict[str, Any]], None]) -> None:
        done, text = ready.result()
        last = done >= self._total
        if not last:
            self._next = self._pool.submit(next, self._pieces)
        send({"type": "piece", "text": text, "done": done, "last": last, "name": self._name})
