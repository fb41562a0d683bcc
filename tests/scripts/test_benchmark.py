import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("_benchmarks.demo")


def run_of(module: ModuleType, seconds: float, digest: str, rss: float = 900.0) -> object:
    summary = {"sha256": digest, "simulate_s": seconds / 2, "detections_per_s": 1.0}
    return importlib.import_module("_benchmarks.processes").Run(seconds, rss, summary)


def test_medians_peaks_and_one_hash(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter((99.0, 5.0, 7.0, 6.0, 40.0, 22.0, 20.0, 30.0))
    asked: list[tuple[int, int]] = []

    def build(detections: int, _seed: int, workers: int, _scratch: object) -> object:
        asked.append((detections, workers))
        value = next(seconds)
        return run_of(module, value, "same", rss=100 * value)

    monkeypatch.setattr(module, "_build", build)
    monkeypatch.setattr(module, "compare", lambda *_: {})
    figures = module.measure(50_000, 1, 3, None)
    assert figures["small"]["seconds"] == 6.0  # the first, which compiles, does not count
    assert figures["workers_1"]["seconds"] == 40.0
    assert figures["workers_2"]["seconds"] == 22.0
    assert figures["workers_2"]["simulate_s"] == 11.0
    assert figures["workers_2"]["peak_rss_mib"] == 3000
    assert figures["sha256"] == "same"
    assert asked[4:] == [(50_000, 1)] + 3 * [(50_000, 2)]


def test_another_archive_from_two_workers_is_an_error(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(detections: int, _seed: int, workers: int, _scratch: object) -> object:
        return run_of(module, 1.0, f"made by {workers}")

    monkeypatch.setattr(module, "_build", build)
    with pytest.raises(Exception, match=r"depends on the number of workers: \['made by 1', 'made by 2'\]"):
        module.measure(50_000, 1, 1, None)


def test_stock_tools_expect_the_same_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    figures = importlib.import_module("_benchmarks.stock").compare(40, 2)
    assert (
        figures["largest_difference"] < 0.02
    )  # a steep black body's absorption, averaged over bins or at their middle
    assert figures["ours_per_s"] > 0


def test_a_command_is_measured_from_start_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    processes = importlib.import_module("_benchmarks.processes")
    monkeypatch.setattr(processes, "_SCRIPTS", tmp_path)
    (tmp_path / "busy.py").write_text(
        "import json, sys, time\nhold = bytearray(80 * 2**20)\ntime.sleep(0.5)\nprint(json.dumps(sys.argv[1:]))\n"
    )
    run = processes.run_script("busy", "--detections", 5)
    assert run.summary == ["--detections", "5", "--json"]
    assert run.seconds >= 0.5
    assert 80 < run.peak_rss_mib < 400
    (tmp_path / "broken.py").write_text("raise SystemExit('it is broken')\n")
    with pytest.raises(Exception, match="it is broken"):
        processes.run_script("broken")


def test_senseless_numbers_end_with_status_2() -> None:
    command = [sys.executable, str(SCRIPTS / "benchmark.py"), "demo", "--repeat", "0", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--repeat 0" in done.stderr
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.stdout)
