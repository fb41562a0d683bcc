"""Names of products and matrices: what a server calls a file is taken apart here, and never used as a path.

A product is `P{OBS_ID:10}PN{S|U}{EXP:3}{SRSPEC|BGSPEC|SRCARF}{subset}{SRC_NUM, 3 hexadecimal digits}.FTZ`
(XMM-Newton pipeline products, XMM-SOC-GEN-ICD-0024). A canned matrix is
`epn_<e1..>_<ff|ef|sw|lw|ti|bu><adu>_<s|d|sd>Y<0-9>_v<version>.rmf`; the keyword RESPFILE names it without its version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vae.errors import CatalogueError

#: The three products of a detection, and what they are called in manifests.
KINDS: Final = {"SRSPEC": "spectrum", "BGSPEC": "background", "SRCARF": "area"}
#: Kind of a redistribution matrix.
RESPONSE: Final = "response"
_PRODUCT: Final = re.compile(
    r"P(?P<obs>[0-9]{10})PN(?P<exposure>[SU][0-9]{3})(?P<type>SRSPEC|BGSPEC|SRCARF)"
    r"(?P<subset>[0-9])(?P<source>[0-9A-F]{3})\.(?:FTZ|FIT|FITS)",
    re.IGNORECASE,
)
_CANNED: Final = re.compile(
    r"(?P<stem>epn_e[0-9]{1,2}_(?:ff|ef|lw|sw|ti|bu)[0-9]{1,3}_(?:s|d|sd)Y[0-9])"
    r"(?:_v(?P<major>[0-9]{1,4})\.(?P<minor>[0-9]{1,4}))?\.rmf(?P<packed>\.gz)?",
    re.IGNORECASE,
)
#: Source numbers have three hexadecimal digits.
_MOST_SOURCES: Final = 0xFFF


@dataclass(frozen=True)
class Product:
    """One pn product of a detection.

    Parameters
    ----------
    obs_id : str
        Ten digits.
    exposure : str
        ``S003`` or the like.
    type : str
        ``SRSPEC``, ``BGSPEC`` or ``SRCARF``.
    subset : str
        One digit.
    src_num : int
    """

    obs_id: str
    exposure: str
    type: str
    subset: str
    src_num: int

    @property
    def name(self) -> str:
        """File name, always the same whatever its server called it."""
        return f"P{self.obs_id}PN{self.exposure}{self.type}{self.subset}{self.src_num:03X}.FTZ"

    @property
    def kind(self) -> str:
        """``spectrum``, ``background`` or ``area``."""
        return KINDS[self.type]

    @property
    def place(self) -> str:
        """Path within the archive."""
        return f"{self.obs_id}/pps/{self.name}"

    def of_type(self, type_: str) -> Product:
        """Return the product of another type that goes with this one."""
        return Product(self.obs_id, self.exposure, type_, self.subset, self.src_num)


@dataclass(frozen=True)
class Canned:
    """One canned matrix.

    Parameters
    ----------
    stem : str
        Without version and ending, ``epn_e3_ff20_sdY7``.
    version : tuple of int, or None
        None where the name has none.
    packed : bool
        It ends in ``.gz``.
    """

    stem: str
    version: tuple[int, int] | None
    packed: bool = False

    @property
    def name(self) -> str:
        """File name."""
        version = "" if self.version is None else f"_v{self.version[0]}.{self.version[1]}"
        return f"{self.stem}{version}.rmf{'.gz' if self.packed else ''}"

    @property
    def place(self) -> str:
        """Path within the archive."""
        return f"responses/{self.name}"


def product(name: str) -> Product | None:
    """Take a file name apart; None for everything that is not a wanted kind of pn product, paths among it."""
    match = _PRODUCT.fullmatch(name)
    if match is None:
        return None
    return Product(
        match["obs"], match["exposure"].upper(), match["type"].upper(), match["subset"], int(match["source"], 16)
    )


def canned(name: str) -> Canned | None:
    """Take the name of a canned matrix apart; None for any other name.

    Names that are told apart by case only would be one file on some disks: case is set right here.
    """
    match = _CANNED.fullmatch(name)
    if match is None:
        return None
    stem = match["stem"].lower()
    version = None if match["major"] is None else (int(match["major"]), int(match["minor"]))
    return Canned(f"{stem[:-2]}{stem[-2:].upper()}", version, match["packed"] is not None)


def newest(wanted: Canned, there: Iterable[Canned]) -> Canned | None:
    """Pick what a RESPFILE means: the version that it names, else the newest, else the one without a version.

    Parameters
    ----------
    wanted : Canned
        From RESPFILE.
    there : iterable of Canned
        What can be had.
    """
    same = [one for one in there if one.stem == wanted.stem and (wanted.version in (None, one.version))]
    return max(same, key=lambda one: (one.version or (-1, -1), not one.packed), default=None)


def observation(value: object) -> str:
    """Return an OBS_ID that can safely be a folder's name.

    Raises
    ------
    CatalogueError
        When it is not ten digits.
    """
    text = str(value).strip()
    if re.fullmatch(r"[0-9]{10}", text) is None:
        raise CatalogueError(f"{text[:40]!r} is no OBS_ID (ten digits)", todo="Give a table of detections of 4XMM")
    return text


def source_number(value: object) -> int:
    """Return a SRC_NUM.

    Raises
    ------
    CatalogueError
        When it is not 1 to 4095, which is what three hexadecimal digits can name.
    """
    number = int(str(value))
    if not 1 <= number <= _MOST_SOURCES:
        raise CatalogueError(f"SRC_NUM {number} is not within 1 and {_MOST_SOURCES}", todo="Check the catalogue")
    return number
