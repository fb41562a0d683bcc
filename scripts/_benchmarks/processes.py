"""Run a command as a user would, and see how long it takes and how much memory it and its children hold."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from vae.errors import ExplorerError

_SCRIPTS: Final = Path(__file__).resolve().parent.parent
#: Seconds between two looks at the memory: a chunk takes seconds.
_LOOK_EVERY: Final = 0.1


@dataclass(frozen=True)
class Run:
    """One finished command.

    Parameters
    ----------
    seconds : float
        From the start of the process to its end.
    peak_rss_mib : float
        Largest sum of the resident memory of the process and all its children [MiB]; shared pages count for each.
    summary : dict
        What it printed with ``--json``.
    parent_peak_rss_mib, child_peak_rss_mib : float
        The most that the process itself, and that any one of its children held [MiB].
    """

    seconds: float
    peak_rss_mib: float
    summary: dict[str, Any]
    parent_peak_rss_mib: float = 0.0
    child_peak_rss_mib: float = 0.0


def run_script(name: str, *arguments: object) -> Run:
    """Run `scripts/NAME.py --json` with some arguments, in a fresh interpreter.

    Raises
    ------
    ExplorerError
        When it fails; with what it wrote on standard error.
    """
    command = [sys.executable, str(_SCRIPTS / f"{name}.py"), *map(str, arguments), "--json"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0.0, 0.0, 0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    out, errors = process.communicate()
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode:
        raise ExplorerError(f"{' '.join(command)} failed: {errors.strip()}")
    return Run(seconds, peak[0], json.loads(out), *peak[1:])


def _watch(pid: int, peak: list[float]) -> None:
    while True:
        try:
            parent = psutil.Process(pid)
            family = [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        total = 0
        for process in family:
            try:
                held = process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            total += held
            which = 1 if process.pid == pid else 2
            peak[which] = max(peak[which], held / 2**20)
        if not total:  # ended, not yet waited for
            return
        peak[0] = max(peak[0], total / 2**20)
        time.sleep(_LOOK_EVERY)
