"""Headers that are plain: read without astropy, which takes twenty times as long; anything odd is left to it.

Only what FITS 4.0 writes down word by word counts as plain. A header that bends the rules, a value in another notation,
a string over several cards: `PlainHeader` says that it does not know, and `vae.spectra._hdus` asks astropy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_CARD: Final = 80
_BLOCK: Final = 2880
_END: Final = b"END".ljust(_CARD)
#: Larger headers than any real one are astropy's.
_MOST_CARDS: Final = 20_000
_BITPIX: Final = (8, 16, 32, 64, -32, -64)
_MOST_AXES: Final = 16
_VALUE: Final = re.compile(
    r" *(?:'(?P<text>(?:[^']|'')*)'|(?P<whole>[+-]?\d{1,18})|(?P<truth>[TF])"
    r"|(?P<real>[+-]?(?:\d+\.\d*|\.\d+)(?:[ED][+-]?\d+)?|[+-]?\d+[ED][+-]?\d+)) *(?:/.*)?"
)
_FORM: Final = re.compile(r"(?P<repeat>\d{0,6})(?:(?P<code>[LXABIJKED])|(?P<far>[PQ])[LXABIJKEDCM]?(?:\(\d*\))?)")
_TYPES: Final = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_WIDTHS: Final = {"L": 1, "A": 1, "B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "P": 8, "Q": 16}

_ENDS: Final = re.compile(r"END(?![A-Z0-9_-])")

#: What `PlainHeader.get` returns where only astropy can tell.
UNKNOWN: Final = object()


@dataclass(frozen=True)
class PlainColumn:
    """One column of a table: where its values lie in a row.

    Parameters
    ----------
    name : str
        Upper case.
    offset : int
        Bytes from the start of the row.
    dtype : str
        NumPy type of a value; empty where only astropy reads it.
    repeat : int
        Values a row.
    """

    name: str
    offset: int
    dtype: str
    repeat: int


class PlainHeader:
    """A header by the letter of the standard.

    Parameters
    ----------
    text : str
        Its cards, without END.
    cards : dict of str to int
        Place of the first card of each keyword in `text`.
    data_start : int
        Where its data begin in the file.

    Attributes
    ----------
    data_size : int
        Bytes of data, without padding.
    """

    def __init__(self, text: str, cards: dict[str, int], data_start: int, data_size: int) -> None:
        self._text, self._cards = text, cards
        self.data_start, self.data_size = data_start, data_size

    @property
    def end(self) -> int:
        """Where the next HDU begins."""
        return self.data_start + -(-self.data_size // _BLOCK) * _BLOCK

    @classmethod
    def read(cls, data: bytes, start: int) -> PlainHeader | None:
        """Return the header at `start`; None where it is not plain."""
        stop = start
        while True:
            stop = data.find(_END, stop)
            if stop < 0 or stop - start > _MOST_CARDS * _CARD:
                return None
            if (stop - start) % _CARD == 0:
                break
            stop += 1
        data_start = start + -(-(stop + _CARD - start) // _BLOCK) * _BLOCK
        whole = data[start:data_start]
        if len(whole) != data_start - start or not whole.isascii():
            return None
        text = whole.decode("ascii")
        if not text.isprintable() or text[stop + _CARD - start :].strip(" "):
            return None
        text = text[: stop - start]
        cards: dict[str, int] = {}
        for place in range(0, len(text), _CARD):
            cards.setdefault(text[place : place + 8].strip().upper(), place)
        # Of these astropy takes the name from other places, or lets the header end.
        if "HIERARCH" in cards or any("=" in name or _ENDS.match(name) for name in cards):
            return None
        size = _data_size(cls(text, cards, data_start, 0), is_primary=start == 0)
        return None if size is None else cls(text, cards, data_start, size)

    def place(self, keyword: str) -> int:
        """Return the number of a keyword's card, -1 where it is absent."""
        return self._cards.get(keyword, -_CARD) // _CARD

    def get(self, keyword: str) -> Any:
        """Return a keyword's value (str, bool, int, float), None where it is absent, or `UNKNOWN`."""
        start = self._cards.get(keyword)
        if start is None:
            return None
        card = self._text[start : start + _CARD]
        match = _VALUE.fullmatch(card, 10) if card[8:10] == "= " else None
        if match is None or card[:8].rstrip() != keyword:
            return UNKNOWN
        if (text := match["text"]) is not None:
            # It goes on in the next card, or astropy might take 'AXIS.1: 2' for a record of its own.
            if self._text.startswith("CONTINUE", start + _CARD) or ": " in text:
                return UNKNOWN
            return text.replace("''", "'").rstrip()
        if match["whole"]:
            return int(match["whole"])
        if match["truth"]:
            return match["truth"] == "T"
        return float(match["real"].replace("D", "E"))

    def columns(self) -> list[PlainColumn] | None:
        """Return the columns of a binary table; None where the layout is not plain."""
        n_columns = self.get("TFIELDS")
        if self.get("XTENSION") != "BINTABLE" or type(n_columns) is not int or not 0 < n_columns <= 999:
            return None
        if (self.get("NAXIS"), self.get("BITPIX"), self.get("GCOUNT")) != (2, 8, 1):
            return None
        offset = 0
        columns = []
        for number in range(1, n_columns + 1):
            name, form = self.get(f"TTYPE{number}"), self.get(f"TFORM{number}")
            match = _FORM.fullmatch(form) if isinstance(form, str) else None
            if match is None or not isinstance(name, str) or not name:
                return None
            repeat, code = int(match["repeat"] or 1), match["code"] or match["far"]
            if repeat == 0 or (match["far"] and repeat > 1):
                return None
            is_plain = all(f"{key}{number}" not in self._cards for key in ("TSCAL", "TZERO", "TDIM"))
            columns.append(PlainColumn(name.upper(), offset, _TYPES.get(code, "") if is_plain else "", repeat))
            offset += -(-repeat // 8) if code == "X" else repeat * _WIDTHS[code]
        return columns if offset == self.get("NAXIS1") else None

    def values(self, data: bytes, column: PlainColumn) -> NDArray[Any]:
        """Return the values of a column whose `dtype` is known, shape (n_rows,) or (n_rows, repeat); read-only."""
        dtype = np.dtype(column.dtype)
        shape: tuple[int, ...] = (self.get("NAXIS2"),)
        strides: tuple[int, ...] = (self.get("NAXIS1"),)
        if column.repeat > 1:
            shape, strides = (*shape, column.repeat), (*strides, dtype.itemsize)
        return np.ndarray(shape, dtype, data, self.data_start + column.offset, strides)


def _data_size(header: PlainHeader, *, is_primary: bool) -> int | None:
    """Bytes of data after a header; None unless the mandatory keywords stand first, in order, with plain values."""
    if is_primary:
        if header.get("SIMPLE") is not True or header.get("GROUPS") not in (None, False):
            return None
    elif not isinstance(header.get("XTENSION"), str):
        return None
    n_axes = header.get("NAXIS")
    if header.get("BITPIX") not in _BITPIX or type(n_axes) is not int or not 0 <= n_axes <= _MOST_AXES:
        return None
    axes = [f"NAXIS{number}" for number in range(1, n_axes + 1)]
    order = ["SIMPLE" if is_primary else "XTENSION", "BITPIX", "NAXIS", *axes]
    if not is_primary:
        order += ["PCOUNT", "GCOUNT"]
    if [header.place(name) for name in order] != list(range(len(order))):
        return None
    lengths = [header.get(name) for name in order[3:]]
    if not all(type(length) is int and length >= 0 for length in lengths):
        return None
    if not n_axes:
        return 0
    size = abs(header.get("BITPIX")) // 8
    values = 1
    for length in lengths[:n_axes]:
        values *= length
    if is_primary:
        return size * values if "PCOUNT" not in header._cards and "GCOUNT" not in header._cards else None
    return size * lengths[-1] * (lengths[-2] + values)
