"""Every quirk that FACTS 7 lists, on files written for the purpose; real files stand in tests/realdata."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from ogip_files import E_MAX, E_MIN, ENERGY, N_CHANNELS, gaussian_matrix, write_arf, write_pha, write_rmf

from vae.errors import OgipError
from vae.spectra import _bytes, ogip
from vae.spectra.ogip import inspect, read_arf, read_pha, read_rmf

COUNTS = np.arange(N_CHANNELS) % 7


@pytest.mark.parametrize("name", ["a.fits", "b.FTZ", "a space and?.rmf", "noending"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_name_says_nothing_and_gzip_is_sniffed(tmp_path, name, packed):
    path = write_pha(tmp_path / name, COUNTS, packed=packed)
    assert inspect(path).kind == "spectrum"
    np.testing.assert_array_equal(read_pha(path).counts, COUNTS)


@pytest.mark.parametrize(
    ("fmt", "values"),
    [("I", COUNTS), ("J", COUNTS), ("D", COUNTS + 0.25), ("E", COUNTS * 1.0)],
)
def test_counts_of_any_type(tmp_path, fmt, values):
    pha = read_pha(write_pha(tmp_path / "a.pha", values, fmt=fmt))
    np.testing.assert_array_equal(pha.counts, values)
    assert pha.is_integer == (fmt != "D")


def test_a_rate_gives_back_the_counts_it_was_made_from(tmp_path):
    path = write_pha(tmp_path / "a.pha", COUNTS / 1234.5, fmt="E", column="RATE", EXPOSURE=1234.5)
    np.testing.assert_array_equal(read_pha(path).counts, COUNTS)


def test_a_rate_that_was_no_count_stays_fractional(tmp_path):
    path = write_pha(tmp_path / "a.pha", (COUNTS + 0.4) / 100, fmt="D", column="RATE", EXPOSURE=100.0)
    assert not read_pha(path).is_integer


@pytest.mark.parametrize("first", [0, 1])
def test_first_channel(tmp_path, first):
    assert read_pha(write_pha(tmp_path / "a.pha", COUNTS, first=first)).channel[0] == first


@pytest.mark.parametrize("n", [4096, 3277, 4039])
def test_numbers_of_channels(tmp_path, n):
    assert read_pha(write_pha(tmp_path / "a.pha", np.ones(n, int))).counts.sum() == n


@pytest.mark.parametrize(
    ("keyword", "kept"),
    [
        ("epn_e3_ff20_sdY7.rmf", "epn_e3_ff20_sdY7.rmf"),
        ("/home/someone/else/x.rmf", "/home/someone/else/x.rmf"),
        ("NONE", None), ("none", None), ("  ", None), (None, None),
        ("x.rmf[MATRIX]{2}", "x.rmf"),
    ],
)  # fmt: skip
def test_links(tmp_path, keyword, kept):
    links = {} if keyword is None else {"RESPFILE": keyword, "ANCRFILE": keyword, "BACKFILE": keyword}
    pha = read_pha(write_pha(tmp_path / "a.pha", COUNTS, **links))
    assert (pha.response_file, pha.area_file, pha.background_file) == (kept, kept, kept)


def test_grouping_and_quality_as_columns_keywords_or_missing(tmp_path):
    grouping = np.where(np.arange(N_CHANNELS) % 20, -1, 1)
    quality = (np.arange(N_CHANNELS) < 30) * 5
    pha = read_pha(
        write_pha(tmp_path / "a", COUNTS, columns={"GROUPING": ("I", grouping), "QUALITY": ("I", quality)}, QUALITY=0)
    )
    assert pha.grouped
    assert pha.n_bad_channels == 30
    np.testing.assert_array_equal(pha.counts, COUNTS)
    keywords = read_pha(write_pha(tmp_path / "b", COUNTS, GROUPING=0, QUALITY=0))
    missing = read_pha(write_pha(tmp_path / "c", COUNTS))
    for plain in (keywords, missing):
        assert not plain.grouped
        assert plain.n_bad_channels == 0


def test_backscal_of_a_grating_spectrum_is_refused(tmp_path):
    varying = {"BACKSCAL": ("E", np.linspace(1, 2, N_CHANNELS))}
    path = write_pha(tmp_path / "a", COUNTS, columns=varying, INSTRUME="RGS1")
    with pytest.raises(OgipError, match=r"HDU SPECTRUM, column BACKSCAL: it varies with channel.*RGS"):
        read_pha(path)


def test_a_constant_backscal_column_is_a_number(tmp_path):
    path = write_pha(tmp_path / "a", COUNTS, columns={"BACKSCAL": ("E", np.full(N_CHANNELS, 2.5))})
    assert read_pha(path).backscal == 2.5


@pytest.mark.parametrize(("given", "backscal"), [({"BACKSCAL": 1.0}, 1.0), ({"drop": ("BACKSCAL",)}, 1.0)])
def test_backscal_one_or_missing(tmp_path, given, backscal):
    assert read_pha(write_pha(tmp_path / "a", COUNTS, **given)).backscal == backscal


@pytest.mark.parametrize("value", [0.0, -1.0, "x"])
def test_backscal_that_is_no_number_is_refused_not_replaced(tmp_path, value):
    with pytest.raises(OgipError, match="BACKSCAL"):
        read_pha(write_pha(tmp_path / "a", COUNTS, BACKSCAL=value))


@pytest.mark.parametrize("exposure", [0.0, -5.0, "unknown"])
def test_no_exposure_is_refused(tmp_path, exposure):
    with pytest.raises(OgipError, match="no exposure time"):
        read_pha(write_pha(tmp_path / "a", COUNTS, EXPOSURE=exposure))


def test_the_source_is_not_what_was_pointed_at(tmp_path):
    pha = read_pha(
        write_pha(
            tmp_path / "a", COUNTS, OBJECT="M31", RA_OBJ=10.68, DEC_OBJ=41.27, SRC_CRA=11.0, SRC_CDEC=41.0, SRCNUM=26
        )
    )
    assert pha.object_name == "M31"
    assert pha.object_position == (10.68, 41.27)
    assert pha.source_position == (11.0, 41.0)
    assert pha.src_num == 26


@pytest.mark.parametrize(("instrument", "is_pn"), [("EPN", True), ("EPIC", False), ("EMOS2", False), ("RGS1", False)])
def test_combined_products_and_other_instruments_are_not_pn(tmp_path, instrument, is_pn):
    assert read_pha(write_pha(tmp_path / "a", COUNTS, INSTRUME=instrument)).is_pn is is_pn


@pytest.mark.parametrize("extra", [0, 1, 14])
def test_other_hdus_around(tmp_path, extra):
    path = write_pha(tmp_path / "a", COUNTS, extra_hdus=extra)
    assert inspect(path).kind == "spectrum"
    np.testing.assert_array_equal(read_pha(path).counts, COUNTS)


def test_keywords_in_the_primary_header_serve_and_the_table_goes_first(tmp_path):
    primary = {"OBS_ID": 677180601, "FILTER": "Thick", "DATE-OBS": "2011-10-19T06:38:35"}
    pha = read_pha(write_pha(tmp_path / "a", COUNTS, primary=primary, drop=("OBS_ID",)))
    assert pha.obs_id == "0677180601"
    assert pha.filter_ == "Thin1"
    assert pha.mjd_start == pytest.approx(55853.27679398, abs=1e-8)
    assert pha.mjd_stop is None


def test_a_net_spectrum_is_refused(tmp_path):
    with pytest.raises(OgipError, match="subtracted already"):
        read_pha(write_pha(tmp_path / "a", COUNTS, HDUCLAS2="NET"))
    with pytest.raises(OgipError, match="column COUNTS: negative counts"):
        read_pha(write_pha(tmp_path / "b", COUNTS - 3))


def test_a_background_says_so(tmp_path):
    path = write_pha(tmp_path / "a", COUNTS, HDUCLAS2="BKG")
    assert inspect(path).kind == "background"
    assert read_pha(path).is_background


def test_several_spectra_in_one_table_are_refused(tmp_path):
    path = tmp_path / "a"
    write_pha(path, np.ones((3, 50), int), fmt="50J")
    with pytest.raises(OgipError, match="type II"):
        read_pha(path)


@pytest.mark.parametrize("column", ["CHANNEL", "COUNTS"])
def test_a_missing_column_is_named(tmp_path, column):
    path = write_pha(tmp_path / "a", COUNTS, drop=(column,))
    with pytest.raises(OgipError) as caught:
        read_pha(path)
    assert (caught.value.file, caught.value.hdu, caught.value.column) == (str(path), "SPECTRUM", column)


# ARF and RMF


@pytest.mark.parametrize("groups", ["variable", "padded", "scalar"])
@pytest.mark.parametrize("first", [0, 1])
def test_groups_of_any_shape_give_the_same_matrix(tmp_path, groups, first):
    dense = gaussian_matrix()
    dense[10, 300:305] = 0.01  # a second group
    rmf = read_rmf(write_rmf(tmp_path / "r", dense, groups=groups, first=first))
    np.testing.assert_allclose(rmf.matrix.toarray(), dense, atol=1e-8)
    assert rmf.channel[0] == first


def test_without_tlmin_ebounds_tells_the_first_channel(tmp_path):
    for first in (0, 1):
        rmf = read_rmf(write_rmf(tmp_path / "r", first=first, tlmin=False))
        np.testing.assert_allclose(rmf.matrix.toarray(), gaussian_matrix(), atol=1e-8)


def test_ebounds_channels_all_zero(tmp_path):
    rmf = read_rmf(write_rmf(tmp_path / "r", first=1, channel=np.zeros(N_CHANNELS, int)))
    np.testing.assert_array_equal(rmf.channel, 1 + np.arange(N_CHANNELS))
    np.testing.assert_allclose(rmf.matrix.toarray(), gaussian_matrix(), atol=1e-8)


def test_neither_tlmin_nor_ebounds_channels(tmp_path):
    dense = gaussian_matrix()
    dense[0, 0] = 0.5  # a group that starts at the very first channel gives the count from 0 away
    zeros = np.zeros(N_CHANNELS, int)
    from_zero = read_rmf(write_rmf(tmp_path / "r", dense, first=0, tlmin=False, channel=zeros))
    np.testing.assert_allclose(from_zero.matrix.toarray(), dense, atol=1e-8)
    from_one = read_rmf(write_rmf(tmp_path / "s", dense, first=1, tlmin=False, channel=zeros))
    np.testing.assert_allclose(from_one.matrix.toarray(), dense, atol=1e-8)


@pytest.mark.parametrize("name", ["MATRIX", "SPECRESP MATRIX"])
@pytest.mark.parametrize("claim", ["REDIST", "FULL"])
@pytest.mark.parametrize("scale", [1.0, 700.0])
def test_row_sums_decide_whether_the_area_is_in(tmp_path, name, claim, scale):
    path = write_rmf(tmp_path / "r", gaussian_matrix() * scale, EXTNAME=name, HDUCLAS3=claim)
    assert inspect(path).kind == "rmf"
    assert read_rmf(path).has_area == (scale > 2)


def test_the_matrix_may_come_after_ebounds(tmp_path):
    path = write_rmf(tmp_path / "r", ebounds_first=True)
    assert inspect(path).kind == "rmf"
    np.testing.assert_allclose(read_rmf(path).matrix.toarray(), gaussian_matrix(), atol=1e-8)


def test_groups_outside_ebounds_are_refused(tmp_path):
    path = write_rmf(tmp_path / "r", e_min=E_MIN[:500], e_max=E_MAX[:500])
    with pytest.raises(OgipError, match=r"HDU MATRIX, column F_CHAN: row .* reach outside the 500 channels"):
        read_rmf(path)


def test_a_response_without_ebounds_is_refused(tmp_path):
    write_rmf(tmp_path / "r")
    with fits.open(tmp_path / "r") as hdus:
        fits.HDUList(hdus[:2]).writeto(tmp_path / "s")
    with pytest.raises(OgipError, match="EBOUNDS"):
        read_rmf(tmp_path / "s")


def test_two_matrices_are_refused(tmp_path):
    one = write_rmf(tmp_path / "r", groups="padded").read_bytes()
    (tmp_path / "s").write_bytes(one + one[2880:])  # all but the primary header once more
    with pytest.raises(OgipError, match="second matrix"):
        read_rmf(tmp_path / "s")


def test_area_round_trip_and_refusals(tmp_path):
    area = np.linspace(100, 900, len(ENERGY) - 1)
    arf = read_arf(write_arf(tmp_path / "a.arf", area))
    np.testing.assert_allclose(arf.area, area, rtol=1e-6)
    np.testing.assert_allclose(arf.energy_hi, ENERGY[1:], rtol=1e-6)
    with pytest.raises(OgipError, match="column SPECRESP: areas are negative"):
        read_arf(write_arf(tmp_path / "b.arf", -area))
    with pytest.raises(OgipError, match="not finite"):
        read_arf(write_arf(tmp_path / "c.arf", np.nan))
    with pytest.raises(OgipError, match="has no SPECRESP HDU"):
        read_arf(write_rmf(tmp_path / "r"))


# Files that are something else


@pytest.mark.parametrize("reader", [inspect, read_pha, read_arf, read_rmf])
def test_text_empty_missing_and_folders_are_told_apart(tmp_path, reader):
    (tmp_path / "text").write_text("/home/somebody/file.FTZ\n")
    (tmp_path / "empty").touch()
    (tmp_path / "noise").write_bytes(bytes(range(128, 255)))
    for name, said in (
        ("text", "text"),
        ("empty", "empty"),
        ("noise", "80 81"),
        ("none", "No such file"),
        (".", "read"),
    ):
        with pytest.raises(OgipError, match=said):
            reader(tmp_path / name)


def test_an_image_is_other(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "image.fits")
    assert inspect(tmp_path / "image.fits").kind == "other"
    with pytest.raises(OgipError, match="has no SPECTRUM HDU"):
        read_pha(tmp_path / "image.fits")


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"SIMPLE  =" + bytes(5_000_000)))
    monkeypatch.setattr(ogip, "PHA_LIMIT", 1_000_000)
    with pytest.raises(OgipError, match="unpacks to more than"):
        read_pha(path)
    assert len(_bytes.read_bytes(path, 1000, prefix=True)) == 1000


def test_joined_gzip_members_and_padding(tmp_path):
    data = write_pha(tmp_path / "a", COUNTS).read_bytes()
    (tmp_path / "b").write_bytes(gzip.compress(data[:3000]) + gzip.compress(data[3000:]) + b"\0" * 512)
    np.testing.assert_array_equal(read_pha(tmp_path / "b").counts, COUNTS)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_raise_ogip_errors_and_nothing_else(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "damage"
    folder.mkdir(exist_ok=True)
    which = data.draw(st.sampled_from(["pha", "arf", "rmf"]))
    writer = {"pha": lambda p: write_pha(p, COUNTS), "arf": write_arf, "rmf": write_rmf}[which]
    reader = {"pha": read_pha, "arf": read_arf, "rmf": read_rmf}[which]
    whole = folder / which
    if not whole.exists():
        writer(whole)
    content = bytearray(whole.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    for _ in range(data.draw(st.integers(0, 5))):
        if content:
            content[data.draw(st.integers(0, min(len(content), 12000) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "damaged"
    path.write_bytes(gzip.compress(bytes(content)) if data.draw(st.booleans()) else bytes(content))
    for read in (reader, inspect):
        with suppress(OgipError):
            read(path)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=40),
    exposure=st.floats(1e-3, 1e7),
    backscal=st.floats(1e-6, 1e9),
    packed=st.booleans(),
    first=st.integers(0, 5),
)
def test_write_then_read_is_the_identity(tmp_path_factory, counts, exposure, backscal, packed, first):
    path = tmp_path_factory.getbasetemp() / "round.pha"
    write_pha(path, np.array(counts), EXPOSURE=exposure, BACKSCAL=backscal, packed=packed, first=first)
    pha = read_pha(path)
    np.testing.assert_array_equal(pha.counts, counts)
    np.testing.assert_array_equal(pha.channel, first + np.arange(len(counts)))
    # a FITS card holds some 15 digits
    assert (pha.exposure_s, pha.backscal) == pytest.approx((exposure, backscal), rel=1e-14)


def test_reading_does_not_warn_and_leaves_the_file_alone(tmp_path):
    path = write_pha(tmp_path / "a", COUNTS)
    before = path.read_bytes()
    path.chmod(0o400)
    read_pha(Path(str(path)))
    assert path.read_bytes() == before
