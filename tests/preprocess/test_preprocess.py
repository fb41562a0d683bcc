"""Small archives with everything that archives have."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from archives import CANNED, counts, write_triple
from ogip_files import ENERGY, gaussian_matrix, write_arf, write_pha, write_rmf

from vae.errors import ExplorerError, OptionError
from vae.files import new_folder
from vae.preprocess import PreprocessOptions, preprocess
from vae.spectra import grid, response
from vae.spectra.ogip import read_arf, read_pha, read_rmf
from vae.spectra.store import SpectraStore

INSIDE = slice(30, 1000)


def run(archive, out: Path, **options: object) -> SpectraStore:
    paths = archive if isinstance(archive, list) else [archive]
    preprocess(paths, out, PreprocessOptions(**options), quiet=True)
    return SpectraStore.open(out)


def reasons(store: SpectraStore) -> dict[str, tuple[str, str]]:
    rejected = store.rejected
    return {
        Path(file).name: (kind, reason)
        for file, kind, reason in zip(rejected["file"], rejected["kind"], rejected["reason"], strict=True)
    }


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    write_triple(root / "0123456789" / "pps", source=0x1A)
    (root / "responses").mkdir()
    write_rmf(root / "responses" / CANNED)
    return root


def test_a_row_holds_what_its_files_hold(archive, tmp_path):
    store = run(archive, tmp_path / "store")
    pps = archive / "0123456789" / "pps"
    rmf = read_rmf(archive / "responses" / CANNED)
    arf = read_arf(pps / "P0123456789PNS003SRCARF001A.FTZ")
    source, background = counts(0), counts(1000)
    np.testing.assert_array_equal(store.read("counts", 0), grid.bin_channels(source, rmf.membership))
    np.testing.assert_array_equal(store.read("background_counts", 0), grid.bin_channels(background, rmf.membership))
    assert store.read("background_ratio", 0) == np.float32(0.1)
    np.testing.assert_allclose(store.read("sensitivity", 0), response.sensitivity(arf, rmf, 1000.0), rtol=1e-6)
    np.testing.assert_allclose(store.read("area", 0), response.area_on_true_grid(arf), rtol=1e-6)
    np.testing.assert_allclose(store.redistribution[0], response.redistribution_on_true_grid(rmf), rtol=1e-5, atol=1e-9)
    row = store.detections.iloc[0]
    assert row["counts"] == source[INSIDE].sum()
    assert row["net_counts"] == pytest.approx(source[INSIDE].sum() - 0.1 * background[INSIDE].sum())
    assert (row["obs_id"], row["src_num"], row["exposure_id"]) == ("0123456789", 26, "S003")
    assert (row["filter"], row["mode"], row["exposure_s"]) == ("thin", "ff", 1000.0)
    assert (row["response"], row["response_is_standin"]) == (CANNED, False)
    assert (row["ra_deg"], row["dec_deg"]) == (10.0, 20.0)
    assert row["name"] == "J004000.0+200000"
    assert "spectrum=0123456789/pps/P0123456789PNS003SRSPEC001A.FTZ" in row["provenance"]
    assert 0 < row["detection_id"] < 2**53
    assert store.rejected.empty


# Responses


@pytest.mark.parametrize("named", [CANNED, f"/some/where/else/{CANNED}"])
def test_the_first_response_that_opens_is_taken(tmp_path, named):
    """Exact name, versioned names (newest first), the archive, --responses, the stand-in: in that order."""
    pps, elsewhere, extra = tmp_path / "a" / "pps", tmp_path / "a" / "ccf", tmp_path / "extra"
    write_triple(pps, response_file=named)
    for folder in (elsewhere, extra):
        folder.mkdir()
    standin = write_rmf(tmp_path / "standin.rmf", gaussian_matrix(fwhm=0.30))
    places = [
        pps / CANNED, pps / "epn_e3_ff20_sdY7_v21.0.rmf", pps / "epn_e3_ff20_sdY7_v9.0.rmf", elsewhere / CANNED,
        elsewhere / "epn_e3_ff20_sdY7_v19.0.rmf", extra / CANNED, extra / "epn_e3_ff20_sdY7_v18.0.rmf",
    ]  # fmt: skip
    for i, path in enumerate(places):
        write_rmf(path, gaussian_matrix(fwhm=0.1 + 0.01 * i))
    options = {"responses": (extra,), "standin_response": standin}
    for i, path in enumerate(places):
        store = run(tmp_path / "a", tmp_path / f"store{i}", **options)
        assert store.detections["response"][0] == path.name
        np.testing.assert_allclose(
            store.redistribution[0], response.redistribution_on_true_grid(read_rmf(path)), rtol=1e-5, atol=1e-9
        )
        assert not store.detections["response_is_standin"][0]
        path.write_text("/a/text/stub\n") if i % 2 else path.unlink()
    store = run(tmp_path / "a", tmp_path / "last", **options)
    assert store.detections["response_is_standin"][0]
    assert store.detections["response"][0] == "standin.rmf"
    assert f"response_wanted={named}" in store.detections["provenance"][0]
    with pytest.raises(ExplorerError, match=f"no redistribution matrix that opens .the file names {named}"):
        run(tmp_path / "a", tmp_path / "none")


@pytest.mark.parametrize("named", [None, "NONE", "absent.rmf"])
def test_without_link_keywords_the_common_stem_serves(tmp_path, named):
    links = {} if named is None else {"RESPFILE": named, "ANCRFILE": named, "BACKFILE": named}
    write_pha(tmp_path / "PN.fits", counts(), **links)
    write_pha(tmp_path / "PN_bkg.fits", counts(5))
    write_arf(tmp_path / "PN.arf")
    write_rmf(tmp_path / "PN.rmf")
    store = run(tmp_path, tmp_path / "store")
    assert len(store) == 1
    assert store.detections["response"][0] == "PN.rmf"


def test_a_response_of_a_common_name_beside_another_spectrum_is_not_borrowed(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / "a" / name).mkdir(parents=True)
    for name, obs in (("one", "0000000001"), ("two", "0000000002"), ("three", "0000000003")):
        folder = tmp_path / "a" / name
        write_pha(folder / "s.pha", counts(), OBS_ID=obs, RESPFILE="PN.rmf", ANCRFILE="PN.arf", BACKFILE="b.pha")
        write_pha(folder / "b.pha", counts(3), OBS_ID=obs)
        write_arf(folder / "PN.arf")
        if name != "three":
            write_rmf(folder / "PN.rmf")
    store = run(tmp_path / "a", tmp_path / "store")
    assert sorted(store.detections["obs_id"]) == ["0000000001", "0000000002"]
    assert reasons(store)["s.pha"][0] == "no-response"


def test_links_never_lead_out_of_the_archive(tmp_path):
    inside = tmp_path / "outer" / "archive"
    inside.mkdir(parents=True)
    write_rmf(tmp_path / "outer" / "r.rmf")
    write_pha(inside / "s.pha", counts(), RESPFILE="../r.rmf", ANCRFILE="s.arf", BACKFILE="b.pha")
    write_pha(inside / "b.pha", counts(3))
    write_arf(inside / "s.arf")
    with pytest.raises(ExplorerError, match="no redistribution matrix"):
        run(inside, tmp_path / "no")
    assert len(run(tmp_path / "outer", tmp_path / "yes")) == 1


def test_identical_matrices_are_stored_once(tmp_path):
    for i in range(3):
        write_triple(tmp_path / "a", f"000000000{i + 1}", position=(10.0 + i, 0.0), response_file=f"r{i}.rmf")
        write_rmf(tmp_path / "a" / f"r{i}.rmf", gaussian_matrix(fwhm=0.2 if i == 1 else 0.1))
    store = run(tmp_path / "a", tmp_path / "store")
    assert store.responses == ["r0.rmf", "r1.rmf"]
    assert store.read("response_index").tolist() == [0, 1, 0]
    assert store.detections["response"].tolist() == ["r0.rmf", "r1.rmf", "r2.rmf"]


def test_an_area_folded_into_the_matrix_is_used_once(tmp_path):
    area = np.linspace(100, 900, len(ENERGY) - 1)
    for name, matrix in (("plain", gaussian_matrix()), ("folded", gaussian_matrix() * area[:, None])):
        folder = tmp_path / name
        write_triple(folder)
        write_rmf(folder / CANNED, matrix, EXTNAME="SPECRESP MATRIX")
        write_arf(folder / "P0123456789PNS003SRCARF0001.FTZ", area)
    plain, folded = (run(tmp_path / name, tmp_path / f"{name}-store") for name in ("plain", "folded"))
    np.testing.assert_allclose(folded.read("sensitivity", 0), plain.read("sensitivity", 0), rtol=1e-5)
    assert reasons(folded)["P0123456789PNS003SRCARF0001.FTZ"][0] == "unused"


# A single file


def test_a_single_file_with_everything_given(tmp_path):
    (tmp_path / "x").mkdir()
    spectrum = write_pha(tmp_path / "x" / "my background?.txt", counts(), drop=("OBS_ID", "EXPIDSTR"))
    background = write_pha(tmp_path / "b", counts(4))
    given = {"arf": write_arf(tmp_path / "a"), "rmf": write_rmf(tmp_path / "r"), "background": background}
    store = run(spectrum, tmp_path / "store", **given)
    row = store.detections.iloc[0]
    assert row["counts"] == counts()[INSIDE].sum()
    assert row["detection_id"] < 0
    assert "detection_id=from the counts" in row["provenance"]
    assert np.isnan(row["ra_deg"])


def test_a_single_file_finds_its_neighbours(archive, tmp_path):
    standin = archive / "responses" / CANNED
    spectrum = archive / "0123456789" / "pps" / "P0123456789PNS003SRSPEC001A.FTZ"
    assert len(run(spectrum, tmp_path / "store", standin_response=standin)) == 1


def test_options_that_do_not_go_together(archive, tmp_path):
    write_triple(archive / "0123456789" / "pps", source=2, position=(50.0, 0.0))
    with pytest.raises(OptionError, match="--arf, --rmf and --background are for a single spectrum, and there are 2"):
        run(archive, tmp_path / "store", rmf=archive / "responses" / CANNED)
    with pytest.raises(OptionError, match="no such file"):
        run(archive, tmp_path / "store", arf=archive / "x.arf")
    (archive / "stub.rmf").write_text("/home/x\n")
    with pytest.raises(OptionError, match=r"--standin-response cannot be used: not a FITS file but text"):
        run(archive, tmp_path / "store", standin_response=archive / "stub.rmf")
    with pytest.raises(OptionError, match="no archive given"):
        preprocess([], tmp_path / "store")
    with pytest.raises(ExplorerError, match="no such file or folder"):
        run(archive / "nowhere", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_an_existing_store_is_kept(archive, tmp_path):
    with new_folder(tmp_path / "store") as folder:
        (folder / "precious").touch()
    with pytest.raises(ExplorerError, match="exists already"):
        run(archive, tmp_path / "store")
    preprocess([archive], tmp_path / "store", quiet=True, overwrite=True)
    assert len(SpectraStore.open(tmp_path / "store")) == 1


# What cannot be used


def test_everything_left_out_is_listed_with_its_reason(archive, tmp_path):
    pps = archive / "0123456789" / "pps"

    def other(source: int, **keywords: object) -> str:
        return write_triple(pps, source=source, position=(50.0 + source, 0.0), **keywords).name

    expected = {
        other(2, INSTRUME="EMOS1"): ("not-pn", "EMOS1"),
        other(3, INSTRUME="EPIC"): ("not-pn", "combined"),
        other(4, TELESCOP="CHANDRA"): ("not-pn", "CHANDRA"),
        other(5, EXPOSURE=0.0): ("unreadable", "exposure"),
        other(6): ("unusable", "whole numbers"),
        other(7, HDUCLAS2="NET"): ("unreadable", "subtracted"),
    }
    write_pha(pps / "P0123456789PNS003SRSPEC0006.FTZ", counts() + 0.3, fmt="D", RESPFILE=CANNED)
    no_background = other(8)
    (pps / no_background.replace("SRSPEC", "BGSPEC")).unlink()
    expected[no_background] = ("no-background", "the file names none")
    no_area = other(9)
    (pps / no_area.replace("SRSPEC", "SRCARF")).write_text("/a/text/stub\n")
    expected[no_area] = ("no-area", "not a FITS file but text")
    expected[no_area.replace("SRSPEC", "SRCARF")] = ("unreadable", "text")
    dark = other(10)
    write_arf(pps / dark.replace("SRSPEC", "SRCARF"), np.where(ENERGY[1:] > 11, 5.0, 0.0))
    expected[dark] = ("unusable", "zero throughout")
    other_channels = other(11)
    write_pha(pps / other_channels, np.ones(2048, int), RESPFILE=CANNED, SRCNUM=11)
    expected[other_channels] = ("no-response", "do not fit")
    (pps / "P0123456789PNS003SRSPEC000C.FTZ").write_text("stub")
    expected["P0123456789PNS003SRSPEC000C.FTZ"] = ("unreadable", "text")
    (pps / "P0123456789M1S001SRSPEC0001.FTZ").touch()
    expected["P0123456789M1S001SRSPEC0001.FTZ"] = ("not-pn", "instrument M1")
    (pps / "P0123456789EPX000OBSMLI0000.FTZ").touch()
    expected["P0123456789EPX000OBSMLI0000.FTZ"] = ("not-a-spectrum", "OBSMLI")
    (archive / "LICENSE").write_text("Some licence.")
    expected["LICENSE"] = ("unreadable", "text")
    (archive / "empty.fits").touch()
    expected["empty.fits"] = ("unreadable", "empty")
    write_rmf(archive / "responses" / "unrelated.rmf")
    expected["unrelated.rmf"] = ("unused", "no usable spectrum goes with this rmf")

    store = run(archive, tmp_path / "store")
    assert len(store) == 1
    got = reasons(store)
    for name, (kind, said) in expected.items():
        assert got[name][0] == kind, name
        assert said in got[name][1], name
    files = {path.name for path in archive.rglob("*") if path.is_file()}
    used = {
        "P0123456789PNS003SRSPEC001A.FTZ",
        "P0123456789PNS003BGSPEC001A.FTZ",
        "P0123456789PNS003SRCARF001A.FTZ",
        CANNED,
    }
    assert set(got) == files - used
    assert len(store.rejected) == len(files - used)


def test_nothing_usable_is_an_error_that_says_why(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("hello")
    with pytest.raises(ExplorerError, match=r"no usable EPIC-pn spectrum among 1 files .notes.txt: not a FITS file"):
        run(tmp_path / "a", tmp_path / "store")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_unexpected_trouble_is_listed_and_logged_not_fatal(archive, tmp_path, monkeypatch, caplog):
    write_triple(archive / "0123456789" / "pps", source=2, position=(50.0, 0.0))
    from vae.preprocess import extract

    real = extract.read_pha

    def fragile(path):
        if path.name.endswith("SRSPEC0002.FTZ"):
            raise ZeroDivisionError("unforeseen")
        return real(path)

    monkeypatch.setattr(extract, "read_pha", fragile)
    store = run(archive, tmp_path / "store")
    assert reasons(store)["P0123456789PNS003SRSPEC0002.FTZ"] == ("internal-error", "ZeroDivisionError: unforeseen")
    assert "Traceback" in caplog.text


# Observations and sources


def test_of_several_exposures_the_one_with_most_net_counts_is_kept(archive, tmp_path):
    pps = archive / "0123456789" / "pps"
    write_triple(pps, source=0x1A, exposure="U002", seed=3, mean=4.0)
    write_triple(pps, source=0x1A, exposure="S005", seed=4, mean=1.0)
    store = run(archive, tmp_path / "store")
    assert store.detections["exposure_id"].tolist() == ["U002"]
    got = reasons(store)
    for exposure in ("S003", "S005"):
        kind, reason = got[f"P0123456789PN{exposure}SRSPEC001A.FTZ"]
        assert kind == "duplicate"
        assert "P0123456789PNU002SRSPEC001A.FTZ" in reason


def test_observations_of_a_source_share_its_id_and_come_in_order(tmp_path):
    root = tmp_path / "a"
    arcsec = 1 / 3600
    write_triple(root, "0000000009", 1, position=(10.0, 60.0))
    write_triple(
        root, "0000000002", 7, position=(10.0 + 15 * arcsec, 60.0), seed=1
    )  # 7.5 arcsec away at this declination
    write_triple(root, "0000000002", 8, position=(10.0, 60.0 - 9 * arcsec), seed=2)  # nearer than 10 arcsec too
    write_triple(root, "0000000003", 1, position=(10.0, 60.0 + 11 * arcsec), seed=3)
    write_rmf(root / CANNED)
    table = run(root, tmp_path / "store").detections
    assert table["detection_id"].is_monotonic_increasing
    by = {(row.obs_id, row.src_num): row.source_id for row in table.itertuples()}
    assert by["0000000009", 1] == by["0000000002", 7]
    assert by["0000000002", 8] != by["0000000002", 7]
    assert by["0000000003", 1] not in {by["0000000009", 1], by["0000000002", 8]}
    assert set(table["source_id"]) <= set(table["detection_id"])


def test_two_spectra_that_derive_one_id_are_not_both_kept(tmp_path):
    root = tmp_path / "a"
    root.mkdir()
    for name, ra in (("one", 10.0), ("two", 20.0)):
        write_pha(root / f"{name}.pha", counts(), SRC_CRA=ra, SRC_CDEC=0.0)
        write_pha(root / f"{name}_bkg.pha", counts(3))
        write_arf(root / f"{name}.arf")
        write_rmf(root / f"{name}.rmf")
    store = run(root, tmp_path / "store")
    assert len(store) == 1
    assert [kind for kind, _ in reasons(store).values() if kind != "unused"] == ["id-conflict"]


# The same whatever the machine


def test_the_store_does_not_depend_on_processes_paths_or_order(tmp_path):
    for root in ("here", "there"):
        for i in range(5):
            write_triple(tmp_path / root / f"o{i}", f"000000000{9 - i}", position=(10.0 + i, 0.0), seed=i)
        (tmp_path / root / "r").mkdir()
        write_rmf(tmp_path / root / "r" / CANNED)
    one = run(tmp_path / "here", tmp_path / "one", workers=1)
    two = run(tmp_path / "here", tmp_path / "two", workers=2)
    assert one.content_hash() == two.content_hash()
    assert one.content_hash() == run(tmp_path / "there", tmp_path / "three").content_hash()
    folders = [tmp_path / "there" / name for name in ("r", "o4", "o1", "o0", "o3", "o2")]
    np.testing.assert_array_equal(run(folders, tmp_path / "four").read("counts"), one.read("counts"))
    assert one.rejected.equals(two.rejected)


def test_a_folder_that_cannot_be_looked_into_is_told(archive, tmp_path, monkeypatch, caplog):
    (archive / "locked").mkdir()
    real = os.scandir

    def refusing(folder):
        if str(folder).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    assert len(run(archive, tmp_path / "store")) == 1
    assert "locked cannot be looked into (Permission denied): what is in it is left out" in caplog.text


def test_a_file_reached_twice_is_one_file(archive, tmp_path):
    assert len(run([archive, archive / "0123456789", archive / ".." / "archive"], tmp_path / "store")) == 1


def test_fractional_background_counts_survive(archive, tmp_path):
    pps = archive / "0123456789" / "pps"
    values = counts(1000) + 0.5
    write_pha(pps / "P0123456789PNS003BGSPEC001A.FTZ", values, fmt="D")
    store = run(archive, tmp_path / "store")
    assert store.read("background_counts", 0).sum() == pytest.approx(values[INSIDE].sum())


def test_the_input_is_left_as_it_was(archive, tmp_path):
    def contents():
        return {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}

    before = contents()
    spectrum = read_pha(archive / "0123456789" / "pps" / "P0123456789PNS003SRSPEC001A.FTZ")
    assert spectrum.is_pn
    run(archive, tmp_path / "store")
    assert contents() == before
