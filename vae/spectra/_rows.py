"""Run a compiled row kernel over many rows with plain threads.

Numba's own parallel loops abort the process when two Python threads enter them at once or after a fork, and the
explorer does the first and preprocessing the second. Kernels here release the GIL, so threads over row ranges do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numba

#: Below this many rows a thread costs more than it saves.
_ROWS_PER_THREAD: Final = 2048


def over_rows(kernel: Callable[..., None], n_rows: int, *arrays: Any) -> None:
    """Call ``kernel(start, stop, *arrays)`` for row ranges that cover 0...`n_rows`.

    Parameters
    ----------
    kernel : callable
        Compiled with ``nogil=True``; writes only to rows `start` to `stop` of its output arrays.
    n_rows : int
    *arrays : array
        Inputs and outputs, passed on as they are.
    """
    threads = min(int(numba.config.NUMBA_NUM_THREADS), n_rows // _ROWS_PER_THREAD)
    if threads < 2:
        kernel(0, n_rows, *arrays)
        return
    edges = [n_rows * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(kernel, low, high, *arrays) for low, high in itertools.pairwise(edges)]
        for job in jobs:
            job.result()
