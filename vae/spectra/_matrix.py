"""The groups of channels of an RMF, in any of the shapes they come in, as one sparse matrix."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vae.spectra import _header
from vae.spectra._hdus import Hdu

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
        stated = _header.whole((hdu,), f"TLMIN{place}")
        if stated is not None:
            return stated
    if ebounds_first is not None:
        return ebounds_first
    _, starts, lengths = _groups(hdu)
    return 0 if np.any(starts[lengths > 0] == 0) else 1


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
    rows, starts, lengths = _groups(hdu)
    outside = (lengths > 0) & ((starts < first) | (starts - first + lengths > n_channels))
    if outside.any():
        worst = int(np.flatnonzero(outside)[0])
        _header.refuse(
            f"row {rows[worst] + 1}: channels {starts[worst]} to {starts[worst] + lengths[worst] - 1} reach outside "
            f"the {n_channels} channels of EBOUNDS from {first} on",
            hdu,
            "F_CHAN",
        )
    wanted = np.bincount(rows, weights=lengths, minlength=hdu.n_rows).astype(np.int64)
    values = _beginnings(hdu, "MATRIX", wanted).astype(np.float64)
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        _header.refuse("holds values that are negative or not finite", hdu, "MATRIX")
    before = np.cumsum(lengths) - lengths  # values of all groups before each group
    indices = np.repeat(starts - first - before, lengths) + np.arange(lengths.sum())
    ends = np.concatenate([[0], np.cumsum(wanted)])
    return csr_array((values, indices, ends), shape=(hdu.n_rows, n_channels))


def area_folded_in(matrix: csr_array, energy_lo: NDArray[np.float64]) -> bool:
    """Tell by its row sums whether a matrix holds areas [cm2]; names of HDUs and HDUCLAS3 are often wrong."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    probe = (energy_lo >= _PROBE_KEV[0]) & (energy_lo <= _PROBE_KEV[1])
    return bool(np.median(sums[probe] if probe.any() else sums) > _MOST_PROBABLE)


def _groups(hdu: Hdu) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, first channel and length of every group, in order."""
    count = _header.integers(_header.column(hdu, "N_GRP"), hdu, "N_GRP")
    if np.any(count < 0):
        _header.refuse("a negative number of groups", hdu, "N_GRP")
    starts = _header.integers(_beginnings(hdu, "F_CHAN", count), hdu, "F_CHAN")
    lengths = _header.integers(_beginnings(hdu, "N_CHAN", count), hdu, "N_CHAN")
    if np.any(lengths < 0):
        _header.refuse("a group of negative length", hdu, "N_CHAN")
    return np.repeat(np.arange(count.size), count), starts, lengths


def _beginnings(hdu: Hdu, name: str, wanted: NDArray[np.int64]) -> NDArray[Any]:
    """Return the first `wanted` values of every row of a column, end to end, be it scalar, padded or of any length."""
    _header.need(hdu, name)
    values = hdu.column(name)
    if values.dtype.kind == "O":
        there = np.array([line.size for line in values], np.int64)
    else:
        values = values.reshape(values.shape[0], -1)
        there = np.full(values.shape[0], values.shape[1])
    if np.any(there < wanted):
        row = int(np.flatnonzero(there < wanted)[0])
        _header.refuse(f"row {row + 1}: {there[row]} values where {wanted[row]} are wanted", hdu, name)
    if values.dtype.kind == "O":
        flat = np.concatenate([line[:n] for line, n in zip(values, wanted, strict=True)] or [np.empty(0)])
    else:
        flat = values[np.arange(values.shape[1]) < wanted[:, None]]
    if flat.dtype.kind not in "iuf":
        _header.refuse("the column does not hold numbers", hdu, name)
    return flat
