"""Keywords and columns of an OGIP table, taken with care: either may hold, miss or repeat what the other says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.spectra._hdus import Hdu

#: HDUs to look for keywords in, in turn (the table's own, then the primary).
Headers = Sequence[Hdu]

_ABSENT: Final = frozenset({"", "NONE", "NULL", "N/A", "UNKNOWN"})
#: Up to here float64 holds every whole number.
_MOST_EXACT: Final = 2.0**53
_MJD_ZERO: Final = datetime(1858, 11, 17)


def text(headers: Headers, keyword: str) -> str:
    """Return a keyword as text, stripped; empty where absent."""
    for header in headers:
        value = header.get(keyword)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def link(value: str) -> str | None:
    """Return a file name out of BACKFILE, ANCRFILE or RESPFILE; None where it says there is none.

    Extended syntax such as ``file.pha[SPECTRUM]{3}`` is cut; anything that is not a plain name is none.
    """
    name = re.split(r"\[|\{", value, maxsplit=1)[0].strip()
    return None if name.upper() in _ABSENT or "\0" in name else name


def number(headers: Headers, keyword: str) -> float | None:
    """Return a keyword as a finite number; None where it is absent or something else."""
    try:
        value = float(text(headers, keyword))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(headers: Headers, keyword: str) -> int | None:
    """Return a keyword as a whole number; None where it is absent or something else."""
    value = number(headers, keyword)
    return int(value) if value is not None and value == int(value) else None


def position(headers: Headers, ra: str, dec: str) -> tuple[float, float] | None:
    """Return a position on the sky [deg] out of two keywords; None unless both make sense."""
    alpha, delta = number(headers, ra), number(headers, dec)
    if alpha is None or delta is None or not (-360.0 <= alpha <= 360.0 and -90.0 <= delta <= 90.0):
        return None
    return alpha % 360.0, delta


def mjd(headers: Headers, keyword: str) -> float | None:
    """Return a date keyword (ISO 8601) as MJD [d]; None where it is absent or something else."""
    try:
        date = datetime.fromisoformat(text(headers, keyword)).replace(tzinfo=None)
    except ValueError:
        return None
    return (date - _MJD_ZERO).total_seconds() / 86400.0


def obs_id(headers: Headers) -> str | None:
    """Return OBS_ID, numbers filled to the ten characters of XMM-Newton."""
    value = text(headers, "OBS_ID")
    return (value.zfill(10) if value.isdecimal() else value) or None


def refuse(what: str, hdu: Hdu, column: str | None = None) -> NoReturn:
    """Raise an `OgipError` that names file, HDU and column."""
    raise OgipError(what, file=hdu.path, hdu=hdu.name, column=column)


def need(hdu: Hdu, name: str) -> None:
    """Refuse a table without that column."""
    if name not in hdu.columns:
        refuse(f"the column is missing; there are {', '.join(hdu.columns) or 'none'}", hdu, name)


def column(hdu: Hdu, name: str) -> NDArray[np.float64]:
    """Return a column of numbers as float64, shape (n,); refuse everything else."""
    need(hdu, name)
    values = hdu.column(name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind == "O":
        refuse("the column holds arrays: several spectra in one table (type II) are not read", hdu, name)
    if values.dtype.kind not in "iuf":
        refuse("the column does not hold numbers", hdu, name)
    out = values.astype(np.float64)
    if not np.all(np.isfinite(out)):
        refuse("the column holds values that are not finite", hdu, name)
    return out


def integers(values: NDArray[Any], hdu: Hdu, name: str) -> NDArray[np.int64]:
    """Return values of a column that count or number something as int64; refuse those that cannot."""
    if values.dtype.kind == "f" and not np.all(np.abs(values) <= _MOST_EXACT):
        refuse("the column holds values that are no channel and no number of channels", hdu, name)
    return values.astype(np.int64)


def flags(hdu: Hdu, headers: Headers, name: str) -> NDArray[np.float64]:
    """Return GROUPING or QUALITY per channel: from the column, else the keyword, else 0."""
    if name in hdu.columns:
        return column(hdu, name)
    return np.full(hdu.n_rows, number(headers, name) or 0.0)


def scaling(hdu: Hdu, headers: Headers, name: str) -> float:
    """Return BACKSCAL or AREASCAL: one positive number, 1 where the file has none (the OGIP default)."""
    if name in hdu.columns:
        values = column(hdu, name)
        if values.size == 0 or np.ptp(values) > 1e-6 * np.abs(values).max():
            refuse("it varies with channel, as in grating (RGS) spectra, which are not read", hdu, name)
        value: float | None = float(values[0])
    elif text(headers, name):
        value = number(headers, name)
    else:
        value = 1.0
    if value is None or not value > 0.0:
        refuse(f"{value} is no positive number", hdu, name)
    return value


def energies(
    hdu: Hdu, names: tuple[str, str] = ("ENERG_LO", "ENERG_HI"), *, ascending: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper edges of energy bins [keV], each shape (n,)."""
    low, high = (column(hdu, name) for name in names)
    factor = {"ev": 1e-3, "mev": 1e3}.get(hdu.unit(names[0]).lower(), 1.0)
    if low.size == 0:
        refuse("there are no energy bins", hdu, names[0])
    if np.any(low < 0) or np.any(high < low) or not np.any(high > low):
        refuse("upper edges do not lie above lower edges", hdu, names[1])
    if ascending and np.any(np.diff(low) <= 0):
        refuse("energies are not ascending", hdu, names[0])
    return low * factor, high * factor
