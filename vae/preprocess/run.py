"""The whole of preprocessing: survey, rows from a pool of processes, sources, the store in order of detection_id."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from rich.progress import Progress

import vae
from vae.archive.catalogue import Catalogue, read_catalogue
from vae.errors import ExplorerError, OgipError, OptionError
from vae.files import new_folder
from vae.preprocess.extract import Extractor
from vae.preprocess.identify import COLUMNS, identify
from vae.preprocess.options import PreprocessOptions, PreprocessSummary
from vae.preprocess.pool import ordered_map
from vae.preprocess.sources import choose_spectra, join_sources
from vae.preprocess.spool import Spool
from vae.preprocess.survey import Rejection, Survey, files_under, is_response_name, label_file, survey
from vae.preprocess.triples import ResponsePlaces
from vae.progress import progress_bar
from vae.spectra.ogip import Label, read_rmf
from vae.spectra.ogip_types import PN_NAMES
from vae.spectra.store import REJECTED_COLUMNS, SHARD_ROWS, StoreWriter

#: Fewer files than this are not worth starting processes for, unless they are asked for.
_WORTH_POOL: Final = 256


def preprocess(
    paths: Sequence[Path],
    out: Path,
    options: PreprocessOptions | None = None,
    *,
    quiet: bool = False,
    overwrite: bool = False,
) -> PreprocessSummary:
    """Turn OGIP files into a spectra store.

    Parameters
    ----------
    paths : sequence of Path
        Folders to search, or files.
    out : Path
        The store to write; it appears whole or not at all.
    options : PreprocessOptions
    quiet : bool
        No progress bars.
    overwrite : bool
        Replace an existing store.

    Returns
    -------
    PreprocessSummary

    Raises
    ------
    OptionError
        When options do not go together.
    ExplorerError
        When a path does not exist, the stand-in does not open, or there is no usable spectrum at all.
    """
    started = time.perf_counter()
    options = options or PreprocessOptions()
    paths = [Path(path) for path in paths]
    _check(paths, options)
    catalogue = None if options.catalogue is None else read_catalogue(options.catalogue, COLUMNS)
    single = len(paths) == 1 and paths[0].is_file()
    with (
        new_folder(out, overwrite=overwrite) as folder,
        Spool(folder / "rows.partial") as spool,
        progress_bar(quiet=quiet) as progress,
    ):

        def label_files(unknown: Sequence[Path]) -> Iterator[Label | Rejection]:
            workers = _processes(options, len(unknown)) if len(unknown) >= _WORTH_POOL else 1
            return ordered_map(label_file, unknown, workers=workers, progress=progress, title="looking at files")

        found = survey(paths, label_files, single=single)
        if len(found.spectra) > 1 and (options.arf or options.rmf or options.background):
            raise OptionError(
                f"--arf, --rmf and --background are for a single spectrum, and there are {len(found.spectra)}",
                todo="Give that one spectrum as the argument",
            )
        rejected = [item for item in found.rejected if catalogue is None or item.file != catalogue.path.resolve()]
        files: list[Path] = []
        used: set[Path] = set()
        extractor = Extractor(_absolute(options), _places(found, options))
        workers = _processes(options, len(found.spectra))
        for result in ordered_map(extractor, found.spectra, workers=workers, progress=progress, title="spectra"):
            if isinstance(result, Rejection):
                rejected.append(result)
            else:
                spool.add(result)
                files.append(result.file)
                used.update(result.used)
        if not files:
            raise ExplorerError(_why_nothing(rejected), where=", ".join(map(str, paths)), todo="Check what is there")
        rows, losing = _choose(spool.table(), files, catalogue)
        if rows.empty:
            raise ExplorerError(
                f"none of the {len(files)} spectra stands in the catalogue {options.catalogue}",
                where=", ".join(map(str, paths)),
                todo="Give the catalogue of this archive, or none",
            )
        rejected += losing
        rejected += _unused(found, used, rejected, spectra=set(files))
        origin: dict[str, object] = {"archives": [root.name for root in found.roots]}
        if catalogue is not None:
            origin["catalogue"] = catalogue.name
        names = _write(folder, spool, rows, _rejected_table(rejected, found.roots), origin, progress)
    return PreprocessSummary(
        store=Path(out),
        files=found.n_files,
        detections=len(rows),
        sources=int(rows["source_id"].nunique()),
        standin_responses=int(rows["response_is_standin"].sum()),
        responses=len(names),
        rejected=dict(sorted(Counter(rejection.kind for rejection in rejected).items())),
        seconds=round(time.perf_counter() - started, 2),
    )


def _choose(
    table: pd.DataFrame, files: Sequence[Path], catalogue: Catalogue | None
) -> tuple[pd.DataFrame, list[Rejection]]:
    """Identify sources, keep one spectrum of each in each observation; rows in order of detection_id, index kept."""
    losing: list[Rejection] = []
    if catalogue is None:
        table["source"] = join_sources(
            table["ra_deg"].to_numpy(np.float64, na_value=np.nan),
            table["dec_deg"].to_numpy(np.float64, na_value=np.nan),
            list(table["obs_id"]),
            list(table["src_num"]),
        )
    else:
        every, (table, unknown) = table, identify(table, catalogue)
        losing += _not_listed(every.loc[unknown], files, catalogue.name)
    choice = choose_spectra(table)
    rows = table[choice["kept"]].sort_values("detection_id", kind="stable")
    rows["source_id"] = (
        rows["source"] if catalogue is not None else rows.groupby("source")["detection_id"].transform("min")
    )
    return rows, [*losing, *_losing(choice, table, files)]


def _write(
    folder: Path,
    spool: Spool,
    rows: pd.DataFrame,
    rejected: pd.DataFrame,
    origin: Mapping[str, object],
    progress: Progress,
) -> list[str]:
    """Write the store; return the names of its responses."""
    order = rows.index.to_numpy()
    names, keys, matrices = spool.responses(order)
    writer = StoreWriter(folder, len(order), fractional_background=not spool.whole_background(order))
    for start in progress.track(range(0, len(order), SHARD_ROWS), description="writing"):
        writer.write(start, spool.block(order[start : start + SHARD_ROWS], keys))
    writer.finish(
        rows.drop(columns=["source", "response_key", "simulated"]).reset_index(drop=True),
        redistribution=matrices,
        responses=names,
        rejected=rejected,
        provenance={
            "made_by": "vae.preprocess",
            "version": vae.__version__,
            **origin,
        },
        simulated=bool(rows["simulated"].all()),
    )
    return names


def _processes(options: PreprocessOptions, n_items: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return options.workers or (cores if n_items >= _WORTH_POOL else 1)


def _check(paths: Sequence[Path], options: PreprocessOptions) -> None:
    if not paths:
        raise OptionError("no archive given", todo="Name a folder or a spectrum")
    if options.workers < 0:
        raise OptionError(f"--workers {options.workers} is no number of processes", todo="Give 1 or more, or 0")
    for flag, file in (("--arf", options.arf), ("--rmf", options.rmf), ("--background", options.background)):
        if file is not None and not file.is_file():
            raise OptionError(f"{flag}: no such file", where=file)
    for folder in options.responses:
        if not folder.exists():
            raise OptionError("--responses: no such folder", where=folder)
    if options.standin_response is not None:
        try:
            instrument = read_rmf(options.standin_response).instrument
        except OgipError as error:
            raise OptionError(
                f"--standin-response cannot be used: {error.what}",
                where=options.standin_response,
                todo="Give an EPIC-pn redistribution matrix",
            ) from error
        if instrument and instrument not in PN_NAMES:
            raise OptionError(f"--standin-response is of {instrument}, not of EPIC-pn", where=options.standin_response)


def _absolute(options: PreprocessOptions) -> PreprocessOptions:
    def full(path: Path | None) -> Path | None:
        return None if path is None else path.resolve()

    return PreprocessOptions(
        arf=full(options.arf), rmf=full(options.rmf), background=full(options.background), workers=options.workers
    )


def _places(found: Survey, options: PreprocessOptions) -> ResponsePlaces:
    folders: dict[str, list[Path]] = {}
    for path in files_under(options.responses):
        if is_response_name(path.name):
            folders.setdefault(path.name, []).append(path)
    standin = options.standin_response
    return ResponsePlaces(found.roots, found.responses, folders, None if standin is None else standin.resolve())


def _why_nothing(rejected: Sequence[Rejection]) -> str:
    first = [f"{item.file.name}: {item.reason}" for item in rejected if item.kind != "not-a-spectrum"][:3]
    detail = f" ({'; '.join(first)})" if first else ""
    return f"no usable EPIC-pn spectrum among {len(rejected)} files{detail}"


def _not_listed(table: pd.DataFrame, files: Sequence[Path], catalogue: str) -> Iterator[Rejection]:
    for row, obs_id, src_num in zip(table.index, table["obs_id"], table["src_num"], strict=True):
        if pd.isna(obs_id) or pd.isna(src_num):
            reason = f"has no OBS_ID and source number to find it by in {catalogue}"
        else:
            reason = f"{catalogue} does not list source {src_num} of OBS_ID {obs_id}"
        yield Rejection(files[int(row)], "not-in-catalogue", reason)


def _losing(choice: pd.DataFrame, table: pd.DataFrame, files: Sequence[Path]) -> Iterator[Rejection]:
    for row, (_, kind, instead) in zip(choice.index, choice.itertuples(index=False), strict=True):
        best = files[int(instead)].name
        if kind == "duplicate":
            yield Rejection(
                files[int(row)],
                kind,
                f"another spectrum of this source in observation {table['obs_id'][row]} is used: {best}, with "
                f"{table['net_counts'][instead]:.0f} net counts against {table['net_counts'][row]:.0f}",
            )
        elif kind:
            yield Rejection(
                files[int(row)], kind, f"its derived detection_id {table['detection_id'][row]} is also that of {best}"
            )


def _unused(
    found: Survey, used: set[Path], rejected: Sequence[Rejection], *, spectra: set[Path]
) -> Iterator[Rejection]:
    """Backgrounds, areas and responses that went with no row, each with what can be said of it."""
    listed = {rejection.file for rejection in rejected} | used | spectra
    for file in found.parts:
        if file in listed:
            continue
        label = label_file(file)
        if isinstance(label, Rejection):
            yield label
        elif label.instrument and label.instrument not in PN_NAMES:
            yield Rejection(file, "not-pn", f"not of EPIC-pn but {label.telescope} {label.instrument}")
        else:
            yield Rejection(file, "unused", f"no usable spectrum goes with this {label.kind} file")


def _rejected_table(rejected: Sequence[Rejection], roots: Sequence[Path]) -> pd.DataFrame:
    def shown(path: Path) -> str:
        return next((str(path.relative_to(root)) for root in roots if path.is_relative_to(root)), str(path))

    rows = sorted((shown(item.file), item.hdu, item.reason, item.kind) for item in rejected)
    return pd.DataFrame(rows, columns=list(REJECTED_COLUMNS), dtype="str")
