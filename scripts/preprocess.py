"""Turn OGIP files (PHA, ARF, RMF) of EPIC-pn into a spectra store."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from _command import run

from vae.preprocess import PreprocessOptions, preprocess


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
        options.archive, options.out, chosen, quiet=options.quiet or options.json, overwrite=options.overwrite
    )
    return dataclasses.asdict(summary)


if __name__ == "__main__":
    run(main, Options)
