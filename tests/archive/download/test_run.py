"""A download as a whole: foreseen, resumed, widened, stopped by a full disk; from a folder; what it refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import REMOTE, Served
from field import FIELD, detections, files_in, fits_bytes, small_tree, wanted_files
from servers.faults import HtmlPage, Status
from servers.tree import content, size

from vae.archive.download import DownloadOptions, arrivals, download
from vae.errors import CatalogueError, DownloadError, ExplorerError, OptionError

Serve = Callable[..., Served]


@pytest.mark.parametrize("backend", REMOTE)
def test_a_dry_run_foresees_and_writes_nothing(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    summary = download(detections(), out, served.options(), quiet=True, dry_run=True)
    assert not list(tmp_path.iterdir())
    assert not served.gets(".FTZ")
    files = wanted_files(served.tree, detections())
    n_bytes = sum(map(len, files.values()))
    assert summary.dry_run
    assert summary.manifest is None
    if backend == "xsa":  # has no list: three products a detection, of the usual size
        assert (summary.products, summary.size_is) == (18, "estimated")
        assert summary.requests == 0
    else:
        assert summary.products == len(files) == 24
        assert summary.size_is == {"heasarc-s3": "exact", "heasarc-https": "rounded"}[backend]
        assert summary.gib == pytest.approx(n_bytes / 2**30, rel=0.05, abs=1e-6)
    download(detections().iloc[:3], out, served.options(), quiet=True)
    before = files_in(out), sorted(path.name for path in out.rglob("*"))
    rest = download(detections(), out, served.options(), quiet=True, dry_run=True)
    assert rest.products == 9 if backend == "xsa" else 15
    assert (files_in(out), sorted(path.name for path in out.rglob("*"))) == before


def test_a_wider_selection_fetches_what_is_new(serve: Serve, tmp_path: Path) -> None:
    served, out = serve("heasarc-s3"), tmp_path / "archive"
    few = detections().iloc[[0, 3]]
    download(few, out, served.options(), quiet=True)
    assert set(files_in(out)) - set(wanted_files(served.tree, few)) == {
        "responses/epn_e3_ff20_sdY7_v21.0.rmf", "responses/epn_e2_ef20_sdY9_v21.0.rmf",
    }  # fmt: skip
    before = len(served.server.asked(".FTZ"))
    summary = download(detections(), out, served.options(), quiet=True)
    assert set(wanted_files(served.tree, detections())) < set(files_in(out))
    assert len(served.server.asked(".FTZ")) - before == summary.fetched == 15
    narrow = download(few, out, served.options(), quiet=True)
    assert (narrow.detections, narrow.complete, narrow.fetched) == (2, 2, 0)
    assert len(pd.read_parquet(out / "manifest.parquet")) == 26  # what is there is told, wanted or not


def test_files_that_went_lost_are_fetched_again(serve: Serve, tmp_path: Path) -> None:
    served, out = serve("heasarc-s3"), tmp_path / "archive"
    download(detections(), out, served.options(), quiet=True)
    files = files_in(out)
    spectrum, matrix = out / "0100000301/pps/P0100000301PNS001SRSPEC0007.FTZ", out / "responses"
    spectrum.unlink()
    (matrix / "epn_e3_ff20_sdY7_v21.0.rmf").write_bytes(b"cut short")
    summary = download(detections(), out, served.options(), quiet=True)
    assert files_in(out) == files
    assert summary.fetched == 2


def test_files_that_came_and_were_not_noted_are_taken_over(serve: Serve, tmp_path: Path) -> None:
    served, out = serve("heasarc-s3"), tmp_path / "archive"
    served.faults.add("SRCARF", Status(403), always=True)
    download(detections(), out, served.options(), quiet=True)
    served.faults.clear()
    for place, data in wanted_files(served.tree, detections()).items():
        (out / place).write_bytes(data)
    (out / "0100000301/pps/P0100000301PNS001SRCARF0007.FTZ").write_bytes(b"half")
    before = len(served.server.asked("SRCARF"))
    summary = download(detections(), out, served.options(ask_again=True), quiet=True)
    assert (summary.adopted, summary.fetched, summary.complete) == (7, 1, 6)
    assert len(served.server.asked("SRCARF")) - before == 1


@pytest.mark.parametrize("backend", REMOTE)
def test_a_full_disk_stops_the_run_and_the_next_goes_on(
    backend: str, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, out = serve(backend), tmp_path / "archive"
    real, left = os.fsync, iter(range(10))

    def fsync(file: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(arrivals.os, "fsync", fsync)
    with pytest.raises(DownloadError, match="the disk is full") as caught:
        download(detections(), out, served.options(connections=1), quiet=True)
    assert "same command" in str(caught.value)
    there = set(files_in(out))
    assert len(there) == 10
    monkeypatch.setattr(arrivals.os, "fsync", real)
    before = len(served.server.requests)
    summary = download(detections(), out, served.options(), quiet=True)
    assert summary.complete == 6
    assert set(wanted_files(served.tree, detections())) < set(files_in(out))
    if backend != "xsa":
        again = {request.target.rpartition("/")[2] for request in served.server.requests[before:]}
        assert not again & {Path(place).name for place in there}


def test_a_disk_too_small_for_what_is_listed_is_refused_before_the_first_file(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, out = serve("heasarc-s3"), tmp_path / "archive"
    usage = arrivals.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(arrivals.shutil, "disk_usage", lambda _: usage._replace(free=20_000))
    with pytest.raises(DownloadError, match=r"MiB are to come, and the disk has room for 0\.02 MiB"):
        download(detections(), out, served.options(), quiet=True)
    assert not served.gets(".FTZ")


def test_matrices_that_cannot_be_had_are_told(serve: Serve, tmp_path: Path) -> None:
    tree = small_tree()
    for name, respfile in (("SRSPEC0001", "NONE"), ("SRSPEC0002", "/data/my own.rmf"), ("SRSPEC001F", "")):
        place = f"P0100000101PNS003{name}.FTZ"
        tree.products["0100000101"][place] = fits_bytes("SRSPEC", 5, respfile)
    served, out = serve("heasarc-s3", tree), tmp_path / "archive"
    summary = download(detections(), out, served.options(), quiet=True)
    assert summary.missing == {"no-response": 2}  # NONE and no keyword at all are the same to readers of OGIP
    assert summary.complete == 3
    reasons = pd.read_csv(out / "missing.csv")["reason"]
    assert any("my own.rmf" in reason for reason in reasons)
    served.web.faults.add("responses/PN", HtmlPage(), always=True)
    served.web.requests.clear()
    other = tmp_path / "other"
    failed = download(detections(), other, served.options(), quiet=True)
    assert (failed.failed, failed.responses) == (2, 0)
    none = download(detections(), tmp_path / "none", served.options(responses=False), quiet=True)
    assert (none.failed, none.responses, none.complete) == (0, 0, 6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mirror, in a tree of somebody's own, with matrices beside it."""
    top, tree = tmp_path / "mirror", small_tree()
    for obs_id, files in tree.products.items():
        for name, file in files.items():
            path = top / "xmm" / obs_id / "PPS" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(file))
    (top / "ccf").mkdir()
    for name, file in tree.responses.items():
        (top / "ccf" / name).write_bytes(content(file))
    return top


@pytest.mark.parametrize("placing", ["link", "symlink", "copy", "list"])
def test_a_folder_that_is_there_already(placing: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "archive"
    options = DownloadOptions(backend="local", source=folder, placing=placing)
    foreseen = download(detections(), out, options, quiet=True, dry_run=True)
    assert (foreseen.products, foreseen.size_is, out.exists()) == (24, "exact", False)
    summary = download(detections(), out, options, quiet=True)
    assert (summary.complete, summary.products, summary.responses, summary.requests) == (6, 24, 2, 0)
    table = pd.read_parquet(out / "manifest.parquet")
    files = wanted_files(small_tree(), detections())
    if placing == "list":
        assert files_in(out) == {}
        assert all(Path(path).is_relative_to(folder) for path in table["path"])
        assert sorted(map(size, map(Path, table["path"]))) == sorted(table["bytes"])
        return
    there = {name: data for name, data in files_in(out).items() if name.endswith("FTZ")}
    assert there == files
    one = out / table["path"][0]
    assert (one.is_symlink(), one.stat().st_nlink) == (placing == "symlink", 2 if placing == "link" else 1)
    assert download(detections(), out, options, quiet=True).already == 26


def test_a_damaged_file_of_a_folder_is_missing(folder: Path, tmp_path: Path) -> None:
    next(folder.rglob("*SRCARF0007.FTZ")).write_bytes(b"a stub")
    next(folder.rglob("*e2_ef20_sdY9*")).write_bytes(b"a stub")
    options = DownloadOptions(backend="local", source=folder)
    summary = download(detections(), tmp_path / "archive", options, quiet=True)
    assert (summary.missing, summary.failed, summary.complete) == ({"damaged": 2}, 0, 3)


def test_what_makes_no_sense_is_refused(serve: Serve, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "archive"
    for options in ({"rate": -1.0}, {"retries": -1}, {"backend": "local"}, {"source": folder}, {"timeout": 0.0}):
        with pytest.raises(OptionError):
            DownloadOptions(**options)
    for place in ("ftp://127.0.0.1/", str(tmp_path / "nowhere")):
        with pytest.raises(OptionError, match="neither a web address nor a folder"):
            download(detections(), out, serve("heasarc-s3").options(responses_url=place), quiet=True)
    with pytest.raises(OptionError, match="is no folder"):
        download(detections(), out, DownloadOptions(backend="local", source=folder / "x"), quiet=True, dry_run=True)
    with pytest.raises(CatalogueError, match="SRC_NUM"):
        download(detections().drop(columns="SRC_NUM"), out)
    with pytest.raises(CatalogueError, match="no detection is wanted"):
        download(detections().iloc[:0], out)
    with pytest.raises(CatalogueError, match="OBS_ID"):
        download(detections().assign(OBS_ID="../../../x"), out)


def test_a_folder_with_something_else_in_it_is_left_alone(serve: Serve, folder: Path) -> None:
    with pytest.raises(ExplorerError, match="no download's"):
        download(detections(), folder, serve("heasarc-s3").options(), quiet=True)


def test_detections_without_identifiers_are_fetched_too(serve: Serve, tmp_path: Path) -> None:
    served, out = serve("heasarc-s3"), tmp_path / "archive"
    table = detections().drop(columns="DETID")
    table["SRC_NUM"] = table["SRC_NUM"].astype(np.int32)
    summary = download(pd.concat([table, table]), out, served.options(), quiet=True)  # each once
    assert (summary.detections, summary.complete) == (len(detections()), 6)
    assert pd.read_parquet(out / "manifest.parquet")["DETID"].isna().all()
    assert len(FIELD) == summary.observations
