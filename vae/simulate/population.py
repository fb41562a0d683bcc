"""What kinds of sources there are, how many, how bright, and how often they were observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds import compact, extragalactic, stellar
from vae.simulate.kinds.recipe import TimeLine

#: Share of sources by number of observations: p(n) ~ n^-2.8, at most 90 (fits 4XMM-DR14).
_OBSERVATIONS: Final = np.arange(1, 91)
_OBSERVATION_SHARES: Final = _OBSERVATIONS**-2.8 / np.sum(_OBSERVATIONS**-2.8)
#: Net counts N(>C) ~ C^-0.9 up to the break, C^-1.2 above; the lower end leaves room for scatter across 300.
_COUNTS_LOW: Final = 210.0
_COUNTS_BREAK: Final = 2000.0
_COUNTS_HIGH: Final = 4.0e5
_SLOPES: Final = (0.9, 1.2)


@dataclass(frozen=True)
class Kind:
    """One kind of source.

    Parameters
    ----------
    name : str
        Kept in a row's provenance.
    true_class : str
        Display class.
    share : float
        Relative number of sources.
    draw : callable
        Takes a generator and a `TimeLine`, returns spectral models (`MODEL_DTYPE`), one a detection.
    galactic : bool
        Near the Galactic plane.
    span_days : float
        Positive for targets of monitoring campaigns: observed on their own over so many days.
    log_spaced : bool
        Campaign in equal steps of log time.
    boost : float
        log10 by which such targets are brighter than the rest of the archive.
    """

    name: str
    true_class: str
    share: float
    draw: Callable[[np.random.Generator, TimeLine], NDArray[np.void]]
    galactic: bool = False
    span_days: float = 0.0
    log_spaced: bool = False
    boost: float = 0.0


#: Shares follow FACTS 5 (assumed there): AGN of all sorts near 0.7, stars 0.16, X-ray binaries with ULX 0.08 ...
KINDS: Final = (
    Kind("agn", "AGN", 0.330, extragalactic.agn),
    Kind("agn_absorbed", "AGN", 0.095, extragalactic.absorbed_agn),
    Kind("agn_changing_look", "AGN", 0.0006, extragalactic.changing_look, span_days=1700.0, boost=0.9),
    Kind("quasar", "Quasar", 0.190, extragalactic.quasar),
    Kind("blazar", "Blazar", 0.030, extragalactic.blazar, boost=0.3),
    Kind("bh_xrb", "X-ray binary", 0.010, compact.black_hole_binary, galactic=True, span_days=420.0, boost=0.9),
    Kind("ns_lmxb", "X-ray binary", 0.016, compact.neutron_star_binary, galactic=True, boost=0.3),
    Kind("hmxb", "X-ray binary", 0.014, compact.high_mass_binary, galactic=True, boost=0.2),
    Kind("ulx", "X-ray binary", 0.028, compact.ultraluminous_source),
    Kind("ns_thermal", "Neutron star", 0.009, compact.thermal_neutron_star, galactic=True, boost=0.2),
    Kind("pulsar", "Neutron star", 0.005, compact.pulsar, galactic=True),
    Kind("magnetar", "Neutron star", 0.0015, compact.magnetar, galactic=True, boost=0.2),
    Kind("cv", "CV / white dwarf", 0.017, compact.cataclysmic_variable, galactic=True),
    Kind("supersoft", "CV / white dwarf", 0.002, compact.supersoft_source),
    Kind("star", "Star", 0.110, stellar.coronal_star),
    Kind("young_star", "Young star", 0.040, stellar.young_star, galactic=True),
    Kind("massive_star", "Massive star", 0.014, stellar.massive_star, galactic=True),
    Kind("tde", "Tidal disruption event", 0.005, extragalactic.tidal_disruption, span_days=2000.0, log_spaced=True,
         boost=0.6),
    Kind("snr", "Supernova / transient", 0.011, stellar.supernova_remnant, galactic=True),
    Kind("supernova", "Supernova / transient", 0.002, stellar.supernova, span_days=1500.0, log_spaced=True),
    Kind("galaxy", "Galaxy", 0.022, extragalactic.galaxy),
    Kind("cluster", "Galaxy cluster", 0.028, extragalactic.galaxy_cluster),
    Kind("stellar_system", "Diffuse / stellar system", 0.010, stellar.stellar_system, galactic=True),
)  # fmt: skip
#: Sources at the head of every chunk, so that the smallest demo has each story: kind, observations, log10 boost.
SHOWPIECES: Final = (
    ("agn_changing_look", 11, 1.2),
    ("tde", 9, 1.5),
    ("bh_xrb", 16, 1.3),
)


@dataclass(frozen=True)
class Sources:
    """One row a source.

    Parameters
    ----------
    kind : array of int64, shape (n_sources,)
        Index into `KINDS`.
    n_observations : array of int64, shape (n_sources,)
    target_counts : array, shape (n_sources,)
        Net counts that its observations expect on average (of the logarithm).
    """

    kind: NDArray[np.int64]
    n_observations: NDArray[np.int64]
    target_counts: NDArray[np.float64]


def draw_sources(rng: np.random.Generator, n_sources: int, *, showpieces: bool) -> Sources:
    """Draw kinds, numbers of observations and brightness.

    Parameters
    ----------
    rng : Generator
    n_sources : int
        More than the number of `SHOWPIECES`.
    showpieces : bool
        Begin with one source of each of `SHOWPIECES`.
    """
    shares = np.array([kind.share for kind in KINDS])
    kind = rng.choice(len(KINDS), n_sources, p=shares / shares.sum())
    campaign = np.array([k.span_days > 0 for k in KINDS])[kind]
    n_observations = rng.choice(_OBSERVATIONS, n_sources, p=_OBSERVATION_SHARES)
    # Transients are followed up: the best-observed of four draws.
    again = rng.choice(_OBSERVATIONS, (3, n_sources), p=_OBSERVATION_SHARES).max(axis=0)
    n_observations = np.where(campaign, np.maximum(n_observations, again), n_observations)
    boost = np.array([k.boost for k in KINDS])[kind]
    counts = draw_counts(rng, n_sources)
    if showpieces:
        names = [k.name for k in KINDS]
        for i, (name, n, extra) in enumerate(SHOWPIECES):
            kind[i], n_observations[i], boost[i] = names.index(name), n, extra
            counts[i] = max(counts[i], 600.0)
    return Sources(kind, n_observations, np.minimum(counts * 10**boost, 1e6))


def draw_counts(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Draw expected net counts from the broken power law of the archive, shape (n,)."""
    share_below = 1.0 - (_COUNTS_BREAK / _COUNTS_LOW) ** -_SLOPES[0]
    u = rng.random(n)
    low = _COUNTS_LOW * (1.0 - np.minimum(u, share_below)) ** (-1.0 / _SLOPES[0])
    remaining = np.minimum((1.0 - u) / (1.0 - share_below), 1.0)
    high = _COUNTS_BREAK * np.maximum(remaining, (_COUNTS_HIGH / _COUNTS_BREAK) ** -_SLOPES[1]) ** (-1.0 / _SLOPES[1])
    return np.where(u < share_below, low, high)
