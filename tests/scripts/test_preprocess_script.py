"""The command as a person meets it: help, summary, errors, exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "spectra"))

from ogip_files import N_CHANNELS, write_arf, write_pha, write_rmf  # noqa: E402 (found only now)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "preprocess.py", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("an archive")
    write_pha(root / "PN.fits", np.ones(N_CHANNELS, int))
    write_pha(root / "PN_bkg.fits", np.ones(N_CHANNELS, int), BACKSCAL=4.0)
    write_arf(root / "PN.arf")
    write_rmf(root / "PN.rmf")
    (root / "notes.txt").write_text("hello")
    return root


def test_json_is_one_document_and_status_0(archive, tmp_path):
    done = command(archive, "--out", tmp_path / "store", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert summary["detections"] == 1
    assert summary["files"] == 5
    assert summary["rejected"] == {"unreadable": 1}
    assert (tmp_path / "store" / "store.json").exists()


def test_what_was_left_out_is_shown_to_a_person_by_kind_with_an_example(archive, tmp_path):
    done = command(archive, "--out", tmp_path / "store")
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert any(line.startswith("│ unreadable │ 1 │ notes.txt: not a FITS file") for line in lines), done.stderr
    assert 'rejected: {"unreadable": 1}' in done.stdout
    again = command(archive, "--out", tmp_path / "store", "--update", "--json")
    summary = json.loads(again.stdout)
    assert summary["update"] == {"unchanged": 1, "added": 0, "changed": 0, "removed": 0, "names": {}}
    assert summary["examples"]["unreadable"].startswith("notes.txt: not a FITS file but text")


def test_errors_are_one_paragraph_and_status_1(archive, tmp_path):
    (tmp_path / "store").mkdir()
    done = command(archive, "--out", tmp_path / "store")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"error: {tmp_path / 'store'}: the output exists already. Choose another --out or remove it first.\n"
    )


def test_options_that_make_no_sense_are_status_2(archive, tmp_path):
    missing = command(archive)
    assert missing.returncode == 2
    assert "--out" in missing.stderr
    wrong = command(archive, "--out", tmp_path / "store", "--standin-response", archive / "notes.txt")
    assert wrong.returncode == 2
    assert "not a FITS file but text" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_help_is_complete():
    done = command("--help")
    assert done.returncode == 0
    for word in (
        "--out",
        "--responses",
        "--standin-response",
        "--arf",
        "--rmf",
        "--background",
        "--workers",
        "--scheduler",
        "--update",
        "--json",
    ):
        assert word in done.stdout
