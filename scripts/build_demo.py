"""Build a simulated demo atlas (or, with --store-only, the spectra store behind it)."""

from __future__ import annotations

import dataclasses
import importlib
import os
import resource
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _command

from vae.errors import OptionError
from vae.files import kept_folder, kept_folders, put_in_place, refuse_existing
from vae.resources import asset
from vae.simulate import Simulated, SimulateOptions, count_kept, simulate_store, work_identity
from vae.spectra.store import SpectraStore


@dataclass(frozen=True)
class BuildDemo:
    """Simulate XMM-Newton detections and place them in a latent space: a demo atlas, no data needed.

    Every spectrum is simulated and says so; the same seed gives the same archive, whatever the number of workers.
    Interrupted, even by kill -9, the same command goes on where it was.
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
    ogip: int | None = None
    """Write that many detections, the first of the same seed's atlas, as files instead: an archive of pipeline products
    (spectra, backgrounds, areas, redistribution matrices) with a catalogue, as `preprocess.py` reads it."""
    model: Path | None = None
    """Model folder to encode with; the shipped reference network by default."""
    fresh: bool = False
    """Discard what interrupted builds of this output left, and start over."""
    json: bool = False
    """Print the summary as JSON, with the content's hash, and show no progress bars."""


def main(options: BuildDemo) -> dict[str, Any]:
    """Build what was asked for; return the summary."""
    refuse_existing(options.out)  # now, not after minutes of simulation
    if options.ogip is not None:
        return _export(options, options.ogip)
    simulate = SimulateOptions(detections=options.detections, seed=options.seed, workers=options.workers)
    if not options.store_only:
        from vae.network.trained import TrainedModel

        TrainedModel.load(_model(options))  # a model that cannot be used is said so now, too
        # Loading torch takes seconds: now, while compiled code simulates.
        threading.Thread(target=importlib.import_module, args=("torch",), daemon=True).start()
    clock = _Clock()
    with kept_folder(options.out, work_identity(simulate), fresh=options.fresh) as work:
        try:
            simulated = simulate_store(simulate, work, quiet=options.json)
            clock.lap("simulate_s")
            digest = None
            if options.json:  # for programs: a person need not wait for it
                digest = SpectraStore.open(simulated.store).content_hash()
                clock.lap("hash_s")
            if options.store_only:
                put_in_place(simulated.store, options.out)
            else:
                put_in_place(_encode(simulated.store, options, work), options.out)
                clock.lap("encode_s")
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_what_is_kept(simulate, work)) from None
    return _summary(options, simulated, clock, digest)


def _export(options: BuildDemo, detections: int) -> dict[str, Any]:
    from vae.simulate.export import ExportOptions, export_archive

    if options.store_only or options.model is not None:
        raise OptionError(
            "--ogip writes files, neither a store nor an atlas", todo="Leave out --store-only and --model"
        )
    export = ExportOptions(detections=detections, seed=options.seed, workers=options.workers)
    summary = dataclasses.asdict(export_archive(export, options.out, quiet=options.json))
    return {"kind": "archive of OGIP files", "simulated": True, **summary, "seed": options.seed}


def _encode(store: Path, options: BuildDemo, work: Path) -> Path:
    from vae.encode import encode

    # Within the work folder: what a killed build leaves of it goes with that, and spectra are hard-linked, not copied.
    return encode(store, _model(options), work / "atlas", quiet=options.json, overwrite=True)


def _model(options: BuildDemo) -> Path:
    return options.model or asset("models", "reference")


def _what_is_kept(simulate: SimulateOptions, work: Path) -> str:
    done, chunks = count_kept(simulate, work)
    return (
        f"Interrupted. {done} of {chunks} chunks of spectra are kept in {work}. The same command goes on from there; "
        "with --fresh it starts over"
    )


class _Clock:
    """Seconds by step since the start."""

    def __init__(self) -> None:
        self.start = self.last = time.perf_counter()
        self.steps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.steps[name] = round(now - self.last, 2)
        self.last = now


def _summary(options: BuildDemo, simulated: Simulated, clock: _Clock, digest: str | None) -> dict[str, Any]:
    seconds = clock.last - clock.start
    summary: dict[str, Any] = {
        "out": options.out,
        "kind": "spectra store" if options.store_only else "atlas",
        "detections": options.detections,
        "seed": options.seed,
        "workers": options.workers,
        "simulated": True,
        "chunks": simulated.chunks,
        "resumed_chunks": simulated.resumed,
        "seconds": round(seconds, 2),
        **clock.steps,
        "detections_per_s": round(options.detections / seconds, 1),
        "peak_rss_mib": _peak_rss_mib(options.workers),
    }
    if digest:
        summary["sha256"] = digest
    if not options.store_only:
        summary["model"] = _model(options)
    others = kept_folders(options.out)
    if others:
        summary["left_by_other_builds"] = others
    return summary


def _peak_rss_mib(workers: int) -> int:
    """Return no less than what this process and its workers had in memory at a time: the sum of their peaks."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest_worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round((own + workers * largest_worker) / unit)


if __name__ == "__main__":
    _command.run(main, BuildDemo)
