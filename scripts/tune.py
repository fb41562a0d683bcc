#!/usr/bin/env python
"""Search for better recipes: STORE -> STUDY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tyro
from _command import run

from vae.evaluation.tuning import TuneOptions, tune


@dataclass(frozen=True, kw_only=True)
class Options(TuneOptions):
    """Search over training recipes and networks for less held-out loss, better latents and less leakage at once.

    Trial 0 is the default recipe. STUDY holds the journal of trials, study.json, report.html and the models that no
    other trial beats in everything. Stop with Ctrl-C at any time: `--resume` goes on, also with more `--trials`.
    """

    store: tyro.conf.Positional[Path]
    """The spectra: a store or an atlas."""
    out: Path
    """Folder of the study."""
    resume: bool = False
    """Go on with the study in OUT."""
    json: bool = False
    """Print the summary as JSON; no progress bar."""


def main(options: Options) -> Mapping[str, Any]:
    """Search, and return the summary."""
    plain = TuneOptions(**{field.name: getattr(options, field.name) for field in fields(TuneOptions)})
    return asdict(tune(options.store, options.out, plain, resume=options.resume, quiet=options.json))


if __name__ == "__main__":
    run(main, Options)
