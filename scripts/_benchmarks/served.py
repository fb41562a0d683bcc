"""A Panel app served as a user would, warm, and how much memory it holds."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from vae.errors import ExplorerError

_ROOT: Final = Path(__file__).resolve().parents[2]
#: A million detections open in seconds; a first compilation may take a minute [s].
_PATIENCE: Final = 300
#: Pages that were closed are forgotten by the server after so long, and looked for so often [ms].
_FORGET: Final = 1000


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    process: psutil.Process

    def rss_mib(self) -> float:
        """Resident memory [MiB]."""
        return round(float(self.process.memory_info().rss) / 2**20, 1)

    def settle(self) -> None:
        """Wait until closed pages are forgotten."""
        time.sleep(4 * _FORGET / 1000)


@contextmanager
def serve(script: str, atlas: Path) -> Iterator[Served]:
    """Serve a script on a free port until the block ends.

    Parameters
    ----------
    script : str
        Relative to the repository, or absolute.
    atlas : Path

    Raises
    ------
    ExplorerError
        When it does not answer; with the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", script, "--address", "127.0.0.1", "--port", str(port), "--warm"]
    command += ["--unused-session-lifetime", str(_FORGET), "--check-unused-sessions", str(_FORGET)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--args", str(Path(atlas).resolve())], cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}/{Path(script).stem}"
            if not _answers(url, process):
                log.seek(0)
                raise ExplorerError(f"{script} was not served: {log.read().decode(errors='replace')[-2000:]}")
            yield Served(url, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=_PATIENCE):
                return True
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    return False
