"""What the headers say of a spectrum, as columns of the table: ids, position, time, filter, mode, provenance."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vae.preprocess.survey import product
from vae.spectra.ogip import Pha, Rmf

_FILTERS: Final = {"THIN1": "thin", "THIN2": "thin", "THIN": "thin", "MEDIUM": "medium", "THICK": "thick"}
_MODES: Final = {
    "PRIMEFULLWINDOW": "ff",
    "PRIMEFULLWINDOWEXTENDED": "ef",
    "PRIMELARGEWINDOW": "lw",
    "PRIMESMALLWINDOW": "sw",
    "FASTTIMING": "ti",
    "FASTBURST": "bu",
}
#: detection_id = (OBS_ID x 2000 + exposure) x 4096 + source number: source numbers of products have three hexadecimal
#: digits, exposures are S000...S999 and, 1000 higher, U000...U999. For OBS_IDs up to 1.09e9 (all so far) the id stays
#: below 2^53, exact also where a table or a browser holds it as a double.
_SOURCES: Final = 4096
_EXPOSURES: Final = 2000


def describe(pha: Pha, background: Pha, arf: Path, rmf: Rmf, roots: Sequence[Path], *, standin: bool) -> dict[str, Any]:
    """Return the columns that follow from headers and file names; None where nothing is known.

    One more than the store has, `simulated`: files that say so make a store that says so.

    Parameters
    ----------
    pha, background : Pha
    arf : Path
        File of the effective area.
    rmf : Rmf
    roots : sequence of Path
        The archive's folders: provenance names files relative to them, so that it reads the same on any machine.
    standin : bool
        The response only stands in.
    """
    named = product(pha.path)
    obs_id = pha.obs_id or (named.obs_id if named else None)
    exposure_id = pha.exposure_id or (named.exposure_id if named else None)
    src_num = pha.src_num if pha.src_num is not None else (named.src_num if named else None)
    position = pha.source_position or pha.object_position
    detection_id, derivation = derived_id(obs_id, exposure_id, src_num, pha)
    notes = {
        "spectrum": _relative(pha.path, roots),
        "background": _relative(background.path, roots),
        "arf": _relative(arf, roots),
        "rmf": _relative(rmf.path, roots),
        "detection_id": derivation,
        "position": "SRC_CRA/SRC_CDEC"
        if pha.source_position
        else "RA_OBJ/DEC_OBJ (of the pointing, not of the source)"
        if position
        else None,
        "origin": "simulated" if pha.is_simulated else None,
        "object": pha.object_name,
        "response_wanted": pha.response_file if standin else None,
        "background_filter": background.filter_ if background.filter_ != pha.filter_ else None,
        "grouped": "yes" if pha.grouped else None,
        "quality_flagged_channels": pha.n_bad_channels or None,
        "offaxis": "from RA_PNT/DEC_PNT" if pha.source_position and pha.pointing else None,
    }
    offaxis = None
    if pha.source_position and pha.pointing:
        offaxis = 60.0 * separation_deg(pha.source_position, pha.pointing)
    return {
        "detection_id": detection_id,
        "name": _name(pha),
        "obs_id": obs_id,
        "src_num": src_num,
        "exposure_id": exposure_id,
        "ra_deg": position[0] if position else None,
        "dec_deg": position[1] if position else None,
        "mjd_start": pha.mjd_start,
        "mjd_stop": pha.mjd_stop,
        "exposure_s": pha.exposure_s,
        "offaxis_arcmin": offaxis,
        "filter": filter_name(pha.filter_),
        "mode": mode_name(pha.submode),
        "response": rmf.path.name,
        "response_is_standin": standin,
        "simulated": pha.is_simulated,
        "provenance": "; ".join(
            f"{key}={str(value).replace(';', ',')}" for key, value in notes.items() if value is not None
        ),
    }


def filter_name(said: str) -> str | None:
    """Return our name of an optical blocking filter: thin, medium, thick; any other in lower case."""
    return _FILTERS.get(said.strip().upper(), said.strip().lower() or None)


def mode_name(said: str) -> str | None:
    """Return our name of a data mode, as canned matrices have it: ff, ef, lw, sw, ti, bu; any other in lower case."""
    return _MODES.get(said.strip().upper(), said.strip().lower() or None)


def derived_id(obs_id: str | None, exposure_id: str | None, src_num: int | None, pha: Pha) -> tuple[int, str]:
    """Return a detection_id and how it was derived.

    From OBS_ID, exposure and source number; where there is no OBS_ID, a negative number from the counts themselves.
    """
    exposure = re.fullmatch(r"([SU])(\d{1,3})", (exposure_id or "").strip().upper())
    number = src_num or 0
    if obs_id is None or not obs_id.isdecimal() or not 0 <= number < _SOURCES:
        digest = hashlib.sha256(pha.counts.tobytes() + repr((obs_id, pha.exposure_s, src_num)).encode()).digest()
        return -1 - int.from_bytes(digest[:6], "big"), "from the counts (no OBS_ID and source number to derive it from)"
    code = 0 if exposure is None else int(exposure[2]) + (1000 if exposure[1] == "U" else 0)
    derivation = "from OBS_ID, exposure and source number"
    if src_num is None:
        derivation += " (unknown, so 0)"
    return (int(obs_id) * _EXPOSURES + code) * _SOURCES + number, derivation


def separation_deg(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the angle between two positions on the sky [deg] (haversine)."""
    ra1, dec1, ra2, dec2 = map(math.radians, (*first, *second))
    half = math.sin((dec2 - dec1) / 2) ** 2 + math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))


def _name(pha: Pha) -> str | None:
    """Make a name to search for: the position in the usual form, else what was pointed at, saying so."""
    if pha.source_position is None:
        return None if pha.object_name is None else f"{pha.object_name} (pointing)"
    ra, dec = pha.source_position
    tenths = int(ra / 15 * 36000)  # truncated, not rounded, as names of sources are
    seconds = int(abs(dec) * 3600)
    return (
        f"J{tenths // 36000:02d}{tenths // 600 % 60:02d}{tenths % 600 // 10:02d}.{tenths % 10}"
        f"{'-' if dec < 0 else '+'}{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    )


def _relative(path: Path, roots: Sequence[Path]) -> str:
    for root in roots:
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return path.name
