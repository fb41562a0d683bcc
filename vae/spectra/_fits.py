"""Just enough of FITS for OGIP files: headers and binary tables, out of bytes in memory.

astropy.io.fits does all of FITS and takes ten times as long, most of it for headers nobody asks about; an archive has
a million files. The tests compare every value with astropy's. Standard: FITS 4.0, sections 4 and 7.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError

_BLOCK: Final = 2880
_CARD: Final = 80
_STRING: Final = re.compile(r"\s*'((?:[^']|'')*)'?")
_FORM: Final = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])\s*(\d*)([LXBIJKAEDCMPQ]?)", re.IGNORECASE)
_TYPES: Final = {
    "L": "S1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "A": "S1", "E": ">f4", "D": ">f8",
    "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8",
}  # fmt: skip
#: More HDUs than any spectrum has, and more columns.
_MOST_HDUS: Final = 64
_MOST_COLUMNS: Final = 999


class Header:
    """The keywords of one HDU; values are parsed when asked for.

    Parameters
    ----------
    block : bytes
        The header's 80-character cards, without END.
    """

    def __init__(self, block: bytes) -> None:
        self._cards: dict[str, str] = {}
        last = ""
        text = block.decode("ascii", "replace")
        for start in range(0, len(text), _CARD):
            keyword = text[start : start + 8].rstrip()
            if keyword == "CONTINUE" and last:
                self._cards[last] += text[start : start + _CARD]
            elif text[start + 8 : start + 9] == "=" and keyword not in self._cards:
                last = keyword.upper()
                self._cards[last] = text[start : start + _CARD]
            else:
                last = ""

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return a keyword's value (str, bool, int, float), `default` where it is absent or has none."""
        card = self._cards.get(keyword)
        if card is None:
            return default
        raw = card[10:_CARD]
        if raw.lstrip().startswith("'"):
            return _string(card)
        raw = raw.split("/", 1)[0].strip()
        if raw in ("T", "F"):
            return raw == "T"
        for kind in (int, float):
            try:
                return kind(raw.replace("D", "E").replace("d", "e") if kind is float else raw)
            except ValueError:
                continue
        return raw or default

    def whole(self, keyword: str) -> int:
        """Return a keyword that must be a whole number at least 0.

        Raises
        ------
        ValueError
            When it is not.
        """
        value = self.get(keyword, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{keyword} = {value!r} is no count")
        return value


def _string(card: str) -> str:
    """Parse a string, continued over CONTINUE cards where it ends in '&'."""
    value = ""
    for start in range(0, len(card), _CARD):
        match = _STRING.match(card[start + (10 if start == 0 else 8) : start + _CARD])
        value = value.removesuffix("&") + (match[1].replace("''", "'").rstrip() if match else "")
        if not value.endswith("&"):
            break
    return value


@dataclass(frozen=True)
class _Column:
    name: str
    dtype: np.dtype[Any]
    element: str  # code of the elements of an array of variable length, else empty
    scale: float
    zero: float
    unit: str


@dataclass(frozen=True)
class Hdu:
    """One header with its data.

    Parameters
    ----------
    header : Header
    data : bytes
        The whole file.
    start : int
        Where this HDU's data begin.
    path : Path
    number : int
    """

    header: Header
    data: bytes = field(repr=False)
    start: int
    path: Path
    number: int

    @property
    def name(self) -> str:
        """EXTNAME, or the HDU's number."""
        return str(self.header.get("EXTNAME") or self.number)

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return self._whole("NAXIS2")

    @cached_property
    def _columns(self) -> dict[str, _Column]:
        header = self.header
        out: dict[str, _Column] = {}
        for i in range(1, min(self._whole("TFIELDS"), _MOST_COLUMNS) + 1):
            form = _FORM.match(str(header.get(f"TFORM{i}")))
            if form is None:
                raise self._damaged(f"TFORM{i} = {header.get(f'TFORM{i}')!r}")
            code, repeat = form[2].upper(), int(form[1] or 1)
            element = ""
            if code in "PQ":
                element = form[4].upper()
                shape: tuple[int, ...] = (2,)
                if element not in _TYPES or repeat > 1:
                    raise self._damaged(f"TFORM{i} = {header.get(f'TFORM{i}')!r}")
                if repeat == 0:
                    shape = (0,)
            elif code == "A":
                shape = ()
            elif code == "X":
                shape = (-(-repeat // 8),)
            else:
                shape = () if repeat == 1 else (repeat,)
            if repeat > self._whole("NAXIS1") * 8:
                raise self._damaged(f"TFORM{i} is wider than the table")
            dtype = np.dtype((f"S{repeat}" if code == "A" else _TYPES[code], shape))
            name = str(header.get(f"TTYPE{i}", "")).upper() or f"COL{i}"
            scale, zero = (
                float(value) if isinstance(value := header.get(f"{key}{i}"), int | float) else default
                for key, default in (("TSCAL", 1.0), ("TZERO", 0.0))
            )
            out[name if name not in out else f"{name} ({i})"] = _Column(
                name, dtype, element, scale, zero, str(header.get(f"TUNIT{i}", ""))
            )
        return out

    @property
    def columns(self) -> list[str]:
        """Names of the columns, upper case."""
        return list(self._columns)

    def unit(self, name: str) -> str:
        """Return the unit of a column as the file has it, empty where it has none."""
        return self._columns[name].unit

    @cached_property
    def _table(self) -> NDArray[Any]:
        width, rows = self._whole("NAXIS1"), self.n_rows
        dtypes = [column.dtype for column in self._columns.values()]
        offsets = np.concatenate([[0], np.cumsum([dtype.itemsize for dtype in dtypes])]).tolist()
        if offsets.pop() > width:
            raise self._damaged("columns are wider than the table")
        if self.start + width * rows > len(self.data):
            raise self._damaged(f"cut short: {rows} rows of {width} bytes do not fit into what is left")
        names = [str(i) for i in range(len(dtypes))]  # TTYPEs may repeat
        row = np.dtype({"names": names, "formats": dtypes, "offsets": offsets, "itemsize": width})
        return np.frombuffer(self.data, row, rows, self.start) if rows else np.empty(0, row)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column in machine byte order, scaled; arrays of variable length as an object array of arrays."""
        info, values = self._columns[name], self._table[str(self.columns.index(name))]
        if info.element:
            return self._ragged(values, info.element)
        if values.dtype.kind in "iuf":
            values = values.astype(values.dtype.newbyteorder("="))
            if (info.scale, info.zero) != (1.0, 0.0):
                values = values * info.scale + info.zero
        return values

    def _ragged(self, descriptors: NDArray[Any], code: str) -> NDArray[Any]:
        dtype = np.dtype(_TYPES[code])
        heap = self.start + (self._whole("THEAP") or self._whole("NAXIS1") * self.n_rows)
        out = np.empty(len(descriptors), object)
        for i, (length, offset) in enumerate(descriptors.tolist()):
            if length < 0 or offset < 0 or heap + offset + length * dtype.itemsize > len(self.data):
                raise self._damaged(f"cut short: the array of row {i + 1} lies outside the file")
            out[i] = np.frombuffer(self.data, dtype, length, heap + offset)
        return out

    def _whole(self, keyword: str) -> int:
        try:
            return self.header.whole(keyword)
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, what: str) -> OgipError:
        return OgipError(f"damaged as a FITS file ({what})", file=self.path, hdu=self.name, todo="Fetch the file again")


def walk(data: bytes, path: Path) -> Iterator[Hdu]:
    """Go through the HDUs of a file one by one, as far as they are asked for.

    Parameters
    ----------
    data : bytes
        A whole file, or its beginning: an HDU whose header is cut ends the walk.
    path : Path
        For error messages.

    Raises
    ------
    OgipError
        For a primary header that does not end, or sizes that make no sense.
    """
    start = 0
    for number in range(_MOST_HDUS):
        end = _header_end(data, start)
        if end is None or (number and not data.startswith(b"XTENSION", start)):
            if number == 0:
                raise OgipError("damaged as a FITS file (its header has no end)", file=path, todo="Fetch it again")
            return
        header = Header(data[start:end])
        body = -(-(end + _CARD) // _BLOCK) * _BLOCK
        hdu = Hdu(header, data, body, path, number)
        yield hdu
        try:
            axes = [header.whole(f"NAXIS{i + 1}") for i in range(header.whole("NAXIS"))]
            cells = int(np.prod(axes, dtype=object)) if axes else 0
            size = abs(int(header.get("BITPIX", 8))) // 8 * (cells + header.whole("PCOUNT"))
        except (ValueError, TypeError) as error:
            raise OgipError(f"damaged as a FITS file ({error})", file=path, hdu=hdu.name) from error
        start = body + -(-size // _BLOCK) * _BLOCK


def _header_end(data: bytes, start: int) -> int | None:
    """Where the END card of the header at `start` begins."""
    place = start
    while (place := data.find(b"END     ", place)) >= 0:
        if (place - start) % _CARD == 0:
            return place
        place += 1
    return None
