"""The groups of channels of an RMF, in any of the shapes they come in, as one sparse matrix."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vae.spectra import _header
from vae.spectra._fits import Hdu

#: Row sums above this are areas [cm2], not probabilities: a redistribution sums to at most about 1.
_MOST_PROBABLE: Final = 2.0
_PROBE_KEV: Final = (0.5, 8.0)


def first_channel(hdu: Hdu, ebounds_first: int | None) -> int:
    """Return the number of the first channel, on which F_CHAN counts.

    TLMIN of F_CHAN says it; where that is missing, EBOUNDS does; where that is useless too, a group that starts at 0
    gives it away, else it is 1 (the OGIP default).
    """
    if "F_CHAN" in hdu.columns:
        place = hdu.columns.index("F_CHAN") + 1
        stated = _header.whole((hdu.header,), f"TLMIN{place}")
        if stated is not None:
            return stated
    if ebounds_first is not None:
        return ebounds_first
    starts = [f[n > 0] for _, f, n in _groups(hdu)]
    return 0 if any(np.any(f == 0) for f in starts) else 1


def redistribution(hdu: Hdu, n_channels: int, first: int) -> csr_array:
    """Return the matrix, shape (n_energies, n_channels).

    Parameters
    ----------
    hdu : Hdu
        The MATRIX table. N_GRP groups an energy; F_CHAN, N_CHAN and MATRIX scalar, padded or of variable length.
    n_channels : int
        Of EBOUNDS.
    first : int
        From `first_channel`.

    Raises
    ------
    OgipError
        When columns are missing, too short, or reach outside EBOUNDS.
    """
    values = _ragged(hdu, "MATRIX")
    indices, data, ends = [], [], [0]
    for row, starts, lengths in _groups(hdu):
        wanted = int(lengths.sum())
        line = np.atleast_1d(np.asarray(values[row], np.float64)).ravel()
        if np.any(starts < first) or np.any(starts - first + lengths > n_channels):
            _header.refuse(
                f"row {row + 1}: channels {int(starts.min())} to {int((starts + lengths).max()) - 1} reach outside "
                f"the {n_channels} channels of EBOUNDS from {first} on",
                hdu,
                "F_CHAN",
            )
        if line.size < wanted:
            _header.refuse(f"row {row + 1}: {line.size} values for {wanted} channels", hdu, "MATRIX")
        data.append(line[:wanted])
        indices.append(
            np.concatenate([np.arange(f - first, f - first + n) for f, n in zip(starts, lengths, strict=True)])
            if wanted
            else np.empty(0, np.int64)
        )
        ends.append(ends[-1] + wanted)
    flat = np.concatenate(data)
    if not np.all(np.isfinite(flat)) or np.any(flat < 0):
        _header.refuse("holds values that are negative or not finite", hdu, "MATRIX")
    return csr_array((flat, np.concatenate(indices), np.asarray(ends)), shape=(len(ends) - 1, n_channels))


def area_folded_in(matrix: csr_array, energy_lo: NDArray[np.float64]) -> bool:
    """Tell by its row sums whether a matrix holds areas [cm2]; names of HDUs and HDUCLAS3 are often wrong."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    probe = (energy_lo >= _PROBE_KEV[0]) & (energy_lo <= _PROBE_KEV[1])
    return bool(np.median(sums[probe] if probe.any() else sums) > _MOST_PROBABLE)


def _ragged(hdu: Hdu, name: str) -> NDArray[Any]:
    """Return a column whose rows are numbers or arrays of them."""
    _header.need(hdu, name)
    values = hdu.column(name)
    kind = values[0].dtype.kind if values.dtype.kind == "O" and len(values) else values.dtype.kind
    if kind not in "iuf":
        _header.refuse("the column does not hold numbers", hdu, name)
    return values


def _groups(hdu: Hdu) -> list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Row number, first channels and lengths of the groups that are not empty."""
    n_groups = _header.column(hdu, "N_GRP").astype(np.int64)
    starts, lengths = _ragged(hdu, "F_CHAN"), _ragged(hdu, "N_CHAN")
    out = []
    for row, n in enumerate(n_groups):
        f = np.atleast_1d(starts[row])[: max(n, 0)].astype(np.int64)
        k = np.atleast_1d(lengths[row])[: max(n, 0)].astype(np.int64)
        if n < 0 or min(f.size, k.size) < n or np.any(k < 0):
            _header.refuse(f"row {row + 1}: {n} groups, but {f.size} starts and {k.size} lengths", hdu, "N_GRP")
        out.append((row, f[k > 0], k[k > 0]))
    return out
