"""An archive of tiny chunks that cost nothing to simulate, so that building one can be watched and interrupted.

As a script, `toy_archive.py OUT DETECTIONS WORKERS SECONDS_A_CHUNK`, it builds one in worker processes.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from vae.simulate import SimulateOptions, archive, build_store
from vae.simulate.observe import SETUP_DTYPE, Chunk
from vae.spectra import grid, store
from vae.spectra.store import Block

ROWS = 32
SEED = 5


def chunk_of(seed: int, chunk: int) -> Chunk:
    rng = np.random.default_rng((seed, chunk))
    block = Block(
        counts=rng.poisson(2.0, (ROWS, grid.N_BINS)).astype(np.uint32),
        background_counts=rng.poisson(1.0, (ROWS, grid.N_BINS)).astype(np.uint32),
        background_ratio=rng.uniform(0, 0.5, ROWS).astype(np.float32),
        sensitivity=rng.uniform(1, 1e5, (ROWS, grid.N_BINS)).astype(np.float32),
        area=rng.uniform(0, 900, (ROWS, grid.N_TRUE)).astype(np.float32),
        response_index=np.zeros(ROWS, np.int32),
    )
    number = chunk * ROWS + np.arange(ROWS)
    columns = {"detection_id": number + 1, "source_id": number // 2 + 1, "counts": block.counts.sum(axis=1)}
    table = pd.DataFrame({**columns, "obs_id": [f"{i:010d}" for i in number], "response_is_standin": False})
    return Chunk(block, table, np.zeros(ROWS, SETUP_DTYPE))


def patch(replace: Callable[[object, str, object], None], seconds: float = 0.0) -> None:
    """Put the toy in place of the simulator, by `setattr` or pytest's undoable one."""

    def simulate(seed: int, chunk: int) -> Chunk:
        time.sleep(seconds)
        return chunk_of(seed, chunk)

    replace(archive, "SHARD_ROWS", ROWS)
    replace(store, "SHARD_ROWS", ROWS)
    replace(store, "CHUNK_ROWS", ROWS // 2)
    replace(archive, "simulate_chunk", simulate)
    matrices = np.zeros((1, grid.N_BINS, grid.N_TRUE), np.float32)
    replace(archive.instrument, "stored_matrices", lambda: matrices)


if __name__ in ("__main__", "__mp_main__"):  # worker processes import the script under the second name
    patch(setattr, float(sys.argv[4]))
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background of a shell
    build_store(SimulateOptions(int(sys.argv[2]), SEED, int(sys.argv[3])), Path(sys.argv[1]), quiet=False)
