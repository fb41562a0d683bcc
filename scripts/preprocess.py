"""Turn OGIP files (PHA, ARF, RMF) of EPIC-pn into a spectra store."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from _command import run
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vae.preprocess import PreprocessOptions, PreprocessSummary, preprocess


@dataclass(frozen=True)
class Options(PreprocessOptions):
    """Turn OGIP files of EPIC-pn into a spectra store: find triples, pick responses, bin, list what was left and why.

    Spectrum, background and area belong together by PPS product name, else by the keywords BACKFILE and ANCRFILE,
    else by a common stem. The response is the first that opens among the name in RESPFILE, versioned names of it,
    the archive's own folders, --responses, and --standin-response.
    """

    archive: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders to search, or single spectra."""
    out: Path = dataclasses.field(kw_only=True)
    """The store to write. An existing one is never overwritten unless you say so."""
    update: bool = False
    """Bring an existing store up to date: only spectra that are new or have changed (by name, size and time of change,
    their own or of what belongs to them) are read, those that have gone are left out. Name all folders that it was made
    from, new ones after them. The result is the same as from nothing; until it is whole, the old store stays."""
    overwrite: bool = False
    """Replace an existing store."""
    quiet: bool = False
    """No progress bars."""
    json: bool = False
    """Print a summary as JSON."""


def main(options: Options) -> dict[str, Any]:
    """Preprocess and summarise."""
    chosen = PreprocessOptions(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(PreprocessOptions)}
    )
    summary = preprocess(
        options.archive,
        options.out,
        chosen,
        quiet=options.quiet or options.json,
        overwrite=options.overwrite,
        update=options.update,
    )
    if summary.rejected and not (options.quiet or options.json):
        _show_rejected(summary)
    return {name: value for name, value in dataclasses.asdict(summary).items() if value is not None}


def _show_rejected(summary: PreprocessSummary) -> None:
    """Show what was left out, by kind, on standard error: standard output has the same in the summary."""
    table = Table(
        title=f"not used; every file and its reason: {summary.store / 'rejected.parquet'}", title_justify="left"
    )
    table.add_column("kind")
    table.add_column("files", justify="right")
    table.add_column("for example", overflow="fold")
    for kind, number in summary.rejected.items():
        table.add_row(kind, f"{number:,}", escape(summary.examples[kind]))
    Console(stderr=True).print(table)


if __name__ == "__main__":
    run(main, Options)
