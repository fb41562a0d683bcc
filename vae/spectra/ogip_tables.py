"""OGIP spectra, areas and redistributions as tables to write: what `vae.spectra.ogip` reads.

Formats: OGIP/92-007 (PHA), CAL/GEN/92-002 and 92-002a (ARF, RMF), laid out as the XMM-Newton pipeline lays them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vae.spectra.fits_tables import Card, Column, Table, table
from vae.spectra.ogip_types import Rmf

_OGIP: Final[Card] = ("HDUCLASS", "OGIP", "format conforms to OGIP/GSFC conventions")
_INSTRUMENT: Final[tuple[Card, ...]] = (("TELESCOP", "XMM", "mission"), ("INSTRUME", "EPN", "instrument"))
#: A group of an RMF bridges gaps up to this many channels: two numbers describe a group, so shorter gaps cost less
#: as zeros.
_BRIDGED: Final = 2


def spectrum_table(
    counts: NDArray[np.integer],
    *,
    exposure_s: float,
    backscal: float,
    quality: NDArray[np.integer] | None = None,
    grouping: NDArray[np.integer] | None = None,
    cards: Sequence[Card] = (),
) -> Table:
    """Return a counts spectrum as a SPECTRUM table (type I).

    Parameters
    ----------
    counts : array of int, shape (n_channels,)
        Counts per channel; channels are numbered from 0, as those of EPIC-pn are.
    exposure_s : float
        Live time [s].
    backscal : float
        Scaling of the extraction region.
    quality, grouping : array of int, shape (n_channels,), optional
        OGIP flags; keywords say 0 where they are not given.
    cards : sequence of Card
        More keywords: FILTER, ANCRFILE, BACKFILE, RESPFILE and the source's.
    """
    n_channels = len(counts)
    columns = [
        Column("CHANNEL", "I", array=np.arange(n_channels)),
        Column("COUNTS", "J", unit="count", array=counts),
    ]
    flags: list[Card] = []
    for name, values in (("GROUPING", grouping), ("QUALITY", quality)):
        if values is None:
            flags.append((name, 0, f"no {name.lower()} is given"))
        else:
            columns.append(Column(name, "I", array=values))
    return table(
        "SPECTRUM",
        columns,
        (
            *_INSTRUMENT,
            _OGIP,
            ("HDUCLAS1", "SPECTRUM", "a spectrum"),
            ("HDUCLAS2", "TOTAL", "gross counts"),
            ("HDUCLAS3", "COUNT", "stored as counts"),
            ("HDUVERS", "1.2.1", "version of the format"),
            ("HDUVERS1", "1.1.0", "the same, for old readers"),
            ("EXPOSURE", float(exposure_s), "[s] live time"),
            ("AREASCAL", 1.0, "scaling of the area"),
            ("BACKSCAL", float(backscal), "scaling of the extraction region"),
            ("CORRSCAL", 1.0, "scaling of the correction file"),
            ("CORRFILE", "NONE", "no correction file"),
            ("POISSERR", True, "errors are Poissonian"),
            ("STAT_ERR", 0, "no statistical error is given"),
            ("SYS_ERR", 0, "no systematic error is given"),
            ("CHANTYPE", "PI", "channels are corrected for gain"),
            ("DETCHANS", n_channels, "number of channels"),
            ("TLMIN1", 0, "first channel"),
            ("TLMAX1", n_channels - 1, "last channel"),
            *flags,
            *cards,
        ),
    )


def area_table(
    energy_lo: NDArray[np.floating],
    energy_hi: NDArray[np.floating],
    area: NDArray[np.floating],
    *,
    cards: Sequence[Card] = (),
) -> Table:
    """Return an effective area as a SPECRESP table.

    Parameters
    ----------
    energy_lo, energy_hi : array, shape (n_energies,)
        True-energy bins [keV].
    area : array, shape (n_energies,)
        Effective area [cm2].
    cards : sequence of Card
        More keywords.
    """
    return table(
        "SPECRESP",
        (*_energies(energy_lo, energy_hi), Column("SPECRESP", "E", unit="cm2", array=area)),
        (
            *_INSTRUMENT,
            ("ARFVERSN", "1992a", "OGIP version of the format"),
            *_response_class("SPECRESP", "1.1.0"),
            *cards,
        ),
    )


def matrix_tables(rmf: Rmf, *, cards: Sequence[Card] = ()) -> tuple[Table, Table]:
    """Return a redistribution as a MATRIX table, shares of variable length, and its EBOUNDS table.

    Parameters
    ----------
    rmf : Rmf
        Its shares and energies are written as float32.
    cards : sequence of Card
        More keywords, for both tables.
    """
    first, last = int(rmf.channel[0]), int(rmf.channel[-1])
    n_groups, starts, lengths, shares = _groups(rmf.matrix)
    starts += np.where(lengths > 0, first, 0)
    common: tuple[Card, ...] = (
        *_INSTRUMENT,
        ("RMFVERSN", "1992a", "OGIP version of the format"),
        ("CHANTYPE", "PI", "channels are corrected for gain"),
        ("DETCHANS", rmf.channel.size, "number of channels"),
        *cards,
    )
    return (
        table(
            "MATRIX",
            (
                *_energies(rmf.energy_lo, rmf.energy_hi),
                Column("N_GRP", "I", array=n_groups),
                Column("F_CHAN", f"{starts.shape[1]}I", array=starts),
                Column("N_CHAN", f"{starts.shape[1]}I", array=lengths),
                Column("MATRIX", "PE()", array=shares),
            ),
            (
                *_response_class("RSP_MATRIX", "1.3.0"),
                ("HDUCLAS3", "REDIST", "redistribution only, no area"),
                ("TLMIN4", first, "first channel"),
                ("TLMAX4", last, "last channel"),
                *common,
            ),
        ),
        table(
            "EBOUNDS",
            (
                Column("CHANNEL", "I", array=rmf.channel),
                Column("E_MIN", "E", unit="keV", array=rmf.e_min),
                Column("E_MAX", "E", unit="keV", array=rmf.e_max),
            ),
            (
                *_response_class("EBOUNDS", "1.2.0"),
                ("TLMIN1", first, "first channel"),
                ("TLMAX1", last, "last channel"),
                *common,
            ),
        ),
    )


def _energies(low: NDArray[np.floating], high: NDArray[np.floating]) -> tuple[Column, Column]:
    return (
        Column("ENERG_LO", "E", unit="keV", array=low),
        Column("ENERG_HI", "E", unit="keV", array=high),
    )


def _response_class(kind: str, version: str) -> tuple[Card, ...]:
    return (
        _OGIP,
        ("HDUCLAS1", "RESPONSE", "part of a response"),
        ("HDUCLAS2", kind, "which part"),
        ("HDUVERS", version, "version of the format"),
        ("HDUVERS1", "1.0.0", "the same, for old readers"),
    )


def _groups(
    matrix: csr_array,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
    """Cut the rows of a matrix into groups of channels.

    Returns
    -------
    n_groups : array of int64, shape (n_energies,)
    starts, lengths : array of int64, shape (n_energies, most groups)
        First channel, counted from 0, and number of channels of each group; 0 where a row has no more.
    shares : array of object, shape (n_energies,)
        Of each row, the shares of all its groups end to end, float32.
    """
    matrix = matrix.sorted_indices()
    n_rows = matrix.shape[0]
    row = np.repeat(np.arange(n_rows), np.diff(matrix.indptr))
    channel = matrix.indices.astype(np.int64)
    breaks = np.flatnonzero((np.diff(channel) > _BRIDGED) | (np.diff(row) > 0)) + 1
    begin = np.concatenate([[0], breaks]) if channel.size else breaks
    start, group_row = channel[begin], row[begin]
    length = np.diff(np.append(begin, channel.size))  # filled channels of a group; with the bridged ones it is longer
    length = channel[begin + length - 1] - start + 1
    n_groups = np.bincount(group_row, minlength=n_rows)
    within = np.arange(begin.size) - (np.cumsum(n_groups) - n_groups)[group_row]
    starts, lengths = (np.zeros((n_rows, max(1, n_groups.max())), np.int64) for _ in range(2))
    starts[group_row, within], lengths[group_row, within] = start, length
    group = np.repeat(np.arange(begin.size), np.diff(np.append(begin, channel.size)))
    flat = np.zeros(int(length.sum()), np.float32)
    flat[(np.cumsum(length) - length)[group] + channel - start[group]] = matrix.data
    shares = np.empty(n_rows, object)
    shares[:] = np.split(flat, np.cumsum(lengths.sum(axis=1))[:-1])
    return n_groups, starts, lengths, shares
