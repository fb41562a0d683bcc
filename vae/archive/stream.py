"""The first table of a FITS file as a stream of blocks of rows: memory does not grow with the table, packed or not.

A released catalogue is 1.5 GB of rows. Mapped into memory its pages count as this process's, and unpacked to a
temporary file it may fill the disk; read from front to back, a gzipped one as it is unpacked, it needs neither.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from astropy import units
from astropy.io import fits
from numpy.typing import NDArray

from vae.archive.columns import CatalogueColumn
from vae.errors import CatalogueError

_GZIP: Final = b"\x1f\x8b"
#: FITS comes in blocks of this size.
_BLOCK: Final = 2880
#: Longest header looked at: of a table of 336 columns with every keyword for each, and some history.
_MOST_HEADER_BLOCKS: Final = 4096
#: Bytes of a block of rows: large enough to be read fast, small beside everything else in memory.
BLOCK_BYTES: Final = 1 << 24
#: Letters of TFORM, and what numpy calls them.
_TYPES: Final = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "A": "S"}
#: Bytes of an element of those that are stepped over.
_OTHER_SIZES: Final = {"C": 8, "M": 16, "P": 8, "Q": 16}
#: Values of a logical column, and of one that says it in words or numbers.
_TRUE: Final = frozenset({"T", "TRUE", "Y", "YES", "1"})
_FALSE: Final = frozenset({"F", "FALSE", "N", "NO", "0"})
#: Columns of VizieR that are named like the catalogue whose names of sources they hold without it.
_NAME_WITHOUT_CATALOGUE: Final = re.compile(r"_?([1-4]XMM)")
#: What a damaged file, or one that is no FITS file, makes the readers raise.
_DAMAGE: Final = (OSError, EOFError, ValueError, TypeError, LookupError, zlib.error, fits.VerifyError)


class SupportsRead(Protocol):
    """A binary file, packed or not."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at its end."""


@dataclass(frozen=True)
class Field:
    """A column as the file has it.

    Parameters
    ----------
    name : str
    dtype : str
        numpy's, big-endian; empty for one that holds no single values.
    offset : int
        Bytes from the start of a row.
    null : int, optional
        Stands for no value (integers).
    unit : str
    scale, zero : float
        Of stored values.
    """

    name: str
    dtype: str
    offset: int
    null: int | None = None
    unit: str = ""
    scale: float = 1.0
    zero: float = 0.0


@dataclass(frozen=True)
class Rows:
    """Some rows of a table.

    Parameters
    ----------
    table : TableStream
    raw : structured array
        A block as it stands in the file.
    place : array of int, optional
        Those of the block that are meant; all by default. (Picking them out would copy all columns of the file.)
    """

    table: TableStream
    raw: NDArray[Any]
    place: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.raw if self.place is None else self.place)

    def __getitem__(self, rows: NDArray[Any]) -> Rows:
        """Return some of them."""
        return Rows(self.table, self.raw, rows if self.place is None else self.place[rows])

    def column(self, column: CatalogueColumn) -> pd.Series:
        """Return one column in its type and unit, null where TNULL, NaN or a blank says so, or all of it.

        Raises
        ------
        CatalogueError
            When the column's values are of another kind.
        """
        field = self.table.field(column)
        if field is None:
            return pd.Series([None] * len(self), dtype=nullable(column))
        try:
            if not field.dtype:
                raise ValueError("several values a row")
            raw = self.raw[field.name] if self.place is None else self.raw[field.name][self.place]
            if column.dtype == "str":
                return _text(raw, field, column)
            if column.dtype == "bool" and raw.dtype.kind == "S":
                return _truth(raw)
            values, absent = _numbers(raw, field, self.table.factor(column))
            whole = column.dtype.startswith("int") and values.dtype.kind == "f"
            if whole and np.any(values[~absent] != np.rint(values[~absent])):
                raise ValueError("fractions")
            series = pd.Series(np.where(absent, 0, values)).astype(column.dtype).astype(nullable(column))
        except _DAMAGE as error:
            kind = "text" if column.dtype == "str" else column.dtype
            raise CatalogueError(
                f"column {field.name} does not hold {kind} ({error})", where=self.table.path
            ) from error
        return series.mask(pd.Series(absent, dtype="bool")) if np.any(absent) else series


class TableStream:
    """The first binary table of an open file.

    Parameters
    ----------
    path : Path
        For error messages.
    file : SupportsRead
        At its start; only ever read forward.

    Attributes
    ----------
    fields : dict of str to Field
        By name in upper case, in the file's order.
    n_rows : int
    """

    def __init__(self, path: Path, file: SupportsRead) -> None:
        self.path, self._file = path, file
        header = _next_header(file, path)
        while str(header.get("XTENSION", "")).strip() != "BINTABLE":
            _skip(file, _data_size(header))
            following = _next_header(file, path, first=False)
            if following is None:
                raise CatalogueError("has no table", where=path, todo="Give a FITS file with a catalogue of detections")
            header = following
        self.n_rows, self._width = int(header["NAXIS2"]), int(header["NAXIS1"])
        self.fields = {field.name.upper(): field for field in _fields(header)}
        self._names = {name: field.name for name, field in self.fields.items()}

    def field(self, column: CatalogueColumn) -> Field | None:
        """Return what holds a column's values, under its own name or another; None where nothing does."""
        name = column.named(self._names)
        return None if name is None else self.fields[name.upper()]

    def factor(self, column: CatalogueColumn) -> float:
        """Return what values in the file's unit are multiplied by.

        Raises
        ------
        CatalogueError
            When the file has the column in a unit of something else.
        """
        field = self.field(column)
        if field is None or not column.unit or not field.unit:
            return 1.0
        unit = units.Unit(field.unit, parse_strict="silent")
        if isinstance(unit, units.UnrecognizedUnit):  # 'MJD', 'counts': there are many ways to write them
            return 1.0
        try:
            factor = float(unit.to(units.Unit(column.unit)))
        except units.UnitConversionError:
            factor = np.nan
        if not np.isfinite(factor) or (column.unit == "d" and factor != 1.0):  # a date has a zero as well
            raise CatalogueError(
                f"column {field.name} is in {field.unit}, where {column.description} [{column.unit}] is needed",
                where=self.path,
                todo="Convert it, or give the catalogue as it was released",
            )
        return factor

    def blocks(self, wanted: Sequence[CatalogueColumn]) -> Iterator[Rows]:
        """Yield all rows, some at a time; only `wanted` columns are there to be asked for.

        Raises
        ------
        CatalogueError
            When the file ends before its last row.
        """
        dtype = self._dtype(wanted)
        done, step = 0, max(1, BLOCK_BYTES // max(self._width, 1))
        while done < self.n_rows:
            n = min(step, self.n_rows - done)
            data = _read(self._file, n * self._width)
            if len(data) < n * self._width:
                raise CatalogueError(
                    f"is cut off after {done + len(data) // self._width:,} of {self.n_rows:,} rows",
                    where=self.path,
                    todo="Fetch the catalogue again",
                )
            yield Rows(self, np.frombuffer(data, dtype, n))
            done += n

    def none(self, wanted: Sequence[CatalogueColumn]) -> Rows:
        """Return no rows, with the columns that `blocks` gives."""
        return Rows(self, np.empty(0, self._dtype(wanted)))

    def _dtype(self, wanted: Sequence[CatalogueColumn]) -> np.dtype[Any]:
        fields = {field.name: field for field in map(self.field, wanted) if field is not None and field.dtype}
        return np.dtype(
            {
                "names": list(fields),
                "formats": [field.dtype for field in fields.values()],
                "offsets": [field.offset for field in fields.values()],
                "itemsize": self._width,
            }
        )


@contextmanager
def table_stream(path: Path) -> Iterator[TableStream]:
    """Open the first table of a FITS file, gzipped or not.

    Raises
    ------
    CatalogueError
        When there is no such file, it is no FITS file, damaged, or without a table.
    """
    if not path.is_file():
        raise CatalogueError("no such file", where=path, todo="Check the path of the catalogue")
    try:
        with path.open("rb") as start:
            is_packed = start.read(2) == _GZIP
        with gzip.open(path) if is_packed else path.open("rb") as file:
            yield TableStream(path, file)
    except _DAMAGE as error:
        raise CatalogueError(
            f"cannot be read as a FITS file ({error})", where=path, todo="Fetch the catalogue again"
        ) from error


def nullable(column: CatalogueColumn) -> str:
    """Return the pandas type of a column, that can hold nulls."""
    return {"int64": "Int64", "int32": "Int32", "int16": "Int16", "bool": "boolean"}.get(column.dtype, column.dtype)


def _text(raw: NDArray[Any], field: Field, column: CatalogueColumn) -> pd.Series:
    text = pd.Series(np.char.strip(raw.astype("U")), dtype="str")
    if column.name == "OBS_ID":
        # Some tables hold OBS_ID as a number, and those that went through one have lost its zeros.
        text = text.str.zfill(10).where(text != "")
        return text.mask(pd.Series(raw == field.null)) if field.null is not None else text
    catalogue = _NAME_WITHOUT_CATALOGUE.fullmatch(field.name.upper())
    if catalogue is not None:
        text = text.where(~text.str.startswith("J"), f"{catalogue[1]} " + text)
    return text


def _truth(raw: NDArray[Any]) -> pd.Series:
    said = pd.Series(np.char.upper(np.char.strip(raw.astype("U"))), dtype="str")
    unknown = sorted(set(said.unique()) - _TRUE - _FALSE - {"", "\0"})
    if unknown:
        raise ValueError(f"neither true nor false: {unknown[0]!r}")
    return said.isin(_TRUE).astype("boolean").mask(~said.isin(_TRUE | _FALSE))


def _numbers(raw: NDArray[Any], field: Field, factor: float) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values as they are meant, and where there are none."""
    native = raw.astype(raw.dtype.newbyteorder("="))
    if native.dtype.kind == "f":
        absent = ~np.isfinite(native)
    else:
        absent = np.zeros(len(native), bool) if field.null is None else np.asarray(native == field.null)
    if field.scale != 1.0 or field.zero != 0.0:
        whole = field.scale == 1.0 and float(field.zero).is_integer() and native.dtype.kind in "iu"
        native = native.astype(np.int64) + int(field.zero) if whole else native * field.scale + field.zero
    return (native if factor == 1.0 else native * factor), absent


def _fields(header: Mapping[str, Any]) -> Iterator[Field]:
    offset = 0
    for number in range(1, int(header["TFIELDS"]) + 1):
        form = re.match(r"\s*(\d*)([A-Z])", str(header[f"TFORM{number}"]))
        if form is None:
            raise ValueError(f"TFORM{number} is {header[f'TFORM{number}']!r}")
        count, letter = int(form[1] or 1), form[2]
        kind = _TYPES.get(letter, "")
        if letter == "A":
            size, dtype = count, f"S{count}" if count else ""
        elif letter == "X":
            size, dtype = -(-count // 8), ""
        elif kind:
            size, dtype = count * np.dtype(kind).itemsize, kind if count == 1 else ""
        else:
            size, dtype = count * _OTHER_SIZES[letter], ""
        null = header.get(f"TNULL{number}")
        yield Field(
            str(header.get(f"TTYPE{number}", f"col{number}")).strip(),
            dtype,
            offset,
            None if null is None else int(null),
            str(header.get(f"TUNIT{number}", "")).strip(),
            float(header.get(f"TSCAL{number}", 1.0)),
            float(header.get(f"TZERO{number}", 0.0)),
        )
        offset += size


def _next_header(file: SupportsRead, path: Path, *, first: bool = True) -> Any:
    """Read the header that comes next; None at the end of the file."""
    text = b""
    for _ in range(_MOST_HEADER_BLOCKS):
        block = _read(file, _BLOCK)
        if not text and not block.strip(b"\0 ") and not first:
            return None
        if not text and first and not block.startswith(b"SIMPLE  ="):
            raise ValueError(_other_than_fits(block))
        if len(block) < _BLOCK:
            raise EOFError("it ends within a header")
        text += block
        card = block.rstrip(b" ")
        if card.endswith(b"END") and len(card) % 80 == 3:
            return fits.Header.fromstring(text.decode("ascii"))
    raise ValueError("its header does not end")


def _other_than_fits(start: bytes) -> str:
    if not start:
        return "it is empty"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page, as servers send in place of a file"
    return "it does not begin with SIMPLE"


def _data_size(header: Mapping[str, Any]) -> int:
    """Bytes between a header and the next (FITS standard 4.0, 4.4.1)."""
    axes = [int(header[f"NAXIS{i}"]) for i in range(1, int(header.get("NAXIS", 0)) + 1)]
    if not axes:
        return 0
    elements = int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + int(np.prod(axes, dtype=np.int64)))
    return -(-abs(int(header["BITPIX"])) // 8 * elements // _BLOCK) * _BLOCK


def _skip(file: SupportsRead, size: int) -> None:
    while size > 0:
        passed = len(file.read(min(size, BLOCK_BYTES)))
        if not passed:
            return
        size -= passed


def _read(file: SupportsRead, size: int) -> bytes:
    """Read that many bytes, or what is left."""
    data = file.read(size)
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data
