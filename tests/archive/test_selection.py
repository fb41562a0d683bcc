"""Cuts of a catalogue: in order, counted, nulls apart; under other names and units; of the right catalogue only."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from vae.archive import stream
from vae.archive.catalogue import read_catalogue
from vae.archive.columns import CATALOGUE_COLUMNS
from vae.archive.selection import Cuts, open_selection, select
from vae.errors import CatalogueError, OptionError

ALL = Cuts(min_counts=0, sum_flag_below=5, max_extent_arcsec=np.inf, without_spectra=True)
#: Format, values, unit, null.
Made = tuple[str, object, str, int | None]


def made(rows: int = 12) -> dict[str, Made]:
    """A catalogue in which cut after cut removes some rows, and some for having no value."""
    number = np.arange(rows)
    counts = np.where(number % 6 == 1, 300.0, 301.0 + number)
    counts[number % 6 == 2] = np.nan
    return {
        "DETID": ("K", 10**14 + number, "", -1),
        "SRCID": ("K", 2 * 10**14 + number // 2, "", None),
        "IAUNAME": ("22A", [f"4XMM J{i:06d}.0+000000" for i in number], "", None),
        "SC_RA": ("D", number * 1.0, "deg", None),
        "SC_DEC": ("D", number * -1.0, "deg", None),
        "SC_POSERR": ("E", np.full(rows, 0.5), "arcsec", None),
        "OBS_ID": ("10A", [f"{i // 4 + 1:010d}" for i in number], "", None),
        "SRC_NUM": ("J", number % 4 + 1, "", None),
        "MJD_START": ("D", 52000.0 + number, "d", None),
        "PN_8_CTS": ("E", counts, "ct", None),
        "PN_8_RATE": ("E", np.where(number % 6 == 2, np.nan, 1.0), "ct/s", None),
        "EP_8_CTS": ("E", np.full(rows, 250.0), "ct", None),
        "SUM_FLAG": ("J", np.where(number % 6 == 3, 3, np.where(number == 4, -99, 2)), "", -99),
        "EP_EXTENT": ("E", np.where(number % 12 == 5, 6.0, 0.0), "arcsec", None),
        "SPECTRA": ("L", number % 12 != 6, "", None),
    }


def write(path: Path, columns: Mapping[str, Made], *, start: bytes = b"") -> Path:
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(name=name, format=form, array=np.array(values), unit=unit or None, null=null)
            for name, (form, values, unit, null) in columns.items()
        ]
    )
    # TOPCAT's way: bytes of a VOTable stand before the table.
    primary = fits.PrimaryHDU(np.frombuffer(start, "u1")) if start else fits.PrimaryHDU()
    fits.HDUList([primary, table]).writeto(path)
    return path


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write(tmp_path / "cat.fits", made())


def test_the_cuts_of_the_talk_in_order_with_what_each_removed(catalogue: Path) -> None:
    chosen = select(catalogue)
    assert chosen.records() == [
        {"cut": "in the catalogue", "removed": 0, "null": 0, "left": 12},
        {"cut": "names a detection", "removed": 0, "null": 0, "left": 12},
        {"cut": "seen by EPIC-pn", "removed": 2, "null": 2, "left": 10},
        {"cut": "PN_8_CTS > 300", "removed": 2, "null": 0, "left": 8},
        {"cut": "SUM_FLAG < 3", "removed": 3, "null": 1, "left": 5},
        {"cut": "EP_EXTENT == 0", "removed": 1, "null": 0, "left": 4},
        {"cut": "SPECTRA is true", "removed": 1, "null": 0, "left": 3},
    ]
    assert chosen.table["DETID"].tolist() == [10**14, 10**14 + 10, 10**14 + 11]
    assert list(chosen.table.columns) == [column.name for column in CATALOGUE_COLUMNS]
    assert chosen.table["PN_FILTER"].isna().all()
    lines = chosen.text().splitlines()
    assert lines[0].split() == ["removed", "of", "these", "null", "left"]
    assert lines[5].split() == ["SUM_FLAG", "<", "3", "3", "1", "5"]
    assert len({len(line) for line in lines}) == 1


def test_options_loosen_and_tighten(catalogue: Path) -> None:
    assert len(select(catalogue, ALL)) == 10  # EPIC-pn is what all this is about
    assert len(select(catalogue, Cuts(counts="EP_8_CTS"))) == 0
    assert len(select(catalogue, Cuts(counts="EP_8_CTS", min_counts=249))) == 5
    assert len(select(catalogue, Cuts(sum_flag_below=5))) == 6  # no cut: a null passes
    assert len(select(catalogue, Cuts(max_extent_arcsec=6.0))) == 4
    assert select(catalogue, Cuts(limit=2)).records()[-1] == {"cut": "the first 2", "removed": 1, "null": 0, "left": 2}
    one = select(catalogue, Cuts(observations=("0000000003",)))
    assert set(one.table["OBS_ID"]) == {"0000000003"}


@pytest.mark.parametrize(
    "senseless",
    [
        {"min_counts": np.nan},
        {"sum_flag_below": 0},
        {"max_extent_arcsec": -1.0},
        {"limit": 0},
        {"observations": ("677180601",)},
    ],
)
def test_senseless_cuts_name_their_option(senseless: dict[str, object]) -> None:
    name = next(iter(senseless)).replace("_", "-")
    with pytest.raises(OptionError, match=f"--{name} "):
        Cuts(**senseless)


@settings(max_examples=12)
@given(rows_a_block=st.integers(1, 40), packed=st.booleans())
def test_blocks_do_not_matter(rows_a_block: int, packed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    path = write(folder / "cat.fits", made(36))
    width = fits.getheader(path, 1)["NAXIS1"]
    if packed:
        (folder / "cat.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = folder / "cat.fits.gz"
    whole = select(path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stream, "BLOCK_BYTES", rows_a_block * width)
        in_blocks = select(path)
        every = read_catalogue(path).table
    pd.testing.assert_frame_equal(every, read_catalogue(path).table)
    pd.testing.assert_frame_equal(in_blocks.table, whole.table)
    assert in_blocks.records() == whole.records()


def test_no_more_than_a_block_and_what_is_kept_is_ever_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "cat.fits", made(1200) | {"EXTRA": ("500E", np.zeros((1200, 500)), "", None)})
    asked: list[int] = []

    def read(file: stream.SupportsRead, size: int, before: object = stream._read) -> bytes:
        asked.append(size)
        return before(file, size)  # type: ignore[operator]

    monkeypatch.setattr(stream, "_read", read)
    monkeypatch.setattr(stream, "BLOCK_BYTES", 1 << 17)
    assert len(select(path)) == 399  # 4 of 12, but for the one without SUM_FLAG
    assert max(asked) <= 1 << 17
    assert sum(asked) > path.stat().st_size - 2880 * 2


def renamed(columns: dict[str, Made], names: Mapping[str, str], drop: tuple[str, ...] = ()) -> dict[str, Made]:
    return {names.get(name, name): item for name, item in columns.items() if name not in drop}


@pytest.mark.parametrize(
    "names",
    [
        {name: name.lower() for name in made()},
        {"OBS_ID": "OBSID"},  # 2XMM
        {  # HEASARC
            **{name: name.lower() for name in made()},
            "OBS_ID": "obsid", "IAUNAME": "name", "SC_RA": "ra", "SC_DEC": "dec", "SC_POSERR": "error_radius",
            "MJD_START": "time", "SPECTRA": "spectra_flag",
        },
        {"IAUNAME": "4XMM", "SC_RA": "RA_ICRS", "SC_DEC": "DE_ICRS", "SC_POSERR": "ePos", "OBS_ID": "ObsID"},  # VizieR
    ],
)  # fmt: skip
def test_other_names_of_the_same_columns(names: dict[str, str], catalogue: Path, tmp_path: Path) -> None:
    other = select(write(tmp_path / "other.fits", renamed(made(), names)))
    pd.testing.assert_frame_equal(other.table, select(catalogue).table)
    for name, there in names.items():
        assert other.columns.get(name, there).upper() in (there.upper(), name)
    assert other.columns.keys() == {name for name, there in names.items() if there.upper() != name}


def test_the_column_itself_goes_before_its_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "cat.fits", {"RA": ("D", np.full(12, 99.0), "deg", None), **made()})
    assert select(path).table["SC_RA"].tolist() == [0.0, 10.0, 11.0]


def test_names_that_vizier_gives_without_their_catalogue(tmp_path: Path) -> None:
    columns = renamed(made(), {"IAUNAME": "_4XMM"})
    columns["_4XMM"] = ("21A", [f"J{i:06d}.0+000000" for i in range(12)], "", None)
    assert select(write(tmp_path / "cat.fits", columns)).table["IAUNAME"][0] == "4XMM J000000.0+000000"


def test_units_are_converted_or_refused(tmp_path: Path) -> None:
    columns = made()
    columns["SC_POSERR"] = ("D", np.full(12, 0.5 / 3600), "deg", None)
    columns["SC_RA"] = ("D", np.radians(np.arange(12.0)), "rad", None)
    table = select(write(tmp_path / "cat.fits", columns)).table
    np.testing.assert_allclose(table["SC_POSERR"], 0.5, rtol=1e-6)
    np.testing.assert_allclose(table["SC_RA"], [0, 10, 11], rtol=1e-12)
    columns["MJD_START"] = ("D", np.full(12, 1e8), "s", None)  # of which zero?
    with pytest.raises(CatalogueError, match=r"MJD_START is in s, where start of the observation \[d\]"):
        select(write(tmp_path / "seconds.fits", columns))
    columns["MJD_START"] = ("D", np.full(12, 52000.0), "MJD", None)  # no unit that any library knows
    assert select(write(tmp_path / "mjd.fits", columns)).table["MJD_START"].eq(52000.0).all()


def test_truth_in_words_and_observations_as_numbers(catalogue: Path, tmp_path: Path) -> None:
    columns = made()
    columns["SPECTRA"] = ("5A", ["false" if i % 12 == 6 else "TRUE" for i in range(12)], "", None)
    columns["OBS_ID"] = ("K", [i // 4 + 1 for i in range(12)], "", None)
    columns["SRC_NUM"] = ("D", [i % 4 + 1.0 for i in range(12)], "", None)
    other = select(write(tmp_path / "other.fits", columns))
    pd.testing.assert_frame_equal(other.table, select(catalogue).table)
    columns["SPECTRA"] = ("5A", ["maybe"] * 12, "", None)
    with pytest.raises(CatalogueError, match=r"SPECTRA does not hold bool .*'MAYBE'"):
        select(write(tmp_path / "maybe.fits", columns))
    columns = made() | {"SRC_NUM": ("D", np.arange(12) + 0.5, "", None)}
    with pytest.raises(CatalogueError, match=r"SRC_NUM does not hold int32 .*fractions"):
        select(write(tmp_path / "fractions.fits", columns))


def test_scaled_columns_mean_what_they_say(tmp_path: Path) -> None:
    path = write(tmp_path / "cat.fits", made())
    with fits.open(path, mode="update") as hdus:
        number = hdus[1].columns.names.index("SRC_NUM") + 1
        hdus[1].header[f"TZERO{number}"] = 2**15  # as unsigned integers are written
    assert select(path, ALL).table["SRC_NUM"].min() == 2**15 + 1


def test_a_slim_catalogue_of_sources_is_told_apart_and_one_of_detections_read(tmp_path: Path) -> None:
    by_source = {
        "SRCID": ("K", [1, 2], "", None),
        "IAUNAME": ("22A", ["4XMM J0", "4XMM J1"], "", None),
        "SC_RA": ("D", [1.0, 2.0], "deg", None),
        "SC_SUM_FLAG": ("J", [0, 0], "", None),
        "N_DETECTIONS": ("J", [1, 2], "", None),
    }
    with pytest.raises(CatalogueError, match=r"slim catalogue, one row a source.*4XMM_DR14cat_v1\.0\.fits\.gz"):
        select(write(tmp_path / "slim.fits", by_source))
    few = {name: made()[name] for name in ("DETID", "SRCID", "OBS_ID", "SRC_NUM", "PN_8_CTS", "SUM_FLAG")}
    path = write(tmp_path / "few.fits", few)
    with pytest.raises(CatalogueError, match=r"lacks EP_EXTENT, which the cut .* needs.*--max-extent-arcsec inf"):
        select(path)
    assert len(select(path, Cuts(max_extent_arcsec=np.inf, without_spectra=True))) == 5


def of_5xmm() -> dict[str, Made]:
    columns = renamed(
        made(),
        {"SRC_NUM": "PPS_SRCNUM", "SC_RA": "RA", "SC_DEC": "DEC", "PN_8_CTS": "PN_CTS", "EP_EXTENT": "EXTENT"},
        drop=("DETID",),
    )
    columns["IAUNAME"] = ("22A", [f"5XMM J{i:06d}" for i in range(12)], "", None)
    columns["PPS_SRCNUM"] = ("J", [1, 1, 3, 4, 1, 2, 3, 4, 1, 2, 3, -1], "", -1)
    return columns


def test_5xmm_only_when_it_is_meant(tmp_path: Path, catalogue: Path) -> None:
    path = write(tmp_path / "5xmm.fits", of_5xmm())
    with pytest.raises(CatalogueError, match=r"is 5XMM, not .*SRCIDs are others.*--catalogue-kind 5xmm"):
        select(path)
    chosen = select(path, Cuts(catalogue_kind="5xmm"))
    assert chosen.table["SRC_NUM"].tolist() == [1, 3]  # the last one is an upper limit
    assert chosen.table["DETID"].tolist() == [5 * 10**15 + 1 * 10**4 + 1, 5 * 10**15 + 3 * 10**4 + 3]
    assert chosen.columns["PN_8_CTS"] == "PN_CTS"
    with pytest.raises(CatalogueError, match=r"single observations.*not 5XMM"):
        select(catalogue, Cuts(catalogue_kind="5xmm"))
    twice = select(path, Cuts(min_counts=0, catalogue_kind="5xmm", sum_flag_below=5)).records()[-1]
    assert twice["cut"] == "named once"


def test_named_5xmm_without_its_columns(tmp_path: Path) -> None:
    columns = made() | {"IAUNAME": ("22A", ["5XMM J0"] * 12, "", None)}
    with pytest.raises(CatalogueError, match="is 5XMM"):
        select(write(tmp_path / "cat.fits", columns))


@pytest.mark.realdata
def test_a_stacked_catalogue_only_when_it_is_meant(ogip: Path) -> None:
    path = ogip / "rxcj2359" / "test_catalogue.fits"
    with pytest.raises(CatalogueError, match=r"stacked observations.*names no spectra.*--catalogue-kind stacked"):
        select(path)
    chosen = select(path, Cuts(catalogue_kind="stacked", max_extent_arcsec=np.inf))
    assert [row["removed"] for row in chosen.records()] == [0, 54, 14, 29, 0, 0]
    assert 107609401010030 in set(chosen.table["DETID"])


def test_detections_named_twice_are_refused(tmp_path: Path) -> None:
    columns = made() | {"SRC_NUM": ("J", np.ones(12), "", None)}
    with pytest.raises(CatalogueError, match="source 1 of OBS_ID 0000000001 stands in it more than once"):
        select(write(tmp_path / "cat.fits", columns), ALL)


def test_a_file_cut_off_says_where(catalogue: Path, tmp_path: Path) -> None:
    data = catalogue.read_bytes()
    start = data.index(b"4XMM J000003")
    short = tmp_path / "short.fits"
    short.write_bytes(data[:start])
    with pytest.raises(CatalogueError, match=r"cut off after 3 of 12 rows.*Fetch the catalogue again"):
        select(short)
    packed = tmp_path / "short.fits.gz"
    packed.write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(CatalogueError, match="cannot be read as a FITS file"):
        select(packed)


def test_a_web_page_in_place_of_a_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "cat.fits.gz"
    path.write_bytes(b"<!DOCTYPE html><html>503</html>")
    with pytest.raises(CatalogueError, match="it is a web page"):
        select(path)


def test_bytes_before_the_table_are_passed_over(catalogue: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "topcat.fits", made(), start=b"<?xml version='1.0'?>" * 400)
    pd.testing.assert_frame_equal(select(path).table, select(catalogue).table)


def test_a_saved_selection_stands_in_for_its_catalogue(catalogue: Path, tmp_path: Path) -> None:
    chosen = select(catalogue, Cuts(limit=2))
    chosen.save(tmp_path / "selection.parquet")
    again = open_selection(tmp_path / "selection.parquet")
    pd.testing.assert_frame_equal(again.table, chosen.table)
    assert (again.records(), again.cuts, again.kind) == (chosen.records(), chosen.cuts, chosen.kind)
    read = read_catalogue(tmp_path / "selection.parquet")
    assert read.name == "cat.fits"
    assert read.rows(["0000000001", "0000000001"], [1, 2]).tolist() == [0, -1]
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(CatalogueError, match="a Parquet file, but no selection"):
        read_catalogue(tmp_path / "other.parquet")
    with pytest.raises(CatalogueError, match="is no selection"):
        open_selection(catalogue)
