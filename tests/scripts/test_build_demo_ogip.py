"""The chain as a person types it: simulated files, and the store that preprocessing makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from vae.spectra.store import SpectraStore

ROOT = Path(__file__).resolve().parents[2]


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_files_are_written_and_preprocessed(tmp_path: Path) -> None:
    archive, store = tmp_path / "archive", tmp_path / "store"
    done = script("build_demo.py", "--ogip", 2, "--seed", 3, "--out", archive, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["detections"] == 2
    assert summary["simulated"] is True
    assert Path(summary["catalogue"]).exists()
    done = script("preprocess.py", archive, "--out", store, "--catalogue", summary["catalogue"], "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rejected"] == {}
    opened = SpectraStore.open(store)
    assert opened.simulated
    assert opened.detections["detection_id"].tolist() == [1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "store"]


def test_files_are_neither_a_store_nor_an_atlas(tmp_path: Path) -> None:
    for more in ("--store-only", "--model=assets"):
        done = script("build_demo.py", "--ogip", 2, "--out", tmp_path / "x", more)
        assert done.returncode == 2
        assert "--ogip writes files" in done.stderr
    assert not list(tmp_path.iterdir())
