"""Write the beginning of a simulated archive as files: chunks, slabs of detections over processes, one folder."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.errors import ExplorerError, OptionError
from vae.files import new_folder
from vae.processes import die_with_parent
from vae.progress import progress_bar
from vae.simulate import instrument
from vae.simulate.export.catalogue import CATALOGUE_NAME, catalogue_cards, catalogue_file, catalogue_row
from vae.simulate.export.channels import all_channels, spread
from vae.simulate.export.products import Detection, products, response_files
from vae.simulate.observe import simulate_chunk
from vae.spectra.store import SHARD_ROWS

J = TypeVar("J")
T = TypeVar("T")
#: Where the canned matrices lie.
RESPONSES: Final = "responses"
#: Detections that a process gets at a time, and slabs on their way to each.
_SLAB_ROWS: Final = 64
_WAITING: Final = 4
#: With fewer detections than this, starting processes takes longer than it saves.
_WORTH_POOL: Final = 200
#: Sets the streams that share counts out over channels apart from those that drew the counts.
_STREAM: Final = 617
#: Key of the index of its response, beside the columns of a catalogue's row.
_RESPONSE: Final = "response_index"


@dataclass(frozen=True)
class ExportOptions:
    """What to write.

    Parameters
    ----------
    detections : int
        The first so many of the archive: those of `vae.simulate.build_store` with the same seed and number.
    seed : int
        The archive's seed. The same seed gives the same files, byte for byte.
    workers : int
        Processes; 1 works in this one.
    """

    detections: int
    seed: int = 1
    workers: int = 2

    def __post_init__(self) -> None:
        for value, flag, low in ((self.detections, "ogip", 1), (self.workers, "workers", 1), (self.seed, "seed", 0)):
            if value < low:
                raise OptionError(f"--{flag} {value} is too small", todo=f"Give {low} or more")


@dataclass(frozen=True)
class ExportSummary:
    """What was written.

    Parameters
    ----------
    out : Path
    detections, sources, observations : int
    files : int
        Products, matrices and the catalogue.
    responses : int
        Distinct redistribution matrices.
    megabytes : float
        On disk.
    catalogue : Path
    seconds : float
        Wall-clock time.
    """

    out: Path
    detections: int
    sources: int
    observations: int
    files: int
    responses: int
    megabytes: float
    catalogue: Path
    seconds: float


@dataclass(frozen=True)
class _Slab:
    """Some detections of a chunk, with all that is needed to write them."""

    folder: Path
    seed: int
    table: list[dict[str, Any]]
    setup: NDArray[np.void]
    counts: NDArray[np.uint32]
    background_counts: NDArray[np.uint32]


def export_archive(
    options: ExportOptions, out: str | Path, *, quiet: bool = False, overwrite: bool = False
) -> ExportSummary:
    """Write simulated detections as an archive of pipeline products.

    ``OBS_ID/pps/`` holds a spectrum, a background spectrum and an effective area of each detection, ``responses/`` the
    redistribution matrices, and beside them lies a catalogue in the columns of 4XMM.

    Parameters
    ----------
    options : ExportOptions
    out : str or Path
        The archive's folder; appears when it is whole.
    quiet : bool
        No progress bar.
    overwrite : bool
        Replace an existing folder.
    """
    started = time.perf_counter()
    out = Path(out)
    rows: list[dict[str, Any]] = []
    with new_folder(out, overwrite=overwrite) as folder, progress_bar(quiet=quiet) as progress:
        task = progress.add_task("Writing products", total=options.detections)
        (folder / RESPONSES).mkdir()
        with _pool(options) as pool:
            slabs = _slabs(options, folder)
            for written in _in_order(pool, _write_slab, slabs, waiting=_WAITING * options.workers):
                rows += written
                progress.advance(task, len(written))
            responses = sorted({row.pop(_RESPONSE) for row in rows})
            alike = _with_equal_matrices(responses)
            made = _in_order(pool, _write_responses, ((folder, group) for group in alike), waiting=options.workers)
            for _ in progress.track(made, len(alike), description="Writing matrices"):
                pass
        (folder / CATALOGUE_NAME).write_bytes(catalogue_file(rows, catalogue_cards(options.seed)))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    table = pd.DataFrame(rows)
    return ExportSummary(
        out=out,
        detections=len(table),
        sources=table["SRCID"].nunique(),
        observations=table["OBS_ID"].nunique(),
        files=3 * len(table) + len(responses) + 1,
        responses=len(responses),
        megabytes=round(size / 1e6, 1),
        catalogue=out / CATALOGUE_NAME,
        seconds=round(time.perf_counter() - started, 2),
    )


def _slabs(options: ExportOptions, folder: Path) -> Iterator[_Slab]:
    """Simulate chunk after chunk, cut into slabs, up to the number of detections asked for."""
    for chunk in range(-(-options.detections // SHARD_ROWS)):
        simulated = simulate_chunk(options.seed, chunk)
        n_rows = min(SHARD_ROWS, options.detections - chunk * SHARD_ROWS)
        for start in range(0, n_rows, _SLAB_ROWS):
            rows = slice(start, min(start + _SLAB_ROWS, n_rows))
            yield _Slab(
                folder,
                options.seed,
                simulated.table.iloc[rows].to_dict("records"),
                simulated.setup[rows],
                simulated.block.counts[rows],
                simulated.block.background_counts[rows],
            )


def _write_slab(slab: _Slab) -> list[dict[str, Any]]:
    """Write the products of a slab; return the catalogue's rows, each with the index of its response."""
    rows = []
    channels = all_channels()
    for row, setup, counts, background in zip(slab.table, slab.setup, slab.counts, slab.background_counts, strict=True):
        # A stream of its own for each detection: the same files however they are dealt out.
        stream = np.random.SeedSequence(slab.seed, spawn_key=(int(row["detection_id"]), 0, _STREAM))
        rng = np.random.Generator(np.random.SFC64(stream))
        detection = Detection(
            row,
            setup,
            spread(rng, counts, channels, "source"),
            spread(rng, background, channels, "background"),
            channels,
        )
        folder = slab.folder / str(row["obs_id"]) / "pps"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in products(detection).items():
            (folder / name).write_bytes(content)
        rows.append({**catalogue_row(detection), _RESPONSE: int(setup["response_index"])})
    return rows


def _with_equal_matrices(responses: Iterable[int]) -> list[list[int]]:
    groups: dict[object, list[int]] = {}
    for response in responses:
        groups.setdefault(instrument.blur_of(response), []).append(response)
    return list(groups.values())


def _write_responses(job: tuple[Path, list[int]]) -> None:
    folder, responses = job
    for name, content in response_files(responses).items():
        (folder / RESPONSES / name).write_bytes(content)


@contextmanager
def _pool(options: ExportOptions) -> Iterator[ProcessPoolExecutor | None]:
    """Yield processes to share the work, or None to do it here."""
    if options.workers == 1 or options.detections < _WORTH_POOL:
        yield None
        return
    # Fresh processes rather than forked ones: this one may run threads (progress bar, BLAS).
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context, initializer=_start_worker) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise ExplorerError(
                "a worker process died, most likely for lack of memory", todo="Start again with fewer --workers"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, which removes what was written; die with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()


def _in_order(
    pool: ProcessPoolExecutor | None, work: Callable[[J], T], jobs: Iterable[J], *, waiting: int
) -> Iterator[T]:
    """Map `work` over jobs in order, with at most so many of them on their way: they are made as they are needed."""
    if pool is None:
        yield from map(work, jobs)
        return
    futures: deque[Future[T]] = deque()
    for job in jobs:
        if len(futures) >= waiting:
            yield futures.popleft().result()
        futures.append(pool.submit(work, job))
    while futures:
        yield futures.popleft().result()
