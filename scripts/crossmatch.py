"""Find out who the sources of an atlas are: SIMBAD, and your own catalogues of labels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from _command import run

from vae.crossmatch import CrossmatchOptions, crossmatch


@dataclass(frozen=True)
class Options(CrossmatchOptions):
    """Find out who the sources of an atlas are: SIMBAD's objects near them, and your own catalogues of labels.

    Each source is looked up once, whatever the number of its detections. All objects near it are kept in the atlas as
    candidates.parquet; the most probable becomes its counterpart, and says so where another is nearly as good. Requests
    go out one at a time, with pauses, and every answer is kept: interrupted, the command goes on where it was, and run
    again it asks nothing that has been answered. The atlas changes at the end, in one step.
    """

    atlas: tyro.conf.Positional[Path] = dataclasses.field(kw_only=True)
    """The atlas; its class columns are filled in."""
    labels: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """Catalogue of labels (CSV, FITS, VOTable) with positions and classes; may be given several times. Their classes go
    before SIMBAD's, and those of the first before those of the next. Classes may be your own."""
    quiet: bool = False
    """No progress bars."""
    json: bool = False
    """Print a summary as JSON."""


def main(options: Options) -> dict[str, Any]:
    """Cross-match and summarise."""
    chosen = CrossmatchOptions(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(CrossmatchOptions)}
    )
    summary = crossmatch(options.atlas, chosen, quiet=options.quiet or options.json)
    return dataclasses.asdict(summary)


if __name__ == "__main__":
    run(main, Options)
