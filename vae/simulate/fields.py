"""Where the telescope points: fields on the sky, how rich they are, how often and when they are visited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae.simulate.instrument import FILTERS
from vae.simulate.milky_way import hydrogen_column

#: First and last MJD of the simulated archive: March 2000 to December 2023.
FIRST_MJD: Final = 51610.0
LAST_MJD: Final = 60290.0
#: Visits of one field, at most (4XMM-DR14: one source has 90 detections), and the law of their number. Steeper than the
#: n^-2.8 of detections a source where single visits are concerned, since faint sources miss some visits of their field.
_MOST_VISITS: Final = 90
_VISITS_SLOPE: Final = 2.25
_SINGLE_VISIT_FACTOR: Final = 0.82
#: Scatter of a field's richness (dex); fields with many visits are mostly short looks in window modes at one target.
_RICHNESS_DEX: Final = 0.22
_RICHNESS_BY_VISITS: Final = -0.3
#: Duration: median [log10 s], scatter between fields and between the visits of one (dex).
_DURATION: Final = (4.4, 0.24, 0.2)
#: Share of observations through each of `FILTERS` (FACTS 4), and of the visits that do not keep to their field's.
_FILTER_SHARES: Final = (0.55, 0.42, 0.03)
_FILTER_CHANGED: Final = 0.15
#: Pointings of one field differ by so much in each direction [arcmin].
_DITHER: Final = 0.15
#: How often a pn exposure bears each identifier.
_EXPOSURE_IDS: Final = {"S003": 0.82, "S001": 0.06, "S005": 0.05, "U002": 0.04, "S009": 0.03}

#: Kinds of fields, with the share of pointings.
REGIONS: Final = {"anywhere": 0.60, "plane": 0.17, "bulge": 0.03, "nursery": 0.05, "clouds": 0.05, "galaxy": 0.10}
#: Centres of well-known complexes: longitude, latitude and extent [deg]. Orion, Taurus, rho Ophiuchi, Chamaeleon,
#: Perseus, Carina, Cygnus OB2, Rosette; the Magellanic Clouds.
_NURSERIES: Final = np.array(
    [(209, -19.4, 1.5), (172, -15.5, 3), (353.5, 16.8, 1), (297, -15.5, 1), (159, -19, 1.5), (287.6, -0.7, 0.6),
     (80.2, 0.8, 0.7), (206.5, -2, 0.7)]
)  # fmt: skip
_CLOUDS: Final = np.array([(280.5, -32.9, 2.5), (302.8, -44.3, 1.0)])
_CLOUD_SHARES: Final = (0.65, 0.35)
#: Scatter of real gas about the smooth column (dex).
_GAS_DEX: Final = 0.15


@dataclass(frozen=True)
class Fields:
    """One row a field.

    Parameters
    ----------
    region : array of int64, shape (n_fields,)
        Index into `REGIONS`.
    longitude_deg, latitude_deg : array, shape (n_fields,)
        Galactic.
    gas : array, shape (n_fields,)
        Factor by which its gas differs from the smooth one.
    nh : array, shape (n_fields,)
        Whole Galactic column [1e22 cm-2].
    """

    region: NDArray[np.int64]
    longitude_deg: NDArray[np.float64]
    latitude_deg: NDArray[np.float64]
    gas: NDArray[np.float64]
    nh: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.region)


def draw_fields(rng: np.random.Generator, n: int) -> Fields:
    """Draw fields all over the sky; the plane, nurseries of stars and nearby galaxies are preferred, as in reality."""
    region = rng.choice(len(REGIONS), n, p=list(REGIONS.values()))
    longitude, latitude = rng.uniform(0.0, 360.0, n), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
    sideways, upwards = rng.normal(0.0, 1.0, (2, n))
    names = np.array(list(REGIONS))[region]
    plane, bulge, galaxy = names == "plane", names == "bulge", names == "galaxy"
    longitude[plane] = rng.laplace(0.0, 45.0, n)[plane]
    latitude[plane] = rng.laplace(0.0, 1.2, n)[plane]
    longitude[bulge], latitude[bulge] = 5.0 * sideways[bulge], 3.5 * upwards[bulge]
    # Nearby galaxies are looked at where our own is thin.
    latitude[galaxy] = np.sign(latitude[galaxy]) * (20.0 + np.abs(latitude[galaxy]) * 70.0 / 90.0)
    for name, centres, shares in (("nursery", _NURSERIES, None), ("clouds", _CLOUDS, _CLOUD_SHARES)):
        here = names == name
        centre = centres[rng.choice(len(centres), n, p=shares)][here]
        latitude[here] = centre[:, 1] + centre[:, 2] * upwards[here]
        longitude[here] = centre[:, 0] + centre[:, 2] * sideways[here] / np.cos(np.radians(latitude[here]))
    gas = 10 ** rng.normal(0.0, _GAS_DEX, n)
    return Fields(region, longitude % 360.0, latitude, gas, gas * hydrogen_column(longitude, latitude))


def draw_visit_numbers(rng: np.random.Generator, n: int, *, least: int = 1) -> NDArray[np.int64]:
    """Draw how often fields are visited, shape (n,); at least `least` times."""
    number = np.arange(least, _MOST_VISITS + 1)
    weight = number**-_VISITS_SLOPE * np.where(number == 1, _SINGLE_VISIT_FACTOR, 1.0)
    return rng.choice(number, n, p=weight / weight.sum())


class Visits:
    """Dates, lengths, pointings and filters of the observations of each field, one row a visit, dates ascending.

    Parameters
    ----------
    rng : Generator
    n_visits : array of int64, shape (n_fields,)
    span_days : array, shape (n_fields,)
        Positive for a field whose target is monitored: the length of that campaign.
    log_spaced : array of bool, shape (n_fields,)
        Campaign in equal steps of log time (an early dense monitoring) rather than of time.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        n_visits: NDArray[np.int64],
        span_days: NDArray[np.float64],
        log_spaced: NDArray[np.bool_],
    ) -> None:
        n_fields, total = len(n_visits), int(n_visits.sum())
        #: Visits of each field, and the row of the first.
        self.number = n_visits
        self.first = np.cumsum(n_visits) - n_visits
        field = np.repeat(np.arange(n_fields), n_visits)
        within = np.arange(total) - self.first[field]
        # Stratified in time: ascending, and no two visits of a field overlap by accident.
        share = (within + rng.uniform(0.1, 0.9, total)) / n_visits[field]
        available = LAST_MJD - FIRST_MJD
        shared_span = np.minimum(10 ** rng.uniform(0.7, 4.2, n_fields), available)
        span = np.where(span_days > 0, span_days, np.maximum(shared_span, 2.0 * n_visits))
        #: Begin of each field's time line, MJD; a campaign's target sets off then.
        self.start = FIRST_MJD + rng.random(n_fields) * (available - span)
        days = np.where(log_spaced[field], 5.0 * (span[field] / 5.0) ** share, share * span[field])
        self.mjd = self.start[field] + days

        #: Of a field's visits, median in log10 s.
        self.log_duration = rng.normal(_DURATION[0], _DURATION[1], n_fields)
        self.duration_s = np.clip(10 ** (self.log_duration[field] + rng.normal(0.0, _DURATION[2], total)), 5e3, 1.34e5)
        # Visits of an outburst may follow each other fast: keep them apart by shortening, not by moving.
        gap = np.full(total, np.inf)
        gap[:-1] = np.where(field[1:] == field[:-1], np.diff(self.mjd) * 86400.0, np.inf)
        self.duration_s = np.minimum(self.duration_s, np.maximum(0.9 * gap, 1e3))
        #: What soft protons and read-out leave.
        self.live_share = np.clip(rng.normal(0.82, 0.1, total), 0.35, 0.95)
        self.dither_arcmin = rng.normal(0.0, _DITHER, (2, total))
        self.filter_index = rng.choice(len(FILTERS), n_fields, p=_FILTER_SHARES)[field]
        changed = rng.random(total) < _FILTER_CHANGED
        self.filter_index = np.where(changed, rng.choice(len(FILTERS), total, p=_FILTER_SHARES), self.filter_index)
        self.exposure_id = rng.choice(np.array(list(_EXPOSURE_IDS)), total, p=list(_EXPOSURE_IDS.values()))

    def richness(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw how many sources each field shows, up to a factor, shape (n_fields,): more in long looks."""
        deeper = 10 ** (0.6 * (self.log_duration - _DURATION[0]))
        return deeper * self.number**_RICHNESS_BY_VISITS * 10 ** rng.normal(0.0, _RICHNESS_DEX, self.number.size)
