"""Two workers of a Dask scheduler, in processes of their own on loopback, as the command line starts them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from archives import write_archive
from distributed import KilledWorker

import vae
from vae.errors import ExplorerError, OptionError
from vae.preprocess import PreprocessOptions, cluster, preprocess
from vae.preprocess.cluster import Cluster, connected
from vae.spectra.store import SpectraStore

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dask")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    places = (HERE.parents[1], HERE, HERE.parent / "spectra")  # the project, this module and what it imports
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places)), "PYTHONWARNINGS": "ignore"}
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    commands = [["scheduler", "--port", str(port), *local]]
    worker = ["worker", address, "--nthreads", "1", "--local-directory", str(folder), *local]
    commands += [[*worker, "--name", name] for name in ("one", "two")]
    with (folder / "log").open("wb") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for command in commands
        ]
        try:
            with connected(address, 1) as workers:
                deadline = time.monotonic() + 120
                while len(workers._client.nthreads()) < 2:
                    assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
                    time.sleep(0.2)
            yield address
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGKILL)
            for process in processes:
                process.wait()


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Processes take their time to start while others do the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "_PATIENCE_S", 120)
        patch.setattr(cluster, "_WORKERS_S", 120)
        yield


def test_two_dask_workers_make_the_same_store_as_one_process(scheduler, tmp_path):
    archive = write_archive(tmp_path / "archive", 9)
    preprocess([archive], tmp_path / "one", PreprocessOptions(workers=1), quiet=True)
    preprocess([archive], tmp_path / "dask", PreprocessOptions(scheduler=scheduler), quiet=True)
    one, other = (SpectraStore.open(tmp_path / name) for name in ("one", "dask"))
    assert one.content_hash() == other.content_hash()
    assert one.rejected.equals(other.rejected)
    ledgers = [(tmp_path / name / "ledger.parquet").read_bytes() for name in ("one", "dask")]
    assert ledgers[0] == ledgers[1]
    summary = preprocess([archive], tmp_path / "dask", PreprocessOptions(scheduler=scheduler), quiet=True, update=True)
    assert summary.update is not None
    assert summary.update.unchanged == 9


def dies_once(item: tuple[int, Path]) -> tuple[int, int]:
    number, marker = item
    if number == 40 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number, os.getpid()


def test_what_a_lost_worker_had_is_done_by_another_and_in_order(scheduler, tmp_path):
    items = [(number, tmp_path / "died") for number in range(200)]
    with connected(scheduler, 1) as workers:
        done = list(workers.map(dies_once, items))
    assert (tmp_path / "died").exists()
    assert [number for number, _ in done] == list(range(200))
    assert os.getpid() not in {process for _, process in done}


def test_files_that_kill_every_worker_are_told_with_what_to_do():
    def killed(timeout: float) -> None:
        raise KilledWorker("_call-1", SimpleNamespace(address="tcp://w"), 4)

    future = SimpleNamespace(result=killed, cancel=lambda: None)
    client = SimpleNamespace(nthreads=lambda: {"tcp://w": 1}, submit=lambda *_, **__: future)
    with pytest.raises(ExplorerError, match=r"several workers died.*memory"):
        list(Cluster(client, "tcp://s").map(str, [1]))


def test_a_cluster_without_workers_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(cluster, "_MOST_ALONE", 2)

    def never(timeout: float) -> None:
        raise TimeoutError

    future = SimpleNamespace(result=never, cancel=lambda: None)
    client = SimpleNamespace(nthreads=dict, submit=lambda *_, **__: future)
    with pytest.raises(ExplorerError, match=r"no worker is left for 20 s. Start workers again"):
        list(Cluster(client, "tcp://s").map(str, [1]))


def test_a_worker_that_does_not_see_the_files_is_named(scheduler, tmp_path):
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        os.dup2(file.fileno(), 200)
    mine = Path("/proc/self/fd/200")  # there in this process alone
    try:
        with connected(scheduler, 1) as workers:
            with pytest.raises(ExplorerError, match=r"fd/200: worker .* does not see it. Workers read the"):
                workers.check([mine])
            with pytest.raises(ExplorerError, match="does not see it"):
                list(workers.map(str, [mine]))
            with pytest.raises(ExplorerError, match="it was there and has gone"):
                list(workers.map(str, [tmp_path / "nowhere"]))
    finally:
        os.close(200)


def test_a_loop_that_runs_in_this_thread_does_not_matter(scheduler, tmp_path):
    """As a browser's driver leaves one in the thread of the tests."""

    async def inside() -> int:
        options = PreprocessOptions(scheduler=scheduler)
        return preprocess([archive], tmp_path / "store", options, quiet=True).detections

    archive = write_archive(tmp_path / "archive", 2)
    loop = asyncio.new_event_loop()
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        step = inside()
        with pytest.raises(StopIteration) as stopped:
            step.send(None)
        assert stopped.value.value == 2
    finally:
        asyncio._set_running_loop(before)
        loop.close()


def test_a_cluster_of_this_machine_listens_on_loopback_alone_and_ends_with_the_work(tmp_path):
    archive = write_archive(tmp_path / "archive", 2)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with connected(cluster.LOCAL, 1) as workers:
        children = psutil.Process().children(recursive=True)
        family = [
            psutil.Process(),
            *(child for child in children if child.pid not in before),
        ]  # not other tests
        listening = [c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert listening
        assert set(listening) == {"127.0.0.1"}
        workers.check([archive])
        assert list(workers.map(abs, range(-40, 0))) == list(range(40, 0, -1))
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert not {pid for pid in left if "distributed" in " ".join(psutil.Process(pid).cmdline())}


def test_nobody_at_the_address_is_told_in_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE_S", 1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    archive = write_archive(tmp_path / "archive", 1)
    with pytest.raises(ExplorerError, match=r"no Dask scheduler answers within 1 s. Start one with `dask scheduler`"):
        preprocess([archive], tmp_path / "store", PreprocessOptions(scheduler=address), quiet=True)
    for wrong in ("http://127.0.0.1:1", "tcp://127.0.0.1:x"):
        with pytest.raises(OptionError, match="is no address"):
            preprocess([archive], tmp_path / "store", PreprocessOptions(scheduler=wrong), quiet=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive"]


def test_a_worker_of_another_version_is_refused():
    ours = {"run_on_scheduler": lambda *_: (vae.__version__, [])}
    client = SimpleNamespace(run=lambda *_, **__: {"tcp://w": ("0.0", [])}, **ours)
    with pytest.raises(ExplorerError, match=r"worker tcp://w has version 0.0, not .*Install this version"):
        Cluster(client, "tcp://s").check([])
    other = SimpleNamespace(run_on_scheduler=lambda *_: ("0.0", []))
    with pytest.raises(ExplorerError, match=r"the scheduler has version 0.0"):
        Cluster(other, "tcp://s").check([])
    client = SimpleNamespace(run=lambda *_, **__: {"tcp://w": ModuleNotFoundError("No module named 'vae'")}, **ours)
    with pytest.raises(ExplorerError, match=r"worker tcp://w cannot run it .No module named 'vae'"):
        Cluster(client, "tcp://s").check([])
