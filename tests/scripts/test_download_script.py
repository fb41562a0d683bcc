"""The command as a person types it: killed and started again, interrupted, foreseen, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from servers.faults import Status
from servers.https_index import HttpsIndexServer
from servers.s3 import S3Server
from servers.tree import Tree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "archive" / "download"))

from field import Field, detections, files_in, small_tree, wanted_files

ROOT = Path(__file__).resolve().parents[2]
#: Enough that each of four runs has a quarter of it left to do.
FIELD: Field = {f"03000{i:03d}01": (("S003",), (1, 26)) for i in range(20)}


@pytest.fixture(scope="module")
def tree() -> Tree:
    return small_tree(FIELD)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """In the columns that cuts look at; one more detection is too faint, one is extended."""
    table = detections(FIELD)
    more = table.iloc[:2].assign(DETID=[1, 2], SRC_NUM=[90, 91])
    table = pd.concat([table, more], ignore_index=True)
    n = len(table)
    columns = {
        "DETID": table["DETID"].to_numpy(np.int64),
        "SRCID": table["DETID"].to_numpy(np.int64),
        "OBS_ID": table["OBS_ID"].to_numpy("S10"),
        "SRC_NUM": table["SRC_NUM"].to_numpy(np.int32),
        "PN_8_CTS": np.where(table["SRC_NUM"] == 90, 12.0, 1000.0).astype(np.float32),
        "PN_8_RATE": np.full(n, 0.1, np.float32),
        "PN_ONTIME": np.full(n, 1e4, np.float32),
        "EP_EXTENT": np.where(table["SRC_NUM"] == 91, 12.0, 0.0).astype(np.float32),
        "SUM_FLAG": np.zeros(n, np.int16),
        "SPECTRA": np.ones(n, bool),
    }
    path = tmp_path / "catalogue.fits"
    Table(columns).write(path)
    return path


@pytest.fixture
def servers(tree: Tree) -> Iterator[tuple[S3Server, HttpsIndexServer]]:
    with S3Server(tree, delay=0.01) as bucket, HttpsIndexServer(tree) as web:
        yield bucket, web


def command(servers: tuple[S3Server, HttpsIndexServer], catalogue: Path, out: Path, *more: str) -> list[str]:
    bucket, web = servers
    return [
        sys.executable, str(ROOT / "scripts" / "download.py"), "--catalogue", str(catalogue), "--out", str(out),
        "--endpoint", bucket.url, "--responses-url", web.responses_url, "--rate", "10000", "--connections", "3",
        "--backoff", "0.001", "--json", *more,
    ]  # fmt: skip


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def products_asked(bucket: S3Server) -> Counter[str]:
    return Counter(one.path.rpartition("/")[2] for one in bucket.asked(".FTZ"))


def stopped_after(n: int, how: signal.Signals, line: list[str], bucket: S3Server) -> subprocess.CompletedProcess[str]:
    """Start the command, and send it a signal once it has asked for so many products more."""
    goal = len(bucket.asked(".FTZ")) + n
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while len(bucket.asked(".FTZ")) < goal and process.poll() is None:
            time.sleep(0.002)
        os.kill(process.pid, how)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(line, process.returncode, out, err)


def test_killed_and_interrupted_and_started_again_it_fetches_nothing_twice(
    servers: tuple[S3Server, HttpsIndexServer], catalogue: Path, tree: Tree, tmp_path: Path
) -> None:
    bucket, web = servers
    out = tmp_path / "archive"
    line = command(servers, catalogue, out)
    wanted = wanted_files(tree, detections(FIELD))
    assert len(wanted) == 120
    in_place: list[set[str]] = []
    asked: list[Counter[str]] = []
    for n, how in ((13, signal.SIGKILL), (31, signal.SIGKILL), (40, signal.SIGINT)):
        done = stopped_after(n, how, line, bucket)
        there = files_in(out)
        assert all(there[name] == wanted[name] for name in there if name.endswith(".FTZ"))  # whole, or not at all
        in_place.append({Path(name).name for name in there})
        asked.append(products_asked(bucket))
        assert done.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL), done.stderr
    assert "The same command goes on from there" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((out / ".download" / "incoming").iterdir())
    assert not list(tmp_path.glob(".*lock"))
    assert 0 < len(in_place[0]) < len(in_place[1]) < len(in_place[2]) < 120
    finished = run(line)
    assert finished.returncode == 0, finished.stderr
    summary = json.loads(finished.stdout)
    assert (summary["complete"], summary["failed"], summary["missing"]) == (40, 0, {})
    there = files_in(out)
    assert {name: data for name, data in there.items() if name.endswith(".FTZ")} == wanted
    total = products_asked(bucket)
    for names, before in zip(in_place, asked, strict=True):
        for name in names:  # whatever was there when the process died has never been asked for since
            assert total[name] == before[name]
    # Asked for again were those alone that were on their way then: three connections, three times.
    assert sum(total.values()) <= 120 + 3 * 3
    assert set(total) == {Path(name).name for name in wanted}
    assert len(bucket.asked("list-type=2")) <= 20 + 3
    assert len(web.asked("_v21.0.rmf")) == 1
    assert len(pd.read_parquet(out / "manifest.parquet")) == 121


def test_it_foresees_cuts_and_fails_with_a_status(
    servers: tuple[S3Server, HttpsIndexServer], catalogue: Path, tmp_path: Path
) -> None:
    out = tmp_path / "archive"
    foreseen = run(command(servers, catalogue, out, "--dry-run"))
    assert foreseen.returncode == 0, foreseen.stderr
    summary = json.loads(foreseen.stdout)
    assert (summary["detections"], summary["products"], summary["size_is"]) == (40, 120, "exact")
    removed = {row["cut"]: row["removed"] for row in summary["selection"]}
    assert removed["PN_8_CTS > 300"] == removed["EP_EXTENT == 0"] == 1
    assert not out.exists()
    servers[0].faults.add("P0300000001PNS003BGSPEC001A", Status(500), always=True)
    failed = run(command(servers, catalogue, out, "--retries", "1", "--observations", "0300000001"))
    assert failed.returncode == 1
    assert "1 file could not be fetched" in failed.stderr
    assert json.loads(failed.stdout)["failed"] == 1
    assert "HTTP status 500, 2 times" in (out / "missing.csv").read_text()
