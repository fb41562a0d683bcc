"""Redistribution matrices ready for use: each read once by a process, under whatever path and by whichever thread."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import OgipError
from vae.spectra import response
from vae.spectra.ogip import Arf, Rmf, read_rmf
from vae.spectra.ogip_types import PN_NAMES

#: Matrices that a process keeps: without its channels a canned one takes some 2 MB, and there are 120 of them.
_MOST_KEPT: Final = 256
_Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class Response:
    """A matrix ready for use.

    Parameters
    ----------
    rmf : Rmf
        For binning alone (`Rmf.slim`).
    area : Arf or None
        The area that was folded in, if any.
    redistribution : array of float32, shape (238, 336)
        On the stored grids.
    key : str
        Digest of `redistribution`: equal for equal content.
    """

    rmf: Rmf
    area: Arf | None
    redistribution: NDArray[np.float32]
    key: str


#: What this process has read, by real path, size and time; and EBOUNDS with their memberships, which most share.
_kept: dict[_Stamp, Response | OgipError] = {}
_bounds: dict[bytes, dict[str, Any]] = {}
_lock = threading.RLock()


def load_response(path: Path) -> Response:
    """Return the matrix in a file; read once as long as the file stays as it is.

    Raises
    ------
    OgipError
        When it cannot serve; remembered as well.
    """
    real = path.resolve()
    try:
        there = real.stat()
        stamp = (str(real), there.st_size, there.st_mtime_ns)
    except OSError:
        stamp = (str(real), -1, -1)
    with _lock:
        if stamp not in _kept:
            while len(_kept) >= _MOST_KEPT:
                _kept.pop(next(iter(_kept)))
            try:
                _kept[stamp] = _prepare(path)
            except OgipError as error:
                _kept[stamp] = error
        found = _kept[stamp] = _kept.pop(stamp)  # the latest used last
    if isinstance(found, OgipError):
        raise found.with_traceback(None)  # raised for many spectra, it must not keep the frames of all of them
    return found if found.rmf.path == path else replace(found, rmf=found.rmf.slim(path))


def check_instrument(instrument: str, path: Path) -> None:
    """Refuse what is said to be of another instrument than EPIC-pn."""
    if instrument and instrument not in PN_NAMES:
        raise OgipError(f"not of EPIC-pn but {instrument}", file=path)


def _prepare(path: Path) -> Response:
    rmf = read_rmf(path)
    check_instrument(rmf.instrument, path)
    digest = hashlib.sha256()
    for values in (rmf.channel, rmf.e_min, rmf.e_max):
        digest.update(values.tobytes())
    shared = _bounds.setdefault(
        digest.digest(),
        {"channel": rmf.channel, "e_min": rmf.e_min, "e_max": rmf.e_max, "membership": rmf.membership},
    )
    rmf.__dict__.update(shared)
    if not np.any(rmf.membership >= 0):
        raise OgipError("no channel lies in 0.3-10 keV", file=path, hdu="EBOUNDS")
    area = None
    if rmf.has_area:
        area, rmf = response.separate(rmf)
    redistribution = response.redistribution_on_true_grid(rmf).astype(np.float32)
    key = hashlib.sha256(redistribution.tobytes()).hexdigest()
    return Response(rmf.slim(path), area, redistribution, key)
