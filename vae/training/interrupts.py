"""Ctrl-C, held back until the update in progress is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: What asks a run to stop: a person's Ctrl-C, and the polite signal of batch queues and torchrun.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Asked:
    """Whether someone asked the run to stop."""

    def __init__(self) -> None:
        self.stop = False

    def __bool__(self) -> bool:
        return self.stop


@contextmanager
def interrupts_held() -> Iterator[Asked]:
    """Note signals instead of dying of them, so that the checkpoint a run leaves resumes exactly.

    Signals can be handled in the main thread only; in another one this does nothing.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: object) -> None:
        asked.stop = True

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
