"""What astropy makes of odd and damaged files, as it reaches the readers of spectra."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from ogip_files import write_pha, write_rmf

from vae.errors import OgipError
from vae.spectra._hdus import walk
from vae.spectra.ogip import read_pha, read_rmf


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"NAXIS2  =                 1100", b"NAXIS2  =              9999999", "9999999 rows of 8 bytes do not fit"),
        (b"NAXIS2  =                 1100", b"NAXIS2  =                -1100", "HDU (1|SPECTRUM)|has no SPECTRUM"),
        (b"TFORM1  = 'J       '", b"TFORM1  = 'Z       '", "TFORM1|not recognized"),
        (b"TFORM1  = 'J       '", b"TFORM1  = '9J      '", "wider than the table"),
        (b"NAXIS   =                    0", b"NAXIS   =            999999999", "HDU 0: .*NAXIS   = +999999999"),
        (b"NAXIS   =                    2", b"NAXIS   =            999999999", "HDU 1: .*NAXIS   = +999999999"),
        (b"TFIELDS =                    2", b"TFIELDS =           2000000000", "TFIELDS = 2000000000"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(tmp_path, old, new, said):
    path = write_pha(tmp_path / "a", np.ones(1100, int))
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    with pytest.raises(OgipError, match=said):
        read_pha(path)


def test_a_file_that_ends_early_says_so(tmp_path):
    path = write_rmf(tmp_path / "r")
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(OgipError, match="it ends within the data"):
        read_rmf(path)


def test_arrays_that_would_start_before_the_heap_are_refused(tmp_path):
    path = write_rmf(tmp_path / "r")
    with fits.open(path) as hdus:
        where = hdus[1].fileinfo()["datLoc"] + hdus[1].columns.dtype.fields["MATRIX"][1] + 4
    data = bytearray(path.read_bytes())
    data[where : where + 4] = b"\xff\xff\xff\x00"
    path.write_bytes(data)
    with pytest.raises(OgipError, match="impossible length or place in column MATRIX"):
        read_rmf(path)


def test_groups_that_start_nowhere_are_refused(tmp_path):
    path = write_rmf(tmp_path / "r", groups="padded")
    with fits.open(path) as hdus:
        columns = [c for c in hdus[1].columns if c.name != "F_CHAN"]
        columns.insert(3, fits.Column("F_CHAN", "D", array=np.full(80, 1e300)))
        hdus[1] = fits.BinTableHDU.from_columns(fits.ColDefs(columns), header=hdus[1].header)
        hdus.writeto(tmp_path / "s")
    with pytest.raises(OgipError, match="column F_CHAN: the column holds values that are no channel"):
        read_rmf(tmp_path / "s")


def test_what_follows_the_last_hdu_does_not_matter(tmp_path):
    path = write_rmf(tmp_path / "r")
    path.write_bytes(path.read_bytes() + b"\0" * 512 + b"appended by a tape robot")
    assert read_rmf(path).e_min.size == 1100


def test_odd_cards(tmp_path):
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"]
    cards += ["A       = 1.5D3", "B       =", "C       = 'open", "D       = 1", "D       = 2", "END"]
    hdu = next(walk("".join(card.ljust(80) for card in cards).ljust(2880).encode(), tmp_path))
    assert hdu.get("A") == 1500.0
    assert hdu.get("B") is None
    assert "open" in hdu.get("C")
    assert hdu.get("D") == 1
    assert hdu.get("MISSING") is None
    assert hdu.columns == []


def test_a_long_path_continues_over_cards(tmp_path):
    path = write_pha(tmp_path / "a", np.ones(9, int))
    long = "/a/very/long/path" * 12 + ".rmf"
    with fits.open(path) as hdus:
        hdus[1].header["RESPFILE"] = long
        hdus.writeto(tmp_path / "b")
    assert read_pha(tmp_path / "b").response_file == long


def test_unsigned_and_scaled_counts(tmp_path):
    counts = np.array([0, 40000, 65535], np.uint16)
    table = [fits.Column("CHANNEL", "I", array=[0, 1, 2]), fits.Column("COUNTS", "I", bzero=32768, array=counts)]
    hdu = fits.BinTableHDU.from_columns(table, name="SPECTRUM")
    hdu.header["EXPOSURE"] = 1.0
    hdu.writeto(tmp_path / "a")
    np.testing.assert_array_equal(read_pha(tmp_path / "a").counts, counts)


def test_a_header_without_end(tmp_path):
    with pytest.raises(OgipError, match="header has no end"):
        list(walk(b"SIMPLE  =                    T" + b" " * 3000, tmp_path))
