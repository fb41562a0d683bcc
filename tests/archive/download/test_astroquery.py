"""astroquery as it is, against our XSA: that the server speaks its protocol, and why the backend is as it is."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from astroquery import log
from astroquery.esa.xmm_newton import XMMNewton, XMMNewtonClass
from conftest import Served
from field import detections, small_tree, wanted_files
from servers.faults import HtmlPage
from servers.tree import content

from vae.archive.download import download

Serve = Callable[..., Served]
OBS = "0100000101"


@pytest.fixture
def xsa(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """astroquery's one client, sent to loopback; it writes to the working folder."""
    served = serve("xsa")
    monkeypatch.setattr(XMMNewtonClass, "data_aio_url", served.server.aio_url)
    monkeypatch.setattr(XMMNewton, "_rmf_ftp", served.web.responses_url.removesuffix("PN/"))
    monkeypatch.chdir(tmp_path)
    level = log.level
    log.setLevel("ERROR")
    yield served
    log.setLevel(level)
    XMMNewton._session.close()


def test_several_products_come_in_a_tar_and_one_comes_bare(xsa: Served, tmp_path: Path) -> None:
    XMMNewton.download_data(OBS, filename="x", level="PPS", instname="PN", name="SRSPEC", extension="FTZ", cache=False)
    with tarfile.open(tmp_path / "x.tar") as tar:
        assert sorted(tar.getnames()) == [f"{OBS}/pps/P{OBS}PNS003SRSPEC0{n}.FTZ" for n in ("001", "002", "01F")]
    name = f"P{OBS}PNS003SRSPEC001F.FTZ"
    XMMNewton.download_data(
        OBS, filename="y", level="PPS", instname="PN", name="SRSPEC", extension="FTZ", sourceno="01F", cache=False
    )
    assert (tmp_path / "y.FTZ").read_bytes() == content(xsa.tree.products[OBS][name])


def test_its_own_extraction_reads_our_tar(xsa: Served, tmp_path: Path) -> None:
    for name, file in xsa.tree.products[OBS].items():  # it opens spectra by name, packed or not
        if content(file).startswith(b"\x1f\x8b"):
            xsa.tree.products[OBS][name] = gzip.decompress(content(file))
    XMMNewton.download_data(OBS, filename="x", level="PPS", extension="FTZ", cache=False)
    found = XMMNewton.get_epic_spectra("x.tar", 31, instrument=["PN"], path=str(tmp_path))
    assert {"PN", "PN_bkg", "PN_arf", "PN_rmf"} == set(found)
    assert Path(found["PN_rmf"]).read_bytes() == xsa.tree.responses["epn_e3_ff20_sdY7_v21.0.rmf"]


def test_what_it_leaves_to_us(xsa: Served, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    XMMNewton.download_data(OBS, filename="folder/x", name="SRSPEC", instname="PN", extension="FTZ", cache=False)
    assert not list((tmp_path / "folder").iterdir())  # the folder is ignored
    xsa.faults.add("SRSPEC", HtmlPage(), HtmlPage())
    with pytest.raises(UnboundLocalError):  # an error page with status 200
        XMMNewton.download_data(OBS, filename="y", name="SRSPEC", cache=False)


@pytest.mark.parametrize("nothing", ["404", "page"])
def test_our_backend_asks_where_astroquery_would(nothing: str, xsa: Served, tmp_path: Path) -> None:
    xsa.server.nothing = nothing
    del xsa.tree.products["0100000301"]
    summary = download(detections(), tmp_path / "a", xsa.options(endpoint=None), quiet=True)
    assert (summary.complete, summary.failed, summary.missing) == (5, 0, {"no-observation": 1})
    assert set(wanted_files(xsa.tree, detections())) <= {
        str(p.relative_to(tmp_path / "a")) for p in tmp_path.rglob("*.FTZ")
    }
    asked = {request.query["name"] for request in xsa.server.asked("data-action")}
    assert asked == {"SRSPEC", "BGSPEC", "SRCARF"}  # never whole observations
    assert {request.query["instname"] for request in xsa.server.asked("data-action")} == {"PN"}
    alone = [request.query.get("sourceno") for request in xsa.server.asked("obsno=0100000301", "HEAD")]
    assert set(alone) == {"007"}  # one source alone is asked for by its number


def test_proprietary_observations_are_missing(serve: Serve, tmp_path: Path) -> None:
    served = serve("xsa", small_tree(), proprietary=frozenset({OBS}))
    summary = download(detections(), tmp_path / "a", served.options(), quiet=True)
    assert (summary.complete, summary.failed, summary.missing) == (3, 0, {"refused": 3})
    assert "login" in (tmp_path / "a" / "missing.csv").read_text()
