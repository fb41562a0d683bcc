"""What a page does once it is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document
from bokeh.models import ColumnDataSource, LogAxis
from panel.io.state import set_curdoc, state

from explorer.page.composition import compose
from explorer.services import Services
from explorer.tools import words
from explorer.tools.later import once_open

T = TypeVar("T")


class Served(Document):
    """A document that a browser has, or will have; its turns are taken by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Callable[[], None]] = []

    @property
    def session_context(self) -> object:
        request = SimpleNamespace(arguments={}, cookies={}, headers={}, path="/app")
        return SimpleNamespace(id="test", request=request, server_context=None, destroyed=False)

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:  # type: ignore[override]
        self.turns.append(callback)

    def open(self) -> int:
        """Hear from the browser that it shows the page; take all turns, and return how many."""
        state._on_load(self)
        taken = 0
        while self.turns:
            self.turns.pop(0)()
            taken += 1
        return taken


@pytest.fixture
def served() -> Served:
    return Served()


def test_steps_wait_for_the_browser_and_take_turns(served: Served) -> None:
    done: list[str] = []
    with set_curdoc(served):
        once_open(lambda: done.append("one"), lambda: done.append("two"))
        assert (done, served.turns) == ([], [])
        assert served.open() >= 2
    assert done == ["one", "two"]


def test_without_a_browser_nothing_waits() -> None:
    done: list[str] = []
    once_open(lambda: done.append("one"), lambda: done.append("two"))
    assert done == ["one", "two"]


def test_a_page_opens_without_what_it_does_not_show_yet(opened: Services, served: Served) -> None:
    async def visit() -> tuple[int, object]:
        with set_curdoc(served):
            compose(opened, "dark")._init_doc(served)
            at_first = len(served.models), served.get_model_by_name("xle-ring")
            served.open()
            return at_first

    at_first, ring = on_a_loop(visit)
    assert ring is None
    assert served.get_model_by_name("xle-ring") is not None
    assert at_first < 0.5 * len(served.models)
    axes = [model for model in served.models if isinstance(model, LogAxis)]
    assert [axis.axis_line_alpha for axis in axes] == [1, 1, 1]  # Bokeh's dark theme would hide them
    found = check_integrity(list(served.models))
    assert (found.error, found.warning) == ([], [])


def test_a_link_to_a_detection_opens_with_its_marks(opened: Services, served: Served) -> None:
    async def visit() -> None:
        with set_curdoc(served):
            compose(opened, "dark", {"v": ["1"], "pick": [detection]})._init_doc(served)

    detection = str(opened.atlas.catalogue["detection_id"].iat[3])
    on_a_loop(visit)
    name = served.get_model_by_name("xle-name")
    assert isinstance(name, ColumnDataSource)
    assert name.data["text"][0] == words.short_name(str(opened.atlas.catalogue["name"].iat[3]))


def on_a_loop(visit: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run as the server does, in a thread of its own: a browser's driver may keep a loop running in the tests'."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visit()).result()
