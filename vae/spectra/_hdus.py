"""The one place where FITS is read: HDUs out of bytes in memory, as astropy.io.fits sees them.

Plain headers and columns are taken straight from the bytes (`vae.spectra._cards`), all else is astropy's. Files come
from anywhere, so whatever astropy raises on a damaged one becomes an `OgipError` that names file and HDU, and sizes
that no spectrum has are refused before memory is given to them.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.spectra._cards import UNKNOWN, PlainColumn, PlainHeader

#: More HDUs than any spectrum has; as many columns as FITS 4.0 allows.
_MOST_HDUS: Final = 64
_MOST_COLUMNS: Final = 999
#: Axes as FITS 4.0 allows, in a header larger than any real one; astropy makes a list as long as NAXIS says.
_MANY_AXES: Final = re.compile(rb"NAXIS\s*=\s*\+?0*[1-9]\d{3}", re.IGNORECASE)
_MOST_HEADER: Final = 4 << 20
_CARD: Final = 80
#: Values of a column of arrays of variable length: 25 times those of the largest real matrices.
_MOST_VALUES: Final = 1 << 28
#: What astropy raises, beyond its own errors, when the structure of a file is damaged.
_DAMAGE: Final = (
    OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError,
    AssertionError, UnboundLocalError, fits.VerifyError, Warning,
)  # fmt: skip


class _Astropy:
    """A file as astropy sees it, opened when it is first asked for."""

    def __init__(self, data: bytes, path: Path) -> None:
        self._data, self._path = data, path
        self._hdus: Any = None
        self._checked = -1

    def hdu(self, number: int) -> Any:
        """Return an HDU, headers before it checked first."""
        if self._hdus is None:
            _check_axes(self._data, 0, self._path, 0)
            with _reading(self._path, 0):
                # Compressed images stay tables, strings stay bytes: neither is wanted, both take time.
                self._hdus = fits.open(
                    io.BytesIO(self._data), memmap=False, lazy_load_hdus=True, disable_image_compression=True,
                    character_as_bytes=True,
                )  # fmt: skip
        hdu = None
        for place in range(self._checked + 1, number + 1):
            start = 0 if place == 0 else _end(self._hdus[place - 1])
            _check_axes(self._data, start, self._path, place)
            with _reading(self._path, place):
                hdu = self._hdus[place]
            self._checked = place
        return self._hdus[number] if hdu is None else hdu


class Hdu:
    """One header with its data.

    Parameters
    ----------
    plain : PlainHeader or None
        Its header, where that is plain: what it does not know, astropy is asked for.
    file : _Astropy
    data : bytes
        The whole file.
    path : Path
        For error messages, as is `number`.
    number : int
    """

    def __init__(self, plain: PlainHeader | None, file: _Astropy, data: bytes, path: Path, number: int) -> None:
        self._plain, self._file, self._data = plain, file, data
        self.path = path
        self.number = number
        self._values: dict[str, Any] = {}

    def get(self, keyword: str) -> Any:
        """Return a keyword's value (str, bool, int, float); None where it is absent or has none."""
        if keyword not in self._values:
            value = UNKNOWN if self._plain is None else self._plain.get(keyword)
            if value is UNKNOWN:
                card = self._cards.get(keyword)
                value = None if card is None else self._value(card)
            self._values[keyword] = value
        return self._values[keyword]

    def _value(self, card: Any) -> Any:
        try:
            value = card.value
        except (fits.VerifyError, ValueError):  # text without its closing quote, say; a number that is none stays text
            with _reading(self.path, self.number):
                card.verify("silentfix")
                value = card.value
        return None if isinstance(value, fits.card.Undefined) else value

    @cached_property
    def _hdu(self) -> Any:
        """What astropy makes of it."""
        return self._file.hdu(self.number)

    @cached_property
    def _cards(self) -> dict[str, Any]:
        """Cards by keyword, the first of each; asking astropy's Header again and again takes several times as long."""
        cards: dict[str, Any] = {}
        header = self._hdu.header
        with _reading(self.path, self.number):
            for card in header.cards:
                cards.setdefault(card.keyword, card)
        return cards

    @cached_property
    def name(self) -> str:
        """EXTNAME, or the HDU's number."""
        return str(self.get("EXTNAME") or self.number)

    @cached_property
    def _layout(self) -> list[PlainColumn] | None:
        """Columns of a plain table that is there whole, else None."""
        if self._plain is None or self._plain.data_start + self._plain.data_size > len(self._data):
            return None
        return self._plain.columns()

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns, upper case; empty where the HDU is no table."""
        if self._layout is not None:
            return [column.name for column in self._layout]
        if not isinstance(self._hdu, fits.BinTableHDU):
            return []
        n_columns = self.get("TFIELDS")
        if not isinstance(n_columns, int) or not 0 <= n_columns <= _MOST_COLUMNS:
            raise self._damaged(f"TFIELDS = {n_columns!r}")
        with _reading(self.path, self.name):
            return [str(name).upper() for name in self._hdu.columns.names]

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return int(self.get("NAXIS2")) if self._layout is not None else len(self._table)

    def unit(self, name: str) -> str:
        """Return the unit of a column as the file has it, empty where it has none."""
        return str(self.get(f"TUNIT{self.columns.index(name) + 1}") or "").strip()

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, scaled; arrays of variable length as an object array of arrays."""
        place = self.columns.index(name)
        if self._layout is not None and self._plain is not None and self._layout[place].dtype:
            return self._plain.values(self._data, self._layout[place])
        with _reading(self.path, self.name):
            if self._form(place) in ("P", "Q"):
                self._check_descriptors(place)
            return np.asarray(self._table.field(place))

    def _form(self, place: int) -> str:
        """Code of a column's type."""
        return str(self._hdu.columns.formats[place]).lstrip("0123456789")[:1].upper()

    def _check_descriptors(self, place: int) -> None:
        """Refuse arrays of variable length that astropy would cut, or read from before the heap, without a word."""
        descriptors = self._table.view(np.ndarray)[self._table.dtype.names[place]].astype(np.int64)
        if np.any(descriptors < 0) or descriptors[:, :1].sum(dtype=float) > _MOST_VALUES:
            raise ValueError(f"arrays of impossible length or place in column {self.columns[place]}")

    @cached_property
    def _table(self) -> Any:
        rows, width = self.get("NAXIS2"), self.get("NAXIS1")
        if not (self.columns and isinstance(rows, int) and isinstance(width, int)):
            raise self._damaged("no table")
        with _reading(self.path, self.name):
            if self._hdu.columns.dtype.itemsize > width:
                raise self._damaged("columns are wider than the table")
            if rows < 0 or rows * max(width, 1) > len(self._data):
                raise self._damaged(f"{rows} rows of {width} bytes do not fit into it")
            return self._hdu.data

    def _damaged(self, what: str) -> OgipError:
        return _damaged(what, self.path, self.name)


def walk(data: bytes, path: Path, *, prefix: bool = False) -> Iterator[Hdu]:
    """Go through the HDUs of a file one by one, as far as they are asked for.

    Parameters
    ----------
    data : bytes
    path : Path
        For error messages.
    prefix : bool
        The data may be the beginning of a file only: an HDU that cannot be read ends the walk, except the first.

    Raises
    ------
    OgipError
        For headers that cannot be read.
    """
    file = _Astropy(data, path)
    end = 0
    for number in range(_MOST_HDUS):
        plain = PlainHeader.read(data, end)
        if plain is not None:
            end, cut = plain.end, plain.data_start + plain.data_size > len(data)
        else:
            try:
                hdu = file.hdu(number)
                with _reading(path, number):
                    end, cut = _end(hdu), hdu.fileinfo()["datLoc"] + hdu.size > len(data)
            except OgipError:
                if prefix and number:
                    return
                raise
        yield Hdu(plain, file, data, path, number)
        if cut and not prefix:
            raise _damaged("it ends within the data of this HDU", path, str(number))
        if not data.startswith(b"XTENSION", end):  # padding, or the special records of FITS 4.0, section 3.5
            return


def _end(hdu: Any) -> int:
    """Where the next HDU begins, by astropy."""
    place = hdu.fileinfo()
    return int(place["datLoc"] + place["datSpan"])


def _check_axes(data: bytes, start: int, path: Path, number: int) -> None:
    """Refuse the header at `start` where it has no end, or more axes than there is memory for."""
    for place in range(start, min(len(data), start + _MOST_HEADER), _CARD):
        card = data[place : place + _CARD]
        if card.startswith(b"END     "):
            return
        if _MANY_AXES.match(card):
            raise _damaged(card.decode("ascii", "replace").strip(), path, str(number))
    raise _damaged("its header has no end", path, str(number))


@contextmanager
def _reading(path: Path, hdu: str | int) -> Iterator[None]:
    """Let astropy read: what it raises is damage, and what it warns of does not matter, but for lost HDUs."""
    with warnings.catch_warnings():
        # Of odd units, formats of display and missing padding real files are full; none of it is used.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", "Error validating header")
        try:
            yield
        except OgipError:
            raise
        except _DAMAGE as error:
            detail = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise _damaged(detail, path, str(hdu)) from error


def _damaged(what: str, path: Path, hdu: str) -> OgipError:
    return OgipError(f"damaged or cut short as a FITS file ({what})", file=path, hdu=hdu, todo="Fetch the file again")
