"""Keywords and columns of an OGIP table, taken with care: either may hold, miss or repeat what the other says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError

#: A header, or several to look through in turn (the table's own, then the primary).
Headers = Sequence[Mapping[str, Any]]

_ABSENT: Final = frozenset({"", "NONE", "NULL", "N/A", "UNKNOWN"})
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


def hdu_name(hdu: Any) -> str:
    """Return EXTNAME, or what stands for it in messages."""
    return str(hdu.name) or "without a name"


def refuse(what: str, hdu: Any, column: str | None, path: Path) -> NoReturn:
    """Raise an `OgipError` that names file, HDU and column."""
    raise OgipError(what, file=path, hdu=hdu_name(hdu), column=column)


def has_column(hdu: Any, name: str) -> bool:
    """Whether the table has a column of that name, in any case."""
    return name in {column.upper() for column in hdu.columns.names}


def column(hdu: Any, name: str, path: Path) -> NDArray[np.float64]:
    """Return a column of numbers as float64, shape (n,); refuse everything else."""
    if not has_column(hdu, name):
        refuse(f"the column is missing; there are {', '.join(hdu.columns.names) or 'none'}", hdu, name, path)
    values = np.asarray(hdu.data[name])
    if values.dtype.kind not in "iuf":
        refuse("the column does not hold numbers", hdu, name, path)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        refuse("the column holds arrays: several spectra in one table (type II) are not read", hdu, name, path)
    out = values.astype(np.float64)
    if not np.all(np.isfinite(out)):
        refuse("the column holds values that are not finite", hdu, name, path)
    return out


def flags(hdu: Any, headers: Headers, name: str, path: Path) -> NDArray[np.float64]:
    """Return GROUPING or QUALITY per channel: from the column, else the keyword, else 0."""
    if has_column(hdu, name):
        return column(hdu, name, path)
    return np.full(len(hdu.data), number(headers, name) or 0.0)


def scaling(hdu: Any, headers: Headers, name: str, path: Path) -> float:
    """Return BACKSCAL or AREASCAL: one positive number, 1 where the file has none (the OGIP default)."""
    if has_column(hdu, name):
        values = np.asarray(hdu.data[name], np.float64)
        if values.size == 0 or np.ptp(values) > 1e-6 * np.abs(values).max():
            refuse("it varies with channel, as in grating (RGS) spectra, which are not read", hdu, name, path)
        value: float | None = float(values.flat[0])
    elif text(headers, name):
        value = number(headers, name)
    else:
        value = 1.0
    if value is None or not value > 0.0 or not math.isfinite(value):
        refuse(f"{value} is no positive number", hdu, name, path)
    return value


def energies(
    hdu: Any, path: Path, names: tuple[str, str] = ("ENERG_LO", "ENERG_HI"), *, ascending: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper edges of energy bins [keV], each shape (n,)."""
    low, high = (column(hdu, name, path) for name in names)
    factor = {"ev": 1e-3, "mev": 1e3}.get(str(hdu.columns[names[0]].unit or "").strip().lower(), 1.0)
    if low.size == 0:
        refuse("there are no energy bins", hdu, names[0], path)
    if np.any(low < 0) or np.any(high < low) or not np.any(high > low):
        refuse("upper edges do not lie above lower edges", hdu, names[1], path)
    if ascending and np.any(np.diff(low) <= 0):
        refuse("energies are not ascending", hdu, names[0], path)
    return low * factor, high * factor
