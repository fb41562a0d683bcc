"""What arrives, and what is only made to look like it; tars from elsewhere; index pages of all sorts."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
import threading
from pathlib import Path

import pytest
from field import fits_bytes, packed
from servers.faults import ERROR_PAGE, HtmlPage, Redirect
from servers.https_index import HttpsIndexServer
from servers.tree import Tree

from vae.archive.download import arrivals, tars, web
from vae.archive.download.arrivals import Archive, refuse_too_small
from vae.archive.download.gate import Gate, RefusedError, TroubleError
from vae.archive.download.tars import products_in
from vae.errors import DownloadError

PLACE = "0100000101/pps/P0100000101PNS003SRSPEC0001.FTZ"
NAME = Path(PLACE).name
SPECTRUM = packed(fits_bytes("SRSPEC", 1, "epn_e3_ff20_sdY7.rmf"))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "archive")
    made.prepare()
    return made


def nothing_there(archive: Archive) -> bool:
    return not (archive.out / PLACE).exists() and not list(archive.incoming.iterdir())


def test_a_spectrum_lands_with_its_sum_and_its_matrix(archive: Archive) -> None:
    arrived = archive.receive([SPECTRUM[:100], SPECTRUM[100:]], PLACE, "spectrum", length=len(SPECTRUM))
    assert (arrived.size, arrived.response) == (len(SPECTRUM), "epn_e3_ff20_sdY7.rmf")
    assert (archive.out / PLACE).read_bytes() == SPECTRUM
    assert archive.adopt(PLACE, "spectrum", len(SPECTRUM)).sha256 == arrived.sha256
    assert archive.adopt(PLACE, "spectrum", len(SPECTRUM) + 1) is None
    assert archive.adopt(PLACE, "area", len(SPECTRUM)) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (ERROR_PAGE, "text: '<html>"),
        (b"", "empty"),
        (gzip.compress(ERROR_PAGE, mtime=0), "text"),
        (SPECTRUM[:-40], "ends? too early|end too early"),
        (gzip.decompress(SPECTRUM)[:-2000], "cut short"),
        (SPECTRUM[:-8] + b"\0" * 8, "damaged gzip"),
        (packed(fits_bytes("SRCARF")), "FITS, but no spectrum"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "not a FITS file"),
    ],
)
def test_what_is_no_spectrum_does_not_land(content: bytes, says: str, archive: Archive) -> None:
    with pytest.raises(TroubleError, match=says):
        archive.receive([content], PLACE, "spectrum")
    assert nothing_there(archive)


def test_promises_are_kept(archive: Archive) -> None:
    with pytest.raises(TroubleError, match="bytes came"):
        archive.receive([SPECTRUM], PLACE, "spectrum", length=len(SPECTRUM) - 1)
    with pytest.raises(TroubleError, match="MD5"):
        archive.receive([SPECTRUM], PLACE, "spectrum", md5="0" * 32)
    assert nothing_there(archive)


def test_there_is_a_bound(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "PRODUCT_LIMIT", 1000)
    endless = (b"x" * 100 for _ in iter(int, 1))
    with pytest.raises(RefusedError, match="1000 bytes"):
        archive.receive(endless, PLACE, "spectrum")
    assert nothing_there(archive)
    monkeypatch.setattr("vae.spectra.ogip.RMF_LIMIT", 1 << 16)
    monkeypatch.setattr(arrivals, "PRODUCT_LIMIT", 1 << 20)
    bomb = gzip.compress(b"SIMPLE  =" + b" " * (1 << 22))
    with pytest.raises(TroubleError, match="unpacks to more"):
        archive.receive([bomb], PLACE, "spectrum")
    assert nothing_there(archive)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_half_written(code: int, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(arrivals.os, "fsync", full)
    with pytest.raises(DownloadError, match=r"the disk is full\. Make room"):
        archive.receive([SPECTRUM], PLACE, "spectrum")
    assert nothing_there(archive)


def test_other_troubles_of_the_disk_are_not_called_full(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(arrivals.os, "fsync", broken)
    with pytest.raises(OSError, match="I/O error"):
        archive.receive([SPECTRUM], PLACE, "spectrum")


def test_a_disk_that_is_too_small_is_noticed_before(tmp_path: Path) -> None:
    refuse_too_small(tmp_path / "a" / "b", 1)
    with pytest.raises(DownloadError, match="GiB are to come"):
        refuse_too_small(tmp_path / "a" / "b", 1 << 60)


def tar_of(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def contents(path: Path, told_name: str = "") -> dict[str, bytes]:
    return {named.place: b"".join(chunks) for named, chunks in products_in(path, told_name)}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_members_land_by_their_names_whatever_their_paths(mode: str, tmp_path: Path) -> None:
    link = tarfile.TarInfo(f"pps/{NAME.replace('0001', '0002')}")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard = tarfile.TarInfo(f"pps/{NAME.replace('0001', '0003')}")
    hard.type, hard.linkname = tarfile.LNKTYPE, "../../outside"
    device = tarfile.TarInfo(f"pps/{NAME.replace('0001', '0004')}")
    device.type = tarfile.CHRTYPE
    members = [
        (tarfile.TarInfo(f"../../../../tmp/{NAME}"), SPECTRUM),
        (tarfile.TarInfo(f"/0100000101/pps/{NAME}"), b"the second of a name"),
        (tarfile.TarInfo("../../outside"), b"no"),
        (tarfile.TarInfo("0100000101/pps/P0100000101M1S001SRSPEC0001.FTZ"), b"another camera"),
        (link, b""),
        (hard, b""),
        (device, b""),
    ]
    path = tar_of(tmp_path / "x.tar", members, mode)
    assert contents(path) == {PLACE: SPECTRUM}
    assert [file.name for file in tmp_path.iterdir()] == ["x.tar"]


def test_a_bare_product_is_known_by_what_the_server_called_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(SPECTRUM)
    assert contents(path, NAME) == {PLACE: SPECTRUM}
    assert contents(path, f"../../{NAME}") == {PLACE: SPECTRUM}
    with pytest.raises(TroubleError, match="neither a tar file"):
        contents(path, "guest.FTZ")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_tar_that_is_cut_short_is_noticed(keep: float, mode: str, tmp_path: Path) -> None:
    noise = os.urandom(100_000)
    members = [(tarfile.TarInfo(f"pps/{NAME.replace('0001', f'00{i:02X}')}"), noise) for i in range(1, 4)]
    path = tar_of(tmp_path / "x.tar", members, mode)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(TroubleError, match="tar file"):
        contents(path)


def test_a_tar_has_a_number_of_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "_MOST_MEMBERS", 5)
    path = tar_of(tmp_path / "x.tar", [(tarfile.TarInfo(f"{i}"), b"") for i in range(9)])
    with pytest.raises(RefusedError, match="more than 5 members"):
        contents(path)


LINK = f'<a href="{NAME}">{NAME[:20]}..&gt;</a>'
PAGES = {
    "Apache": '<html><body><pre><a href="?C=N">Name</a>\n<a href="/FTP/">Parent Directory</a>   -\n'
    f"{LINK} 2019-04-01 10:12   22K  \n</pre></body></html>",
    "nginx": f'<html><title>Index of /x/</title><body><pre><a href="../">../</a>\n{LINK}'
    "           01-Apr-2019 10:12               22528\n</pre></body></html>",
    "Python": f"<html><body><h1>Directory listing for /x/</h1><ul><li>{LINK}</li></ul></body></html>",
    "absolute": f'<html><body><a href="{{base}}{NAME}">x</a> 22K </body></html>',
    "a table": f'<html><body><table><tr><td><a href="/x/{NAME}">x</a></td><td>2019-04-01</td>'
    "<td> 22K</td></tr></table></body></html>",
}


@pytest.fixture
def page(request: pytest.FixtureRequest):
    with HttpsIndexServer(Tree()) as server:
        stop = threading.Event()
        session = web.session(server.url, Gate(1e6, stop), timeout=5.0, limit=100_000)
        with session:

            def get(text: str) -> list[web.Entry]:
                base = f"{server.url}/x/"
                server.faults.add("/x/", HtmlPage(text.replace("{base}", base).encode()))
                return web.index(session, base)

            yield get


@pytest.mark.parametrize("kind", PAGES)
def test_index_pages_of_all_sorts_are_read(kind: str, page) -> None:
    assert page(PAGES[kind]) == [web.Entry(NAME, None if kind == "Python" else 22 * 1024)]


def test_links_elsewhere_are_no_files_of_a_folder(page) -> None:
    links = ["http://127.0.0.1:1/x/a.rmf", "../a.rmf", "/y/a.rmf", "b/a.rmf", "b%2Fa.rmf?x", "#a.rmf"]
    links += ["file:///a.rmf", ""]
    body = "".join(f'<a href="{link}">a.rmf</a> 1K ' for link in links)
    assert page(f"<html><h1>Index of /x</h1><body>{body}</body></html>") == []


@pytest.mark.parametrize("text", [ERROR_PAGE.decode(), "", PAGES["Apache"][:-30], '{"error": "busy"}'])
def test_what_is_no_index_page_is_not_an_empty_folder(text: str, page) -> None:
    with pytest.raises(TroubleError, match="no index page"):
        page(text)


def test_what_came_by_https_goes_on_by_https() -> None:
    gate = Gate(1e6, threading.Event())
    with web.session("https://127.0.0.1:1/", gate, timeout=1.0, limit=1000) as session:
        request = web.requests.Request("GET", "http://127.0.0.1:1/x").prepare()
        with pytest.raises(web.requests.exceptions.InvalidSchema, match="leaves https"):
            session.send(request)
    assert gate.requests == 0


def test_answers_and_redirections_have_an_end() -> None:
    gate = Gate(1e6, threading.Event())
    with HttpsIndexServer(Tree()) as server, web.session(server.url, gate, timeout=5.0, limit=1000) as session:
        server.faults.add("/long", HtmlPage(b"x" * 1001))
        with pytest.raises(RefusedError, match="1000 bytes"), web.fetched(session, f"{server.url}/long") as body:
            b"".join(body.chunks)
        server.faults.add("/round", Redirect(f"{server.url}/round"), always=True)
        with pytest.raises(RefusedError, match="TooManyRedirects"), web.fetched(session, f"{server.url}/round"):
            pass
        assert len(server.asked("/round")) == 6
