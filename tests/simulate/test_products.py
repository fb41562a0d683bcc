"""The simulated archive as files: read back by preprocessing, by astropy, and by eye."""

from __future__ import annotations

import gzip
import io
import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from vae.archive.catalogue import read_catalogue
from vae.archive.columns import CATALOGUE_COLUMNS
from vae.errors import ExplorerError, OptionError
from vae.preprocess import PreprocessOptions, preprocess
from vae.simulate import instrument
from vae.simulate.export import ExportOptions, ExportSummary, export_archive
from vae.simulate.export.channels import all_channels, band_counts, grouping, spread
from vae.simulate.observe import Chunk, simulate_chunk
from vae.spectra import grid
from vae.spectra.ogip import read_pha
from vae.spectra.store import SpectraStore

SEED = 7  # that of `tiny_store`, whose first detections these are
N = 12


@pytest.fixture(scope="module")
def chunk() -> Chunk:
    """Simulated once: it takes longer than all else."""
    return simulate_chunk(SEED, 0)


def export(chunk: Chunk, out: Path, *, workers: int, detections: int = N) -> ExportSummary:
    def already(seed: int, number: int) -> Chunk:
        assert (seed, number) == (SEED, 0)
        return chunk

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("vae.simulate.export.run.simulate_chunk", already)
        patched.setattr("vae.simulate.export.run._WORTH_POOL", 1)
        patched.setattr("vae.simulate.export.run._SLAB_ROWS", 5 - workers)
        return export_archive(ExportOptions(detections=detections, seed=SEED, workers=workers), out, quiet=True)


@pytest.fixture(scope="module")
def exported(chunk: Chunk, tmp_path_factory: pytest.TempPathFactory) -> ExportSummary:
    return export(chunk, tmp_path_factory.mktemp("export") / "archive", workers=1)


@pytest.fixture(scope="module")
def stores(exported: ExportSummary, tmp_path_factory: pytest.TempPathFactory) -> dict[str, SpectraStore]:
    folder = tmp_path_factory.mktemp("stores")
    for name, catalogue in (("bare", None), ("named", exported.catalogue)):
        preprocess([exported.out], folder / name, PreprocessOptions(catalogue=catalogue, workers=1), quiet=True)
    return {name: SpectraStore.open(folder / name) for name in ("bare", "named")}


def products(exported: ExportSummary, kind: str) -> list[Path]:
    return sorted(exported.out.glob(f"*/pps/*{kind}*.FTZ"))


def rows_of(store: SpectraStore, like: pd.DataFrame) -> np.ndarray:
    """Rows of a store in the order of another table, matched by OBS_ID and SRC_NUM."""
    key = store.detections[["obs_id", "src_num"]].astype("str").agg("_".join, axis=1)
    wanted = like[["obs_id", "src_num"]].astype("str").agg("_".join, axis=1)
    rows = pd.Index(key).get_indexer(wanted)
    assert (rows >= 0).all()
    return rows


@pytest.mark.parametrize("name", ["bare", "named"])
def test_preprocessing_gives_the_simulated_spectra_back(
    name: str, stores: dict[str, SpectraStore], tiny_store: Path
) -> None:
    direct, back = SpectraStore.open(tiny_store), stores[name]
    assert len(back) == N
    rows = rows_of(back, direct.detections.iloc[:N])
    for array in ("counts", "background_counts"):
        np.testing.assert_array_equal(back.read(array, slice(0, N))[rows], direct.read(array, slice(0, N)))
    for array in ("background_ratio", "sensitivity", "area"):
        values, expected = back.read(array, slice(0, N))[rows], direct.read(array, slice(0, N))
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6 * expected.max())
    expected = direct.redistribution[direct.read("response_index", slice(0, N))]
    values = back.redistribution[back.read("response_index", slice(0, N))[rows]]
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6 * expected.max())


def test_preprocessing_knows_what_a_real_archive_could_tell(
    stores: dict[str, SpectraStore], tiny_store: Path, exported: ExportSummary
) -> None:
    direct = SpectraStore.open(tiny_store).detections.iloc[:N]
    exact = ["obs_id", "src_num", "exposure_id", "filter", "mode", "counts", "response", "response_is_standin"]
    close = ["mjd_start", "mjd_stop", "exposure_s", "ra_deg", "dec_deg"]
    derived = ["net_counts", "net_snr", "background_fraction", "hr1", "hr2", "hr3"]
    only_catalogue = ["detection_id", "source_id", "name", "position_error_arcsec", "sum_flag"]
    for name, more in (("bare", []), ("named", only_catalogue)):
        back = stores[name].detections.iloc[rows_of(stores[name], direct)].reset_index(drop=True)
        for column in exact + more:
            assert back[column].tolist() == direct[column].tolist(), (name, column)
        for column in close + derived:
            np.testing.assert_allclose(
                back[column].astype(float), direct[column].astype(float), rtol=1e-6, err_msg=f"{name} {column}"
            )
        # Without the catalogue, from the pointing and the measured position, which is off by its error.
        within = 0.0 if name == "named" else direct["position_error_arcsec"].max() / 60.0 * 5.0
        assert np.abs(back["offaxis_arcmin"] - direct["offaxis_arcmin"]).max() <= within
        assert back.groupby("source_id").ngroups == direct.groupby("source_id").ngroups == exported.sources
        assert back["class_label"].isna().all()
        assert stores[name].simulated


def test_nothing_is_left_over(stores: dict[str, SpectraStore], exported: ExportSummary) -> None:
    assert stores["named"].rejected.empty
    assert stores["bare"].rejected["file"].tolist() == [exported.catalogue.name]


def test_names_are_those_of_products(exported: ExportSummary) -> None:
    files = [path.relative_to(exported.out) for path in exported.out.rglob("*") if path.is_file()]
    assert len(files) == exported.files
    places = [str(path) for path in files if path.parts[0].isdigit()]
    assert len(places) == 3 * N
    for place in places:
        assert re.fullmatch(r"(\d{10})/pps/P\1PN[SU]\d{3}(SRSPEC|BGSPEC|SRCARF)0[0-9A-F]{3}\.FTZ", place)
    for path in files:
        if path.parts[0] == "responses":
            assert path.name in instrument.RESPONSE_NAMES


@pytest.mark.parametrize("kind", ["SRSPEC", "BGSPEC", "SRCARF", "rmf", "catalogue"])
def test_astropy_has_nothing_to_complain_of_and_files_say_what_they_are(kind: str, exported: ExportSummary) -> None:
    if kind == "catalogue":
        data = exported.catalogue.read_bytes()
    elif kind == "rmf":
        data = next((exported.out / "responses").iterdir()).read_bytes()
    else:
        data = gzip.decompress(products(exported, kind)[0].read_bytes())
    with fits.open(io.BytesIO(data)) as hdus:
        hdus.verify("exception")
        assert hdus[0].header["ORIGIN"] == "SIMULATED"
        assert "Simulated" in str(hdus[0].header["COMMENT"])
        names = [hdu.name for hdu in hdus[1:]]
        if kind in ("SRSPEC", "BGSPEC"):
            assert names == ["SPECTRUM", "REGION", "GTI00003"]
            header = hdus["SPECTRUM"].header
            assert (header["TELESCOP"], header["INSTRUME"], header["DETCHANS"]) == ("XMM", "EPN", 4096)
            assert hdus["GTI00003"].header["ONTIME"] > header["EXPOSURE"]
            radius = hdus["REGION"].data["R"]
            outer = radius[0] ** 2 - (radius[1] ** 2 if kind == "BGSPEC" else 0.0)
            assert np.pi * outer == pytest.approx(header["BACKSCAL"], rel=1e-5)
        else:
            assert names == {"SRCARF": ["SPECRESP"], "rmf": ["MATRIX", "EBOUNDS"], "catalogue": ["SRCLIST"]}[kind]


def test_links_lead_to_the_files(exported: ExportSummary) -> None:
    matrices = {path.name for path in (exported.out / "responses").iterdir()}
    for path in products(exported, "SRSPEC"):
        pha = read_pha(path)
        assert pha.background_file is not None
        assert pha.area_file is not None
        assert pha.response_file is not None
        assert (path.parent / pha.background_file).exists()
        assert (path.parent / pha.area_file).exists()
        assert pha.response_file.replace(".rmf", "_v0.1.rmf") in matrices
        assert pha.n_bad_channels == 60
        assert pha.grouped


def test_the_catalogue_agrees_with_the_spectra(exported: ExportSummary) -> None:
    with fits.open(exported.catalogue) as hdus:
        columns = hdus[1].columns
        assert columns.names == [column.name for column in CATALOGUE_COLUMNS]
        assert [columns[column.name].unit or "" for column in CATALOGUE_COLUMNS] == [c.unit for c in CATALOGUE_COLUMNS]
    catalogue = read_catalogue(exported.catalogue)
    table = catalogue.table
    assert table["DETID"].is_monotonic_increasing
    for path in products(exported, "SRSPEC"):
        source, background = read_pha(path), read_pha(path.with_name(path.name.replace("SRSPEC", "BGSPEC")))
        row = table.iloc[int(catalogue.rows([source.obs_id], [source.src_num])[0])]
        ratio = source.backscal / background.backscal
        used = all_channels()
        gross, behind = band_counts(source.counts.astype(int), used), band_counts(background.counts.astype(int), used)
        net = gross - ratio * behind
        assert row["PN_8_CTS"] == pytest.approx(net[-1], rel=1e-6)
        below_12_kev = source.counts[:2400].sum() - ratio * background.counts[:2400].sum()
        assert net[-1] == pytest.approx(below_12_kev)
        assert row["PN_8_RATE"] == pytest.approx(net[-1] / source.exposure_s, rel=1e-6)
        if min(net[1], net[2]) > 0:
            assert row["PN_HR2"] == pytest.approx((net[2] - net[1]) / (net[2] + net[1]), rel=1e-5)
        assert row["PN_ONTIME"] > source.exposure_s
        assert row["EP_8_DET_ML"] > 6  # as every detection of the catalogue
    assert (table["EP_EXTENT"] == 0).all()
    assert set(table["PN_FILTER"]) <= {"Thin1", "Medium", "Thick"}


def test_the_same_seed_gives_the_same_bytes_whatever_workers_and_length(
    chunk: Chunk, exported: ExportSummary, tmp_path: Path
) -> None:
    short = export(chunk, tmp_path / "short", workers=2, detections=4)
    files = [path.relative_to(short.out) for path in short.out.rglob("*") if path.is_file()]
    assert len(files) == short.files > 12
    for file in files:
        if file.name != short.catalogue.name:
            assert (short.out / file).read_bytes() == (exported.out / file).read_bytes(), file
    rows, beginning = (read_catalogue(summary.catalogue).table for summary in (short, exported))
    pd.testing.assert_frame_equal(rows, beginning.iloc[:4])


def test_an_interrupted_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seed: int, chunk: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vae.simulate.export.run.simulate_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_archive(ExportOptions(detections=3, seed=SEED, workers=1), tmp_path / "archive", quiet=True)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="exists already"):
        export_archive(ExportOptions(detections=3, seed=SEED, workers=1), tmp_path, quiet=True)
    with pytest.raises(OptionError, match="--ogip 0"):
        ExportOptions(detections=0)


def test_counts_stay_in_their_bins() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(5.0, grid.N_BINS)
    counts[[0, 100, 237]] = (0, 5_000_000, 1)
    channels = all_channels()
    spectrum = spread(rng, counts, channels, "source")
    edges = instrument.channel_edges()
    membership = grid.channel_membership(edges[:-1], edges[1:])
    np.testing.assert_array_equal(grid.bin_channels(spectrum, membership), counts)
    assert not spectrum[:40].any()
    assert not spectrum[2401:].any()
    assert spectrum[channels.below].sum() > 0
    inside = np.flatnonzero(membership == 100)
    widths = np.diff(edges)[inside]
    expected = counts[100] * widths / widths.sum()
    assert np.all(np.abs(spectrum[inside] - expected) < 6 * np.sqrt(expected))


def test_bands_tile_the_whole_and_groups_hold_twenty() -> None:
    rng = np.random.default_rng(4)
    channels = all_channels()
    spectrum = spread(rng, rng.poisson(2.0, grid.N_BINS), channels, "background")
    bands = band_counts(spectrum, channels)
    assert bands[:-1].sum() == bands[-1]
    flags = grouping(spectrum, channels)
    first = int(channels.quality.sum())
    assert (flags[:first] == 1).all()
    starts = np.flatnonzero(flags[first:] == 1) + first
    held = np.add.reduceat(spectrum, starts)
    assert (held >= 20).all()
    assert held.size > 10
    # No group could have ended earlier, but for the last, to which what was left over went.
    last_filled = np.array([np.flatnonzero(spectrum[a:b])[-1] + a for a, b in itertools.pairwise(starts)])
    assert (held[:-1] - spectrum[last_filled] < 20).all()


def test_a_spectrum_too_faint_to_group_is_one_group() -> None:
    flags = grouping(np.zeros(4096, np.int64), all_channels())
    assert np.count_nonzero(flags == 1) == int(all_channels().quality.sum()) + 1
