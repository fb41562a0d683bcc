"""The one place where FITS is read: HDUs out of bytes in memory, as astropy.io.fits sees them.

Files come from anywhere, so whatever astropy raises on a damaged one becomes an `OgipError` that names file and HDU,
and sizes that no spectrum has are refused before memory is given to them.
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


class Hdu:
    """One header with its data.

    Parameters
    ----------
    hdu : astropy HDU
    data : bytes
        The whole file.
    path : Path
        For error messages, as is `number`.
    number : int
    """

    def __init__(self, hdu: Any, data: bytes, path: Path, number: int) -> None:
        self._hdu = hdu
        self._size = len(data)
        self.path = path
        self.number = number
        self._values: dict[str, Any] = {}

    def get(self, keyword: str) -> Any:
        """Return a keyword's value (str, bool, int, float); None where it is absent or has none."""
        if keyword not in self._values:
            card = self._cards.get(keyword)
            self._values[keyword] = None if card is None else self._value(card)
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
    def _cards(self) -> dict[str, Any]:
        """Cards by keyword, the first of each; asking astropy's Header again and again takes several times as long."""
        cards: dict[str, Any] = {}
        with _reading(self.path, self.number):
            for card in self._hdu.header.cards:
                cards.setdefault(card.keyword, card)
        return cards

    @cached_property
    def name(self) -> str:
        """EXTNAME, or the HDU's number."""
        return str(self.get("EXTNAME") or self.number)

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns, upper case; empty where the HDU is no table."""
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
        return len(self._table)

    def unit(self, name: str) -> str:
        """Return the unit of a column as the file has it, empty where it has none."""
        return str(self.get(f"TUNIT{self.columns.index(name) + 1}") or "").strip()

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, scaled; arrays of variable length as an object array of arrays."""
        place = self.columns.index(name)
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
            if rows < 0 or rows * max(width, 1) > self._size:
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
    _check_axes(data, 0, path, 0)
    with _reading(path, 0):
        # Compressed images stay tables, strings stay bytes: neither is wanted, both take time.
        hdus = fits.open(
            io.BytesIO(data), memmap=False, lazy_load_hdus=True, disable_image_compression=True,
            character_as_bytes=True,
        )  # fmt: skip
    end = 0
    for number in range(_MOST_HDUS):
        try:
            _check_axes(data, end, path, number)
            with _reading(path, number):
                hdu = hdus[number]
                place = hdu.fileinfo()
                end, cut = place["datLoc"] + place["datSpan"], place["datLoc"] + hdu.size > len(data)
        except OgipError:
            if prefix and number:
                return
            raise
        yield Hdu(hdu, data, path, number)
        if cut and not prefix:
            raise _damaged("it ends within the data of this HDU", path, str(number))
        if not data.startswith(b"XTENSION", end):  # padding, or the special records of FITS 4.0, section 3.5
            return


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
