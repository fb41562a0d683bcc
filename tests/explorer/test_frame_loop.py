"""Frames under a hand that is faster than the renderer: nothing queues up, the latest view wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.latent_map.frame import Frame, Request, View
from explorer.latent_map.frame_loop import FrameLoop
from explorer.latent_map.wire import Parcel

FIRST = Request(View(0.0, 1.0, 0.0, 1.0), (8, 8))


def view(at: float) -> Request:
    return replace(FIRST, view=View(at, at + 1, 0.0, 1.0))


class Document:
    """Keeps callbacks until they are asked to run, as the server's loop does."""

    session_context = None

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.came = threading.Semaphore(0)

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.waiting.append(callback)
        self.came.release()

    def run(self, n: int = 1) -> None:
        for _ in range(n):
            assert self.came.acquire(timeout=10)
            self.waiting.pop(0)()


class Hand:
    """A browser, a renderer that takes as long as it is told to, and a loop between them."""

    def __init__(self) -> None:
        self.document, self.wanted = Document(), FIRST
        self.drawn: list[Request] = []
        self.shown: list[View] = []
        self.failed: list[BaseException] = []
        self.free = threading.Semaphore(0)
        self.pool = ThreadPoolExecutor(2)
        services: Any = SimpleNamespace(frames=self.pool)
        renderer: Any = SimpleNamespace(draw=self.draw)
        document: Any = self.document
        self.loop = FrameLoop(services, renderer, document, lambda: self.wanted, self.arrived, self.failed.append)

    def draw(self, request: Request) -> Frame:
        self.drawn.append(request)
        assert self.free.acquire(timeout=10)
        return Frame(np.zeros((8, 8), np.uint32), request.view, 1, 0, 0.0, np.zeros(1, np.int64))

    def arrived(self, parcel: Parcel) -> None:
        self.shown.append(parcel.frame.view)

    def look(self, at: float) -> None:
        self.wanted = view(at)
        self.loop.request()
        self.document.run()


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand()
    yield hand
    hand.free.release(50)
    hand.pool.shutdown()


def test_stale_views_are_dropped_while_a_frame_is_drawn(hand: Hand) -> None:
    for at in range(5):
        hand.look(at)
    hand.free.release(2)
    hand.document.run()  # the first one lands
    assert hand.shown == [view(0).view]
    hand.loop.seen()
    hand.document.run()
    assert hand.shown == [view(0).view, view(4).view]
    assert hand.drawn == [view(0), view(4)]


def test_nothing_is_drawn_while_a_frame_is_on_its_way(hand: Hand) -> None:
    hand.free.release(9)
    hand.look(0)
    hand.document.run()
    hand.look(1)
    hand.look(2)
    assert hand.drawn == [view(0)]
    hand.loop.seen()
    hand.document.run()
    assert hand.shown == [view(0).view, view(2).view]


def test_a_browser_that_never_answers_is_sent_the_next_frame_all_the_same(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.free.release(9)
    hand.look(0)
    hand.document.run()
    monkeypatch.setattr("explorer.latent_map.frame_loop._PATIENCE", 0.0)
    hand.look(1)
    hand.document.run()
    assert hand.shown[-1] == view(1).view


def test_many_wishes_in_one_event_make_one_frame(hand: Hand) -> None:
    hand.free.release(9)
    for at in range(3):
        hand.wanted = view(at)
        hand.loop.request()
    assert len(hand.document.waiting) == 1
    hand.document.run(2)
    assert hand.drawn == [view(2)]


def test_a_renderer_that_fails_once_does_not_stop_the_map(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_request: Request) -> Frame:
        raise MemoryError("too large")

    monkeypatch.setattr(hand.loop, "_renderer", SimpleNamespace(draw=fail))
    hand.look(0)
    hand.document.run()
    assert [str(error) for error in hand.failed] == ["too large"]
    monkeypatch.setattr(hand.loop, "_renderer", SimpleNamespace(draw=hand.draw))
    hand.free.release(9)
    hand.look(1)
    hand.document.run()
    assert hand.shown == [view(1).view]


def test_a_closed_tab_is_not_drawn_for(hand: Hand) -> None:
    hand.look(0)
    hand.loop.close()
    hand.free.release(9)
    hand.document.run()
    hand.look(1)
    assert hand.shown == []
    assert hand.drawn == [view(0)]
