"""Where and when: fields of sources, their visits, sky positions and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.instrument import FILTERS

#: First and last MJD of the simulated archive: March 2000 to December 2023.
FIRST_MJD: Final = 51610.0
LAST_MJD: Final = 60290.0
#: Sources with a spectrum in one field, at most.
SOURCES_PER_FIELD: Final = 12
#: Share of observations through each of `FILTERS` (FACTS 4).
_FILTER_SHARES: Final = (0.55, 0.42, 0.03)
#: Share of sources that are the target of their field, near the axis, and the edge of the field [arcmin].
_ON_AXIS_SHARE: Final = 0.2
_FIELD_RADIUS: Final = 13.5
#: Rotation from Galactic to equatorial (ICRS) axes: Perryman et al. 1997, The Hipparcos Catalogue, vol. 1, eq. 1.5.11.
_GALACTIC_TO_ICRS: Final = np.array(
    [
        [-0.0548755604, +0.4941094279, -0.8676661490],
        [-0.8734370902, -0.4448296300, -0.1980763734],
        [-0.4838350155, +0.7469822445, +0.4559837762],
    ]
)


@dataclass(frozen=True)
class Schedule:
    """One row a detection, in order of source, then date.

    Parameters
    ----------
    source : array of int64, shape (n,)
        Index of the source.
    visit : array of int64, shape (n,)
        Index of the observation; detections of one field share it.
    src_num : array of int64, shape (n,)
        Number of the source within its observations.
    mjd_start : array, shape (n,)
        Start [d].
    days : array, shape (n,)
        Days since the beginning of the source's time line (its outburst, for sources with their own schedule).
    duration_s, exposure_s : array, shape (n,)
        Length of the observation and live time of the spectrum [s].
    filter_index : array of int64, shape (n,)
        Index into `vae.simulate.instrument.FILTERS`.
    offaxis_arcmin : array, shape (n,)
    ra_deg, dec_deg : array, shape (n_sources,)
        ICRS position [deg].
    """

    source: NDArray[np.int64]
    visit: NDArray[np.int64]
    src_num: NDArray[np.int64]
    mjd_start: NDArray[np.float64]
    days: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    exposure_s: NDArray[np.float64]
    filter_index: NDArray[np.int64]
    offaxis_arcmin: NDArray[np.float64]
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]


def plan(
    rng: np.random.Generator,
    n_observations: NDArray[np.int64],
    galactic: NDArray[np.bool_],
    span_days: NDArray[np.float64],
    log_spaced: NDArray[np.bool_],
) -> Schedule:
    """Lay out fields and visits for a set of sources.

    Parameters
    ----------
    rng : Generator
    n_observations : array of int64, shape (n_sources,)
        Observations of each source.
    galactic : array of bool, shape (n_sources,)
        Near the Galactic plane rather than anywhere on the sky.
    span_days : array, shape (n_sources,)
        Positive for a source that is observed on its own, over that many days from the start of its outburst; 0 for one
        that shares a field.
    log_spaced : array of bool, shape (n_sources,)
        Own schedule in equal steps of log time (an early dense monitoring) rather than of time.
    """
    n_sources = len(n_observations)
    own = span_days > 0
    # Sources of like number of observations share a field, and with it all dates.
    order = np.lexsort((rng.random(n_sources), galactic, n_observations, own))
    key = np.column_stack([own, n_observations, galactic])[order]
    first_of_group = np.append(0, np.flatnonzero(np.any(np.diff(key, axis=0) != 0, axis=1)) + 1)
    position_in_group = np.arange(n_sources) - np.repeat(first_of_group, np.diff(np.append(first_of_group, n_sources)))
    starts_field = (position_in_group % SOURCES_PER_FIELD == 0) | own[order]
    field = np.empty(n_sources, np.int64)
    field[order] = np.cumsum(starts_field) - 1
    src_num = np.empty(n_sources, np.int64)
    src_num[order] = np.where(own[order], 0, position_in_group % SOURCES_PER_FIELD) + 1
    leader = order[starts_field]  # one source of each field knows the field's properties

    visits = _Visits(rng, n_observations[leader], span_days[leader], log_spaced[leader])
    on_axis = own | (rng.random(n_sources) < _ON_AXIS_SHARE)
    source_offaxis = np.where(
        on_axis, 1.1 * np.sqrt(rng.random(n_sources)), 1.0 + (_FIELD_RADIUS - 1.0) * rng.random(n_sources) ** 0.6
    )
    ra, dec = _positions(rng, field, len(leader), galactic[leader], source_offaxis)

    source = np.repeat(np.arange(n_sources), n_observations)
    within = np.arange(source.size) - np.repeat(np.cumsum(n_observations) - n_observations, n_observations)
    visit = visits.first[field[source]] + within
    return Schedule(
        source=source,
        visit=visit,
        src_num=src_num[source],
        mjd_start=visits.mjd[visit],
        days=visits.days[visit],
        duration_s=visits.duration_s[visit],
        exposure_s=visits.duration_s[visit] * rng.uniform(0.8, 0.97, source.size),
        filter_index=visits.filter_index[visit],
        offaxis_arcmin=np.abs(source_offaxis[source] + rng.normal(0.0, 0.15, source.size)),
        ra_deg=ra,
        dec_deg=dec,
    )


class _Visits:
    """Dates, lengths and filters of the observations of each field, one row a visit."""

    def __init__(
        self,
        rng: np.random.Generator,
        n_visits: NDArray[np.int64],
        span_days: NDArray[np.float64],
        log_spaced: NDArray[np.bool_],
    ) -> None:
        n_fields, total = len(n_visits), int(n_visits.sum())
        self.first = np.cumsum(n_visits) - n_visits
        field = np.repeat(np.arange(n_fields), n_visits)
        within = np.arange(total) - self.first[field]
        # Stratified in time: ascending, and no two visits of a field overlap by accident.
        share = (within + rng.uniform(0.1, 0.9, total)) / n_visits[field]
        available = LAST_MJD - FIRST_MJD
        shared_span = np.minimum(10 ** rng.uniform(0.7, 4.2, n_fields), available)
        span = np.where(span_days > 0, span_days, np.maximum(shared_span, 2.0 * n_visits))
        start = FIRST_MJD + rng.random(n_fields) * (available - span)
        linear = share * span[field]
        self.days = np.where(log_spaced[field], 5.0 * (span[field] / 5.0) ** share, linear)
        self.mjd = start[field] + self.days
        self.duration_s = np.clip(10 ** rng.normal(4.4, 0.33, total), 2.5e3, 1.34e5)
        # Visits of an outburst may follow each other fast: keep them apart by shortening, not by moving.
        gap = np.full(total, np.inf)
        gap[:-1] = np.where(field[1:] == field[:-1], np.diff(self.mjd) * 86400.0, np.inf)
        self.duration_s = np.minimum(self.duration_s, np.maximum(0.9 * gap, 1e3))
        self.filter_index = rng.choice(len(FILTERS), n_fields, p=_FILTER_SHARES)[field]
        changed = rng.random(total) < 0.15
        self.filter_index = np.where(changed, rng.choice(len(FILTERS), total, p=_FILTER_SHARES), self.filter_index)


def _positions(
    rng: np.random.Generator,
    field: NDArray[np.int64],
    n_fields: int,
    galactic: NDArray[np.bool_],
    offaxis_arcmin: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions [deg]: field centres isotropic away from the plane, or within some degrees of it towards the centre."""
    sign = np.where(rng.random(n_fields) < 0.5, -1.0, 1.0)
    away = sign * np.arcsin(rng.uniform(np.sin(np.radians(15.0)), 1.0, n_fields))
    latitude = np.where(galactic, np.radians(rng.laplace(0.0, 2.5, n_fields).clip(-20, 20)), away)
    longitude = np.where(
        galactic, np.radians(rng.laplace(0.0, 45.0, n_fields)), rng.uniform(0.0, 2.0 * np.pi, n_fields)
    )
    centre = _GALACTIC_TO_ICRS @ _unit_vector(longitude, latitude)
    dec_0 = np.arcsin(np.clip(centre[2], -1.0, 1.0))[field]
    ra_0 = np.arctan2(centre[1], centre[0])[field]
    angle, distance = rng.uniform(0.0, 2.0 * np.pi, field.size), np.radians(offaxis_arcmin / 60.0)
    dec = np.arcsin(
        np.clip(np.sin(dec_0) * np.cos(distance) + np.cos(dec_0) * np.sin(distance) * np.cos(angle), -1.0, 1.0)
    )
    ra = ra_0 + np.arctan2(
        np.sin(angle) * np.sin(distance) * np.cos(dec_0), np.cos(distance) - np.sin(dec_0) * np.sin(dec)
    )
    return np.degrees(ra) % 360.0, np.degrees(dec)


def _unit_vector(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


def iau_names(ra_deg: ArrayLike, dec_deg: ArrayLike, prefix: str = "XMMSIM") -> list[str]:
    """Return names such as ``XMMSIM J012345.6-012345``: truncated, never rounded, as the IAU asks."""
    tenths = np.floor(np.asarray(ra_deg, np.float64) % 360.0 / 15.0 * 36000.0 + 1e-6).astype(np.int64)
    arcsec = np.floor(np.abs(np.asarray(dec_deg, np.float64)) * 3600.0 + 1e-6).astype(np.int64)
    south = np.asarray(dec_deg) < 0
    return [
        f"{prefix} J{t // 36000:02d}{t // 600 % 60:02d}{t // 10 % 60:02d}.{t % 10}"
        f"{'-' if s else '+'}{a // 3600:02d}{a // 60 % 60:02d}{a % 60:02d}"
        for t, a, s in zip(tenths.tolist(), arcsec.tolist(), south.tolist(), strict=True)
    ]
