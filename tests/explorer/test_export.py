from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from explorer.tools import export
from vae.atlas import Atlas

WHEN = datetime(2025, 11, 22, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def atlas(tiny_atlas: Path) -> Atlas:
    return Atlas.open(tiny_atlas)


@pytest.fixture(scope="module")
def rows(atlas: Atlas) -> np.ndarray:
    return np.flatnonzero(np.random.default_rng(3).random(len(atlas)) < 0.4)


@pytest.fixture(scope="module")
def text(atlas: Atlas, rows: np.ndarray) -> str:
    return "".join(piece for _, piece in export.csv_pieces(atlas, rows, "lasso", WHEN))


def test_export_comes_back_value_for_value(atlas: Atlas, rows: np.ndarray, text: str) -> None:
    back = pd.read_csv(io.StringIO(text), comment="#", dtype={"obs_id": str})
    part = atlas.catalogue.iloc[rows]
    assert len(back) == len(rows)
    assert list(back.columns) == [column.name for column in export.export_columns(atlas)]
    assert set(back.columns) == set(part.columns)
    for column in export.export_columns(atlas):
        there, here = back[column.name], part[column.name].reset_index(drop=True)
        assert (there.isna() == here.isna()).all(), column.name
        known = here.notna()
        if column.dtype in ("float32", "float64"):
            np.testing.assert_array_equal(there[known].to_numpy(column.dtype), here[known].to_numpy(column.dtype))
        elif column.dtype in ("bool", "boolean", "int64", "Int32"):
            assert (there[known].astype(here.dtype) == here[known]).all(), column.name
        else:
            assert (there[known].astype(str).str.removeprefix("'") == here[known].astype(str)).all(), column.name


def test_header_is_ecsv_with_units_and_says_simulated(
    atlas: Atlas, rows: np.ndarray, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(text)
    table = Table.read(path, format="ascii.ecsv")
    assert len(table) == len(rows)
    assert str(table["ra_deg"].unit) == "deg"
    assert table["flux_0p3_10"].unit.to_string() == "erg / (s cm2)"
    assert table["detection_id"].dtype == np.int64
    assert table.meta["atlas"] == atlas.name
    assert table.meta["selection"] == "lasso"
    assert table.meta["exported"] == "2025-11-22T10:30:00Z"
    assert atlas.simulated
    assert "simulated" in table.meta["archive"]
    assert "simulated" in export.file_name(atlas, 7, WHEN)


def test_pieces_count_every_row_once(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE_ROWS", 70)
    rows = np.arange(0, 333)
    pieces = list(export.csv_pieces(atlas, rows, "box", WHEN))
    assert [done for done, _ in pieces] == [0, 70, 140, 210, 280, 333]
    body = list(csv.reader(io.StringIO("".join(text for _, text in pieces[1:]))))
    assert [int(line[0]) for line in body] == atlas.catalogue["detection_id"].iloc[rows].tolist()


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=8))
def test_no_text_starts_a_formula(texts: list[str | None]) -> None:
    texts = [*texts, "=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "plain", "'quoted", "", None]
    safe = export.safe_texts(pa.array(texts, pa.string())).to_pylist()
    for before, after in zip(texts, safe, strict=True):
        if before is None:
            assert after is None
            continue
        assert not after.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert after in (before, f"'{before}")
        assert (after == before) == (not before.startswith(("=", "+", "-", "@", "\t", "\r")))


def test_file_name_is_safe(atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "path", tmp_path / 'a b"<c>')
    name = export.file_name(atlas, 1, WHEN)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
