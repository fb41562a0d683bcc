"""Reads OGIP spectra (PHA), effective areas (ARF) and redistribution matrices (RMF).

Files become validated dataclasses here, at the border; every error names file, HDU and column. What a file is, its
HDUCLAS and EXTNAME say, never its name. Formats: OGIP/92-007 (PHA), CAL/GEN/92-002 and 92-002a (ARF, RMF).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.spectra import _header, _matrix
from vae.spectra._bytes import read_bytes
from vae.spectra.ogip_types import Arf, Kind, Label, Pha, Rmf

__all__ = ["Arf", "Label", "Pha", "Rmf", "inspect", "read_arf", "read_pha", "read_rmf"]

#: Largest files that are read, after decompression. Real ones are below 1 MiB (PHA, ARF) and 60 MiB (RMF).
PHA_LIMIT: Final = 64 << 20
RMF_LIMIT: Final = 1 << 30
#: What is read of an unknown file to find out what it is: headers of spectra and responses come early.
_PEEK_LIMIT: Final = 4 << 20
_MOST_HDUS: Final = 64
_MOST_CHANNELS: Final = 1 << 17
#: What astropy raises, beyond its own errors, when the structure of a file is damaged.
_DAMAGE: Final = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError,
    AssertionError, UnboundLocalError, fits.VerifyError,
)  # fmt: skip


def inspect(path: str | Path) -> Label:
    """Tell what a file is from its headers.

    Parameters
    ----------
    path : str or Path
        Any file at all.

    Raises
    ------
    OgipError
        When it is not a FITS file or its headers cannot be read.
    """
    path = Path(path)
    with _opened(path, _PEEK_LIMIT, prefix=True) as hdus:
        primary = hdus[0].header
        for hdu in _walk(hdus, prefix=True):
            kind = _kind(hdu.header)
            if kind != "other":
                return _label(kind, (hdu.header, primary))
        return _label("other", (primary,))


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
    with _opened(path, PHA_LIMIT) as hdus:
        hdu = _find(hdus, path, ("spectrum", "background"), "SPECTRUM")
        headers = (hdu.header, hdus[0].header)
        if _header.text(headers, "HDUCLAS2").upper() == "NET":
            _header.refuse("the background is subtracted already (HDUCLAS2 = NET)", hdu, None, path)
        channel = _header.column(hdu, "CHANNEL", path)
        if channel.size < 2 or channel.size > _MOST_CHANNELS or np.any(np.diff(channel) <= 0):
            _header.refuse(f"{channel.size} channels that do not ascend", hdu, "CHANNEL", path)
        exposure = _header.number(headers, "EXPOSURE")
        if exposure is None or exposure <= 0:
            _header.refuse(f"{exposure} is no exposure time", hdu, "EXPOSURE", path)
        return Pha(
            path=path,
            channel=channel.astype(np.int64),
            counts=_counts(hdu, exposure, path),
            exposure_s=exposure,
            backscal=_header.scaling(hdu, headers, "BACKSCAL", path),
            areascal=_header.scaling(hdu, headers, "AREASCAL", path),
            background_file=_header.link(_header.text(headers, "BACKFILE")),
            area_file=_header.link(_header.text(headers, "ANCRFILE")),
            response_file=_header.link(_header.text(headers, "RESPFILE")),
            grouped=bool(np.any(_header.flags(hdu, headers, "GROUPING", path) < 0)),
            n_bad_channels=int(np.count_nonzero(_header.flags(hdu, headers, "QUALITY", path))),
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
            is_background=_kind(hdu.header) == "background",
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
    with _opened(path, PHA_LIMIT) as hdus:
        hdu = _find(hdus, path, ("arf",), "SPECRESP")
        low, high = _header.energies(hdu, path)
        area = _header.column(hdu, "SPECRESP", path)
        if np.any(area < 0) or not np.any(area > 0):
            _header.refuse("areas are negative, or zero throughout", hdu, "SPECRESP", path)
        if str(hdu.columns["SPECRESP"].unit or "").replace(" ", "").lower() in ("m2", "m**2", "m^2"):
            area = area * 1e4
        return Arf(path, low, high, area, _header.text((hdu.header, hdus[0].header), "INSTRUME").upper())


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
    with _opened(path, RMF_LIMIT) as hdus:
        hdu = _find(hdus, path, ("rmf",), "MATRIX", single=True)
        bounds = next((other for other in _walk(hdus) if _is_ebounds(other.header)), None)
        if bounds is None:
            raise OgipError("has no EBOUNDS HDU, so its channels have no energies", file=path)
        e_min, e_max = _header.energies(bounds, path, ("E_MIN", "E_MAX"), ascending=False)
        if e_min.size > _MOST_CHANNELS:
            _header.refuse(f"{e_min.size} channels are too many", bounds, "E_MIN", path)
        numbers = _channel_numbers(bounds, path)
        low, high = _header.energies(hdu, path)
        first = _matrix.first_channel(hdu, None if numbers is None else int(numbers[0]), path)
        matrix = _matrix.redistribution(hdu, e_min.size, first, path)
        return Rmf(
            path=path,
            energy_lo=low,
            energy_hi=high,
            channel=first + np.arange(e_min.size) if numbers is None else numbers,
            e_min=e_min,
            e_max=e_max,
            matrix=matrix,
            has_area=_matrix.area_folded_in(matrix, low),
            instrument=_header.text((hdu.header, hdus[0].header), "INSTRUME").upper(),
        )


@contextmanager
def _opened(path: Path, limit: int, *, prefix: bool = False) -> Iterator[Any]:
    data = read_bytes(path, limit, prefix=prefix)
    with warnings.catch_warnings():
        # astropy warns of odd headers and cut files; what matters of them is checked here and raised.
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                yield hdus
        except _DAMAGE as error:
            detail = f"{type(error).__name__}: {error}"[:200]
            raise OgipError(
                f"damaged or cut short as a FITS file ({detail})", file=path, todo="Fetch the file again"
            ) from error


def _walk(hdus: Any, *, prefix: bool = False) -> Iterator[Any]:
    """HDUs one by one, read only as far as asked for."""
    for number in range(_MOST_HDUS):
        try:
            hdu = hdus[number]
        except IndexError:
            return
        except _DAMAGE:
            if prefix and number:  # the cut end of a file of which only the beginning was read
                return
            raise
        yield hdu


def _find(hdus: Any, path: Path, kinds: tuple[Kind, ...], extension: str, *, single: bool = False) -> Any:
    found = None
    for hdu in _walk(hdus):
        if _kind(hdu.header) in kinds:
            if found is not None:
                _header.refuse("a second matrix; only files with one are read", hdu, None, path)
            found = hdu
            if not single:
                break
    if found is None:
        raise OgipError(f"has no {extension} HDU", file=path)
    if not hasattr(found, "columns") or found.data is None:
        _header.refuse("is not a table with rows", found, None, path)
    return found


def _kind(header: Any) -> Kind:
    if header.get("XTENSION") != "BINTABLE":
        return "other"
    extension, class1, class2 = (
        _header.text((header,), keyword).upper() for keyword in ("EXTNAME", "HDUCLAS1", "HDUCLAS2")
    )
    if class1 == "SPECTRUM" or (not class1 and extension == "SPECTRUM"):
        return "background" if class2 == "BKG" else "spectrum"
    if class2 == "RSP_MATRIX" or extension in ("MATRIX", "SPECRESP MATRIX"):
        return "rmf"
    if class2 == "SPECRESP" or extension == "SPECRESP":
        return "arf"
    return "other"


def _is_ebounds(header: Any) -> bool:
    return "EBOUNDS" in (_header.text((header,), key).upper() for key in ("EXTNAME", "HDUCLAS2"))


def _label(kind: Kind, headers: _header.Headers) -> Label:
    return Label(
        kind,
        _header.text(headers, "TELESCOP").upper(),
        _header.text(headers, "INSTRUME").upper(),
        _header.link(_header.text(headers, "BACKFILE")) if kind == "spectrum" else None,
    )


def _counts(hdu: Any, exposure: float, path: Path) -> NDArray[np.float64]:
    if _header.has_column(hdu, "COUNTS"):
        name = "COUNTS"
        counts = _header.column(hdu, name, path)
    elif _header.has_column(hdu, "RATE"):
        name = "RATE"
        counts = _header.column(hdu, name, path) * exposure
        whole = np.rint(counts)
        if np.all(np.abs(counts - whole) <= 1e-3 + 1e-6 * whole):  # counts before somebody divided them
            counts = whole
    else:
        _header.refuse("has neither a COUNTS nor a RATE column", hdu, "COUNTS", path)
    if np.any(counts < 0):
        _header.refuse("negative counts, so the background is subtracted already", hdu, name, path)
    return counts


def _channel_numbers(bounds: Any, path: Path) -> NDArray[np.int64] | None:
    """CHANNEL of EBOUNDS; None where it is missing or useless (all zeros, in files of some origins)."""
    if not _header.has_column(bounds, "CHANNEL"):
        return None
    numbers = _header.column(bounds, "CHANNEL", path).astype(np.int64)
    return numbers if numbers.size == 1 or np.all(np.diff(numbers) > 0) else None
