"""Binary tables as the bytes of a FITS file (FITS 4.0, section 7.3): the writing counterpart of `vae.spectra._hdus`.

An archive of products has three files a detection, and astropy's HDU objects take some 10 ms a file, most of it for
headers. What is written here needs little of FITS: keywords of short values, rows, a heap.
"""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Keyword, value, comment. COMMENT and HISTORY repeat; every other keyword stands once.
Card = tuple[str, str | bool | int | float, str]

#: Bytes of a FITS block, which headers and data fill; of a card; letters of a keyword.
_BLOCK: Final = 2880
_CARD: Final = 80
_KEYWORD: Final = 8
#: Code of a column's type by kind and size of a numpy type (FITS 4.0, table 18).
_CODES: Final = {"u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
#: Cards kept: those of one archive that repeat are far fewer.
_MOST_CARDS: Final = 1 << 14


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
    values : array, shape (n_rows,) or (n_rows, m); or sequence of arrays
        Numbers, truth values or ASCII strings. A sequence of one-dimensional arrays is a column of variable length.
    unit : str
        FITS-standard unit, empty where there is none.
    comment : str
        What the column is, for people.
    """

    name: str
    values: NDArray[Any] | Sequence[NDArray[Any]]
    unit: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """One HDU.

    Parameters
    ----------
    name : str
        EXTNAME.
    columns : sequence of Column
    cards : sequence of Card
        Keywords beyond those that describe the table.
    """

    name: str
    columns: Sequence[Column]
    cards: Sequence[Card] = field(default=())


def fits_file(primary: Iterable[Card], tables: Iterable[Table]) -> bytes:
    """Return a whole file: a primary HDU without data, then the tables.

    Parameters
    ----------
    primary : iterable of Card
        Keywords of the primary header.
    tables : iterable of Table
    """
    first: list[Card] = [
        ("SIMPLE", True, "conforms to the FITS standard"),
        ("BITPIX", 8, "bits per data value"),
        ("NAXIS", 0, "no data in this HDU"),
        ("EXTEND", True, "extensions may follow"),
        *primary,
    ]
    return b"".join([_header(first), *map(_table, tables)])


def packed(data: bytes) -> bytes:
    """Compress a file as gzip, without a time stamp: the same bytes give the same bytes."""
    out = io.BytesIO()
    # Level 1: a quarter larger than the default and four times faster, and some 6,000 files are written at a time.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=out, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


def _table(table: Table) -> bytes:
    """Encode one table: header, rows, heap."""
    n_rows = len(table.columns[0].values)
    fields: list[tuple[str, NDArray[Any]]] = []
    forms: list[str] = []
    heap: list[bytes] = []
    for column in table.columns:
        if len(column.values) != n_rows:
            raise ValueError(f"column {column.name} of {table.name} has {len(column.values)} rows, not {n_rows}")
        if isinstance(column.values, np.ndarray):
            values, form = _encoded(column.values)
        else:
            values, form, data = _ragged(column.values, sum(map(len, heap)))
            heap.append(data)
        fields.append((column.name, values))
        forms.append(form)
    rows = np.empty(n_rows, [(name, values.dtype, values.shape[1:]) for name, values in fields])
    for name, values in fields:
        rows[name] = values
    extra = b"".join(heap)
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "8-bit bytes"),
        ("NAXIS", 2, "2-dimensional binary table"),
        ("NAXIS1", rows.dtype.itemsize, "width of table in bytes"),
        ("NAXIS2", n_rows, "number of rows in table"),
        ("PCOUNT", len(extra), "bytes after the rows"),
        ("GCOUNT", 1, "one data group"),
        ("TFIELDS", len(fields), "number of columns"),
    ]
    for number, (column, form) in enumerate(zip(table.columns, forms, strict=True), start=1):
        cards += [(f"TTYPE{number}", column.name, column.comment), (f"TFORM{number}", form, "")]
        if column.unit:
            cards.append((f"TUNIT{number}", column.unit, ""))
    cards += [("EXTNAME", table.name, ""), *table.cards]
    return _header(cards) + _filled(rows.tobytes() + extra, b"\0")


def _encoded(values: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Return values as FITS stores them (big-endian), and their TFORM."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    repeat = str(values.shape[1]) if values.ndim > 1 else ""
    if kind == "b":
        return np.where(values, b"T", b"F").astype("S1"), f"{repeat}L"
    if kind in "US":
        text = values.astype("S") if kind == "U" else values
        return text, f"{max(text.dtype.itemsize, 1)}A"
    return values.astype(values.dtype.newbyteorder(">")), repeat + _CODES[f"{kind}{size}"]


def _ragged(lines: Sequence[NDArray[Any]], start: int) -> tuple[NDArray[Any], str, bytes]:
    """Return descriptors (length and place in the heap), TFORM and heap of a column of variable length."""
    lengths = np.array([line.size for line in lines], np.int64)
    data, form = _encoded(np.concatenate(lines))
    places = start + (np.cumsum(lengths) - lengths) * data.dtype.itemsize
    return np.column_stack([lengths, places]).astype(">i4"), f"1P{form}({lengths.max()})", data.tobytes()


def _header(cards: Iterable[Card]) -> bytes:
    images = [*(_image(*card) for card in cards), "END".ljust(_CARD)]
    return _filled("".join(images).encode("ascii"), b" ")


def _filled(data: bytes, padding: bytes) -> bytes:
    return data + padding * (-len(data) % _BLOCK)


@lru_cache(maxsize=_MOST_CARDS, typed=True)  # typed: 1, 1.0 and True are three cards
def _image(keyword: str, value: str | bool | int | float, comment: str) -> str:
    """Return a card in fixed format (FITS 4.0, section 4.2); a comment that is too long for it is cut.

    Raises
    ------
    ValueError
        When keyword or value do not fit into a card, or the value is not finite.
    """
    if keyword in ("COMMENT", "HISTORY"):
        image = f"{keyword:<8}{value}"
    else:
        image = f"{keyword:<8}= {_value(value)}"
    if len(keyword) > _KEYWORD or len(image) > _CARD:
        raise ValueError(f"{keyword} = {value!r} does not fit into a FITS card")
    return (f"{image} / {comment}" if comment else image)[:_CARD].ljust(_CARD)


def _value(value: str | bool | int | float) -> str:
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted:<8}'".ljust(20)
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no value of a FITS keyword")
    return f"{repr(value).upper():>20}"
