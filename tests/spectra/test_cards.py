"""What is taken straight from the bytes is what astropy makes of them, whatever the file."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from ogip_files import write_arf, write_pha, write_rmf

from vae.errors import OgipError
from vae.spectra import _hdus
from vae.spectra._cards import UNKNOWN, PlainHeader
from vae.spectra.ogip import inspect, read_arf, read_pha, read_rmf

COUNTS = np.random.default_rng(1).poisson(2.0, 1100)


def card(text: str) -> str:
    return text.ljust(80)


def header(*cards: str) -> PlainHeader | None:
    start = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
    return PlainHeader.read("".join(map(card, (*start, *cards, "END"))).ljust(2880).encode(), 0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("K       = 'it''s  '           / a / comment", "it's"),
        ("K       =                   -5 / whole", -5),
        ("K       = 1.5D3", 1500.0),
        ("K       = .5", 0.5),
        ("K       =.5", UNKNOWN),
        ("K       =                    F", False),
        ("K       = ''", ""),
        ("K       = 'open", UNKNOWN),
        ("K       =", UNKNOWN),
        ("K       = 'AXIS.1: 2'", UNKNOWN),
        ("K       = (1, 2)", UNKNOWN),
        ("K       = 1.5d3", UNKNOWN),
        ("k       = 1", UNKNOWN),
        ("COMMENT no K here", None),
    ],
)
def test_values_are_known_or_left_to_astropy(text, value):
    plain = header(text, "K       = 7")
    assert plain is not None
    assert plain.get("K") == (7 if value is None else value)


@pytest.mark.parametrize("odd", ["HIERARCH K = 1", "K = 1", "END OF IT", "K       = '\x01'", "K       = 'é'"])
def test_headers_that_are_not_plain_are_left_to_astropy(odd):
    assert header(odd) is None
    assert header("K       = 1") is not None


def test_a_string_that_goes_on_is_left_to_astropy():
    plain = header("K       = 'a&'", "CONTINUE  'b'", "L       = 1")
    assert plain is not None
    assert plain.get("K") is UNKNOWN
    assert plain.get("L") == 1


def everything(path: Path) -> dict[str, object]:
    """All that the readers say of a file, None where they refuse it."""
    out: dict[str, object] = {}
    for read in (inspect, read_pha, read_arf, read_rmf):
        out[read.__name__] = None
        with suppress(OgipError):
            found = dict(vars(read(path)))
            if "matrix" in found:
                found["matrix"] = found["matrix"].toarray()
            out[read.__name__] = {
                name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()
            }
    return out


def by_astropy_alone(path: Path) -> dict[str, object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_hdus.PlainHeader, "read", classmethod(lambda *_: None))
        return everything(path)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_damaged_files_read_as_with_astropy_alone(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "plain"
    folder.mkdir(exist_ok=True)
    which = data.draw(st.sampled_from(["pha", "arf", "rmf"]))
    whole = folder / which
    if not whole.exists():
        {"pha": lambda p: write_pha(p, COUNTS, extra_hdus=2), "arf": write_arf, "rmf": write_rmf}[which](whole)
    content = bytearray(whole.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    # headers: that is where plain and odd part
    letters = st.sampled_from(list(b" '=/.:0123456789ABDEIJKNSTX-+&\0\xff"))
    for _ in range(data.draw(st.integers(1, 4))):
        if content:
            content[data.draw(st.integers(0, min(len(content), 9000) - 1))] = data.draw(letters)
    path = folder / "damaged"
    path.write_bytes(gzip.compress(bytes(content)) if data.draw(st.booleans()) else bytes(content))
    ours = everything(path)
    for name, said in by_astropy_alone(path).items():
        # A keyword that nobody asks for may be damaged: then astropy refuses what can be read.
        assert said is None or ours[name] == said, name


@pytest.mark.parametrize("fmt", ["B", "I", "J", "K", "E", "D", "3I", "0I", "L", "5A", "9X", "PI()"])
def test_columns_of_every_kind_are_astropys(tmp_path, fmt):
    n = 7
    numbers = np.arange(n) % 2 if fmt in ("B", "L") else np.arange(n) + 1
    values: object = numbers
    if fmt == "3I":
        values = np.arange(3 * n).reshape(n, 3)
    elif fmt == "5A":
        values = np.array(["word"] * n)
    elif fmt == "9X":
        values = np.ones((n, 9), bool)
    elif fmt == "PI()":
        values = np.array([np.arange(i + 1, dtype=np.int16) for i in range(n)], object)
    columns = [fits.Column("A", "J", array=np.arange(n)), fits.Column("V", fmt, array=values)]
    columns.append(fits.Column("Z", "D", array=np.arange(n) / 3))
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(tmp_path / "t")
    data = (tmp_path / "t").read_bytes()
    hdu = list(_hdus.walk(data, tmp_path))[1]
    with fits.open(tmp_path / "t", character_as_bytes=True) as expected:
        for name in ("A", "V", "Z"):
            got = hdu.column(name)
            want = np.asarray(expected[1].data.field(name))
            assert got.shape == want.shape
            assert all(np.array_equal(x, y) for x, y in zip(got, want, strict=True))
    assert hdu.n_rows == n


@pytest.mark.realdata
def test_real_files_read_as_with_astropy_alone(ogip):
    files = [path for path in sorted(ogip.rglob("*")) if path.is_file() and path.stat().st_size < 300_000]
    assert len(files) > 150
    for path in files[::5]:
        assert everything(path) == by_astropy_alone(path), path
