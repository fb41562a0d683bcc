"""Limits as people type them: numbers with any minus, thousands or powers of ten, dates, hours of right ascension."""

from __future__ import annotations

import calendar
import datetime
import math
import re
from typing import Final

from astropy.coordinates import Angle

from explorer.filters.quantities import MJD_ZERO, Quantity
from vae.errors import OptionError

_SUPERSCRIPTS: Final = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹−", "-+0123456789-")
_TIMES_TEN: Final = re.compile(r"(?:(?P<factor>[\d.]+)\s*[×x*·]\s*)?10\s*\^?\s*(?P<power>[-+]\d+|(?<=\^)\d+)$")
_DATE: Final = re.compile(r"(\d{4})(?:[-/ .](\d{1,2})(?:[-/ .](\d{1,2}))?)?$")
#: An upper limit holds all of its last day.
_END_OF_DAY: Final = 1.0 - 1e-6


def limit(each: Quantity, text: str, *, upper: bool) -> float:
    """Read one limit of a range.

    Parameters
    ----------
    each : Quantity
    text : str
        ``1,000``, ``2e-14``, ``2 × 10⁻¹⁴``, ``−0.5``; ``2018``, ``2018-12`` or ``2018-12-05`` (or an MJD) for dates;
        ``17h30m`` or ``262.5`` for right ascension. Empty, or an infinity, for no limit.
    upper : bool
        Whether it is the upper one: a date then lasts until it ends.

    Returns
    -------
    float
        −inf or inf for no limit.

    Raises
    ------
    OptionError
        If it cannot be read.
    """
    plain = text.strip().replace(",", "").replace("\u2009", " ").replace("\xa0", " ")
    if each.unit and plain.endswith(each.unit):
        plain = plain.removesuffix(each.unit).strip()
    if not plain or plain.lstrip("-−+") in ("∞", "inf"):
        return math.inf if upper else -math.inf
    try:
        value = _date(plain, upper=upper) if each.kind == "date" else _number(each, plain)
    except ValueError as error:
        raise OptionError(f"not a {'date' if each.kind == 'date' else 'number'}: “{text.strip()[:40]}”") from error
    if math.isnan(value):
        raise OptionError(f"not a number: “{text.strip()[:40]}”")
    return value


def end_of_day(mjd: float) -> float:
    """Return the last moment of the day that a modified Julian date lies in."""
    return math.floor(mjd) + _END_OF_DAY


def _number(each: Quantity, text: str) -> float:
    if each.unit == "°" and re.search(r"[hdms:°′″]", text):
        return float(Angle(text.replace("−", "-"), unit="hourangle" if each.wraps and ":" in text else "deg").deg)
    marked = re.sub(r"[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]+$", lambda found: "^" + found.group(), text).translate(_SUPERSCRIPTS)
    sign, rest = (-1.0, marked[1:].lstrip()) if marked.startswith("-") else (1.0, marked)
    if power := _TIMES_TEN.fullmatch(rest):
        return sign * float(f"{power['factor'] or 1}e{power['power']}")
    return float(marked.replace(" ", ""))


def _date(text: str, *, upper: bool) -> float:
    if not (found := _DATE.fullmatch(text)):
        return float(text)  # an MJD
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    if upper:
        month = month or 12
        day = day or calendar.monthrange(year, month)[1]
    days = (datetime.date(year, month or 1, day or 1) - MJD_ZERO).days
    return end_of_day(days) if upper else float(days)
