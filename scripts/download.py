"""Fetch the EPIC-pn products of a catalogue's detections into an archive that preprocess.py reads."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from _command import plain, run

from vae.archive.cuts import Cuts
from vae.archive.download import DownloadOptions, DownloadSummary, download
from vae.archive.selection import select
from vae.errors import DownloadError


@dataclass(frozen=True)
class Options(DownloadOptions):
    """Fetch spectrum, background and effective area of each detection of a catalogue, and the matrices they name.

    From every pn exposure of a detection. Files appear whole or not at all; interrupted, even by kill -9, the same
    command goes on where it was and asks for nothing again that is there. manifest.parquet lists what came with size
    and SHA-256, missing.csv what did not, with the reason. Exit status 1 where files failed that may come another time.
    """

    catalogue: Path = dataclasses.field(kw_only=True)
    """Catalogue of detections (FITS, gzipped or not), such as 4XMM_DR14cat_v1.0.fits.gz."""
    out: Path = dataclasses.field(kw_only=True)
    """The archive's folder: a new one, or one of an earlier download to go on with."""
    cuts: Annotated[Cuts, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Cuts, kw_only=True)
    """Which detections."""
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
    quiet = options.quiet or options.json
    selection = select(options.catalogue, options.cuts, quiet=quiet)
    summary = download(selection.table, options.out, chosen, quiet=quiet, dry_run=options.dry_run)
    removed = selection.removed.to_dict("records") if options.json else f"\n{selection.text()}"
    told = {"selection": removed, **dataclasses.asdict(summary)}
    if summary.failed:
        _tell_failed(summary, told, as_json=options.json)
    return told


def _tell_failed(summary: DownloadSummary, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(plain(told), indent=2))
    raise DownloadError(
        f"{summary.failed} file{'s' * (summary.failed > 1)} could not be fetched; missing.csv says why",
        where=summary.out,
        todo="The same command tries again",
    )


if __name__ == "__main__":
    run(main, Options)
