"""What OGIP files hold, validated: spectrum (Pha), effective area (Arf), redistribution matrix (Rmf)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vae.spectra import grid

#: INSTRUME of EPIC-pn alone.
PN_NAMES: Final = frozenset({"EPN", "PN", "EPIC-PN", "EPIC PN", "EPICPN"})

Kind = Literal["spectrum", "background", "arf", "rmf", "other"]


@dataclass(frozen=True)
class Label:
    """What a file says of itself, found without reading its tables.

    Parameters
    ----------
    kind : str
        ``spectrum``, ``background`` (a spectrum whose HDUCLAS2 is BKG), ``arf``, ``rmf`` or ``other``.
    telescope, instrument : str
        TELESCOP and INSTRUME, upper case; empty where absent.
    background_file : str or None
        BACKFILE of a spectrum.
    response_file : str or None
        RESPFILE of a spectrum.
    """

    kind: Kind
    telescope: str = ""
    instrument: str = ""
    background_file: str | None = None
    response_file: str | None = None


@dataclass(frozen=True)
class Pha:
    """A counts spectrum as its file has it.

    Parameters
    ----------
    path : Path
    channel : array of int64, shape (n_channels,)
        Channel numbers, ascending.
    counts : array of float64, shape (n_channels,)
        Counts per channel, ungrouped. Integers, except in some background spectra.
    exposure_s : float
        Live time [s].
    backscal, areascal : float
        Scaling of the extraction region and of the area.
    background_file, area_file, response_file : str or None
        BACKFILE, ANCRFILE, RESPFILE; None where absent or 'NONE'.
    grouped : bool
        A GROUPING is given. It only guides plots: counts are per channel all the same.
    n_bad_channels : int
        Channels whose QUALITY is not zero. Recorded; the binning does not depend on it.
    telescope, instrument, filter_, submode : str
        TELESCOP, INSTRUME (upper case), FILTER, SUBMODE; empty where absent.
    obs_id, exposure_id : str or None
        OBS_ID (ten characters for XMM-Newton) and EXPIDSTR.
    src_num : int or None
        SRCNUM, the number of the source within the observation.
    object_name : str or None
        OBJECT: what the telescope was pointed at, often another source.
    source_position, object_position, pointing : (float, float) or None
        (SRC_CRA, SRC_CDEC), (RA_OBJ, DEC_OBJ), (RA_PNT, DEC_PNT) [deg].
    mjd_start, mjd_stop : float or None
        From DATE-OBS and DATE-END [d].
    is_background : bool
        HDUCLAS2 is BKG.
    is_simulated : bool
        ORIGIN is SIMULATED, as `vae.simulate.export` writes it.
    """

    path: Path
    channel: NDArray[np.int64]
    counts: NDArray[np.float64]
    exposure_s: float
    backscal: float
    areascal: float
    background_file: str | None
    area_file: str | None
    response_file: str | None
    grouped: bool
    n_bad_channels: int
    telescope: str
    instrument: str
    filter_: str
    submode: str
    obs_id: str | None
    exposure_id: str | None
    src_num: int | None
    object_name: str | None
    source_position: tuple[float, float] | None
    object_position: tuple[float, float] | None
    pointing: tuple[float, float] | None
    mjd_start: float | None
    mjd_stop: float | None
    is_background: bool
    is_simulated: bool

    @property
    def is_pn(self) -> bool:
        """Whether the instrument is EPIC-pn alone ('EPIC' marks spectra combined over cameras)."""
        return self.instrument in PN_NAMES

    @property
    def is_integer(self) -> bool:
        """Whether all counts are whole numbers."""
        return bool(np.all(self.counts == np.rint(self.counts)))


@dataclass(frozen=True)
class Arf:
    """An effective area.

    Parameters
    ----------
    path : Path
    energy_lo, energy_hi : array of float64, shape (n_energies,)
        True-energy bins [keV].
    area : array of float64, shape (n_energies,)
        Effective area [cm2].
    instrument : str
    """

    path: Path
    energy_lo: NDArray[np.float64]
    energy_hi: NDArray[np.float64]
    area: NDArray[np.float64]
    instrument: str = ""


@dataclass(frozen=True)
class Rmf:
    """A redistribution matrix with its channel boundaries.

    Parameters
    ----------
    path : Path
    energy_lo, energy_hi : array of float64, shape (n_energies,)
        True-energy bins [keV].
    channel : array of int64, shape (n_channels,)
        Channel numbers.
    e_min, e_max : array of float64, shape (n_channels,)
        EBOUNDS: nominal energies of the channels [keV].
    matrix : csr_array of float64, shape (n_energies, n_channels)
        Share of the photons of an energy bin that land in a channel; [cm2] where the area is folded in.
    has_area : bool
        The effective area is folded in. Row sums decide, not the name of the HDU.
    instrument : str
    """

    path: Path
    energy_lo: NDArray[np.float64]
    energy_hi: NDArray[np.float64]
    channel: NDArray[np.int64]
    e_min: NDArray[np.float64]
    e_max: NDArray[np.float64]
    matrix: csr_array
    has_area: bool = False
    instrument: str = ""

    @cached_property
    def membership(self) -> NDArray[np.int64]:
        """Bin 0...237 of each channel, -1 outside 0.3-10 keV; shape (n_channels,)."""
        return grid.channel_membership(self.e_min, self.e_max)

    @cached_property
    def shares(self) -> csr_array:
        """The matrix summed over the channels of each of the 238 bins, shape (238, n_energies), sparse.

        Not only for its size: sparse products do not depend on the threads that a BLAS may take, so that any process on
        any machine makes the same row to the last bit.
        """
        used = np.flatnonzero(self.membership >= 0)
        into = csr_array((np.ones(used.size), (used, self.membership[used])), shape=(self.membership.size, grid.N_BINS))
        return csr_array((self.matrix @ into).T.tocsr())

    @property
    def binned(self) -> NDArray[np.float64]:
        """The same as a dense array, made anew each time."""
        return np.ascontiguousarray(self.shares.toarray())

    def slim(self, path: Path) -> Rmf:
        """Return it for binning alone: without the matrix of channels, a tenth of the memory; under another path."""
        slim = replace(self, path=path, matrix=csr_array(self.matrix.shape))
        slim.__dict__.update(membership=self.membership, shares=self.shares)  # what cached_property would set
        return slim
