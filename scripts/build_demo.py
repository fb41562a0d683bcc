"""Build a simulated demo atlas (or, with --store-only, the spectra store behind it)."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _command

from vae.errors import ExplorerError
from vae.resources import asset
from vae.simulate import SimulateOptions, build_store


@dataclass(frozen=True)
class BuildDemo:
    """Simulate XMM-Newton detections and place them in a latent space: a demo atlas, no data needed.

    Every spectrum is simulated and says so; the same seed gives the same archive, whatever the number of workers.
    """

    out: Path
    """Folder of the new atlas (of the spectra store, with --store-only). Must not exist yet."""
    detections: int = 1_000_000
    """Number of detections."""
    seed: int = 1
    """Seed of the simulation."""
    workers: int = os.cpu_count() or 1
    """Processes that simulate."""
    store_only: bool = False
    """Stop at the spectra store: for training, or to encode with another model later."""
    model: Path | None = None
    """Model folder to encode with; the shipped reference network by default."""
    json: bool = False
    """Print the summary as JSON and show no progress bars."""


def main(options: BuildDemo) -> dict[str, Any]:
    """Build what was asked for; return the summary."""
    start = time.perf_counter()
    if options.out.exists():  # now, not after minutes of simulation
        raise ExplorerError("the output exists already", where=options.out, todo="Choose another --out or remove it")
    simulate = SimulateOptions(detections=options.detections, seed=options.seed, workers=options.workers)
    if options.store_only:  # without loading what only encoding needs
        build_store(simulate, options.out, quiet=options.json)
        return _summary(options, start)
    from vae.encode import encode
    from vae.network.trained import TrainedModel

    model = options.model or asset("models", "reference")
    TrainedModel.load(model)  # a model that cannot be used is said so now, too
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the atlas, so that its spectra are hard-linked rather than copied.
    with tempfile.TemporaryDirectory(prefix=f".{options.out.name}.store-", dir=options.out.parent) as scratch:
        store = build_store(simulate, Path(scratch) / "store", quiet=options.json)
        simulated = time.perf_counter()
        encode(store, model, options.out, quiet=options.json)
    return {
        **_summary(options, start),
        "model": model,
        "simulate_s": round(simulated - start, 2),
        "encode_s": round(time.perf_counter() - simulated, 2),
    }


def _summary(options: BuildDemo, start: float) -> dict[str, Any]:
    seconds = time.perf_counter() - start
    return {
        "out": options.out,
        "kind": "spectra store" if options.store_only else "atlas",
        "detections": options.detections,
        "seed": options.seed,
        "workers": options.workers,
        "simulated": True,
        "seconds": round(seconds, 2),
        "detections_per_s": round(options.detections / seconds, 1),
    }


if __name__ == "__main__":
    _command.run(main, BuildDemo)
