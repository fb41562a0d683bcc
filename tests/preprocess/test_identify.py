"""With a catalogue: its identifiers, names and positions, by OBS_ID and SRC_NUM; what it does not list is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from ogip_files import N_CHANNELS, write_arf, write_pha, write_rmf

from vae.archive.columns import CATALOGUE_COLUMNS
from vae.errors import CatalogueError, ExplorerError
from vae.preprocess import PreprocessOptions, preprocess
from vae.spectra.store import SpectraStore

OBS, LATER = "0123456789", "0987654321"
CANNED = "epn_e3_ff20_sdY7.rmf"


def write_triple(
    root: Path, obs: str, source: int, exposure: str = "S003", mean: float = 2.0, **keywords: object
) -> None:
    folder = root / obs / "pps"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(source)
    name = f"P{obs}PN{exposure}{{}}0{source:03X}.FTZ"
    same = {"OBS_ID": obs, "EXPIDSTR": exposure, "packed": True}
    write_pha(folder / name.format("BGSPEC"), rng.poisson(2.0, N_CHANNELS), BACKSCAL=10.0, **same)
    write_arf(folder / name.format("SRCARF"), packed=True)
    write_pha(
        folder / name.format("SRSPEC"),
        rng.poisson(mean, N_CHANNELS),
        SRCNUM=source,
        RESPFILE=CANNED,
        **same,
        **keywords,
    )


def write_catalogue(path: Path, rows: list[Mapping[str, object]], drop: tuple[str, ...] = ()) -> Path:
    usual = {
        "IAUNAME": "4XMM J0", "SC_RA": 10.0, "SC_DEC": -5.0, "SC_POSERR": 0.5, "MJD_START": 55000.0,
        "MJD_STOP": 55000.5, "PN_FILTER": "Medium", "PN_SUBMODE": "PrimeLargeWindow", "PN_OFFAX": 3.25, "SUM_FLAG": 1,
    }  # fmt: skip
    frame = pd.DataFrame([usual | dict(row) for row in rows])
    wanted = [column for column in CATALOGUE_COLUMNS if column.name in frame and column.name not in drop]
    table = Table({c.name: frame[c.name].to_numpy().astype("S" if c.dtype == "str" else c.dtype) for c in wanted})
    table.write(path, format="fits", overwrite=True)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """One source seen twice, 30 arcsec apart by its headers (once in two exposures), and another."""
    root = tmp_path / "archive"
    where = {"SRC_CRA": 10.0, "RA_PNT": 10.0, "DEC_PNT": -5.0}
    write_triple(
        root, OBS, 0x1A, SRC_CDEC=-5.0, DATE_OBS="2010-01-01T00:00:00", DATE_END="2010-01-01T06:00:00", **where
    )
    write_triple(root, OBS, 0x1A, "U004", mean=1.0, SRC_CDEC=-5.0, **where)
    write_triple(root, LATER, 1, SRC_CDEC=-5.0 - 30 / 3600, **where)
    write_triple(root, LATER, 2, SRC_CRA=11.0, SRC_CDEC=5.0)
    write_rmf(root / CANNED)
    return root


def run(archive: Path, catalogue: Path | None, out: str = "store") -> SpectraStore:
    preprocess([archive], archive.parent / out, PreprocessOptions(catalogue=catalogue), quiet=True)
    return SpectraStore.open(archive.parent / out)


def test_the_catalogue_says_who_is_who(archive: Path, tmp_path: Path) -> None:
    catalogue = write_catalogue(
        tmp_path / "cat.fits",
        [
            {"OBS_ID": LATER, "SRC_NUM": 1, "DETID": 7, "SRCID": 2**40 + 1},
            {"OBS_ID": OBS, "SRC_NUM": 26, "DETID": 9, "SRCID": 2**40 + 1, "IAUNAME": "4XMM J1", "SUM_FLAG": 0},
            {"OBS_ID": "0000000001", "SRC_NUM": 1, "DETID": 1, "SRCID": 1},
        ],
    )
    store = run(archive, catalogue)
    table = store.detections
    assert table["detection_id"].tolist() == [7, 9]
    assert table["source_id"].tolist() == [2**40 + 1] * 2  # though the headers put them too far apart to be joined
    assert table["name"].tolist() == ["4XMM J0", "4XMM J1"]
    assert table["ra_deg"].tolist() == [10.0, 10.0]
    assert table["dec_deg"].tolist() == [-5.0, -5.0]
    assert table["position_error_arcsec"].tolist() == [0.5, 0.5]
    assert table["offaxis_arcmin"].tolist() == [3.25, 3.25]
    assert table["sum_flag"].tolist() == [1, 0]
    for row in range(2):
        assert "detection_id=DETID of cat.fits" in table["provenance"][row]
        assert "position=SC_RA of cat.fits" in table["provenance"][row]
        assert "SRC_CRA" not in table["provenance"][row]
    assert store.meta["provenance"]["catalogue"] == "cat.fits"


def test_files_know_their_exposure_better_and_the_catalogue_fills_gaps(archive: Path, tmp_path: Path) -> None:
    rows = [
        {"OBS_ID": LATER, "SRC_NUM": 1, "DETID": 7, "SRCID": 1},
        {"OBS_ID": OBS, "SRC_NUM": 26, "DETID": 9, "SRCID": 1},
    ]
    table = run(archive, write_catalogue(tmp_path / "cat.fits", rows)).detections
    assert table["mjd_start"].tolist() == [55000.0, 55197.0]
    assert table["mjd_stop"].tolist() == [55000.5, 55197.25]
    assert table["filter"].tolist() == ["thin", "thin"]
    assert table["mode"].tolist() == ["ff", "ff"]


def test_what_is_not_listed_is_left_out_and_said(archive: Path, tmp_path: Path) -> None:
    catalogue = write_catalogue(archive / "cat.fits", [{"OBS_ID": OBS, "SRC_NUM": 26, "DETID": 9, "SRCID": 1}])
    store = run(archive, catalogue)
    rejected = store.rejected.set_index("file")
    assert sorted(rejected["kind"]) == ["duplicate", "not-in-catalogue", "not-in-catalogue"]  # not the catalogue itself
    reason = rejected.loc[f"{LATER}/pps/P{LATER}PNS003SRSPEC0002.FTZ", "reason"]
    assert reason == f"cat.fits does not list source 2 of OBS_ID {LATER}"
    assert "another spectrum of this source" in rejected.loc[f"{OBS}/pps/P{OBS}PNU004SRSPEC001A.FTZ", "reason"]


def test_columns_that_the_catalogue_lacks_come_from_the_files(archive: Path, tmp_path: Path) -> None:
    rows = [{"OBS_ID": LATER, "SRC_NUM": 1, "DETID": 7, "SRCID": 1}]
    lacking = ("IAUNAME", "SC_RA", "SC_DEC", "SC_POSERR", "PN_OFFAX", "SUM_FLAG", "MJD_START", "MJD_STOP")
    table = run(archive, write_catalogue(tmp_path / "cat.fits", rows, drop=lacking)).detections
    assert table["name"][0] == "J004000.0-050030"
    assert table["dec_deg"][0] == pytest.approx(-5.0 - 30 / 3600)
    assert table["offaxis_arcmin"][0] == pytest.approx(0.5, abs=1e-4)
    assert table[["position_error_arcsec", "sum_flag", "mjd_start"]].isna().all(axis=None)
    assert "position=SRC_CRA/SRC_CDEC" in table["provenance"][0]


def test_a_catalogue_of_something_else(archive: Path, tmp_path: Path) -> None:
    other = write_catalogue(tmp_path / "cat.fits", [{"OBS_ID": "0000000001", "SRC_NUM": 1, "DETID": 1, "SRCID": 1}])
    with pytest.raises(ExplorerError, match="none of the 4 spectra stands in the catalogue"):
        run(archive, other)
    assert not (tmp_path / "store").exists()
    rows = [{"OBS_ID": OBS, "SRC_NUM": 1, "DETID": 1, "SRCID": 1}]
    with pytest.raises(CatalogueError, match="lacks the column DETID"):
        run(archive, write_catalogue(tmp_path / "cat.fits", rows, drop=("DETID",)))
