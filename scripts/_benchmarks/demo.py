"""Building the simulated archive: seconds and memory from process start to atlas, sameness, kernels against stock."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from _benchmarks.processes import Run, run_script
from _benchmarks.stock import compare
from vae.errors import ExplorerError

#: Detections of the build that a person waits for.
_SMALL: Final = 10_000
#: Spectra on which the kernels are compared with stock tools.
_STOCK_ROWS: Final = 2_000


def measure(detections: int, seed: int, repeat: int, scratch: Path | None) -> dict[str, Any]:
    """Build demo atlases in fresh processes and compare.

    Parameters
    ----------
    detections : int
        Of the large build.
    seed : int
    repeat : int
        Builds of each kind; medians are reported.
    scratch : Path, optional
        Where atlases are built, and removed.

    Returns
    -------
    dict
        Timings, memory, and ratios.

    Raises
    ------
    ExplorerError
        When one and two workers make different archives.
    """
    _build(_SMALL, seed, 1, scratch)  # compiles the kernels
    small = [_build(_SMALL, seed, os.cpu_count() or 1, scratch) for _ in range(repeat)]
    one = _build(detections, seed, 1, scratch)
    two = [_build(detections, seed, 2, scratch) for _ in range(repeat)]
    hashes = sorted({run.summary["sha256"] for run in (one, *two)})
    if len(hashes) > 1:
        raise ExplorerError(f"the archive depends on the number of workers: {hashes}")
    return {
        "cpu_count": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "sha256": hashes[0],
        "same_with_1_and_2_workers": True,
        "small": _figures(_SMALL, small),
        "workers_1": _figures(detections, [one]),
        "workers_2": _figures(detections, two),
        "kernels_against_stock": compare(_STOCK_ROWS, seed),
    }


def _build(detections: int, seed: int, workers: int, scratch: Path | None) -> Run:
    with tempfile.TemporaryDirectory(dir=scratch, prefix="benchmark-") as folder:
        size = ("--detections", detections, "--seed", seed, "--workers", workers)
        return run_script("build_demo", *size, "--out", Path(folder) / "atlas")


def _figures(detections: int, runs: list[Run]) -> dict[str, Any]:
    seconds = statistics.median(run.seconds for run in runs)
    steps = [name for name in runs[0].summary if name.endswith("_s") and name != "detections_per_s"]
    return {
        "detections": detections,
        "builds": len(runs),
        "seconds": round(seconds, 2),
        "seconds_of_each": [round(run.seconds, 2) for run in runs],
        **{name: round(statistics.median(run.summary[name] for run in runs), 2) for name in steps},
        "detections_per_s": round(detections / seconds, 1),
        "peak_rss_mib": round(max(run.peak_rss_mib for run in runs)),
    }
