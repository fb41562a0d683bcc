"""What kinds of sources there are, how many, how bright, and in what surroundings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae.simulate.fields import draw_visit_numbers
from vae.simulate.kinds import compact, extragalactic, oddities, stellar
from vae.simulate.kinds.recipe import TimeLine

#: Net counts of a source's best observation: N(>C) ~ C^-0.9 up to the break, C^-1.2 above. What its other observations
#: hold is a share of that, so that all detections follow the same laws. The low end leaves room for Poisson scatter
#: across 300; the break, for the other observations' smaller counts.
_COUNTS_LOW: Final = 255.0
_COUNTS_BREAK: Final = 2600.0
_COUNTS_HIGH: Final = 3.0e6
_SLOPES: Final = (0.9, 1.24)
#: Share of transients that have a monitoring campaign of their own, the visits of such a campaign at least, and by how
#: much its target is brighter than other sources (log10).
_CAMPAIGN_SHARE: Final = 0.15
_CAMPAIGN_VISITS: Final = 2
_CAMPAIGN_BOOST: Final = 1.2


@dataclass(frozen=True)
class Habitat:
    """Where sources of a kind are found.

    Parameters
    ----------
    anywhere, plane, bulge, nursery, clouds, galaxy : float
        Relative density in fields of each of `vae.simulate.fields.REGIONS`.
    latitude_deg : float
        Galactic latitude over which the density falls by e.
    distance_kpc, distance_dex : float
        Median and scatter; infinite for what lies beyond the Galaxy and has all its gas in front.
    most_nh : float
        Whole Galactic column over which sources vanish by e [1e22 cm-2].
    native : bool
        In nearby galaxies and the Magellanic Clouds, a member of these rather than in front.
    """

    anywhere: float = 1.0
    plane: float = 1.0
    bulge: float = 1.0
    nursery: float = 1.0
    clouds: float = 1.0
    galaxy: float = 1.0
    latitude_deg: float = np.inf
    distance_kpc: float = np.inf
    distance_dex: float = 0.3
    most_nh: float = np.inf
    native: bool = True


#: Active nuclei shine through all but the thickest of the plane; what is soft does not.
_BEYOND: Final = Habitat(nursery=0.7, clouds=0.8, most_nh=0.8)
_BEYOND_SOFT: Final = Habitat(nursery=0.7, clouds=0.8, most_nh=0.05)
_NEARBY: Final = Habitat(anywhere=0.02, plane=0, bulge=0, nursery=0, clouds=0, galaxy=1, most_nh=0.5)
_DWARFS: Final = Habitat(1, 2, 2, 2.5, 0.7, 0.7, latitude_deg=60, distance_kpc=0.15, distance_dex=0.4, native=False)
_NURSLINGS: Final = Habitat(0.12, 1, 0.3, 14, 0.3, 0.05, latitude_deg=15, distance_kpc=0.4, native=False)
_WINDS: Final = Habitat(0.02, 1.5, 0.3, 3, 1.5, 0.2, latitude_deg=4, distance_kpc=2.0, distance_dex=0.25)
_OLD_BINARIES: Final = Habitat(0.05, 1, 3, 0.2, 0.3, 0.5, latitude_deg=8, distance_kpc=6.0, distance_dex=0.25)
_YOUNG_BINARIES: Final = Habitat(0.03, 1.5, 0.4, 0.5, 4, 0.3, latitude_deg=4, distance_kpc=4.0, distance_dex=0.25)
_WHITE_DWARFS: Final = Habitat(1, 2, 2, 1, 0.7, 0.5, latitude_deg=30, distance_kpc=0.5, native=False)
_NEARBY_NEUTRON_STARS: Final = Habitat(1, 1, 0.5, 1, 0.5, 0.3, latitude_deg=30, distance_kpc=0.35, distance_dex=0.25,
                                       native=False)  # fmt: skip
_PULSARS: Final = Habitat(0.4, 2, 1, 0.5, 0.5, 0.1, latitude_deg=20, distance_kpc=3.0, distance_dex=0.35)
_MAGNETARS: Final = Habitat(0.01, 1, 1, 0.3, 0.1, 0, latitude_deg=3, distance_kpc=6.0, distance_dex=0.2)
_REMNANTS: Final = Habitat(0.02, 0.7, 0.5, 0.3, 4, 2, latitude_deg=5, distance_kpc=3.0, distance_dex=0.25)
_SUPERSOFT: Final = Habitat(0.05, 0.1, 0.1, 0.1, 4, 2, latitude_deg=15, distance_kpc=1.5, distance_dex=0.25)
_SYSTEMS: Final = Habitat(0.15, 1, 2, 3, 1, 0.6, latitude_deg=15, distance_kpc=3.0, distance_dex=0.25)


@dataclass(frozen=True)
class Kind:
    """One kind of source.

    Parameters
    ----------
    name : str
        Kept in a row's provenance.
    true_class : str
        Display class; for an oddity, a label of its own.
    share : float
        Relative number of sources.
    draw : callable
        Takes a generator and a `TimeLine`, returns spectral models (`MODEL_DTYPE`), one a detection.
    habitat : Habitat
    span_days : float
        Positive for transients: how long their show lasts, and the campaigns that follow it.
    log_spaced : bool
        Campaign in equal steps of log time.
    dormant : bool
        Not seen before and after the show.
    boost : float
        log10 by which such sources are brighter than the rest of the archive.
    """

    name: str
    true_class: str
    share: float
    draw: Callable[[np.random.Generator, TimeLine], NDArray[np.void]]
    habitat: Habitat
    span_days: float = 0.0
    log_spaced: bool = False
    dormant: bool = False
    boost: float = 0.0


#: The shares give *detections* above 300 counts those of FACTS 5 (assumed there): unabsorbed nuclei with galaxies and
#: clusters 0.62, absorbed ones 0.10, stars 0.16, X-ray binaries 0.05, ULX 0.03, CV 0.015, remnants 0.01, neutron stars
#: 0.008, disruptions 0.005; what is bright or monitored takes a smaller share of the sources. The oddities at the end
#: are what outlier and similarity tools should find.
KINDS: Final = (
    Kind("agn", "AGN", 0.371, extragalactic.agn, _BEYOND),
    Kind("agn_absorbed", "AGN", 0.103, extragalactic.absorbed_agn, _BEYOND),
    Kind("agn_changing_look", "AGN", 0.0006, extragalactic.changing_look, _BEYOND, span_days=1700.0),
    Kind("quasar", "Quasar", 0.208, extragalactic.quasar, _BEYOND),
    Kind("blazar", "Blazar", 0.031, extragalactic.blazar, _BEYOND, boost=0.3),
    Kind("bh_xrb", "X-ray binary", 0.0095, compact.black_hole_binary, _OLD_BINARIES, span_days=420.0, dormant=True,
         boost=0.3),
    Kind("ns_lmxb", "X-ray binary", 0.0165, compact.neutron_star_binary, _OLD_BINARIES, boost=0.3),
    Kind("hmxb", "X-ray binary", 0.015, compact.high_mass_binary, _YOUNG_BINARIES, boost=0.2),
    Kind("ulx", "X-ray binary", 0.028, compact.ultraluminous_source, _NEARBY),
    Kind("ns_thermal", "Neutron star", 0.0033, compact.thermal_neutron_star, _NEARBY_NEUTRON_STARS, boost=0.2),
    Kind("pulsar", "Neutron star", 0.0018, compact.pulsar, _PULSARS),
    Kind("magnetar", "Neutron star", 0.0008, compact.magnetar, _MAGNETARS, boost=0.2),
    Kind("cv", "CV / white dwarf", 0.0122, compact.cataclysmic_variable, _WHITE_DWARFS),
    Kind("supersoft", "CV / white dwarf", 0.0018, compact.supersoft_source, _SUPERSOFT),
    Kind("star", "Star", 0.109, stellar.coronal_star, _DWARFS),
    Kind("young_star", "Young star", 0.038, stellar.young_star, _NURSLINGS),
    Kind("massive_star", "Massive star", 0.012, stellar.massive_star, _WINDS),
    Kind("tde", "Tidal disruption event", 0.0042, extragalactic.tidal_disruption, _BEYOND_SOFT, span_days=2000.0,
         log_spaced=True, dormant=True),
    Kind("snr", "Supernova / transient", 0.0072, stellar.supernova_remnant, _REMNANTS),
    Kind("supernova", "Supernova / transient", 0.0017, stellar.supernova, _NEARBY, span_days=1500.0, log_spaced=True,
         dormant=True),
    Kind("galaxy", "Galaxy", 0.018, extragalactic.galaxy, _BEYOND),
    Kind("cluster", "Galaxy cluster", 0.018, extragalactic.galaxy_cluster, _BEYOND),
    Kind("stellar_system", "Diffuse / stellar system", 0.007, stellar.stellar_system, _SYSTEMS),
    Kind("extremely_soft", "Extremely soft", 1.0e-4, oddities.extremely_soft, _BEYOND_SOFT),
    Kind("compton_thick", "Compton-thick", 2.0e-4, oddities.compton_thick, _BEYOND),
    Kind("absorbed_pulsar", "Absorbed pulsar", 1.0e-4, oddities.absorbed_pulsar, _YOUNG_BINARIES),
    Kind("line_dominated", "Line-dominated", 1.0e-4, oddities.line_dominated, _BEYOND),
)  # fmt: skip
#: Labels that are no display class: rare cases for the tools that look for such.
ODDITIES: Final = ("Extremely soft", "Compton-thick", "Absorbed pulsar", "Line-dominated")
#: Sources at the head of every chunk, so that the smallest demo has each story and each oddity: kind, visits of its
#: campaign (0: like any other source), net counts of the best observation at least.
SHOWPIECES: Final = (
    ("agn_changing_look", 11, 3e4),
    ("tde", 9, 1.5e5),
    ("bh_xrb", 16, 4e5),
    ("extremely_soft", 0, 900.0),
    ("compton_thick", 0, 900.0),
    ("absorbed_pulsar", 0, 900.0),
    ("line_dominated", 0, 900.0),
)


@dataclass(frozen=True)
class Sources:
    """One row a source.

    Parameters
    ----------
    kind : array of int64, shape (n_sources,)
        Index into `KINDS`.
    campaign : array of int64, shape (n_sources,)
        Visits of its own campaign; 0 for a source that others' observations happen to see.
    target_counts : array, shape (n_sources,)
        Net counts that the best of its observations expects.
    """

    kind: NDArray[np.int64]
    campaign: NDArray[np.int64]
    target_counts: NDArray[np.float64]


def draw_sources(rng: np.random.Generator, n_sources: int, *, showpieces: bool) -> Sources:
    """Draw kinds, campaigns and brightness.

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
    monitored = np.array([k.span_days > 0 for k in KINDS])[kind] & (rng.random(n_sources) < _CAMPAIGN_SHARE)
    campaign = np.where(monitored, draw_visit_numbers(rng, n_sources, least=_CAMPAIGN_VISITS), 0)
    boost = np.array([k.boost for k in KINDS])[kind] + np.where(monitored, _CAMPAIGN_BOOST, 0.0)
    # Brighter kinds change places with others, so that all together keep to the power law.
    order = np.argsort(np.log10(draw_counts(rng, n_sources)) + boost)
    counts = np.empty(n_sources)
    counts[order] = np.sort(draw_counts(rng, n_sources))
    if showpieces:
        names = [k.name for k in KINDS]
        for i, (name, visits, least) in enumerate(SHOWPIECES):
            kind[i], campaign[i], counts[i] = names.index(name), visits, max(counts[i], least)
    return Sources(kind, campaign, counts)


def draw_counts(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Draw expected net counts from the broken power law of the archive, which ends at the brightest, shape (n,)."""
    share_below = 1.0 - (_COUNTS_BREAK / _COUNTS_LOW) ** -_SLOPES[0]
    u = rng.random(n)
    low = _COUNTS_LOW * (1.0 - np.minimum(u, share_below)) ** (-1.0 / _SLOPES[0])
    remaining = np.minimum((1.0 - u) / (1.0 - share_below), 1.0)
    cut = (_COUNTS_HIGH / _COUNTS_BREAK) ** -_SLOPES[1]  # the law ends there; it does not pile up
    high = _COUNTS_BREAK * (cut + (1.0 - cut) * remaining) ** (-1.0 / _SLOPES[1])
    return np.where(u < share_below, low, high)
