import dataclasses
import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vae.atlas import Atlas
from vae.files import kept_folder
from vae.simulate import SimulateOptions, work_identity
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
    assert summary["sha256"] == opened.content_hash()
    assert (summary["chunks"], summary["resumed_chunks"]) == (1, 0)
    assert {"simulate_s", "hash_s", "peak_rss_mib"} <= summary.keys()
    assert not [path.name for path in out.parent.iterdir() if path != out]


def test_an_atlas_holds_the_same_detections(store: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    out = tmp_path / "atlas"
    done = build_demo("--detections", "250", "--seed", "3", "--out", out, "--json", "--workers", "1")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["kind"] == "atlas"
    assert summary["sha256"] == store[1]["sha256"]
    atlas = Atlas.open(out)
    assert atlas.simulated
    assert atlas.catalogue["name"].tolist() == SpectraStore.open(store[0]).detections["name"].tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["atlas"]


def test_interrupted_while_encoding_the_spectra_are_kept(
    store: tuple[Path, dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out, (finished, summary) = tmp_path / "atlas", store
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    command = importlib.import_module("build_demo")
    options = command.BuildDemo(out=out, detections=250, seed=3, workers=1)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    # A build that had all its spectra when it was interrupted.
    with kept_folder(out, work_identity(SimulateOptions(250, 3))) as work:
        pass
    work.mkdir()
    (work / ".kept").touch()
    shutil.copytree(finished, work / "store")
    (work / "chunks").mkdir()
    SpectraStore.open(finished).detections.to_parquet(work / "chunks" / "00000.parquet", index=False)
    with monkeypatch.context() as patched:
        patched.setattr("vae.encode.encode", stop)
        with pytest.raises(KeyboardInterrupt, match=r"1 of 1 chunks of spectra are kept in .*--fresh"):
            command.main(options)
    capsys.readouterr()
    patient = command.main(dataclasses.replace(options, json=True))
    assert patient["resumed_chunks"] == 1
    assert patient["sha256"] == summary["sha256"]
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
