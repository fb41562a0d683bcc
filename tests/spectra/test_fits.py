"""Our reader of FITS against astropy's: every keyword and every column."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from ogip_files import write_arf, write_pha, write_rmf

from vae.errors import OgipError
from vae.spectra._bytes import read_bytes
from vae.spectra._fits import Header, walk

_COMMENTARY = {"COMMENT", "HISTORY", "", "END", "CONTINUE"}


def assert_same(path: Path) -> int:
    """Compare a whole file; returns how many columns were compared."""
    data = read_bytes(path, 1 << 28)
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(data), memmap=False) as theirs:
            ours = list(walk(data, path))
            assert len(ours) == len(theirs)
            for one, other in zip(ours, theirs, strict=True):
                for keyword in dict.fromkeys(other.header):
                    if keyword in _COMMENTARY or " " in keyword:
                        continue
                    want, got = other.header[keyword], one.header.get(keyword)
                    if isinstance(want, fits.card.Undefined):
                        want = None
                    if isinstance(want, str):
                        got = (got or "").rstrip()
                    assert got == want, (path, keyword)
                if not isinstance(other, fits.BinTableHDU):
                    continue
                assert one.n_rows == len(other.data)
                for name in other.columns.names:
                    want, got = other.data[name], one.column(name.upper())
                    if "X" in other.columns[name].format:
                        continue
                    if got.dtype.kind == "O":
                        for a, b in zip(got, want, strict=True):
                            np.testing.assert_array_equal(a, b)
                    elif got.dtype.kind in "iuf":
                        np.testing.assert_array_equal(np.ravel(got), np.ravel(np.asarray(want)))
                    else:
                        continue
                    compared += 1
    return compared


@pytest.mark.realdata
def test_every_real_file_reads_as_by_astropy(ogip):
    files = [path for path in sorted(ogip.rglob("*")) if path.is_file() and "broken" not in path.parts]
    files = [path for path in files if "LICENSE" not in path.name]
    picked = [path for path in files if "rxcj2359" not in path.parts] + [
        path for path in files if "rxcj2359" in path.parts
    ][::12]
    assert sum(map(assert_same, picked)) > 300


@pytest.mark.parametrize("groups", ["variable", "padded", "scalar"])
def test_written_files_read_as_by_astropy(tmp_path, groups):
    assert assert_same(write_pha(tmp_path / "a", np.arange(1100), extra_hdus=3)) == 5
    assert assert_same(write_arf(tmp_path / "b")) == 3
    assert assert_same(write_rmf(tmp_path / "c", groups=groups)) == 9


def test_columns_of_every_type(tmp_path):
    n = 5
    rng = np.random.default_rng(1)
    columns = [
        fits.Column("bytes", "B", array=rng.integers(0, 255, n)),
        fits.Column("short", "I", array=rng.integers(-9, 9, n)),
        fits.Column("unsigned", "I", bzero=32768, array=rng.integers(0, 65535, n).astype(np.uint16)),
        fits.Column("long", "K", array=rng.integers(-(2**60), 2**60, n)),
        fits.Column("scaled", "D", bscale=0.5, bzero=10.0, array=rng.integers(0, 99, n) * 0.5 + 10),
        fits.Column("vector", "3D", array=rng.random((n, 3))),
        fits.Column("text", "7A", array=["a", "bb", "", "d d", "seven77"]),
        fits.Column("flag", "L", array=[True, False] * 2 + [True]),
        fits.Column("bits", "11X", array=rng.integers(0, 2, (n, 11)).astype(bool)),
        fits.Column("nothing", "0E", array=np.empty((n, 0))),
        fits.Column("empty", "PE()", array=np.array([np.arange(i, dtype=">f4") for i in range(n)], object)),
        fits.Column("long_arrays", "QJ()", array=np.array([np.arange(i) for i in range(n)], object)),
        fits.Column("last", "E", array=rng.random(n)),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    assert assert_same(tmp_path / "t.fits") >= 8


def test_keywords_of_every_kind(tmp_path):
    hdu = fits.PrimaryHDU()
    values = {
        "INT": -12, "BIG": 2**40, "REAL": 1.5e-7, "YES": True, "NO": False, "STR": "it's / a 'name'", "EMPTY": "",
        "SPACES": "  x  ", "LONG": "/a/very/long/path" * 12 + ".rmf", "AMP": "ends in &",
    }  # fmt: skip
    for key, value in values.items():
        hdu.header[key] = (value, "a comment / with a slash")
    hdu.header["UNDEF"] = None
    hdu.header["COMMENT"] = "LOOKS = 'like a keyword'"
    hdu.header["HIERARCH A LONG KEY"] = 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hdu.writeto(tmp_path / "k.fits")
    assert_same(tmp_path / "k.fits")
    header = next(walk((tmp_path / "k.fits").read_bytes(), tmp_path / "k.fits")).header
    assert header.get("LONG") == values["LONG"]
    assert header.get("MISSING", 7) == 7


def test_odd_cards():
    cards = ["A       = 1.5D3", "B       =", "C       = 'open", "D       = 1", "D       = 2", "E       = (1, 2)"]
    header = Header("".join(card.ljust(80) for card in cards).encode())
    assert header.get("A") == 1500.0
    assert header.get("B") is None
    assert header.get("C") == "open"
    assert header.get("D") == 1
    assert header.get("E") == "(1, 2)"
    with pytest.raises(ValueError, match="no count"):
        header.whole("A")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"NAXIS2  =                 1100", b"NAXIS2  =              9999999", "cut short: 9999999 rows of 8 bytes"),
        (b"NAXIS2  =                 1100", b"NAXIS2  =                -1100", "NAXIS2 = -1100 is no count"),
        (b"TFORM1  = 'J       '", b"TFORM1  = 'Z       '", "TFORM1 = 'Z'"),
        (b"TFORM1  = 'J       '", b"TFORM1  = '9J      '", "wider than the table"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(tmp_path, old, new, said):
    path = write_pha(tmp_path / "a", np.ones(1100, int))
    data = path.read_bytes()
    assert old in data
    broken = data.replace(old, new)
    with pytest.raises(OgipError, match=said):
        next(hdu for hdu in walk(broken, path) if hdu.number == 1).column("COUNTS")


def test_a_header_without_end(tmp_path):
    with pytest.raises(OgipError, match="no end"):
        list(walk(b"SIMPLE  =                    T" + b" " * 3000, tmp_path))
