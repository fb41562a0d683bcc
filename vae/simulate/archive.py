"""Build a whole simulated archive: chunks, worker processes, one spectra store."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import zarr

import vae
from vae.errors import ExplorerError, OptionError
from vae.files import new_folder
from vae.progress import progress_bar
from vae.simulate import instrument
from vae.simulate.observe import simulate_chunk
from vae.spectra.store import SHARD_ROWS, StoreWriter


@dataclass(frozen=True)
class SimulateOptions:
    """What to simulate.

    Parameters
    ----------
    detections : int
        Rows of the store.
    seed : int
        The same seed gives the same archive, whatever the number of workers; a shorter archive is the beginning of a
        longer one.
    workers : int
        Processes; 1 works in this one.
    """

    detections: int = 1_000_000
    seed: int = 1
    workers: int = 2

    def __post_init__(self) -> None:
        for name, low in (("detections", 1), ("workers", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise OptionError(f"--{name} {getattr(self, name)} is too small", todo=f"Give {low} or more")


def build_store(options: SimulateOptions, out: str | Path, *, quiet: bool = False, overwrite: bool = False) -> Path:
    """Simulate an archive and write it as a spectra store.

    Parameters
    ----------
    options : SimulateOptions
    out : str or Path
        The store's folder; appears when it is whole.
    quiet : bool
        No progress bar.
    overwrite : bool
        Replace an existing folder.

    Returns
    -------
    Path
        `out`.
    """
    out = Path(out)
    n_chunks = -(-options.detections // SHARD_ROWS)
    with new_folder(out, overwrite=overwrite) as work, progress_bar(quiet=quiet) as progress:
        writer = StoreWriter(work, options.detections)
        task = progress.add_task("Simulating detections", total=options.detections)
        tables: list[pd.DataFrame | None] = [None] * n_chunks
        for chunk, table in _chunks(options, work, n_chunks):
            tables[chunk] = table
            progress.advance(task, len(table))
        _, redistribution = instrument.redistribution_tables()
        writer.finish(
            pd.concat([table for table in tables if table is not None], ignore_index=True),
            redistribution=redistribution,
            responses=instrument.RESPONSE_NAMES,
            provenance={
                "made_by": "vae.simulate",
                "version": vae.__version__,
                "detections": options.detections,
                "seed": options.seed,
            },
            simulated=True,
        )
    return out


def _chunks(options: SimulateOptions, work: Path, n_chunks: int) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield chunk numbers and tables as they get ready; the spectra are in the store by then."""
    jobs = [(options.seed, chunk, options.detections, str(work)) for chunk in range(n_chunks)]
    workers = min(options.workers, n_chunks)
    if workers == 1:
        for job in jobs:
            yield job[1], _write_chunk(*job)
        return
    # Fresh processes rather than forked ones: the parent may run threads (progress bar, BLAS).
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts) as pool:
        futures = {pool.submit(_write_chunk, *job): job[1] for job in jobs}
        try:
            for future in as_completed(list(futures)):
                yield futures.pop(future), future.result()
        except BrokenProcessPool as error:
            raise ExplorerError(
                "a worker process died, most likely for lack of memory",
                where=work,
                todo="Start again with fewer --workers; each takes about 1 GB",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent, which lets running chunks end and removes what was written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_chunk(seed: int, chunk: int, n_rows: int, work: str) -> pd.DataFrame:
    """Simulate one chunk, write its spectra (one whole shard: safe beside other writers), return its table."""
    simulated = simulate_chunk(seed, chunk)
    start = chunk * SHARD_ROWS
    n = min(SHARD_ROWS, n_rows - start)
    root = zarr.open_group(Path(work) / "spectra.zarr", mode="r+")
    for name, values in asdict(simulated.block).items():
        root[name][start : start + n] = values[:n]
    return simulated.table.iloc[:n]
