"""Cutting a catalogue: seconds and memory of a fresh process; full and slim files, gzipped or not."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from _benchmarks.made_catalogue import make_catalogue
from vae.errors import ExplorerError

#: What a fresh process runs: a selection by the usual cuts, then the most memory it had (Linux: VmHWM).
_PROGRAM: Final = """
import json, sys, time
start = time.perf_counter()
from pathlib import Path
from vae.archive.selection import select
selection = select(sys.argv[1])
seconds, cpu = time.perf_counter() - start, time.process_time()
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
json.dump({
    "seconds": seconds, "cpu_s": cpu, "peak_rss_mib": int(status["VmHWM"].split()[0]) / 1024,
    "removed": selection.records(),
}, sys.stdout)
"""
_FILES: Final = {"full": "cat.fits", "full_gz": "cat.fits.gz", "slim": "slim.fits", "slim_gz": "slim.fits.gz"}


def measure(detections: int, seed: int, repeat: int, scratch: Path | None) -> dict[str, Any]:
    """Make catalogues and cut them in fresh processes.

    Parameters
    ----------
    detections : int
        Rows.
    seed : int
    repeat : int
        Times that each is cut; medians are reported.
    scratch : Path, optional
        Where one catalogue at a time is made (1.6 GB for the rows of 4XMM-DR14), and removed.

    Returns
    -------
    dict
        Figures of each kind of file, and the table of removed rows.
    """
    figures: dict[str, Any] = {"detections": detections, "load_average": [round(load, 2) for load in os.getloadavg()]}
    for kind, name in _FILES.items():
        with tempfile.TemporaryDirectory(dir=scratch, prefix="benchmark-") as folder:
            path = Path(folder) / name
            columns = make_catalogue(path, detections, seed, slim=kind.startswith("slim"))
            runs = [_cut(path) for _ in range(repeat)]
            figures[kind] = {
                "columns": columns,
                "file_mib": round(path.stat().st_size / 2**20),
                "seconds": round(statistics.median(run["seconds"] for run in runs), 2),
                "cpu_s": round(statistics.median(run["cpu_s"] for run in runs), 2),
                "peak_rss_mib": round(max(run["peak_rss_mib"] for run in runs)),
            }
            figures["removed"] = runs[0]["removed"]
    return figures


def _cut(path: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExplorerError(f"the selection failed: {done.stderr.strip()}", where=path)
    return dict(json.loads(done.stdout))
