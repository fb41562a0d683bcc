#!/usr/bin/env python
"""Encode a spectra store with a model: STORE + MODEL -> ATLAS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tyro
from _command import run

from vae.encode import encode
from vae.resources import asset


@dataclass(frozen=True)
class Options:
    """Encode every spectrum of a store (or of another atlas) and write an atlas the explorer opens."""

    store: tyro.conf.Positional[Path]
    """The spectra: a store or an atlas."""
    out: Path
    """Atlas folder to make."""
    model: Path | None = None
    """Model folder; the one that ships with the explorer by default."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    overwrite: bool = False
    """Replace an existing atlas."""
    json: bool = False
    """Print the summary as JSON; no progress bar."""


def main(options: Options) -> Mapping[str, Any]:
    """Encode, and return the summary."""
    begin = time.perf_counter()
    model = options.model or asset("models", "reference")
    steps: dict[str, float] = {}
    out = encode(
        options.store,
        model,
        options.out,
        device=options.device,
        quiet=options.json,
        overwrite=options.overwrite,
        steps=steps,
    )
    seconds = time.perf_counter() - begin
    table = pd.read_parquet(out / "catalogue.parquet", columns=["net_counts", "cstat_z"])
    z = table.loc[table["net_counts"] > 300, "cstat_z"].to_numpy(np.float64)
    z = z[np.isfinite(z)]
    return {
        "atlas": out,
        "model": model,
        "detections": len(table),
        "seconds": round(seconds, 2),
        **{name: round(value, 2) for name, value in steps.items()},
        "above_300_net_counts": len(z),
        "median_cstat_z": float(np.median(z)) if len(z) else None,
        "share_within_3": float(np.mean(np.abs(z) < 3)) if len(z) else None,
    }


if __name__ == "__main__":
    run(main, Options)
