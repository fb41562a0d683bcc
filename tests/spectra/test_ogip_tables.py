"""What is written is what is read back, by our reader and by astropy."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.sparse import csr_array

from vae.spectra.fits_tables import Column, fits_file, packed, table
from vae.spectra.ogip import read_arf, read_pha, read_rmf
from vae.spectra.ogip_tables import area_table, matrix_tables, spectrum_table
from vae.spectra.ogip_types import Rmf

N_ENERGIES, N_CHANNELS = 40, 100


def small_rmf() -> Rmf:
    """Peaks, gaps short and long, one energy that nothing registers."""
    rng = np.random.default_rng(1)
    dense = np.where(rng.random((N_ENERGIES, N_CHANNELS)) < 0.6, rng.random((N_ENERGIES, N_CHANNELS)), 0.0)
    dense[:, 30:50] = 0.0
    dense[7] = 0.0
    dense /= np.maximum(dense.sum(axis=1, keepdims=True), 1e-9)
    energy = np.linspace(0.3, 10.0, N_ENERGIES + 1, dtype=np.float32).astype(float)
    bounds = np.linspace(0.0, 11.0, N_CHANNELS + 1, dtype=np.float32).astype(float)
    return Rmf(
        Path("small.rmf"), energy[:-1], energy[1:], np.arange(N_CHANNELS), bounds[:-1], bounds[1:],
        csr_array(dense.astype(np.float32).astype(float)), instrument="EPN",
    )  # fmt: skip


def verified(data: bytes) -> fits.HDUList:
    hdus = fits.open(io.BytesIO(data))
    hdus.verify("exception")
    return hdus


def test_a_redistribution_comes_back_equal(tmp_path: Path) -> None:
    rmf = small_rmf()
    path = tmp_path / "small.rmf"
    path.write_bytes(fits_file([], matrix_tables(rmf)))
    back = read_rmf(path)
    for name in ("energy_lo", "energy_hi", "channel", "e_min", "e_max"):
        np.testing.assert_array_equal(getattr(back, name), getattr(rmf, name))
    np.testing.assert_array_equal(back.matrix.toarray(), rmf.matrix.toarray())
    assert not back.has_area
    with verified(path.read_bytes()) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "MATRIX", "EBOUNDS"]
        assert hdus["MATRIX"].data["N_GRP"].max() > 2  # the long gap is not written, whatever the short ones


def test_an_area_comes_back_equal(tmp_path: Path) -> None:
    low = np.linspace(0.3, 9.0, 50, dtype=np.float32)
    area = np.linspace(10.0, 900.0, 50, dtype=np.float32)
    path = tmp_path / "area.FTZ"
    path.write_bytes(packed(fits_file([], [area_table(low, low + np.float32(0.1), area)])))
    back = read_arf(path)
    np.testing.assert_array_equal(back.area, area)
    np.testing.assert_array_equal(back.energy_lo, low)
    assert back.instrument == "EPN"


def test_a_spectrum_comes_back_equal_and_has_what_ogip_asks_for(tmp_path: Path) -> None:
    counts = np.random.default_rng(2).poisson(3.0, N_CHANNELS)
    quality = (np.arange(N_CHANNELS) < 5).astype(int)
    grouping = np.where(np.arange(N_CHANNELS) % 4, -1, 1)
    cards = [
        ("BACKFILE", "b.FTZ", ""),
        ("ANCRFILE", "NONE", ""),
        ("SRC_CRA", 10.5, ""),
        ("SRC_CDEC", -3.25, ""),
        ("SRCNUM", 7, ""),
    ]
    spectrum = spectrum_table(counts, exposure_s=1234.5, backscal=3e5, quality=quality, grouping=grouping, cards=cards)
    path = tmp_path / "x.FTZ"
    path.write_bytes(packed(fits_file([("OBS_ID", "0000000001", "")], [spectrum])))
    back = read_pha(path)
    np.testing.assert_array_equal(back.counts, counts)
    assert (back.exposure_s, back.backscal, back.areascal) == (1234.5, 3e5, 1.0)
    assert (back.background_file, back.area_file, back.src_num) == ("b.FTZ", None, 7)
    assert back.source_position == (10.5, -3.25)
    assert back.grouped
    assert back.n_bad_channels == 5
    with verified(gzip.decompress(path.read_bytes())) as hdus:
        header = hdus["SPECTRUM"].header
        # The mandatory keywords of OGIP/92-007, section 3, that hold whatever the source.
        wanted = (
            "TELESCOP INSTRUME EXPOSURE BACKFILE CORRFILE CORRSCAL ANCRFILE HDUCLASS HDUCLAS1 HDUVERS POISSERR "
            "CHANTYPE DETCHANS AREASCAL BACKSCAL TLMIN1 TLMAX1 SYS_ERR STAT_ERR"
        )
        assert not [keyword for keyword in wanted.split() if keyword not in header]
        assert hdus["SPECTRUM"].columns.names == ["CHANNEL", "COUNTS", "GROUPING", "QUALITY"]


def test_packing_leaves_no_time_stamp() -> None:
    data = fits_file([], [table("T", [Column("A", "J", array=np.arange(3))])])
    assert packed(data) == packed(data)
    assert packed(data)[4:8] == b"\0\0\0\0"
    assert gzip.decompress(packed(data)) == data
