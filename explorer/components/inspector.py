"""What the inspector's parts have in common: their base class, and work done off the event loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import panel as pn
import param

from explorer.components.elements import Element, script
from explorer.components.saving import SAVE_SCRIPT
from explorer.tools.messages import in_one_message, locked
from explorer.tools.threads import when_done
from vae.errors import ExplorerError
from vae.resources import asset

_HELPERS = Path(__file__).with_name("inspector.js")
T = TypeVar("T")
#: What takes longer is said to be under way; for less, saying so would cost more than it tells [ms].
_LATE = 80


@cache
def _sheet() -> str:
    return asset("css", "inspector.css").read_text(encoding="utf-8")


def part_script(module: str, name: str) -> str:
    """Source of a part: the helpers, then the script `name` beside the Python module at the path `module`."""
    return script(_HELPERS) + SAVE_SCRIPT + Path(module).with_name(name).read_text(encoding="utf-8")


class Part(Element):
    """A piece of the inspector: `content` says what to show, messages say what was done.

    A message ``{"type": "pick", "row": 7}`` from the script calls ``on["pick"](row=7)``.
    """

    content = param.Dict(default={}, doc="What to show; plain JSON, all numbers already in words.")

    def __init__(self, on: dict[str, Callable[..., None]] | None = None, **params: Any) -> None:
        super().__init__(**params)
        self.param.update(stylesheets=[*self.param.values()["stylesheets"], _sheet()])
        self._on = on or {}

    def _handle_msg(self, data: Any) -> None:
        kind, arguments = data.get("type"), {key: value for key, value in data.items() if key != "type"}
        if kind in self._on:
            # What watches the session may change Bokeh models: hold the page's lock, as messages do not.
            locked(partial(self._on[kind], **arguments))


class Latest:
    """Runs jobs off the event loop; a newer job makes the results of older ones void.

    Without a served page (in a test, in a notebook) jobs run at once.

    Parameters
    ----------
    pool : Executor
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._number = self._finished = 0

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[ExplorerError], None],
        late: Callable[[], None] | None = None,
    ) -> None:
        """Do `work`, then call `done` with its result, or `failed` with its `ExplorerError`, under the page's lock.

        Where that takes a while, `late` is called first.
        """
        self._number += 1
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._finish(self._number, _outcome(work), done, failed)
            return
        if late is not None:
            document.add_timeout_callback(in_one_message(partial(self._late, self._number, late)), _LATE)
        finish = partial(self._finish, self._number)
        future: Future[T | ExplorerError] = self._pool.submit(_outcome, work)
        when_done(future, document, lambda ready: finish(ready, done=done, failed=failed))

    def cancel(self) -> None:
        """Make the results of whatever is running void."""
        self._number += 1

    def _late(self, number: int, late: Callable[[], None]) -> None:
        if number == self._number and number != self._finished:
            late()

    def _finish(
        self,
        number: int,
        outcome: Future[T | ExplorerError] | T | ExplorerError,
        done: Callable[[T], None],
        failed: Callable[[ExplorerError], None],
    ) -> None:
        if number != self._number:
            return
        self._finished = number
        value = outcome.result() if isinstance(outcome, Future) else outcome
        if isinstance(value, ExplorerError):
            failed(value)
        else:
            done(value)


def _outcome(work: Callable[[], T]) -> T | ExplorerError:
    try:
        return work()
    except ExplorerError as error:
        return error
