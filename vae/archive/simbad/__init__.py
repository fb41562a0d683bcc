"""SIMBAD: what it says of positions on the sky, by CDS XMatch and by TAP, and what its object types mean."""

from vae.archive.simbad.asking import Asker, Asking, Service
from vae.archive.simbad.cache import AnswerCache
from vae.archive.simbad.manners import Manners
from vae.archive.simbad.otypes import UNKNOWN_NATURE, ObjectTypes
from vae.archive.simbad.tap import SimbadTap, SimbadTypes
from vae.archive.simbad.xmatch import CdsXMatch

__all__ = [
    "UNKNOWN_NATURE",
    "AnswerCache",
    "Asker",
    "Asking",
    "CdsXMatch",
    "Manners",
    "ObjectTypes",
    "Service",
    "SimbadTap",
    "SimbadTypes",
]
