"""Shared by all tests: the real OGIP files where they stand, and a tiny simulated archive taken through the chain."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from vae.resources import asset

# A shell starts what it puts in the background with Ctrl-C ignored; commands under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is judged by its time, nor by a draw of its own: a busy machine fails nothing, and a failure comes again.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


class _OneBrowser(LoadScopeScheduling):
    """Of several processes one has all browser tests; the rest is taken by files, which keep their fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _OneBrowser:
    return _OneBrowser(config, log)


OGIP = Path(__file__).resolve().parents[2] / "shared" / "data" / "ogip"
#: Enough for every class and some trajectories, small enough for seconds.
TINY_DETECTIONS = 3000
TINY_SEED = 7


@pytest.fixture(scope="session")
def ogip() -> Path:
    """Folder of real XMM-Newton spectra; tests that need it are skipped where it is not."""
    if not OGIP.is_dir():
        pytest.skip(f"no real OGIP files at {OGIP}")
    return OGIP


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated spectra store of TINY_DETECTIONS detections."""
    from vae.simulate import SimulateOptions, build_store

    out = tmp_path_factory.mktemp("tiny") / "store"
    build_store(SimulateOptions(detections=TINY_DETECTIONS, seed=TINY_SEED, workers=1), out, quiet=True)
    return out


@pytest.fixture(scope="session")
def tiny_atlas(tiny_store: Path) -> Path:
    """The tiny store encoded with the shipped weights."""
    from vae.encode import encode

    out = tiny_store.parent / "atlas"
    encode(tiny_store, asset("models", "reference"), out, quiet=True)
    return out
