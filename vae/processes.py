"""Worker processes end with the process that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def die_with_parent() -> None:
    """Make this worker process die with its parent; called in the worker, as it begins.

    A pool's workers wait for work on a pipe that they hold open themselves: without this they outlive a parent that is
    killed.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # at once, as by kill -9: nothing half written is ever taken for finished
