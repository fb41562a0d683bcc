"""What was downloaded is what preprocessing reads: the exported simulated archive, there and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Served
from field import files_in
from servers.tree import Tree

from vae.archive.cuts import Cuts
from vae.archive.download import download
from vae.archive.selection import select
from vae.preprocess import PreprocessOptions, preprocess
from vae.simulate.export import ExportOptions, ExportSummary, export_archive
from vae.spectra.store import SpectraStore

Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> ExportSummary:
    out = tmp_path_factory.mktemp("simulated") / "archive"
    return export_archive(ExportOptions(detections=6, seed=7, workers=1), out, quiet=True)


def test_a_downloaded_archive_is_the_exported_one_and_becomes_a_store(
    exported: ExportSummary, serve: Serve, tmp_path: Path
) -> None:
    everything = select(exported.catalogue, Cuts(min_counts=0, sum_flag_below=5)).table
    assert len(everything) == 6
    served = serve("heasarc-s3", Tree.of(exported.out).with_decoys())
    summary = download(everything, tmp_path / "archive", served.options(), quiet=True)
    assert (summary.complete, summary.responses) == (6, exported.responses)
    there = files_in(tmp_path / "archive")
    assert len(there) == 18 + exported.responses
    assert all((exported.out / name).read_bytes() == data for name, data in there.items())
    options = PreprocessOptions(catalogue=exported.catalogue, workers=1)
    told = preprocess([tmp_path / "archive"], tmp_path / "store", options, quiet=True)
    assert (told.detections, told.rejected) == (6, {})  # manifest and journal are not taken for damaged spectra
    store = SpectraStore.open(tmp_path / "store")
    assert store.detections["detection_id"].tolist() == everything["DETID"].tolist()
