"""A store brought up to date is the store made from nothing, whatever has happened to its archive."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from archives import CANNED, counts, write_archive, write_triple
from ogip_files import gaussian_matrix, write_arf, write_pha, write_rmf

from vae import files
from vae.errors import ExplorerError, OptionError, StoreError
from vae.preprocess import PreprocessOptions, PreprocessSummary, extract, preprocess
from vae.spectra.store import SpectraStore


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "archive")


def brought_up_to_date(archive: Path, store: Path, fresh: Path, **options: object) -> PreprocessSummary:
    """Update a store, hold it equal to one made from nothing, to the ledger's last value."""
    paths = [archive] if isinstance(archive, Path) else archive
    summary = preprocess(paths, store, PreprocessOptions(**options), quiet=True, update=True)
    preprocess(paths, fresh, PreprocessOptions(**options), quiet=True, overwrite=True)
    one, other = SpectraStore.open(store), SpectraStore.open(fresh)
    assert one.content_hash() == other.content_hash()
    pd.testing.assert_frame_equal(one.rejected, other.rejected)
    pd.testing.assert_frame_equal(*(pd.read_parquet(path / "ledger.parquet") for path in (store, fresh)))
    assert (store / "store.json").read_text() == (fresh / "store.json").read_text()
    assert one.root["background_counts"].dtype == other.root["background_counts"].dtype
    return summary


def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the spectra (and backgrounds) that are read from now on."""
    read: list[str] = []
    real = extract.read_pha
    monkeypatch.setattr(extract, "read_pha", lambda path: (read.append(path.name), real(path))[1])
    return read


def test_nothing_new_reads_nothing(archive, tmp_path, monkeypatch):
    preprocess([archive], tmp_path / "store", quiet=True)
    read = touched(monkeypatch)
    summary = preprocess([archive], tmp_path / "store", quiet=True, update=True)
    assert read == []
    assert summary.update is not None
    assert (summary.update.unchanged, summary.update.added, summary.update.changed, summary.update.removed) == (
        5,
        0,
        0,
        0,
    )
    assert summary.update.names == {}
    brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")


def test_new_changed_and_removed_spectra_are_told_and_only_they_are_read(archive, tmp_path, monkeypatch):
    preprocess([archive], tmp_path / "store", quiet=True)
    write_triple(archive / "new", "0000000003", 9, position=(50.0, 1.0), seed=70)
    write_triple(archive / "o1", "0000000008", position=(11.0, 0.0), seed=71)  # of another size or time
    os.utime(archive / "o1" / "P0000000008PNS003SRSPEC0001.FTZ", ns=(0, 1))
    for path in (archive / "o2").iterdir():
        path.unlink()
    read = touched(monkeypatch)
    summary = preprocess([archive], tmp_path / "copy", quiet=True, update=True)
    assert summary.update is None  # there was no store, so one was made
    assert len(read) == 10
    read.clear()
    summary = preprocess([archive], tmp_path / "store", quiet=True, update=True)
    assert {name[1:11] for name in read} == {"0000000003", "0000000008"}
    update = summary.update
    assert update is not None
    assert (update.unchanged, update.added, update.changed, update.removed) == (3, 1, 1, 1)
    assert update.names == {
        "changed": ["o1/P0000000008PNS003SRSPEC0001.FTZ"],
        "removed": ["o2/P0000000007PNS003SRSPEC0001.FTZ"],
    }
    brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")


@pytest.mark.parametrize("part", ["BGSPEC", "SRCARF"])
def test_a_companion_that_changed_counts(archive, tmp_path, part):
    preprocess([archive], tmp_path / "store", quiet=True)
    path = archive / "o3" / f"P0000000006PNS003{part}0001.FTZ"
    if part == "BGSPEC":
        write_pha(path, counts(5, 7.0), packed=True, BACKSCAL=3.0)
    else:
        write_arf(path, 500.0, packed=True)
    os.utime(path, ns=(0, 5))
    summary = brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")
    assert summary.update is not None
    assert summary.update.changed == 1


def test_a_response_that_would_be_found_first_now_is_taken(archive, tmp_path):
    shutil.move(archive / "r" / CANNED, archive / "r" / "epn_e3_ff20_sdY7_v19.0.rmf")
    preprocess([archive], tmp_path / "store", quiet=True)
    write_rmf(archive / "o4" / "epn_e3_ff20_sdY7_v20.0.rmf", gaussian_matrix(fwhm=0.2))
    summary = brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")
    assert summary.update is not None
    assert (summary.update.changed, summary.responses) == (5, 1)
    write_rmf(archive / "o4" / CANNED, gaussian_matrix(fwhm=0.3))
    assert brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh").responses == 1


def test_what_was_missing_and_has_come_makes_a_row(archive, tmp_path):
    (archive / "o0" / "P0000000009PNS003SRCARF0001.FTZ").rename(tmp_path / "kept")
    (archive / "r" / CANNED).rename(tmp_path / "rmf")
    standin = tmp_path / "rmf"
    summary = preprocess([archive], tmp_path / "store", PreprocessOptions(standin_response=standin), quiet=True)
    assert (summary.detections, summary.rejected["no-area"]) == (4, 1)
    (tmp_path / "kept").rename(archive / "o0" / "P0000000009PNS003SRCARF0001.FTZ")
    summary = brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh", standin_response=standin)
    assert (summary.detections, summary.standin_responses) == (5, 5)
    assert summary.update is not None
    assert (summary.update.unchanged, summary.update.changed) == (4, 1)


def test_a_spectrum_that_lost_is_kept_once_the_better_one_is_gone(archive, tmp_path):
    better = write_triple(archive / "o0", "0000000009", exposure="U002", position=(10.0, 0.0), seed=80, mean=5.0)
    preprocess([archive], tmp_path / "store", quiet=True)
    assert SpectraStore.open(tmp_path / "store").detections["exposure_id"].tolist()[-1] == "U002"
    better.unlink()
    summary = brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")
    assert summary.update is not None
    assert (summary.update.unchanged, summary.update.removed) == (5, 1)
    store = SpectraStore.open(tmp_path / "store")
    np.testing.assert_array_equal(store.read("counts").sum(axis=1), store.detections["counts"])


def test_rows_keep_their_order_and_sources_are_found_anew(archive, tmp_path):
    preprocess([archive], tmp_path / "store", quiet=True)
    write_triple(archive / "early", "0000000001", position=(10.0, 1.0 / 3600), seed=90)
    summary = brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")
    table = SpectraStore.open(tmp_path / "store").detections
    assert table["detection_id"].is_monotonic_increasing
    assert (summary.detections, summary.sources) == (6, 5)


def test_fractional_backgrounds_may_come_and_go(archive, tmp_path):
    preprocess([archive], tmp_path / "store", quiet=True)
    path = write_triple(archive / "frac", "0000000003", position=(70.0, 0.0), seed=95)
    write_pha(path.with_name(path.name.replace("SRSPEC", "BGSPEC")), counts(3) + 0.5, fmt="D")
    brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")
    path.unlink()
    brought_up_to_date(archive, tmp_path / "store", tmp_path / "fresh")


def test_an_archive_may_move_and_grow_by_a_folder(archive, tmp_path):
    preprocess([archive], tmp_path / "store", quiet=True)
    shutil.copytree(archive, tmp_path / "elsewhere" / "archive")  # with its times
    write_triple(tmp_path / "more", "0000000002", position=(80.0, 0.0), seed=99, response_file="own.rmf")
    write_rmf(tmp_path / "more" / "own.rmf")
    paths = [tmp_path / "elsewhere" / "archive", tmp_path / "more"]
    summary = brought_up_to_date(paths, tmp_path / "store", tmp_path / "fresh")
    assert summary.update is not None
    assert (summary.update.unchanged, summary.update.added) == (5, 1)


def test_what_cannot_be_brought_up_to_date_is_refused(archive, tmp_path):
    preprocess([archive], tmp_path / "store", quiet=True)
    write_triple(tmp_path / "strange", "0000000099", response_file="own.rmf")
    write_rmf(tmp_path / "strange" / "own.rmf")
    with pytest.raises(ExplorerError, match="none of its 5 spectra lies in"):
        preprocess([tmp_path / "strange"], tmp_path / "store", quiet=True, update=True)
    with pytest.raises(OptionError, match="--update keeps what --overwrite"):
        preprocess([archive], tmp_path / "store", quiet=True, update=True, overwrite=True)
    with files.only_one(tmp_path / "store"), pytest.raises(ExplorerError, match="is making it at this moment"):
        preprocess([archive], tmp_path / "store", quiet=True, update=True)
    (tmp_path / "store" / "ledger.parquet").unlink()
    with pytest.raises(StoreError, match=r"has no ledger.parquet.*--overwrite"):
        preprocess([archive], tmp_path / "store", quiet=True, update=True)
    assert len(SpectraStore.open(tmp_path / "store")) == 5


def test_an_update_that_fails_leaves_the_store(archive, tmp_path):
    preprocess([archive], tmp_path / "store", quiet=True)
    before = SpectraStore.open(tmp_path / "store").content_hash()
    shutil.rmtree(archive / "r")
    with pytest.raises(ExplorerError, match="no usable EPIC-pn spectrum"):
        preprocess([archive], tmp_path / "store", quiet=True, update=True)
    assert SpectraStore.open(tmp_path / "store").content_hash() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "store"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_one_folder_takes_anothers_place(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(files, "_exchange", lambda *_: False)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    files.put_in_place(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["new"]
