"""Build a simulated archive: chunks, worker processes, one spectra store; interrupted, it goes on where it was."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow.parquet as pq
import zarr

import vae
from vae.errors import ExplorerError, OptionError
from vae.files import kept_folder, new_file, put_in_place, refuse_existing
from vae.processes import die_with_parent
from vae.progress import progress_bar
from vae.simulate import instrument
from vae.simulate.identity import simulator_identity
from vae.simulate.observe import simulate_chunk
from vae.spectra.store import SHARD_ROWS, StoreWriter

#: What lies in a work folder: the store, and the table of every chunk whose spectra are in it.
_STORE: Final = "store"
_PARTS: Final = "chunks"


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


@dataclass(frozen=True)
class Simulated:
    """A store that has been made.

    Parameters
    ----------
    store : Path
    chunks : int
        How many it is made of.
    resumed : int
        How many of them were there from an earlier, interrupted call.
    """

    store: Path
    chunks: int
    resumed: int


def build_store(
    options: SimulateOptions, out: str | Path, *, quiet: bool = False, overwrite: bool = False, fresh: bool = False
) -> Path:
    """Simulate an archive and write it as a spectra store.

    Interrupted, it leaves its finished chunks beside `out`, and the next call with the same seed and simulator goes on
    from there, to the same bytes.

    Parameters
    ----------
    options : SimulateOptions
    out : str or Path
        The store's folder; appears when it is whole.
    quiet : bool
        No progress bar.
    overwrite : bool
        Replace an existing folder.
    fresh : bool
        Discard what interrupted calls left.

    Returns
    -------
    Path
        `out`.
    """
    out = Path(out)
    if not overwrite:
        refuse_existing(out)
    with kept_folder(out, work_identity(options), fresh=fresh) as work:
        put_in_place(simulate_store(options, work, quiet=quiet).store, out)
    return out


def work_identity(options: SimulateOptions) -> str:
    """Return what `vae.files.kept_folder` needs: the seed and the simulator, but not the number of detections."""
    return f"{options.seed}-{simulator_identity()}"


def simulate_store(options: SimulateOptions, work: Path, *, quiet: bool = False) -> Simulated:
    """Make the store in a work folder, or finish the one that is there.

    Parameters
    ----------
    options : SimulateOptions
    work : Path
        From `vae.files.kept_folder` with `work_identity`.
    quiet : bool
        No progress bar.

    Returns
    -------
    Simulated
        Its store lies in `work`.

    Raises
    ------
    ExplorerError
        When it cannot be written, or a worker process dies. What is finished is kept.
    """
    try:
        return _finish_store(options, work, quiet=quiet)
    except OSError as error:
        raise ExplorerError(
            f"cannot be written: {error.strerror or error}",
            where=work,
            todo="Once that is mended the same command goes on where it was",
        ) from error


def _finish_store(options: SimulateOptions, work: Path, *, quiet: bool) -> Simulated:
    store = work / _STORE
    (store / "store.json").unlink(missing_ok=True)  # it has to be written anew for another number of detections
    store.mkdir(exist_ok=True)
    done = _finished_chunks(options, work)
    writer = StoreWriter(store, options.detections)
    chunks = _rows_of_chunks(options)
    with progress_bar(quiet=quiet) as progress:
        if done and not quiet:
            progress.console.print(f"resumed: {len(done)} of {len(chunks)} chunks were there")
        rows_done = sum(chunks[chunk] for chunk in done)
        task = progress.add_task("Simulating detections", total=options.detections, completed=rows_done)
        missing = [chunk for chunk in range(len(chunks)) if chunk not in done]
        with closing(_simulate_chunks(options, work, missing)) as finished:
            for chunk in finished:
                progress.advance(task, chunks[chunk])
    writer.finish(
        pd.concat([pd.read_parquet(_part(work, chunk)) for chunk in range(len(chunks))], ignore_index=True),
        redistribution=instrument.stored_matrices(),
        responses=instrument.RESPONSE_NAMES,
        provenance={
            "made_by": "vae.simulate",
            "version": vae.__version__,
            "simulator": simulator_identity(),
            "detections": options.detections,
            "seed": options.seed,
        },
        simulated=True,
    )
    return Simulated(store, len(chunks), len(done))


def count_kept(options: SimulateOptions, work: Path) -> tuple[int, int]:
    """Return how many chunks lie finished in a work folder, and how many there have to be."""
    chunks = _rows_of_chunks(options)
    return sum(_part(work, chunk).exists() for chunk in range(len(chunks))), len(chunks)


def _rows_of_chunks(options: SimulateOptions) -> list[int]:
    full, rest = divmod(options.detections, SHARD_ROWS)
    return [SHARD_ROWS] * full + [rest] * (rest > 0)


def _part(work: Path, chunk: int) -> Path:
    return work / _PARTS / f"{chunk:05d}.parquet"


def _finished_chunks(options: SimulateOptions, work: Path) -> set[int]:
    """Find the chunks that an earlier call finished, and forget those that this archive cannot use.

    That is its last one, where the archive had another length: rows beyond its end are no part of it.
    """
    if not (work / _STORE / "spectra.zarr").exists() and (work / _PARTS).exists():
        shutil.rmtree(work / _PARTS)  # the store went where it was wanted
    (work / _PARTS).mkdir(exist_ok=True)
    expected = {_part(work, chunk): chunk for chunk in range(len(_rows_of_chunks(options)))}
    done = set()
    for path in (work / _PARTS).iterdir():
        chunk = expected.get(path)
        if chunk is not None and _n_rows(path) == _rows_of_chunks(options)[chunk]:
            done.add(chunk)
        else:
            path.unlink()
    return done


def _n_rows(path: Path) -> int | None:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, ValueError):  # cut off when the machine went down
        return None


def _simulate_chunks(options: SimulateOptions, work: Path, chunks: list[int]) -> Generator[int]:
    """Yield the numbers of chunks as they are finished, spectra and table."""
    rows = _rows_of_chunks(options)
    workers = min(options.workers, len(chunks))
    if workers < 2:
        for chunk in chunks:
            _write_chunk(options.seed, chunk, rows[chunk], work)
            yield chunk
        return
    # Fresh processes rather than forked ones: the parent may run threads (progress bar, BLAS).
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(stop,)) as pool:
        with _ctrl_c_waits():
            futures = {pool.submit(_work, options.seed, chunk, rows[chunk], work): chunk for chunk in chunks}
        try:
            for future in as_completed(list(futures)):
                chunk = futures.pop(future)
                future.result()
                yield chunk
        except BrokenProcessPool as error:
            raise ExplorerError(
                "a worker process died, most likely for lack of memory",
                where=work,
                todo="Start again with fewer --workers, each takes about 1 GB; finished chunks are kept",
            ) from error
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


#: Set in a worker when no new chunk shall be begun.
_stop: Event | None = None


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Block Ctrl-C in this thread for a moment, and for good in the processes that it starts meanwhile.

    They are left to the parent, which lets running chunks end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(stop: Event) -> None:
    """Make a worker die with its parent, however that dies, and stop when it says so."""
    global _stop
    _stop = stop
    die_with_parent()


def _work(seed: int, chunk: int, n_rows: int, work: Path) -> None:
    if _stop is None or not _stop.is_set():
        _write_chunk(seed, chunk, n_rows, work)


def _write_chunk(seed: int, chunk: int, n_rows: int, work: Path) -> None:
    """Simulate one chunk and write its spectra, one whole shard: safe beside other writers; then its table.

    The table stands for the whole chunk: once it has its name, the spectra are there.
    """
    simulated = simulate_chunk(seed, chunk)
    start = chunk * SHARD_ROWS
    root = zarr.open_group(work / _STORE / "spectra.zarr", mode="r+")
    for name, values in vars(simulated.block).items():
        root[name][start : start + n_rows] = values[:n_rows]
    with new_file(_part(work, chunk)) as path:
        simulated.table.iloc[:n_rows].to_parquet(path, index=False)
