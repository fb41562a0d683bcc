"""Two processes against one: real ones, as torchrun starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae.errors import OptionError
from vae.training import TrainOptions, checkpoint_path, train
from vae.training.distributed import Ranks

ROOT = Path(__file__).resolve().parents[2]
#: All that has to do with more than a process's own rows: batch means of free bits and clusters, halves, averages.
#: Without sleep: the last digit of an expected count can decide a Poisson draw, and with it all that follow.
#: Dimensions awaken after update 11: what they start from is solved for, and that enlarges a difference of last digits.
SETTINGS = ("free_bits=0.3", "cluster=0.1", "clusters=3", "consistency=0.05", "sleep=0", "averaging=0.8")
SETTINGS += ("awaken_at=0.55",)
OPTIONS = TrainOptions(updates=20, batch_size=64, held_out_every=5, device="cpu", seed=3, set=SETTINGS)


@contextmanager
def together(store: Path, out: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Train in two processes; none of them outlives the test that started them."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    command += ["--standalone", str(ROOT / "scripts" / "train.py"), str(store), "--out", str(out), "--json"]
    command += ["--batch-size", "64", "--held-out-every", "5", "--device", "cpu", "--seed", "3", *settings, *more]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet) as both:
        try:
            yield both
        finally:
            both.terminate()  # torchrun ends its processes then


def history(model: Path) -> list[dict[str, Any]]:
    return tomllib.loads((model / "model.toml").read_text())["metrics"]["history"]


def test_two_processes_do_what_one_does(tiny_store: Path, tmp_path: Path) -> None:
    with together(tiny_store, tmp_path / "two", "--updates", "20") as both:
        train(tiny_store, tmp_path / "one", OPTIONS)
        out, errors = both.communicate(timeout=400)
    assert both.returncode == 0, errors
    assert out.count('"updates": 20') == 1  # one of them speaks
    one, two = history(tmp_path / "one"), history(tmp_path / "two")
    assert len(one) == len(two) == 4
    for first, last, tolerance in ((0, 2, 1e-5), (2, 4, 1e-4)):
        for name in ("training", "median", "trimmed_mean", "mean", "kl"):
            got, wanted = ([entry[name] for entry in entries[first:last]] for entries in (two, one))
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance if name == "kl" else 0)
    assert tomllib.loads((tmp_path / "two" / "model.toml").read_text())["training"]["processes"] == 2


def test_ctrl_c_ends_both_with_one_checkpoint(tiny_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    with together(tiny_store, out, "--updates", "100000", "--checkpoint-every", "3", "--set", "sleep=1") as both:
        deadline = time.monotonic() + 400
        while not checkpoint_path(out).exists() and both.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        both.send_signal(signal.SIGINT)
        _, errors = both.communicate(timeout=120)
    assert both.returncode != 0
    assert errors.count("goes on from") == 1, errors
    assert list(tmp_path.iterdir()) == [checkpoint_path(out)]


@pytest.mark.parametrize("shape", [(64,), (8, 8)])
def test_shares_are_the_whole(shape: tuple[int, ...]) -> None:
    rows = torch.arange(64).view(shape)
    parts = [rows[..., Ranks(rank, 4).share(rows)] for rank in range(4)]
    assert torch.equal(torch.cat(parts, -1), rows)
    with pytest.raises(OptionError, match="multiple of"):
        Ranks(0, 3).share(rows)
