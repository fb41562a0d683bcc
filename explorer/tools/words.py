"""Words and numbers as a person reads them: true minus signs, sensible rounding, verdicts, links."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Final, Literal

from astropy.coordinates import Angle

from explorer.palette import CLASS_TOKENS, palette

MINUS: Final = "−"
#: What stands where a value is absent.
ABSENT: Final = "–"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Day 0 of the modified Julian date (proleptic Gregorian calendar).
_MJD_ZERO: Final = datetime.date(1858, 11, 17)
#: |z| below which a fit is called good, and fair (two-sided 5 % and 0.3 % of right models lie beyond).
GOOD_Z: Final = 2.0
FAIR_Z: Final = 3.0

Grade = Literal["good", "fair", "poor", "none"]

#: What unfolding by the sensitivity leaves in.
NOT_DECONVOLVED: Final = "unfolded, not deconvolved"


@dataclass(frozen=True)
class Decoding:
    """What a decoded spectrum is, which depends on how the model met the counts in training.

    Parameters
    ----------
    curve : str
        Name of the curve in a plot's key.
    note : str
        What has been done to it, where nothing is wrong with it; else empty.
    warning : str
        What has not been done to it; else empty.
    """

    curve: str
    note: str = ""
    warning: str = ""


def decoding(likelihood: str) -> Decoding:
    """Say what a model of this likelihood decodes: ``response`` the photon spectrum, ``sensitivity`` a smeared one."""
    if likelihood == "response":
        return Decoding("Decoded photon spectrum", note="deconvolved by the model")
    return Decoding("Decoded spectrum", warning=NOT_DECONVOLVED)


def minus(text: str) -> str:
    """Replace hyphens that stand for minus signs by true ones."""
    return text.replace("-", MINUS)


def whole(value: float) -> str:
    """Format a count: thousands separated by commas, e.g. ``20,246``."""
    return ABSENT if not math.isfinite(value) else minus(f"{round(value):,}")


def fixed(value: float, decimals: int = 2) -> str:
    """Format with a fixed number of decimals; never ``−0.00``."""
    if not math.isfinite(value):
        return ABSENT
    text = f"{value:.{decimals}f}"
    return minus(text.lstrip("-") if float(text) == 0.0 else text)


def significant(value: float, digits: int = 3) -> str:
    """Format to some significant digits, in plain decimals where these are short, else as ``1.2 × 10⁻⁵``."""
    if not math.isfinite(value):
        return ABSENT
    if value == 0.0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        return minus(f"{round(value, digits - 1 - exponent):,.{max(0, digits - 1 - exponent)}f}")
    return minus(f"{value / 10.0**exponent:.{digits - 1}f}") + f" × 10{superscript(exponent)}"


def superscript(exponent: int) -> str:
    """Write an integer as a superscript."""
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def with_error(value: float, sigma: float) -> tuple[str, str]:
    """Round a value as far as its error goes.

    The error keeps two digits where they read 10-35, else one (the rule of the Particle Data Group), so that
    1.5512 +- 0.0871 reads 1.55 +- 0.09.

    Returns
    -------
    value, error : str
        E.g. ``("1.55", "± 0.09")``; the error is empty where it is not a positive number.
    """
    if not (math.isfinite(sigma) and sigma > 0.0):
        return fixed(value), ""
    exponent = math.floor(math.log10(sigma))
    leading = sigma / 10.0**exponent
    decimals = min(max((1 if leading < 3.55 else 0) - exponent, 0), 6)
    return fixed(value, decimals), f"± {fixed(sigma, decimals)}"


@dataclass(frozen=True)
class Verdict:
    """How well the reconstruction fits, in words and in numbers.

    Parameters
    ----------
    grade : {"good", "fair", "poor", "none"}
    words : str
        E.g. ``Good fit``.
    numbers : str
        E.g. ``C-stat 204 where 212 ± 16 is expected, z = −0.5``.
    hint : str
        What a bad fit means; empty for a good one.
    """

    grade: Grade
    words: str
    numbers: str
    hint: str = ""


def verdict(cstat: float, expected: float, sigma: float, z: float) -> Verdict:
    """Judge a fit by how far C-stat lies from its expectation (Kaastra 2017), never by "reduced C"."""
    if not all(map(math.isfinite, (cstat, expected, sigma, z))):
        return Verdict("none", "No fit", "no counts are expected here, so C-stat says nothing")
    numbers = f"C-stat {whole(cstat)} where {whole(expected)} ± {whole(sigma)} is expected, z = {fixed(z, 1)}"
    if abs(z) < GOOD_Z:
        return Verdict("good", "Good fit", numbers)
    hint = (
        "the counts hold structure that the reconstruction lacks"
        if z > 0
        else "the counts follow the reconstruction more closely than chance should"
    )
    if abs(z) < FAIR_Z:
        return Verdict("fair", "Fair fit", numbers, hint)
    return Verdict("poor", "Poor fit", numbers, hint)


def sexagesimal(ra_deg: float, dec_deg: float) -> str:
    """ICRS position as hours and degrees, e.g. ``19 27 19.5 +65 33 54``."""
    if not (math.isfinite(ra_deg) and math.isfinite(dec_deg)):
        return "position unknown"
    ra = Angle(ra_deg, "deg").to_string(unit="hourangle", sep=" ", precision=1, pad=True)
    dec = Angle(dec_deg, "deg").to_string(unit="deg", sep=" ", precision=0, pad=True, alwayssign=True)
    return f"{ra} {minus(dec)}"


def date(mjd: float, *, day: bool = True) -> str:
    """Calendar date (TT) of a modified Julian date, e.g. ``2018 Dec 12``, or ``2018 Dec`` without its day."""
    if not math.isfinite(mjd):
        return "date unknown"
    when = _MJD_ZERO + datetime.timedelta(days=math.floor(mjd))
    month = f"{when.year} {_MONTHS[when.month - 1]}"
    return f"{month} {when.day}" if day else month


def year(mjd: float) -> float:
    """Decimal (Julian) year of a modified Julian date."""
    return 2000.0 + (mjd - 51544.5) / 365.25


def exposure(seconds: float) -> str:
    """Live time, e.g. ``27.4 ks``."""
    if not math.isfinite(seconds):
        return "exposure unknown"
    return f"{fixed(seconds / 1000, 1)} ks" if seconds >= 1000 else f"{whole(seconds)} s"


def short_name(name: str) -> str:
    """Name without its survey: ``XMMSIM J192719.5+653354`` becomes ``J192719.5+653354``."""
    head, _, tail = name.rpartition(" ")
    return tail if head and tail.startswith("J") else name


_SHORT_CLASSES: Final = {
    "Tidal disruption event": "TDE",
    "Supernova / transient": "Supernova",
    "Diffuse / stellar system": "Diffuse",
    "CV / white dwarf": "CV",
    "X-ray binary": "XRB",
    "Unclassified": "unclassified",
    "No match": "no match",
}


def short_class(name: str) -> str:
    """Class name where room is short: ``TDE``, ``XRB``, ``CV``."""
    return _SHORT_CLASSES.get(name, name)


def class_origin(origin: str | None, *, matched: bool, candidate: bool = False) -> str:
    """Say where a class came from, e.g. ``class from SIMBAD``."""
    if not matched:
        return "no class known"
    source = {"simulated": "the simulation", "simbad": "SIMBAD", None: "an unknown source", "": "an unknown source"}
    return f"{'candidate, ' if candidate else ''}class from {source.get(origin, origin)}"


def counterpart(name: str, otype: str, separation_arcsec: float | None, *, ambiguous: bool = False) -> tuple[str, str]:
    """Say which object a source was matched with.

    Parameters
    ----------
    name, otype : str
        SIMBAD's identifier and type code of the object; "" where there is none.
    separation_arcsec : float or None
        From the X-ray position; None or NaN where there is no match.
    ambiguous : bool
        Whether another object is plausible too.

    Returns
    -------
    short, full : str
        ``(0.8″)``, and a sentence or two for a tooltip; "" and "" without a match.
    """
    if separation_arcsec is None or not math.isfinite(separation_arcsec):
        return "", ""
    arcsec = f"{fixed(separation_arcsec, 1)}″"
    what = f"{name} ({otype})" if name and otype else name or otype or "Counterpart"
    doubt = " Ambiguous: another object here is plausible too." if ambiguous else ""
    return f"({arcsec})", f"{what}, {arcsec} from the X-ray position.{doubt}"


def class_token(class_names: tuple[str, ...], name: str) -> str:
    """Name of the CSS custom property with the colour of a class, e.g. ``--c-agn``."""
    if name in CLASS_TOKENS:
        return f"--c-{CLASS_TOKENS[name]}"
    position = [known for known in class_names if known not in CLASS_TOKENS].index(name)
    dark = palette("dark")
    colour = dark.class_colour(name, position)
    return next(f"--{token}" for token, value in dark.tokens.items() if token.startswith("c-") and value == colour)


@dataclass(frozen=True)
class Link:
    """A page about a source elsewhere, and what is on it."""

    label: str
    url: str
    title: str


def deep_links(obs_id: str, ra_deg: float, dec_deg: float) -> list[Link]:
    """Pages of the archives about an observation and a position."""
    links = []
    if obs_id:
        url = f"https://nxsa.esac.esa.int/nxsa-web/#obsid={obs_id}"
        links.append(Link("XSA", url, f"XMM-Newton Science Archive: observation {obs_id}"))
    if math.isfinite(ra_deg) and math.isfinite(dec_deg):
        ra, dec = f"{ra_deg:.6f}", f"{dec_deg:+.6f}"
        plus = dec.replace("+", "%2B")
        simbad = "https://simbad.cds.unistra.fr/simbad/sim-coo"
        links += [
            Link("SIMBAD", f"{simbad}?Coord={ra}+{plus}&Radius=1&Radius.unit=arcmin", "Objects within 1 arcmin"),
            Link("ESASky", f"https://sky.esa.int/?target={ra}%20{plus}&fov=0.1&cooframe=J2000", "The sky around it"),
            Link(
                "IRAP",
                f"https://xmm-catalog.irap.omp.eu/sources?f={ra}%20{plus}",
                "The XMM-Newton Survey Science Centre's page of the source",
            ),
        ]
    return links
