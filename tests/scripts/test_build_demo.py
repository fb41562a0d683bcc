import json
import subprocess
import sys
from pathlib import Path

import pytest

from vae.atlas import Atlas
from vae.spectra.store import SpectraStore

ROOT = Path(__file__).resolve().parents[2]


def build_demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "build_demo.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("demo") / "store"
    done = build_demo("--detections", "250", "--seed", "3", "--out", out, "--store-only", "--json")
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_a_bare_store(store: tuple[Path, dict[str, object]]) -> None:
    out, summary = store
    opened = SpectraStore.open(out)
    assert len(opened) == summary["detections"] == 250
    assert opened.simulated
    assert summary["kind"] == "spectra store"
    assert not [path.name for path in out.parent.iterdir() if path != out]


def test_an_atlas_holds_the_same_detections(store: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    out = tmp_path / "atlas"
    done = build_demo("--detections", "250", "--seed", "3", "--out", out, "--json", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kind"] == "atlas"
    atlas = Atlas.open(out)
    assert atlas.simulated
    assert atlas.catalogue["name"].tolist() == SpectraStore.open(store[0]).detections["name"].tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["atlas"]


def test_nothing_is_overwritten(store: tuple[Path, dict[str, object]]) -> None:
    out, _ = store
    done = build_demo("--detections", "250", "--out", out)
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(SpectraStore.open(out)) == 250


def test_senseless_numbers_end_with_status_2(tmp_path: Path) -> None:
    done = build_demo("--detections", "0", "--out", tmp_path / "x")
    assert done.returncode == 2
    assert "--detections 0" in done.stderr
    assert not list(tmp_path.iterdir())
