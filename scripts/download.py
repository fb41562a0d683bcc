"""Fetch the EPIC-pn products of a catalogue's detections into an archive that preprocess.py reads."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _command import plain, run

from vae.archive.catalogue import read_catalogue
from vae.archive.columns import CATALOGUE_COLUMNS
from vae.archive.download import DownloadOptions, DownloadSummary, download
from vae.errors import DownloadError


@dataclass(frozen=True)
class Options(DownloadOptions):
    """Fetch spectrum, background and effective area of each detection of a catalogue, and the matrices they name.

    From every pn exposure of a detection. Files appear whole or not at all; interrupted, even by kill -9, the same
    command goes on where it was and fetches nothing twice. manifest.parquet lists what came with size and SHA-256,
    missing.csv what did not, with the reason. Exit status 1 where files failed that may come another time.
    """

    catalogue: Path = dataclasses.field(kw_only=True)
    """Catalogue of detections (FITS, columns of 4XMM)."""
    out: Path = dataclasses.field(kw_only=True)
    """The archive's folder: a new one, or one of an earlier download to go on with."""
    dry_run: bool = False
    """Say how many files and GiB there would be; fetch and write nothing."""
    quiet: bool = False
    """No progress bars."""
    json: bool = False
    """Print a summary as JSON."""


def main(options: Options) -> dict[str, Any]:
    """Download and summarise."""
    chosen = DownloadOptions(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(DownloadOptions)}
    )
    columns = [column for column in CATALOGUE_COLUMNS if column.required]
    table = read_catalogue(options.catalogue, columns).table
    summary = download(table, options.out, chosen, quiet=options.quiet or options.json, dry_run=options.dry_run)
    if summary.failed:
        _tell_failed(summary, as_json=options.json)
    return dataclasses.asdict(summary)


def _tell_failed(summary: DownloadSummary, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(plain(summary), indent=2))
    raise DownloadError(
        f"{summary.failed} files could not be fetched ({summary.fetched} were); missing.csv says why",
        where=summary.out,
        todo="The same command tries them again",
    )


if __name__ == "__main__":
    run(main, Options)
