"""The chain as a person types it, against servers on loopback, killed and gone on with; `check.py` in small."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

sys.path.insert(0, str(Path(__file__).resolve().parent))

import check
from sample import field_catalogue

DETECTIONS, KILLS = 12, 5


@pytest.mark.slow
def test_killed_in_every_stage_the_atlas_is_that_of_an_undisturbed_build(tmp_path: Path) -> None:
    verdict = check.check(DETECTIONS, KILLS, 1, None, tmp_path, ("--workers", "1"))
    assert verdict["differences"] == []
    assert verdict["kills"] >= KILLS - 1  # the last stage of so small an archive may end before it is killed
    assert verdict["detections"]["in_atlas"] > DETECTIONS / 2
    assert verdict["sources_labelled"] > 0
    assert {"made"} <= set(verdict["last_run"].values()) <= {"made", "reused", "left out"}


def test_what_differs_between_atlases_is_named(tiny_atlas: Path, tmp_path: Path) -> None:
    assert check.differences(tiny_atlas, tiny_atlas) == []
    other = tmp_path / "other"
    shutil.copytree(tiny_atlas, other)
    table = pd.read_parquet(other / "catalogue.parquet")
    table.loc[3, "mu_1"] += 1e-6
    table.to_parquet(other / "catalogue.parquet", index=False)
    counts = zarr.open_group(other / "spectra.zarr", mode="r+")["counts"]
    counts[0, :] = counts[0, :] + 1
    (other / "candidates.parquet").write_bytes((other / "rejected.parquet").read_bytes())
    named = check.differences(tiny_atlas, other)
    assert [name.split(":")[0] for name in named] == [
        "array counts",
        "candidates.parquet is in one only",
        "catalogue.parquet",
    ]


def test_every_stage_is_killed_at_moments_of_its_own() -> None:
    took = {"select": 0.5, "download": 100.0, "preprocess": 20.0, "encode": 3.0, "crossmatch": 2.0}
    drawn = check.moments(np.random.default_rng(1), 12, took)
    assert len(drawn) == 12
    assert [moment.stage for moment in drawn] == sorted((m.stage for m in drawn), key=check.STAGES.index)
    assert all(sum(m.stage == stage for m in drawn) in (2, 3) for stage in took)
    assert all(0 <= moment.after < took[moment.stage] for moment in drawn)
    assert drawn == check.moments(np.random.default_rng(1), 12, took)
    assert drawn != check.moments(np.random.default_rng(2), 12, took)


@pytest.mark.realdata
def test_rows_of_the_real_field_are_made_of_its_headers(ogip: Path) -> None:
    table = field_catalogue(ogip / "rxcj2359").set_index(["OBS_ID", "SRC_NUM"])
    assert len(table) == 58
    assert table["DETID"].is_unique
    one, other = table.loc[("0677180601", 4)], table.loc[("0760940101", 4)]
    assert one["DETID"] == 106771806010004
    assert one["SRCID"] == other["SRCID"] == 206771806010004
    assert one["SC_RA"] == pytest.approx(359.745084)
    assert one["IAUNAME"] == other["IAUNAME"] == "4XMM J235858.8-604518"
    assert table["PN_8_CTS"].gt(300).sum() == 11  # FACTS 3
