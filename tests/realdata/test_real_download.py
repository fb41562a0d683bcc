"""A real field over S3 and XSA: 58 detections of two observations, from their catalogue's numbers to files and rows."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from servers.https_index import HttpsIndexServer
from servers.s3 import S3Server
from servers.tree import Tree, content
from servers.xsa import XsaServer

from vae.archive.download import DownloadOptions, download
from vae.archive.download.names import product
from vae.preprocess import PreprocessOptions, preprocess

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "archive" / "download"))

from field import files_in

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def tree(ogip: Path) -> Tree:
    return Tree.of(ogip / "rxcj2359").with_decoys()


@pytest.fixture(scope="module")
def field(tree: Tree) -> pd.DataFrame:
    parsed = [product(name) for files in tree.products.values() for name in files]
    sources = sorted({(one.obs_id, one.src_num) for one in parsed if one is not None and one.kind == "spectrum"})
    return pd.DataFrame(
        {"OBS_ID": pd.array([one[0] for one in sources], dtype="str"), "SRC_NUM": [one[1] for one in sources]}
    )


@pytest.mark.parametrize("backend", ["heasarc-s3", "xsa"])
def test_a_real_field(backend: str, tree: Tree, field: pd.DataFrame, ogip: Path, tmp_path: Path) -> None:
    assert len(field) == 58
    out = tmp_path / "archive"
    server = S3Server(tree, page=20) if backend == "heasarc-s3" else XsaServer(tree)
    with server, HttpsIndexServer(tree) as web:
        endpoint = server.url if isinstance(server, S3Server) else server.aio_url
        options = DownloadOptions(
            backend=backend, endpoint=endpoint, responses_url=web.responses_url, rate=1e4, backoff=1e-6
        )
        summary = download(field, out, options, quiet=True)
    wanted = {
        f"{obs_id}/pps/{name}": content(file)
        for obs_id, files in tree.products.items()
        for name, file in files.items()
        if product(name) is not None
    }
    there = files_in(out)
    assert len(wanted) == 174
    assert {name: data for name, data in there.items() if name.endswith("FTZ")} == wanted
    # One matrix of several is at hand here; the others are named as missing, with the spectra that want them.
    assert [name for name in there if name.startswith("responses/")] == ["responses/epn_e3_ef20_sdY6_v19.0.rmf"]
    spectra = pd.read_parquet(out / "manifest.parquet").query("kind == 'spectrum'")
    assert summary.complete == (spectra["response"] == "epn_e3_ef20_sdY6_v19.0.rmf").sum() > 0
    assert summary.missing["no-response"] == len(pd.read_csv(out / "missing.csv"))
    if backend == "heasarc-s3":
        standin = PreprocessOptions(standin_response=ogip / "standin_response" / "ogip_test_xmm_pn.rmf", workers=1)
        assert preprocess([out], tmp_path / "store", standin, quiet=True).detections == 58
