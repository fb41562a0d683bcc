from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from vae.network import TrainedModel

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "tune.py"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(SCRIPT), *map(str, arguments)]


def wait(process: subprocess.Popen[str], journal: Path, ready: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        if journal.exists() and ready(journal.read_text()):
            return
        time.sleep(0.05)
    raise AssertionError(f"status {process.poll()}, journal {journal.read_text() if journal.exists() else 'missing'}")


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Processes that do trials: forked off the server that the command started."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if child.ppid() != process.pid]


def test_workers_killed_interrupted_and_gone_on_with(tiny_store: Path, tmp_path: Path) -> None:
    arguments = (tiny_store, "--out", tmp_path / "study", "--updates", "4", "--device", "cpu")
    first = subprocess.Popen(
        command(*arguments, "--trials", "60", "--workers", "2"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests started in the background of a shell ignore Ctrl-C, and hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    journal = tmp_path / "study" / "journal.jsonl"
    wait(first, journal, lambda text: text.count('"worker":') >= 2)
    workers(first)[0].kill()
    wait(first, journal, lambda text: text.count('"scores":') >= 2)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: every process hears it
    _, stderr = first.communicate(timeout=120)
    assert first.returncode == 130, stderr
    assert "--resume" in stderr
    assert "Traceback" not in stderr
    done = len(json.loads((tmp_path / "study" / "study.json").read_text())["trials"])
    assert done >= 2
    second = subprocess.run(
        command(*arguments, "--trials", str(done + 1), "--resume", "--json"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert second.returncode == 0, second.stderr
    summary = json.loads(second.stdout)
    assert (summary["trials"], summary["failed"]) == (done + 1, 0)
    assert summary["baseline"] is not None
    for trial in summary["pareto"]:
        TrainedModel.load(tmp_path / "study" / "models" / str(trial["trial"]))
