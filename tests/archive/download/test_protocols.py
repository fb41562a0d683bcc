"""Downloads over S3, HTTPS and XSA: what is wanted arrives, nothing else does; what goes wrong is mended or told."""

from __future__ import annotations

import dataclasses
import email.utils
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from conftest import REMOTE, Served
from field import detections, files_in, packed, small_tree, wanted_files
from servers.faults import (
    Disconnect,
    Fault,
    Garbled,
    HtmlPage,
    Redirect,
    Stall,
    Status,
    Truncated,
    WrongLength,
)

from vae.archive.download import download
from vae.errors import DownloadError

Serve = Callable[..., Served]
MATRICES = {"responses/epn_e3_ff20_sdY7_v21.0.rmf", "responses/epn_e2_ef20_sdY9_v21.0.rmf"}


def expected(served: Served) -> dict[str, bytes]:
    matrices = {name: served.tree.responses[Path(name).name] for name in MATRICES}
    return wanted_files(served.tree, detections()) | matrices


@pytest.mark.parametrize("backend", REMOTE)
def test_all_that_is_wanted_arrives_once_and_nothing_else_is_asked_for(
    backend: str, serve: Serve, tmp_path: Path
) -> None:
    served, out = serve(backend), tmp_path / "archive"
    summary = download(detections(), out, served.options(), quiet=True)
    files = expected(served)
    assert len(files) == 3 * (3 + 2 * 2 + 1) + 2  # both exposures of the second observation
    assert files_in(out) == files
    assert (summary.detections, summary.complete, summary.observations) == (6, 6, 3)
    assert (summary.products, summary.responses, summary.fetched) == (24, 2, 26)
    assert (summary.missing, summary.failed) == ({}, 0)
    for decoy in ("M1S001", "PIEVLI", ".PDF", "SRTSR", "IMAGE_", "index.html"):
        assert not served.gets(decoy)
    assert len(served.web.asked(".rmf")) == 2
    assert not list((out / ".download" / "incoming").iterdir())
    assert not list((out / ".download" / "tars").iterdir())
    before = served.gets(), len(served.web.requests)
    again = download(detections(), out, served.options(), quiet=True)
    assert (served.gets(), len(served.web.requests)) == before
    assert (again.fetched, again.already, again.complete, again.requests) == (0, 26, 6, 0)
    assert files_in(out) == files


@pytest.mark.parametrize("backend", REMOTE)
def test_the_manifest_names_every_file_with_its_sum(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    summary = download(detections(), out, served.options(), quiet=True)
    assert summary.manifest == out / "manifest.parquet"
    table = pd.read_parquet(out / "manifest.parquet")
    assert not any(dtype.kind == "O" and dtype.name == "object" for dtype in table.dtypes)
    files = expected(served)
    assert set(table["path"]) == set(files)
    assert set(table["status"]) == {"there"}
    for row in table.itertuples():
        content = files[row.path]
        assert (row.bytes, row.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert row.url.startswith(("s3://nasa-heasarc/xmm/data/rev0/", "http://127.0.0.1:"))
    products = table[table["kind"] != "response"]
    assert products["kind"].value_counts().to_dict() == {"spectrum": 8, "background": 8, "area": 8}
    detid = {(row.OBS_ID, row.SRC_NUM): row.DETID for row in detections().itertuples()}
    assert all(detid[row.OBS_ID, row.SRC_NUM] == row.DETID for row in products.itertuples())
    two = products[(products["OBS_ID"] == "0100000201") & (products["SRC_NUM"] == 163)]
    assert set(two["exposure"]) == {"S003", "U014"}
    assert all("0A3." in name for name in two["product"])
    spectra = table[table["kind"] == "spectrum"]
    assert {f"responses/{name}" for name in spectra["response"]} == MATRICES
    assert (out / "missing.csv").read_text().count("\n") == 1


def in_a_moment() -> str:
    return email.utils.format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)


#: Of everything that can go wrong with an answer, one after the other.
FAULTS: tuple[Fault, ...] = (
    Status(503, "0"),
    Status(503, in_a_moment()),
    Status(429),
    Status(500),
    Status(504),
    Truncated(),
    Truncated(0.0),
    HtmlPage(),
    WrongLength(+100),
    WrongLength(-100),
    Disconnect(),
)
TRIES = 2 * len(FAULTS)


@pytest.mark.parametrize("backend", REMOTE)
def test_files_that_go_wrong_are_mended(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    for text in ("name=SRSPEC", "name=SRCARF") if backend == "xsa" else ("SRSPEC0001", "SRCARF00A3"):
        served.faults.add(text, *FAULTS, Garbled(), method="GET")
    cut = [WrongLength(-5000) if fault == WrongLength(-100) else fault for fault in FAULTS]  # beyond the padding
    served.web.faults.add("sdY7_v21.0.rmf", *cut)
    summary = download(detections(), out, served.options(retries=TRIES), quiet=True)
    assert files_in(out) == expected(served)
    assert (summary.failed, summary.missing) == (0, {})
    assert served.faults.left == 0
    assert len(served.web.asked("sdY7_v21.0.rmf")) == len(FAULTS) + 1


@pytest.mark.parametrize("backend", REMOTE)
def test_lists_that_go_wrong_are_asked_for_again(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    lists = {"heasarc-s3": "list-type=2", "heasarc-https": "/PPS/", "xsa": "data-action"}[backend]
    served.faults.add(lists, *FAULTS)
    served.web.faults.add("responses/PN/", *FAULTS)
    download(detections(), out, served.options(retries=TRIES), quiet=True)
    assert files_in(out) == expected(served)
    assert served.faults.left == served.web.faults.left == 0


@pytest.mark.parametrize("backend", REMOTE)
def test_a_silent_server_is_not_waited_for(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    text = "name=BGSPEC" if backend == "xsa" else "BGSPEC0002"
    served.faults.add(text, Stall(30.0))
    download(detections(), out, served.options(timeout=1.0), quiet=True)
    assert files_in(out) == expected(served)
    assert served.faults.left == 0


@pytest.mark.parametrize("backend", REMOTE)
def test_what_never_comes_is_listed_and_the_next_run_fetches_that_alone(
    backend: str, serve: Serve, tmp_path: Path
) -> None:
    served, out = serve(backend), tmp_path / "archive"
    text = "obsno=0100000301&level=PPS&instname=PN&name=BGSPEC" if backend == "xsa" else "0100000301PNS001BGSPEC"
    served.faults.add(text, HtmlPage(), always=True)
    summary = download(detections(), out, served.options(), quiet=True)
    lost = "0100000301/pps/P0100000301PNS001BGSPEC0007.FTZ"
    files = expected(served)
    assert files_in(out) == {name: content for name, content in files.items() if name != lost}
    assert (summary.failed, summary.complete, summary.missing) == (1, 5, {})
    missing = pd.read_csv(out / "missing.csv", dtype={"OBS_ID": "str"})
    assert missing["product"].tolist() == [Path(lost).name]
    assert missing["status"].tolist() == ["failed"]
    assert "4 times" in missing["reason"][0]
    served.faults.clear()
    before = len(served.server.requests)
    again = download(detections(), out, served.options(), quiet=True)
    assert files_in(out) == files
    assert (again.failed, again.fetched, again.complete) == (0, 1, 6)
    assert all("BGSPEC" in request.target for request in served.server.requests[before:])


@pytest.mark.parametrize("backend", REMOTE)
def test_a_pause_is_kept_and_one_beyond_patience_ends_the_run(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    served.faults.add("name=SRCARF" if backend == "xsa" else "SRCARF", Status(503, "7200"), method="GET")
    with pytest.raises(DownloadError, match="left alone for 7200 s"):
        download(detections(), out, served.options(), quiet=True)
    download(detections(), out, served.options(), quiet=True)  # goes on
    assert files_in(out) == expected(served)


@pytest.mark.parametrize("backend", REMOTE)
def test_a_server_that_is_down_is_not_asked_for_everything(backend: str, serve: Serve, tmp_path: Path) -> None:
    field = {f"02000{i:03d}01": (("S003",), (1,)) for i in range(80)}
    served = serve(backend)
    served.faults.add("", Status(503), always=True)
    with pytest.raises(DownloadError, match="30 files in a row"):
        download(detections(field), tmp_path / "archive", served.options(retries=0), quiet=True)
    assert len(served.server.requests) < 60  # and those that were waiting then


def test_a_bucket_that_is_not_there_is_an_error_and_not_a_lack(serve: Serve, tmp_path: Path) -> None:
    served = serve("heasarc-s3")
    summary = download(detections(), tmp_path / "few", served.options(bucket="nowhere"), quiet=True)
    assert (summary.failed, summary.missing, summary.complete) == (6, {}, 0)
    assert "no such bucket" in (tmp_path / "few" / "missing.csv").read_text()
    field = {f"02000{i:03d}01": (("S003",), (1,)) for i in range(40)}
    with pytest.raises(DownloadError, match=r"30 files in a row could not be fetched.*no such bucket"):
        download(detections(field), tmp_path / "many", served.options(bucket="nowhere"), quiet=True)


@pytest.mark.parametrize("backend", REMOTE)
def test_there_are_no_more_connections_than_asked_for(backend: str, serve: Serve, tmp_path: Path) -> None:
    served = serve(backend, delay=0.01)
    download(detections(), tmp_path / "archive", served.options(connections=2), quiet=True)
    assert served.server.most_at_once <= 2


@pytest.mark.parametrize("backend", REMOTE)
def test_plain_fits_under_the_name_of_a_packed_one_is_taken(backend: str, serve: Serve, tmp_path: Path) -> None:
    import gzip

    tree = small_tree()
    for files in tree.products.values():
        for name, content in files.items():
            if content.startswith(b"\x1f\x8b"):
                files[name] = gzip.decompress(content)
    served, out = serve(backend, tree), tmp_path / "archive"
    summary = download(detections(), out, served.options(), quiet=True)
    assert summary.complete == 6
    assert files_in(out) == expected(served)


@pytest.mark.parametrize("backend", REMOTE)
def test_missing_ones_have_reasons(backend: str, serve: Serve, tmp_path: Path) -> None:
    tree = small_tree()
    del tree.products["0100000301"]
    files = tree.products["0100000101"]
    del files["P0100000101PNS003BGSPEC0002.FTZ"], files["P0100000101PNS003SRCARF0002.FTZ"]
    for name in [name for name in files if name[24:27] == "01F"]:
        del files[name]
    for kind in ("SRSPEC", "BGSPEC", "SRCARF"):  # another camera has the source
        files[f"P0100000101M1S001{kind}001F.FTZ"] = packed(b"x")
    del tree.responses["epn_e2_ef20_sdY9_v21.0.rmf"]
    served, out = serve(backend, tree), tmp_path / "archive"
    summary = download(detections(), out, served.options(), quiet=True)
    assert summary.missing == {
        "no-area": 1, "no-background": 1, "no-observation": 1, "no-response": 1, "no-spectrum": 1,
    }  # fmt: skip
    assert (summary.failed, summary.complete) == (0, 1)
    missing = pd.read_csv(out / "missing.csv", dtype={"OBS_ID": "str"}).set_index("missing")
    assert missing.loc["no-observation", "OBS_ID"] == "0100000301"
    assert missing.loc["no-spectrum", "SRC_NUM"] == 31
    assert missing.loc["no-area", "product"] == "P0100000101PNS003SRCARF0002.FTZ"
    assert missing.loc["no-response", "product"] == "epn_e2_ef20_sdY9.rmf"
    assert (missing["reason"].str.len() > 20).all()
    before = served.gets()
    download(detections(), out, served.options(), quiet=True)
    assert served.gets() == before  # what the archive does not have is not asked for each time
    served.tree.products["0100000301"] = small_tree().products["0100000301"]
    if backend == "heasarc-s3":
        served.server.objects |= {
            f"xmm/data/rev0/0100000301/PPS/{name}": file for name, file in served.tree.products["0100000301"].items()
        }
    again = download(detections(), out, served.options(ask_again=True), quiet=True)
    assert again.missing == {name: n for name, n in summary.missing.items() if name != "no-observation"}
    assert again.complete == 2


@pytest.mark.parametrize("backend", ["heasarc-s3", "heasarc-https"])
def test_a_file_that_is_listed_and_not_there_is_missing(backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    served.faults.add("SRCARF001F", Status(404))
    summary = download(detections(), out, served.options(), quiet=True)
    assert (summary.missing, summary.failed) == ({"absent": 1}, 0)
    assert len(served.server.asked("SRCARF001F")) == 1


def test_lists_are_read_to_their_last_page(serve: Serve, tmp_path: Path) -> None:
    served, out = serve("heasarc-s3", page=2), tmp_path / "archive"
    download(detections(), out, served.options(), quiet=True)
    assert files_in(out) == expected(served)
    lists = served.server.asked("list-type=2")
    of_one = [one for one in lists if "0100000101" in one.target]
    pn = [name for name in served.tree.products["0100000101"] if name[11:13] == "PN"]
    assert len(of_one) == -(-len(pn) // 2)


def test_a_sum_that_does_not_fit_is_noticed_where_all_else_does(serve: Serve, tmp_path: Path) -> None:
    from field import fits_bytes

    served, out = serve("heasarc-s3"), tmp_path / "archive"
    name = "P0100000301PNS001SRCARF0007.FTZ"
    right = served.tree.products["0100000301"][name]
    other = packed(fits_bytes("SRCARF", 999))
    key = f"xmm/data/rev0/0100000301/PPS/{name}"
    padded = other + b"\0" * (len(right) - len(other)) if len(other) < len(right) else other[: len(right)]
    served.server.objects[key] = right
    served.faults.add(name, HtmlPage(padded))
    download(detections(), out, served.options(), quiet=True)
    assert (out / "0100000301/pps" / name).read_bytes() == right
    assert len(served.server.asked(name)) == 2


@pytest.mark.parametrize("backend", ["heasarc-https", "xsa"])
@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_redirections_stay_on_the_web(to: str, backend: str, serve: Serve, tmp_path: Path) -> None:
    served, out = serve(backend), tmp_path / "archive"
    served.faults.add("name=SRCARF" if backend == "xsa" else "SRCARF0007", Redirect(to), always=True)
    summary = download(detections(), out, served.options(), quiet=True)
    assert summary.failed == 0
    assert summary.missing["refused"] >= 1


def test_the_archive_can_change_in_mid_download(serve: Serve, tmp_path: Path) -> None:
    bucket, web, out = serve("heasarc-s3"), serve("heasarc-https"), tmp_path / "archive"
    bucket.faults.add("BGSPEC", Status(403), always=True)
    first = download(detections(), out, bucket.options(), quiet=True)
    assert first.missing == {"refused": 8}
    second = download(detections(), out, dataclasses.replace(web.options()), quiet=True)
    assert (second.complete, second.fetched) == (6, 8)
    assert not web.gets("SRSPEC")
    assert files_in(out) == expected(web)
