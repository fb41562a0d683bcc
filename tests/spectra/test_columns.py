from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vae.errors import StoreError
from vae.spectra.columns import STORE_COLUMNS, Column, conform

REQUIRED = {
    "detection_id": [1, 2], "source_id": [1, 1], "counts": [5, 6], "response_is_standin": [False, True],
}  # fmt: skip


def test_every_column_exists_and_absent_ones_are_null():
    table = conform(pd.DataFrame(REQUIRED), STORE_COLUMNS)
    assert list(table.columns) == [column.name for column in STORE_COLUMNS]
    for column in STORE_COLUMNS:
        if column.name not in REQUIRED:
            assert table[column.name].isna().all(), column.name


def test_no_column_has_the_object_dtype():
    table = conform(pd.DataFrame(REQUIRED | {"name": ["a", None], "obs_id": ["0000000001", None]}), STORE_COLUMNS)
    assert not [name for name, dtype in table.dtypes.items() if isinstance(dtype, np.dtype) and dtype.kind == "O"]
    assert table["obs_id"].cat.categories.tolist() == ["0000000001"]
    assert table["obs_id"].isna().tolist() == [False, True]


def test_refusals_name_the_column():
    with pytest.raises(StoreError, match="undeclared columns: bogus"):
        conform(pd.DataFrame(REQUIRED | {"bogus": [1, 2]}), STORE_COLUMNS)
    with pytest.raises(StoreError, match="detection_id is missing"):
        conform(pd.DataFrame({"counts": [1]}), STORE_COLUMNS)
    with pytest.raises(StoreError, match="counts holds nulls"):
        conform(pd.DataFrame(REQUIRED | {"counts": [1, np.nan]}), STORE_COLUMNS)


def test_units_are_fits_units_and_every_column_is_described():
    from astropy.units import Unit

    for column in STORE_COLUMNS:
        assert column.description, column.name
        if column.unit:
            Unit(column.unit, format="fits", parse_strict="raise")
    assert len({column.name for column in STORE_COLUMNS}) == len(STORE_COLUMNS)


def test_nullable_integers_keep_their_nulls():
    table = conform(pd.DataFrame({"n": [1, None]}), (Column("n", "Int32", "", "number"),))
    assert table["n"].tolist() == [1, pd.NA]
