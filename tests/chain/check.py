"""The whole chain against servers on loopback, killed and gone on with: is the atlas that of an undisturbed run?

    python tests/chain/check.py [--detections 2000] [--kills 10] [--seed 1] [--field FOLDER] [--folder FOLDER]

prints a verdict as JSON; its exit status is 0 where the atlases are equal. `scripts/build_atlas.py` runs in processes
of its own; a killed one gets SIGKILL, itself alone. All stages are killed equally often, however short they are (drawn
from the whole run, nearly all moments would fall in its longest, the download); the moment within each is drawn from
the time that the stage takes when undisturbed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import pandas as pd
import psutil
import zarr
from sample import Sample, make_sample, served

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("select", "download", "preprocess", "encode", "crossmatch")


@dataclass(frozen=True)
class Moment:
    """When a build is killed: seconds after it has begun a stage."""

    stage: str
    after: float


@dataclass(frozen=True)
class Chain:
    """How to call `build_atlas.py` on a sample.

    Parameters
    ----------
    sample : Sample
    options : list of str
        Of servers, and others.
    """

    sample: Sample
    options: list[str]

    def command(self, out: Path, *more: str) -> list[str]:
        standin = [] if self.sample.standin is None else ["--standin-response", str(self.sample.standin)]
        script = str(ROOT / "scripts" / "build_atlas.py")
        return [
            sys.executable, script, str(self.sample.catalogue), "--out", str(out), *self.options, *standin, *more,
            "--json",
        ]  # fmt: skip

    def run(self, out: Path, *more: str) -> dict[str, Any]:
        """Run it to its end and return the summary."""
        done = subprocess.run(self.command(out, *more), capture_output=True, text=True, check=False, env=environment())
        if done.returncode:
            raise RuntimeError(f"build_atlas.py ended with {done.returncode}: {done.stderr}")
        return dict(json.loads(done.stdout))

    def run_until(self, out: Path, moment: Moment) -> str | None:
        """Run it and kill it at some moment; return what it was at, None where it ended before."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self.command(out), stdout=subprocess.DEVNULL, stderr=errors, env=environment(), start_new_session=True
            )
            try:
                wait_for_stage(process, out, moment.stage)
                until = time.monotonic() + moment.after
                # a stage gone on with may be done sooner than the whole one: then it is killed at its end
                while process.poll() is None and time.monotonic() < until and moment.stage in _ledger(out)[1]["begun"]:
                    time.sleep(0.005)
                ended = process.poll() is not None
                if not ended:
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait()
                elif process.returncode:
                    errors.seek(0)
                    raise RuntimeError(f"build_atlas.py ended by itself: {errors.read().decode()}")
                if ended:
                    return None
            finally:
                orphans = survivors(process.pid)
                if orphans or process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        if orphans:
            raise RuntimeError(f"processes outlived the killed build: {orphans}")
        return stage_reached(out)


def wait_for_stage(process: subprocess.Popen[bytes], out: Path, stage: str) -> None:
    """Wait until a build has begun a stage, in this very run."""
    before = _ledger(out)
    while process.poll() is None:
        now = _ledger(out)
        # An earlier run that was killed there has noted the same; a begun stage is noted anew by whoever begins it.
        if now != before and stage in now[1]["begun"]:
            return
        time.sleep(0.005)


def _ledger(out: Path) -> tuple[int, dict[str, Any]]:
    """Return when a build's ledger was written, and what is in it."""
    path = out.with_name(f"{out.name}.work") / "stages.json"
    try:
        return path.stat().st_mtime_ns, json.loads(path.read_text())
    except FileNotFoundError:
        return 0, {"stages": {}, "begun": {}}


def survivors(session: int, patience: float = 20.0) -> list[str]:
    """Processes of a session that do not end within some time after its leader has died."""
    until = time.monotonic() + patience
    while True:
        left = []
        for process in psutil.process_iter(["pid", "status", "cmdline"]):
            try:
                if os.getsid(process.pid) == session and process.info["status"] != psutil.STATUS_ZOMBIE:
                    left.append(" ".join(process.info["cmdline"] or [])[:120])
            except (ProcessLookupError, psutil.NoSuchProcess):
                continue
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.05)


def environment() -> dict[str, str]:
    """Return the environment of the command: this checkout's code, and no other service than those on loopback."""
    return os.environ | {"PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def stage_reached(out: Path) -> str:
    """Say what a killed build was at."""
    told = _ledger(out)[1]
    return next(iter(told["begun"]), "between" if len(told["stages"]) < len(STAGES) else "end")


def differences(one: Path, other: Path) -> list[str]:
    """Name what differs between two atlases: arrays, tables, models; dates and durations do not count."""
    found = []
    first, second = (zarr.open_group(path / "spectra.zarr", mode="r") for path in (one, other))
    names = sorted({name for group in (first, second) for name in group})
    for name in names:
        if name not in first or name not in second or not np.array_equal(first[name][:], second[name][:]):
            found.append(f"array {name}")
    tables = sorted({path.name for atlas in (one, other) for path in atlas.glob("*.parquet")})
    for name in tables:
        if not (one / name).exists() or not (other / name).exists():
            found.append(f"{name} is in one only")
            continue
        left, right = pd.read_parquet(one / name), pd.read_parquet(other / name)
        try:
            pd.testing.assert_frame_equal(left, right, check_exact=True)
        except AssertionError as error:
            found.append(f"{name}: {str(error).splitlines()[0]}")
    for name in ("model/weights.safetensors",):
        if (one / name).read_bytes() != (other / name).read_bytes():
            found.append(name)
    return found


def check(
    detections: int, kills: int, seed: int, field: Path | None, folder: Path, options: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Build once undisturbed and once killed again and again, and compare.

    Parameters
    ----------
    detections : int
        Of the simulated part.
    kills : int
    seed : int
        Of the simulation, and of the moments.
    field : Path, optional
        Real field to add.
    folder : Path
        Where everything goes.
    options : tuple of str
        More for `build_atlas.py`.
    """
    for old in [*folder.glob("*undisturbed*"), *folder.glob("*killed*"), *folder.glob("answers-*")]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    sample = make_sample(folder, detections, seed, field)
    rng = np.random.default_rng(seed)
    with served(sample, folder / "answers-undisturbed") as servers:
        chain = Chain(sample, [*servers, *options])
        started = time.perf_counter()
        undisturbed = chain.run(folder / "undisturbed")
        seconds = time.perf_counter() - started
        cache = servers.index("--crossmatch.cache") + 1
        chain.options[cache] = str(folder / "answers-killed")
        out, killed = folder / "killed", list[dict[str, Any]]()
        took = {stage["stage"]: float(stage["seconds"]) for stage in undisturbed["stages"]}
        for moment in moments(rng, kills, took):
            reached = chain.run_until(out, moment)
            if reached is None:
                break
            killed.append({"stage": moment.stage, "after_s": round(moment.after, 2), "during": reached})
        resumed = chain.run(out)
    differ = differences(folder / "undisturbed", out)
    made = pd.read_parquet(out / "catalogue.parquet")
    return {
        "equal": not differ,
        "differences": differ,
        "kills": len(killed),
        "killed": killed,
        "detections": {"simulated": detections, "in_atlas": len(made)},
        "sources_labelled": int(made["class_label"].notna().sum()),
        "seconds_undisturbed": round(seconds, 1),
        "stages": {
            stage["stage"]: [stage["state"], stage["rows"], stage["seconds"]] for stage in undisturbed["stages"]
        },
        "last_run": {stage["stage"]: stage["state"] for stage in resumed["stages"]},
    }


def moments(rng: np.random.Generator, kills: int, took: dict[str, float]) -> list[Moment]:
    """Draw when builds are killed, one after the other.

    Each stage gets its share of the kills, and what cannot be shared goes to stages drawn; the moments within a stage
    are uniform over the time that it takes when undisturbed. In the order of the stages: a finished one is not killed.
    """
    share, rest = divmod(kills, len(STAGES))
    drawn = set(rng.choice(len(STAGES), rest, replace=False))
    return [
        Moment(stage, float(rng.uniform(0.0, took[stage])))
        for i, stage in enumerate(STAGES)
        for _ in range(share + (i in drawn))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detections", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--field", type=Path, help="the real field, data/ogip/rxcj2359")
    parser.add_argument("--folder", type=Path, help="for everything, kept; the simulated part found in it is used")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chain-")))
        verdict = check(arguments.detections, arguments.kills, arguments.seed, arguments.field, folder)
    sys.stdout.write(json.dumps(verdict, indent=2) + "\n")
    sys.exit(0 if verdict["equal"] and verdict["kills"] == arguments.kills else 1)


if __name__ == "__main__":
    main()
