"""How good an atlas is, beside baselines: metrics.json, a table and a report with plots."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import _command
import tyro

from vae.errors import OptionError
from vae.evaluation.run import EvaluateOptions, evaluate, write


@dataclass(frozen=True)
class Options:
    """Evaluate an atlas, simulated or real, on sources that its model was not trained on.

    Fit beside nulls, stacked residuals, classes kept apart and rare ones found again beside baselines, calibration of
    sigma, fidelity of decoded photon spectra, nuisance, the latent space. What an atlas does not allow (no labels, say)
    is left out with the reason.
    """

    atlas: Annotated[Path, tyro.conf.Positional]
    """The atlas."""
    out: Path | None = None
    """Folder for metrics.json, table.md and report.html (self-contained); replaced if they are there."""
    real: Path | None = None
    """Atlas or store of real spectra, to be looked at one by one in the same report."""
    models: tuple[Path, ...] = ()
    """Folders of other models, to be compared on the atlas's held-out spectra."""
    before: Path | None = None
    """metrics.json of an earlier evaluation, to stand beside this one in the tables."""
    quick: bool = False
    """A first look in a fraction of the time: small samples, without UMAP and exact posteriors."""
    rows: int | None = None
    """Most rows, and most simulated sources, of any one part."""
    per_class: int | None = None
    """Most detections of a class in the class tests."""
    seed: int = 0
    """Of samples and bootstraps."""
    json: bool = False
    """Print the metrics as JSON; no progress bar."""


def main(options: Options) -> dict[str, Any]:
    """Run the evaluation and return its metrics."""
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise OptionError(f"--out {options.out} is a file", todo="Give a folder")
    before = None if options.before is None else _read_metrics(options.before)
    found = evaluate(
        options.atlas,
        EvaluateOptions(
            rows=options.rows,
            per_class=options.per_class,
            seed=options.seed,
            quick=options.quick,
            real=options.real,
            models=options.models,
        ),
        quiet=options.json,
    )
    if options.out is None:
        return found.metrics
    files = write(found, options.out, before)
    return found.metrics if options.json else {path.name: path for path in files}


def _read_metrics(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise OptionError(f"--before {path}: {error}", todo="Give the metrics.json of an earlier evaluation") from error


if __name__ == "__main__":
    _command.run(main, Options)
