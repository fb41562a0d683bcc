"""Reads OGIP spectra (PHA), effective areas (ARF) and redistribution matrices (RMF).

Files become validated dataclasses here, at the border; every error names file, HDU and column. What a file is, its
HDUCLAS and EXTNAME say, never its name. Formats: OGIP/92-007 (PHA), CAL/GEN/92-002 and 92-002a (ARF, RMF).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.spectra import _header, _matrix
from vae.spectra._bytes import read_bytes
from vae.spectra._hdus import Hdu, walk
from vae.spectra.ogip_types import Arf, Kind, Label, Pha, Rmf

__all__ = ["Arf", "Label", "Pha", "Rmf", "inspect", "read_arf", "read_pha", "read_rmf"]

#: Largest files that are read, after decompression. Real ones are below 1 MiB (PHA, ARF) and 60 MiB (RMF).
PHA_LIMIT: Final = 64 << 20
RMF_LIMIT: Final = 1 << 30
#: What is read of an unknown file to find out what it is: headers of spectra and responses come early.
_PEEK_LIMIT: Final = 4 << 20
_MOST_CHANNELS: Final = 1 << 17


def inspect(path: str | Path, *, whole: bool = False) -> Label:
    """Tell what a file is from its headers.

    Parameters
    ----------
    path : str or Path
        Any file at all.
    whole : bool
        See all of it: unpack it to its end, and find no HDU cut short.

    Raises
    ------
    OgipError
        When it is not a FITS file or its headers cannot be read; of a whole file also when it is damaged or larger than
        any spectrum, area or matrix.
    """
    path = Path(path)
    hdus = (
        walk(read_bytes(path, RMF_LIMIT), path)
        if whole
        else walk(read_bytes(path, _PEEK_LIMIT, prefix=True), path, prefix=True)
    )
    primary, label = None, None
    for hdu in hdus:
        primary = primary or hdu
        if label is None and (kind := _kind(hdu)) != "other":
            label = _label(kind, (hdu, primary))
            if not whole:
                break
    return label or _label("other", () if primary is None else (primary,))


def read_pha(path: str | Path) -> Pha:
    """Read a counts spectrum (source or background).

    Parameters
    ----------
    path : str or Path
        FITS or gzipped FITS under any name. The first SPECTRUM HDU counts.

    Raises
    ------
    OgipError
        When there is none, or it cannot serve: net (background-subtracted) spectra, several spectra in one table,
        BACKSCAL or AREASCAL that vary with channel (grating spectra), negative counts, no exposure.
    """
    path = Path(path)
    hdu, headers = _find(path, PHA_LIMIT, ("spectrum", "background"), "SPECTRUM")
    if _header.text(headers, "HDUCLAS2").upper() == "NET":
        _header.refuse("the background is subtracted already (HDUCLAS2 = NET)", hdu)
    channel = _header.column(hdu, "CHANNEL")
    if channel.size < 2 or channel.size > _MOST_CHANNELS or np.any(np.diff(channel) <= 0):
        _header.refuse(f"{channel.size} channels that do not ascend", hdu, "CHANNEL")
    exposure = _header.number(headers, "EXPOSURE")
    if exposure is None or exposure <= 0:
        _header.refuse(f"{exposure} is no exposure time", hdu, "EXPOSURE")
    return Pha(
        path=path,
        channel=_header.integers(channel, hdu, "CHANNEL"),
        counts=_counts(hdu, exposure),
        exposure_s=exposure,
        backscal=_header.scaling(hdu, headers, "BACKSCAL"),
        areascal=_header.scaling(hdu, headers, "AREASCAL"),
        background_file=_header.link(_header.text(headers, "BACKFILE")),
        area_file=_header.link(_header.text(headers, "ANCRFILE")),
        response_file=_header.link(_header.text(headers, "RESPFILE")),
        grouped=bool(np.any(_header.flags(hdu, headers, "GROUPING") < 0)),
        n_bad_channels=int(np.count_nonzero(_header.flags(hdu, headers, "QUALITY"))),
        telescope=_header.text(headers, "TELESCOP").upper(),
        instrument=_header.text(headers, "INSTRUME").upper(),
        filter_=_header.text(headers, "FILTER"),
        submode=_header.text(headers, "SUBMODE"),
        obs_id=_header.obs_id(headers),
        exposure_id=_header.text(headers, "EXPIDSTR") or None,
        src_num=_header.whole(headers, "SRCNUM"),
        object_name=_header.text(headers, "OBJECT") or None,
        source_position=_header.position(headers, "SRC_CRA", "SRC_CDEC"),
        object_position=_header.position(headers, "RA_OBJ", "DEC_OBJ"),
        pointing=_header.position(headers, "RA_PNT", "DEC_PNT"),
        mjd_start=_header.mjd(headers, "DATE-OBS"),
        mjd_stop=_header.mjd(headers, "DATE-END"),
        is_background=_kind(hdu) == "background",
        is_simulated=_header.text(headers, "ORIGIN").upper() == "SIMULATED",
    )


def read_arf(path: str | Path) -> Arf:
    """Read an effective area.

    Parameters
    ----------
    path : str or Path
        FITS or gzipped FITS under any name.

    Raises
    ------
    OgipError
        When there is none, its energies do not ascend, or areas are negative, not finite or all zero.
    """
    path = Path(path)
    hdu, headers = _find(path, PHA_LIMIT, ("arf",), "SPECRESP")
    low, high = _header.energies(hdu)
    area = _header.column(hdu, "SPECRESP")
    if np.any(area < 0) or not np.any(area > 0):
        _header.refuse("areas are negative, or zero throughout", hdu, "SPECRESP")
    if hdu.unit("SPECRESP").replace(" ", "").lower() in ("m2", "m**2", "m^2"):
        area = area * 1e4
    return Arf(path, low, high, area, _header.text(headers, "INSTRUME").upper())


def read_rmf(path: str | Path) -> Rmf:
    """Read a redistribution matrix and its EBOUNDS.

    Parameters
    ----------
    path : str or Path
        FITS or gzipped FITS under any name.

    Raises
    ------
    OgipError
        When either is missing, there are several matrices, or groups of channels reach outside EBOUNDS.
    """
    path = Path(path)
    hdus = list(walk(read_bytes(path, RMF_LIMIT), path))
    matrices = [hdu for hdu in hdus if _kind(hdu) == "rmf"]
    bounds = next((hdu for hdu in hdus if _is_ebounds(hdu)), None)
    if not matrices:
        raise OgipError("has no MATRIX HDU", file=path)
    if bounds is None:
        raise OgipError("has no EBOUNDS HDU, so its channels have no energies", file=path)
    if len(matrices) > 1:
        _header.refuse("a second matrix; only files with one are read", matrices[1])
    hdu, headers = matrices[0], (matrices[0], hdus[0])
    e_min, e_max = _header.energies(bounds, ("E_MIN", "E_MAX"), ascending=False)
    if e_min.size > _MOST_CHANNELS:
        _header.refuse(f"{e_min.size} channels are too many", bounds, "E_MIN")
    numbers = _channel_numbers(bounds)
    low, high = _header.energies(hdu)
    first = _matrix.first_channel(hdu, None if numbers is None else int(numbers[0]))
    matrix = _matrix.redistribution(hdu, e_min.size, first)
    return Rmf(
        path=path,
        energy_lo=low,
        energy_hi=high,
        channel=first + np.arange(e_min.size) if numbers is None else numbers,
        e_min=e_min,
        e_max=e_max,
        matrix=matrix,
        has_area=_matrix.area_folded_in(matrix, low),
        instrument=_header.text(headers, "INSTRUME").upper(),
    )


def _find(path: Path, limit: int, kinds: tuple[Kind, ...], extension: str) -> tuple[Hdu, _header.Headers]:
    """Return the first table of one of these kinds, and the headers to look through: its own, then the primary."""
    primary = None
    for hdu in walk(read_bytes(path, limit), path):
        primary = primary or hdu
        if _kind(hdu) in kinds:
            return hdu, (hdu, primary)
    raise OgipError(f"has no {extension} HDU", file=path)


def _kind(hdu: Hdu) -> Kind:
    if hdu.get("XTENSION") != "BINTABLE":
        return "other"
    extension, class1, class2 = (
        _header.text((hdu,), keyword).upper() for keyword in ("EXTNAME", "HDUCLAS1", "HDUCLAS2")
    )
    if class1 == "SPECTRUM" or (not class1 and extension == "SPECTRUM"):
        return "background" if class2 == "BKG" else "spectrum"
    if class2 == "RSP_MATRIX" or extension in ("MATRIX", "SPECRESP MATRIX"):
        return "rmf"
    if class2 == "SPECRESP" or extension == "SPECRESP":
        return "arf"
    return "other"


def _is_ebounds(hdu: Hdu) -> bool:
    return "EBOUNDS" in (_header.text((hdu,), key).upper() for key in ("EXTNAME", "HDUCLAS2"))


def _label(kind: Kind, headers: _header.Headers) -> Label:
    return Label(
        kind,
        _header.text(headers, "TELESCOP").upper(),
        _header.text(headers, "INSTRUME").upper(),
        _header.link(_header.text(headers, "BACKFILE")) if kind == "spectrum" else None,
        _header.link(_header.text(headers, "RESPFILE")) if kind == "spectrum" else None,
    )


def _counts(hdu: Hdu, exposure: float) -> NDArray[np.float64]:
    if "COUNTS" in hdu.columns:
        name = "COUNTS"
        counts = _header.column(hdu, name)
    elif "RATE" in hdu.columns:
        name = "RATE"
        counts = _header.column(hdu, name) * exposure
        whole = np.rint(counts)
        if np.all(np.abs(counts - whole) <= 1e-3 + 1e-6 * whole):  # counts before somebody divided them
            counts = whole
    else:
        _header.refuse("has neither a COUNTS nor a RATE column", hdu, "COUNTS")
    if np.any(counts < 0):
        _header.refuse("negative counts, so the background is subtracted already", hdu, name)
    return counts


def _channel_numbers(bounds: Hdu) -> NDArray[np.int64] | None:
    """CHANNEL of EBOUNDS; None where it is missing or useless (all zeros, in files of some origins)."""
    if "CHANNEL" not in bounds.columns:
        return None
    numbers = _header.integers(_header.column(bounds, "CHANNEL"), bounds, "CHANNEL")
    return numbers if numbers.size == 1 or np.all(np.diff(numbers) > 0) else None
