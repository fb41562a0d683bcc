"""Folding photon spectra through a response, and what can be said without folding: sensitivity and unfolding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from vae.errors import OgipError
from vae.spectra import grid
from vae.spectra.ogip_types import Arf, Pha, Rmf

#: Gauss-Legendre nodes and weights with which a photon density is integrated over each true-energy bin.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
#: Edges closer than this share of a bin are the same edge: float32 in one file, a decimal rounded in another.
_SAME_EDGE: Final = 0.05


def fold(
    photons: ArrayLike | Callable[[NDArray[np.float64]], NDArray[np.float64]], arf: Arf, rmf: Rmf
) -> NDArray[np.float64]:
    """Fold a photon spectrum through ARF and RMF, on their own energy grid.

    Parameters
    ----------
    photons : array, shape (..., n_energies), or callable
        Integrals over the energy bins of the RMF [photon/cm2/s], or a density [photon/cm2/s/keV] as a function of
        energy [keV], which is integrated over each bin (five-point Gauss-Legendre).
    arf : Arf
    rmf : Rmf

    Returns
    -------
    array of float64, shape (..., n_channels)
        Count rate per channel [1/s].

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from scipy.sparse import eye_array
    >>> low = np.array([1.0, 2.0, 3.0])
    >>> arf = Arf(Path("a"), low, low + 1, np.array([10.0, 20.0, 30.0]))
    >>> rmf = Rmf(Path("r"), low, low + 1, np.arange(3), low, low + 1, eye_array(3, format="csr"))
    >>> fold([1.0, 1.0, 2.0], arf, rmf)
    array([10., 20., 60.])
    """
    if callable(photons):
        low, width = rmf.energy_lo, rmf.energy_hi - rmf.energy_lo
        energy = low + 0.5 * width * (1.0 + _NODES[:, None])
        integrals = 0.5 * width * (_WEIGHTS @ photons(energy))
    else:
        integrals = np.asarray(photons, np.float64)
    return (integrals * area_on(arf, rmf)) @ rmf.matrix


def area_on(arf: Arf, rmf: Rmf) -> NDArray[np.float64]:
    """Return the area on the energy bins of the RMF [cm2], shape (n_energies,).

    The same numbers where both files share a grid (the first lower edge may differ: some versions of the calibration
    put it at 0); averaged over the overlap where they do not.
    """
    if arf.energy_lo.size == rmf.energy_lo.size:
        near = _SAME_EDGE * (rmf.energy_hi - rmf.energy_lo)
        same_lo, same_hi = (
            np.abs(a - b) <= near for a, b in ((arf.energy_lo, rmf.energy_lo), (arf.energy_hi, rmf.energy_hi))
        )
        if same_lo[1:].all() and same_hi.all():
            return arf.area
    return _averaged(arf, rmf.energy_lo, rmf.energy_hi)


def area_on_true_grid(arf: Arf) -> NDArray[np.float64]:
    """Return the area averaged on the true-energy grid of the store [cm2], shape (336,)."""
    return _averaged(arf, grid.TRUE_EDGES[:-1], grid.TRUE_EDGES[1:])


def redistribution_on_true_grid(rmf: Rmf) -> NDArray[np.float64]:
    """Return the redistribution from the true-energy grid of the store into the 238 bins, shape (238, 336).

    Rows of the RMF are averaged flat over each bin of the true-energy grid.
    """
    low = np.maximum(rmf.energy_lo[:, None], grid.TRUE_EDGES[None, :-1])
    high = np.minimum(rmf.energy_hi[:, None], grid.TRUE_EDGES[None, 1:])
    mean = csr_array(np.clip(high - low, 0.0, None) / grid.TRUE_WIDTHS)
    return np.asarray((rmf.shares @ mean).toarray())


def sensitivity(arf: Arf, rmf: Rmf, exposure_s: float) -> NDArray[np.float64]:
    """Return the sensitivity e_h = t sum_j R_hj A_j dE_j of the 238 bins [cm2 s keV], shape (238,).

    The expected counts of a photon spectrum of 1 photon/cm2/s/keV at all energies (FACTS 3).
    """
    return np.asarray(exposure_s * (rmf.shares @ (area_on(arf, rmf) * (rmf.energy_hi - rmf.energy_lo))))


def unfold(
    counts: ArrayLike, background_counts: ArrayLike, background_ratio: ArrayLike, sensitivity: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unfolded spectrum S = (C - a B) / e and its error sqrt(C + a^2 B) / e.

    Independent of any model and *not deconvolved*: still smeared by the redistribution, below 1 keV far from the
    photon spectrum. Never fit it; the likelihood belongs in counts.

    Parameters
    ----------
    counts, background_counts, sensitivity : array, shape (n, 238) or (238,)
        C and B in counts, e in cm2 s keV.
    background_ratio : array, shape (n,) or ()

    Returns
    -------
    unfolded, error : array of float64
        [photon/cm2/s/keV]; NaN where the sensitivity is zero.

    References
    ----------
    Nowak et al. (2005), ApJ 626, 1006.
    """
    c, b, e = (np.asarray(x, np.float64) for x in (counts, background_counts, sensitivity))
    a = np.asarray(background_ratio, np.float64)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        per_count = np.where(e > 0, 1.0 / e, np.nan)
    return (c - a * b) * per_count, np.sqrt(c + a**2 * b) * per_count


def separate(rmf: Rmf) -> tuple[Arf, Rmf]:
    """Split a matrix with the area folded in into an area (its row sums) and a redistribution that sums to 1."""
    total = np.asarray(rmf.matrix.sum(axis=1)).ravel()
    share = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    arf = Arf(rmf.path, rmf.energy_lo, rmf.energy_hi, total, rmf.instrument)
    return arf, replace(rmf, matrix=csr_array(rmf.matrix.multiply(share[:, None])), has_area=False)


def bin_counts(pha: Pha, rmf: Rmf) -> NDArray[np.float64]:
    """Sum a spectrum's channels into the 238 bins by the EBOUNDS of its response, shape (238,).

    Channels are matched by number; where the numbers disagree only in where they start (0 or 1), by place.

    Raises
    ------
    OgipError
        When the response has other channels, or the spectrum lacks channels inside 0.3-10 keV.
    """
    if np.array_equal(pha.channel, rmf.channel):  # as nearly always
        return grid.bin_channels(pha.counts, rmf.membership)
    per_channel = np.zeros(rmf.channel.size)
    per_channel[_places(pha, rmf)] = pha.counts
    return grid.bin_channels(per_channel, rmf.membership)


def check_channels(pha: Pha, rmf: Rmf) -> None:
    """Raise what `bin_counts` would raise."""
    if not np.array_equal(pha.channel, rmf.channel):
        _places(pha, rmf)


def _places(pha: Pha, rmf: Rmf) -> NDArray[np.int64]:
    """Place of each channel of a spectrum among those of the response."""
    place = np.searchsorted(rmf.channel, pha.channel)
    known = place < rmf.channel.size
    known[known] = rmf.channel[place[known]] == pha.channel[known]
    if not known.all():
        if pha.channel.size != rmf.channel.size or abs(int(pha.channel[0] - rmf.channel[0])) > 1:
            raise OgipError(
                f"channels {pha.channel[0]}-{pha.channel[-1]} do not fit {rmf.path.name}, which has "
                f"{rmf.channel[0]}-{rmf.channel[-1]}",
                file=pha.path,
                column="CHANNEL",
                todo="Give the right response with --rmf or --responses",
            )
        place = np.arange(rmf.channel.size)
    covered = np.zeros(rmf.channel.size, bool)
    covered[place] = True
    if np.any(~covered & (rmf.membership >= 0)):
        raise OgipError("lacks channels inside 0.3-10 keV", file=pha.path, column="CHANNEL")
    return place


def background_ratio(source: Pha, background: Pha) -> float:
    """Return exposure x BACKSCAL x AREASCAL of the source region over that of the background region."""
    return (source.exposure_s * source.backscal * source.areascal) / (
        background.exposure_s * background.backscal * background.areascal
    )


def _averaged(arf: Arf, energy_lo: NDArray[np.floating], energy_hi: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean area over each of the given bins; zero where the ARF does not reach."""
    edges = np.maximum.accumulate(np.column_stack([arf.energy_lo, arf.energy_hi]).ravel())
    steps = np.column_stack([np.zeros(arf.area.size), arf.area * (arf.energy_hi - arf.energy_lo)])
    integral = np.cumsum(steps.ravel())
    width = np.asarray(energy_hi, np.float64) - np.asarray(energy_lo, np.float64)
    return (np.interp(energy_hi, edges, integral) - np.interp(energy_lo, edges, integral)) / width
