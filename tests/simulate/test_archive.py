import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import toy_archive

from vae.errors import ExplorerError
from vae.files import kept_folders
from vae.simulate import SimulateOptions, archive, build_store, work_identity
from vae.spectra.store import SpectraStore

ROWS, SEED = toy_archive.ROWS, toy_archive.SEED
N = 4 * ROWS + 7  # the last of five chunks is cut short


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_archive.patch(monkeypatch.setattr)


def options(detections: int = N, seed: int = SEED) -> SimulateOptions:
    return SimulateOptions(detections, seed, workers=1)


def build(out: Path, detections: int = N, seed: int = SEED, **more: Any) -> Path:
    return build_store(options(detections, seed), out, quiet=True, **more)


def files(folder: Path) -> dict[str, str]:
    """Every file with its hash: the same bytes, not just the same content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, str]:
    return files(build(tmp_path / "undisturbed"))


def chunks_simulated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []

    def counting(seed: int, chunk: int) -> Any:
        seen.append(chunk)
        return toy_archive.chunk_of(seed, chunk)

    monkeypatch.setattr(archive, "simulate_chunk", counting)
    return seen


def interrupt_at(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    def simulate(seed: int, chunk: int) -> Any:
        if chunk == last:
            raise KeyboardInterrupt
        return toy_archive.chunk_of(seed, chunk)

    monkeypatch.setattr(archive, "simulate_chunk", simulate)


def test_nothing_but_the_store_is_left(tmp_path: Path) -> None:
    out = build(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name for path in out.iterdir()} == {
        "detections.parquet", "rejected.parquet", "spectra.zarr", "store.json",
    }  # fmt: skip
    assert len(SpectraStore.open(out)) == N


def test_interrupted_it_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, str]
) -> None:
    out = tmp_path / "out"
    interrupt_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        build(out)
    assert not out.exists()
    (work,) = kept_folders(out)
    assert archive.count_kept(options(), work) == (3, 5)
    seen = chunks_simulated(monkeypatch)
    assert files(build(out)) == undisturbed
    assert seen == [3, 4]
    assert not kept_folders(out)


@pytest.mark.parametrize(
    ("owner", "method", "call"),
    [
        ("zarr.Array", "__setitem__", 1),  # before the first spectra
        ("zarr.Array", "__setitem__", 16),  # half of the third chunk's arrays are in
        ("pandas.DataFrame", "to_parquet", 2),  # spectra without their table
        ("pathlib.Path", "replace", 40),  # a file without its name
        ("pandas.DataFrame", "to_parquet", 6),  # all chunks, no table of the whole
        ("vae.spectra.store.StoreWriter", "finish", 1),
        ("vae.simulate.archive", "put_in_place", 1),  # a whole store in the work folder
    ],
)
def test_death_at_any_moment_costs_no_more_than_the_chunk_at_work(
    owner: str, method: str, call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, str]
) -> None:
    # What a process that is killed before that call leaves on disk: a copy of its work folder taken there.
    out, image = tmp_path / "out", tmp_path / "image"
    work = tmp_path / f".out.partial-{work_identity(options())}"
    place, name = owner.rsplit(".", 1)
    target = getattr(sys.modules[place], name)
    original: Callable[..., Any] = getattr(target, method)
    calls = 0

    def photographed(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            shutil.copytree(work, image)
        return original(*arguments, **keywords)

    with monkeypatch.context() as watched:
        watched.setattr(target, method, photographed)
        shutil.rmtree(build(out))
    assert image.exists()
    image.rename(work)
    done, _ = archive.count_kept(options(), work)
    seen = chunks_simulated(monkeypatch)
    assert files(build(out)) == undisturbed
    assert len(seen) == 5 - done
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("first", "then"), [(N, 3 * ROWS), (N, 2 * ROWS + 5), (2 * ROWS + 5, N), (3 * ROWS, N)])
def test_what_is_kept_serves_an_archive_of_another_length(
    first: int, then: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr(archive, "put_in_place", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            build(out, first)
    seen = chunks_simulated(monkeypatch)
    resumed = files(build(out, then))
    assert set(seen) <= {first // ROWS, *range(first // ROWS, 5), then // ROWS}
    assert resumed == files(build(tmp_path / "undisturbed", then))


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_another_seed_or_simulator_never_mixes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    interrupt_at(monkeypatch, 3)
    for seed in (SEED, SEED + 1):
        with pytest.raises(KeyboardInterrupt):
            build(out, seed=seed)
    with monkeypatch.context() as newer:
        newer.setattr(archive, "simulator_identity", lambda: "newer")
        with pytest.raises(KeyboardInterrupt):
            build(out)
    assert len(kept_folders(out)) == 3
    seen = chunks_simulated(monkeypatch)
    build(out, fresh=True)
    assert seen == [0, 1, 2, 3, 4]
    assert not kept_folders(out)


def test_a_damaged_table_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, str]
) -> None:
    out = tmp_path / "out"
    interrupt_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        build(out)
    next(kept_folders(out)[0].rglob("00001.parquet")).write_bytes(b"")
    seen = chunks_simulated(monkeypatch)
    assert files(build(out)) == undisturbed
    assert seen == [1, 3, 4]


def test_a_full_disk_is_said_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, str]
) -> None:
    out = tmp_path / "out"

    def full(seed: int, chunk: int) -> Any:
        if chunk == 2:
            raise OSError(28, "No space left on device")
        return toy_archive.chunk_of(seed, chunk)

    monkeypatch.setattr(archive, "simulate_chunk", full)
    with pytest.raises(ExplorerError, match=r"No space left.*same command goes on"):
        build(out)
    assert archive.count_kept(options(), kept_folders(out)[0]) == (2, 5)


def test_an_existing_store_is_replaced_only_when_asked(tmp_path: Path) -> None:
    out = build(tmp_path / "out", ROWS)
    with pytest.raises(ExplorerError, match="exists already"):
        build(out)
    assert len(SpectraStore.open(build(out, overwrite=True))) == N


# In worker processes, and interrupted for good.


def start(out: Path, detections: int, seconds_a_chunk: float) -> subprocess.Popen[str]:
    command = [sys.executable, toy_archive.__file__, str(out), str(detections), "2", str(seconds_a_chunk)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(archive.__file__).parents[2])},
        start_new_session=True,
    )


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def finished_chunks(out: Path) -> int:
    return sum(len(list(folder.glob("chunks/[0-9]*.parquet"))) for folder in kept_folders(out))


@pytest.mark.slow
def test_kill_9_and_ctrl_c_in_worker_processes(tmp_path: Path) -> None:
    chunks = 40  # at 0.3 s each in two processes: seconds to go when the interrupt comes
    out, n = tmp_path / "out", chunks * ROWS
    killed = start(out, n, 0.3)
    wait_for(lambda: finished_chunks(out) >= 3)
    family = psutil.Process(killed.pid).children(recursive=True)
    assert len(family) >= 2
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    wait_for(lambda: not any(process.is_running() for process in family))  # no orphans

    kept = finished_chunks(out)
    assert kept < chunks
    interrupted = start(out, n, 0.3)
    wait_for(lambda: finished_chunks(out) >= kept + 2)
    with pytest.raises(ExplorerError, match=rf"process {interrupted.pid} on .* is making it"):
        build(out, n)
    os.killpg(interrupted.pid, signal.SIGINT)  # as a terminal does: everyone in the foreground hears it
    _, said = interrupted.communicate(timeout=60)
    assert f"resumed: {kept} of {chunks} chunks were there" in said
    assert said.count("Traceback") == 1  # the interrupt of the script itself; no worker complains
    assert interrupted.returncode != 0
    assert kept + 2 <= finished_chunks(out) < chunks

    assert files(build(out, n)) == files(build(tmp_path / "undisturbed", n))  # in one process, from its beginning
