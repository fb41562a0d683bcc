"""The whole tree of real files, as the command line takes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae.preprocess import PreprocessOptions, preprocess
from vae.spectra.store import SpectraStore

pytestmark = pytest.mark.realdata

ROOT = Path(__file__).resolve().parents[2]
STANDIN = "rxcj2359/responses/epn_e3_ef20_sdY6_v19.0.rmf"


@pytest.fixture(scope="module")
def summary_and_store(ogip, tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "store"
    command = [sys.executable, ROOT / "scripts" / "preprocess.py", ogip, "--out", out, "--json"]
    done = subprocess.run(
        [*command, "--standin-response", ogip / STANDIN], capture_output=True, text=True, check=True, cwd=out.parent
    )
    return json.loads(done.stdout), SpectraStore.open(out)


@pytest.fixture(scope="module")
def store(summary_and_store):
    return summary_and_store[1]


def test_63_rows_and_everything_else_accounted_for(ogip, summary_and_store):
    summary, store = summary_and_store
    assert summary["detections"] == len(store) == 63
    table = store.detections
    per_folder = table["provenance"].str.extract(r"spectrum=([^/]+)/")[0].value_counts().to_dict()
    assert per_folder == {"rxcj2359": 58, "mcg6_30_15": 2, "ngc7793_ulx4": 1, "psr_j0855": 1, "igr_j18490": 1}
    used = set()
    for key in ("spectrum", "background", "arf", "rmf"):
        used |= set(table["provenance"].str.extract(rf"(?:^|; ){key}=([^;]+)")[0])
    files = {str(path.relative_to(ogip)) for path in ogip.rglob("*") if path.is_file()}
    assert used | set(store.rejected["file"]) == files
    assert not used & set(store.rejected["file"])
    assert sum(summary["rejected"].values()) == len(store.rejected)


def test_each_rejection_has_its_reason(store):
    rejected = store.rejected.set_index("file")
    for file, kind, reason in (
        ("igr_j18490/PN_PWN.grp", "not-pn", "INSTRUME EMOS2"),
        ("chandra_acis/acisf04487_001N023_r0009_pha3.fits.gz", "not-pn", "TELESCOP CHANDRA, INSTRUME ACIS"),
        ("chandra_acis/acisf04487_001N022_r0009_arf3.fits.gz", "not-pn", "ACIS"),
        ("chandra_acis/acisf04487_001N022_r0009_rmf3.fits.gz", "not-pn", "ACIS"),
        ("broken/P0760940101PNS003SRSPEC0017.FTZ", "unreadable", "text"),
        ("broken/P0760940101PNS003BGSPEC0017.FTZ", "unreadable", "text"),
        ("broken/P0760940101PNS003SRCARF0017.FTZ", "unreadable", "text"),
        ("broken/epn_e3_ef20_sdY6.rmf", "unreadable", "text"),
        ("rxcj2359/test_catalogue.fits", "not-a-spectrum", "no SPECTRUM"),
    ):
        assert rejected.loc[file, "kind"] == kind
        assert reason in rejected.loc[file, "reason"]
    assert (store.rejected["reason"].str.len() > 10).all()


def test_counts_are_the_known_ones(store):
    counts = store.detections.set_index("obs_id")["counts"]
    assert counts["0306170201"] == 1514
    assert counts["0693760101"] == 11199
    assert counts["0605960101"] == 47010
    assert counts["0693781201"] == pytest.approx(3.0e6, rel=0.02)
    assert counts["0693781301"] == pytest.approx(1.7e6, rel=0.03)
    np.testing.assert_array_equal(store.read("counts").sum(axis=1), store.detections["counts"])


def test_the_exact_response_is_taken_where_it_is_there_and_the_standin_flagged_elsewhere(store):
    table = store.detections
    assert table["response_is_standin"].sum() == 47
    pps = table[table["src_num"].notna()]
    assert (pps["response"] == Path(STANDIN).name).all()
    wanted = pps["provenance"].str.extract(r"response_wanted=([^;]+)")[0]
    assert wanted.isna().equals(~pps["response_is_standin"])
    assert not wanted.str.contains("ef20_sdY6", na=False).any()
    assert len(store.responses) == 6


def test_observations_of_one_source_share_its_id(store):
    table = store.detections.set_index(["obs_id", "src_num"])["source_id"]
    assert table["0677180601", 4] == table["0760940101", 4]
    assert table["0677180601", 7] == table["0760940101", 6]
    assert table["0677180601", 4] != table["0677180601", 7]
    by_observation = store.detections.set_index("obs_id")["source_id"]
    assert by_observation["0693781201"] == by_observation["0693781301"]
    assert store.detections["source_id"].nunique() == 60
    mcg6 = store.detections[store.detections["obs_id"].isin(["0693781201", "0693781301"])]
    assert (mcg6["mjd_start"].diff().dropna() > 1).all()
    assert mcg6["provenance"].str.contains("position=RA_OBJ/DEC_OBJ").all()


def test_folding_through_the_stored_response_agrees_with_the_sensitivity(store):
    """Flat spectrum, 1 photon/cm2/s/keV: both stored routes must give the same counts."""
    widths = np.diff(np.asarray(store.root["true_energy_edges"][:]))
    exposure = store.detections["exposure_s"].to_numpy()
    for row in (0, 5, 6, 30):
        matrix = store.redistribution[store.read("response_index", row)]
        flat = exposure[row] * (matrix @ (store.read("area", row) * widths))
        np.testing.assert_allclose(flat, store.read("sensitivity", row), rtol=5e-3)


def test_background_ratios_are_those_of_the_files(store):
    ratio = store.read("background_ratio")
    rows = store.detections.reset_index().set_index(["obs_id", "src_num"])["index"]
    assert ratio[rows["0677180601", 4]] == pytest.approx(503200 / 8601600, rel=1e-6)
    assert ratio[store.detections["obs_id"].eq("0306170201").argmax()] > 1  # a source region larger than its background
    assert np.all(ratio > 0)


def test_processes_and_a_second_run_change_nothing(ogip, store, tmp_path):
    preprocess([ogip], tmp_path / "again", PreprocessOptions(standin_response=ogip / STANDIN, workers=2), quiet=True)
    again = SpectraStore.open(tmp_path / "again")
    assert again.content_hash() == store.content_hash()
    assert again.rejected.equals(store.rejected)


def test_without_a_standin_rows_are_rejected_not_guessed(ogip, tmp_path):
    summary = preprocess([ogip / "rxcj2359"], tmp_path / "store", quiet=True)
    assert summary.detections == 11
    assert summary.rejected["no-response"] == 47
    assert summary.standin_responses == 0


def test_a_catalogue_names_the_few_that_it_lists(ogip, tmp_path):
    folder = ogip / "rxcj2359"
    options = PreprocessOptions(catalogue=folder / "test_catalogue.fits", standin_response=ogip / STANDIN)
    summary = preprocess([folder], tmp_path / "store", options, quiet=True)
    table = SpectraStore.open(tmp_path / "store").detections
    # It is of sources in stacked observations: of this field's 58 spectra it has two, under DETIDs of 4XMM.
    assert summary.rejected["not-in-catalogue"] == 56
    assert table["detection_id"].tolist() == [107609401010030, 107609401010100]
    assert table["source_id"].tolist() == [3067718060100038, 3067718060100131]
    assert table["src_num"].tolist() == [28, 88]
    assert table["name"].str.startswith("J0000").all()  # it has no names, so files give them
