from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vae.atlas import Atlas
from vae.network import TrainedModel
from vae.training import checkpoint_path

ROOT = Path(__file__).resolve().parents[2]


def command(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)]


def run(name: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    # From another folder: the commands must find the checkout themselves.
    return subprocess.run(command(name, *arguments), cwd=cwd, capture_output=True, text=True, timeout=300)


def test_train_then_encode(tiny_store: Path, tmp_path: Path) -> None:
    trained = run(
        "train.py", tiny_store, "--out", "model", "--updates", "5", "--batch-size", "64", "--json", cwd=tmp_path
    )
    assert trained.returncode == 0, trained.stderr
    summary = json.loads(trained.stdout)
    assert summary["updates"] == 5
    assert summary["held_out"]["median"] > 0
    meta = TrainedModel.load(tmp_path / "model").meta
    assert "train.py" in meta["command"]
    assert "--updates 5" in meta["command"]
    encoded = run(
        "encode.py", tiny_store, "--model", "model", "--out", "atlas", "--json", "--device", "cpu", cwd=tmp_path
    )
    assert encoded.returncode == 0, encoded.stderr
    summary = json.loads(encoded.stdout)
    assert summary["detections"] == len(Atlas.open(tmp_path / "atlas"))
    assert 0 <= summary["share_within_3"] <= 1


def test_errors_are_one_paragraph_and_a_status(tmp_path: Path) -> None:
    missing = run("train.py", "nowhere", "--out", "model", cwd=tmp_path)
    assert missing.returncode == 1
    assert missing.stdout == ""
    assert "not a spectra store" in missing.stderr
    assert "Traceback" not in missing.stderr
    senseless = run("train.py", "nowhere", "--out", "model", "--updates", "3", "--training-epochs", "2", cwd=tmp_path)
    assert senseless.returncode == 2
    assert "--training-epochs" in senseless.stderr
    assert "Traceback" not in senseless.stderr
    unknown = run("encode.py", "nowhere", "--model", "nothing", "--out", "atlas", cwd=tmp_path)
    assert unknown.returncode == 1
    assert "nowhere" in unknown.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["train.py", "encode.py"])
def test_help_names_every_option(name: str, tmp_path: Path) -> None:
    shown = run(name, "--help", cwd=tmp_path)
    assert shown.returncode == 0
    for option in ("--out", "--device", "--json", "--overwrite"):
        assert option in shown.stdout


def test_ctrl_c_leaves_a_checkpoint_that_resumes(tiny_store: Path, tmp_path: Path) -> None:
    arguments = ("train.py", tiny_store, "--out", tmp_path / "model", "--updates", "400", "--batch-size", "32")
    arguments += ("--checkpoint-every", "5", "--json")
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    checkpoint = checkpoint_path(tmp_path / "model")
    deadline = time.monotonic() + 240
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "--resume" in stderr
    assert "Traceback" not in stderr
    resumed = run(*arguments, "--resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert TrainedModel.load(tmp_path / "model").meta["training"]["updates"] == 400
    assert not checkpoint.exists()
