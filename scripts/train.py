#!/usr/bin/env python
"""Train a model on a spectra store: STORE -> MODEL."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import tyro
from _command import run

from vae.network import NETWORKS
from vae.training import TrainOptions, checkpoint_path, train
from vae.training.distributed import speaks

#: So that the help names them.
NetworkName = Literal[tuple(NETWORKS)]  # type: ignore[valid-type]


@dataclass(frozen=True, kw_only=True)
class Options(TrainOptions):
    """Train the autoencoder on a spectra store (or an atlas) and write a model folder.

    A tenth of the sources is held out. Stop with Ctrl-C at any time: `--resume` goes on exactly where it stopped.
    Several processes or GPUs: `torchrun --nproc-per-node N scripts/train.py ...` shares every batch among them.
    """

    store: tyro.conf.Positional[Path]
    """The spectra: a store or an atlas."""
    out: Path
    """Model folder to make."""
    resume: bool = False
    """Go on from the checkpoint beside OUT."""
    overwrite: bool = False
    """Replace an existing model."""
    network: NetworkName = "reference"
    """Sizes and kind of the network: reference has 475,206 parameters."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Single settings of the recipe, NAME=VALUE, such as averaging=0.999; may be repeated."""
    json: bool = False
    """Print the summary as JSON; no progress bar."""


def main(options: Options) -> Mapping[str, Any]:
    """Train, and return the summary."""
    plain = TrainOptions(**{field.name: getattr(options, field.name) for field in fields(TrainOptions)})
    try:
        summary = train(
            options.store,
            options.out,
            plain,
            resume=options.resume,
            quiet=options.json,
            overwrite=options.overwrite,
        )
    except KeyboardInterrupt:
        checkpoint = checkpoint_path(options.out)
        if not speaks():
            raise SystemExit(130) from None
        if checkpoint.exists():
            print(f"Stopped. The same command with --resume goes on from {checkpoint}.", file=sys.stderr)
        raise
    # Of several processes one speaks.
    return asdict(summary) if speaks() else None


if __name__ == "__main__":
    run(main, Options)
