"""Catalogues as they come: gzipped, in lower case, with nulls, incomplete, broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vae.archive.catalogue import read_catalogue
from vae.errors import CatalogueError

COLUMNS: dict[str, tuple[str, object]] = {
    "DETID": ("K", [101, 102, 2**40 + 3]),
    "SRCID": ("K", [11, 12, 11]),
    "IAUNAME": ("21A", ["4XMM J000000.0+000000", "4XMM J000001.0-000001", "4XMM J000000.0+000000"]),
    "SC_RA": ("D", [10.0, 10.5, 10.0]),
    "SC_DEC": ("D", [-5.0, -5.5, np.nan]),
    "OBS_ID": ("10A", ["0123456789", "0123456789", "0999999999"]),
    "SRC_NUM": ("J", [1, 26, 1]),
    "PN_OFFAX": ("E", [1.5, np.nan, 3.0]),
    "SUM_FLAG": ("I", [0, 3, -32768]),
    "SPECTRA": ("L", [True, False, True]),
    "EXTRA": ("20E", np.zeros((3, 20))),
}


def write(path: Path, *, lower: bool = False, drop: str = "", **changed: tuple[str, object]) -> Path:
    columns = {name: item for name, item in (COLUMNS | changed).items() if name != drop}
    nulls = {"SUM_FLAG": -32768, "DETID": -1}
    fits.BinTableHDU.from_columns(
        [
            fits.Column(name=name.lower() if lower else name, format=form, array=np.array(values), null=nulls.get(name))
            for name, (form, values) in columns.items()
        ]
    ).writeto(path)
    return path


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_rows_are_found_by_observation_and_number(tmp_path: Path, *, lower: bool, packed: bool) -> None:
    path = write(tmp_path / "cat.fits", lower=lower)
    if packed:
        path = tmp_path / "cat.fits.gz"
        path.write_bytes(gzip.compress((tmp_path / "cat.fits").read_bytes()))
    catalogue = read_catalogue(path)
    assert len(catalogue) == 3
    rows = catalogue.rows(["0999999999", "0123456789", "0123456789", None, "0123456789"], [1, 26, 2, 1, None])
    assert rows.tolist() == [2, 1, -1, -1, -1]
    assert catalogue.table["DETID"].tolist() == [101, 102, 2**40 + 3]
    assert catalogue.table["IAUNAME"][1] == "4XMM J000001.0-000001"
    assert catalogue.table["SPECTRA"].tolist() == [True, False, True]


def test_what_is_null_in_the_file_is_null_here(tmp_path: Path) -> None:
    table = read_catalogue(write(tmp_path / "cat.fits")).table
    assert table["SC_DEC"].isna().tolist() == [False, False, True]
    assert table["PN_OFFAX"].isna().tolist() == [False, True, False]
    assert table["SUM_FLAG"].isna().tolist() == [False, False, True]
    assert table["SC_POSERR"].isna().all()  # a column that the file lacks


def test_rows_without_a_detection_are_none(tmp_path: Path) -> None:
    path = write(tmp_path / "stacked.fits", DETID=("K", [101, -1, 103]))
    assert read_catalogue(path).table["DETID"].tolist() == [101, 103]


@pytest.mark.parametrize("name", ["DETID", "SRCID", "OBS_ID", "SRC_NUM"])
def test_a_column_it_cannot_do_without(tmp_path: Path, name: str) -> None:
    with pytest.raises(CatalogueError, match=rf"cat\.fits: lacks the column {name}; there are .*4XMM"):
        read_catalogue(write(tmp_path / "cat.fits", drop=name))


def test_detections_named_twice_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "cat.fits", SRC_NUM=("J", [1, 1, 1]))
    with pytest.raises(CatalogueError, match="source 1 of OBS_ID 0123456789 stands in it more than once"):
        read_catalogue(path)


def test_a_column_of_another_kind_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "cat.fits", SRC_NUM=("3A", ["one", "two", "six"]))
    with pytest.raises(CatalogueError, match="SRC_NUM does not hold int32"):
        read_catalogue(path)


@pytest.mark.parametrize("content", [b"no FITS at all", b"\x1f\x8bno gzip either", b""])
def test_files_that_are_no_catalogue(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cat.fits.gz"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"cat\.fits\.gz"):
        read_catalogue(path)


def test_a_file_without_a_table_or_none_at_all(tmp_path: Path) -> None:
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(CatalogueError, match="has no table"):
        read_catalogue(tmp_path / "empty.fits")
    with pytest.raises(CatalogueError, match="no such file"):
        read_catalogue(tmp_path / "nowhere.fits")
