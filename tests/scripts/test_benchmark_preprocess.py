from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from vae.errors import ExplorerError
from vae.preprocess import preprocess
from vae.spectra.ogip import read_pha
from vae.spectra.store import SpectraStore

ROOT = Path(__file__).resolve().parents[2]
for _folder in ("spectra", "preprocess"):
    sys.path.insert(0, str(ROOT / "tests" / _folder))

from archives import CANNED, write_archive  # noqa: E402 (found only now)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("_benchmarks.preprocess")


def test_rates_ratios_and_memory(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 1)
    archive = write_archive(tmp_path / "archive", 3)
    figures = module.measure(1, 1, 2, tmp_path, archive=archive)
    assert (figures["triples"], figures["rounds"], figures["same_counts"]) == (3, 2, True)
    ours, plain = (figures[f"{name}_triples_per_s_and_core"] for name in ("ours", "plain_astropy"))
    assert figures["times_faster_than_plain_astropy"] == pytest.approx(ours / plain, rel=0.05)
    assert "--sherpa-python" in figures["sherpa"]
    assert list(figures["memory"]) == ["1"]
    assert figures["memory"]["1"]["parent_peak_rss_mib"] > 50
    assert list(tmp_path.iterdir()) == [archive]


def test_other_counts_are_an_error(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 1)
    real = module._PlainReader._spectrum
    monkeypatch.setattr(module._PlainReader, "_spectrum", lambda *given: (real(*given)[0] + 1, real(*given)[1]))
    with pytest.raises(ExplorerError, match="finds other counts"):
        module.measure(7, 1, 1, tmp_path, archive=write_archive(tmp_path / "archive", 1))


def test_an_interpreter_without_sherpa_is_told(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 1)
    empty = tmp_path / "python"
    empty.write_text("#!/bin/sh\necho no sherpa here >&2\nexit 1\n")
    empty.chmod(0o700)
    with pytest.raises(ExplorerError, match=r"sherpa does not run there: no sherpa here"):
        module.measure(7, 1, 1, tmp_path, archive=write_archive(tmp_path / "archive", 1), sherpa_python=empty)


def test_copies_are_other_detections_of_other_sources(module: ModuleType, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", 2)
    triples = [
        module._Triple(path, *(Path(str(path).replace("SRSPEC", part)) for part in ("BGSPEC", "SRCARF")))
        for path in sorted(archive.rglob("*SRSPEC*"))
    ]
    module.copy_triples(triples, archive / "r" / CANNED, tmp_path / "copies", 7)
    options = module.PreprocessOptions(standin_response=tmp_path / "copies" / "responses" / "canned.rmf")
    summary = preprocess([tmp_path / "copies"], tmp_path / "store", options, quiet=True)
    assert (summary.detections, summary.sources, summary.rejected) == (7, 7, {})
    counts = sorted(int(read_pha(triple.spectrum).counts[30:1000].sum()) for triple in triples)
    assert sorted(set(SpectraStore.open(tmp_path / "store").detections["counts"])) == counts
