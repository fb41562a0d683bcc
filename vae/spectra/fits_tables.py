"""Files of binary tables, written by astropy: the counterpart of `vae.spectra._hdus`, which reads them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import astropy.table
from astropy.io import fits
from astropy.io.fits import Column

__all__ = ["Card", "Column", "Table", "fits_file", "from_table", "packed", "table"]

#: Keyword, value, comment. COMMENT and HISTORY repeat; every other keyword stands once.
Card: TypeAlias = tuple[str, str | bool | int | float, str]
#: A table as an HDU.
Table: TypeAlias = fits.BinTableHDU
#: Cards kept: files of one archive repeat most of theirs, and half of the time of writing goes into making cards.
_MOST_CARDS: Final = 1 << 14


def table(name: str, columns: Sequence[Column], cards: Iterable[Card] = ()) -> Table:
    """Return a table as an HDU of a FITS file.

    Parameters
    ----------
    name : str
        EXTNAME.
    columns : sequence of Column
        As astropy has them: `name`, `format`, `array`, `unit`.
    cards : iterable of Card
        Keywords beyond those that describe the table.
    """
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    hdu.header.extend(_card(*card) for card in cards)
    return hdu


def from_table(name: str, content: astropy.table.Table) -> Table:
    """Return an astropy table as an HDU of a FITS file; descriptions stand beside the columns' names.

    Parameters
    ----------
    name : str
        EXTNAME.
    content : astropy.table.Table
    """
    hdu = fits.table_to_hdu(content)
    hdu.name = name
    for number, column in enumerate(content.itercols(), start=1):
        hdu.header.comments[f"TTYPE{number}"] = column.description or ""
    return hdu


def fits_file(primary: Iterable[Card], tables: Iterable[Table]) -> bytes:
    """Return a whole file: a primary HDU without data, then the tables.

    Parameters
    ----------
    primary : iterable of Card
        Keywords of the primary header.
    tables : iterable of Table
    """
    first = fits.PrimaryHDU()
    first.header.extend(_card(*card) for card in primary)
    hdus: list[Any] = [first, *tables]
    out = io.BytesIO()
    fits.HDUList(hdus).writeto(
        out, output_verify="ignore"
    )  # the tests verify; here it would take a quarter of the time
    return out.getvalue()


def packed(data: bytes) -> bytes:
    """Compress a file as gzip, without a time stamp: the same bytes give the same bytes."""
    # Level 1: a quarter larger than the default and four times faster, and files come by the thousand.
    return gzip.compress(data, 1, mtime=0)


@lru_cache(maxsize=_MOST_CARDS, typed=True)  # typed: 1, 1.0 and True are three cards
def _card(keyword: str, value: str | bool | int | float, comment: str) -> Any:
    return fits.Card(keyword, value, comment)
