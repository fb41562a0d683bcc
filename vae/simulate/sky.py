"""Where and when the sources are seen: their fields, the visits of these, positions and names."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.fields import REGIONS, Fields, Visits, draw_fields, draw_visit_numbers
from vae.simulate.milky_way import equatorial, hydrogen_column
from vae.simulate.population import KINDS, Habitat, Sources

#: Sources of a field that have a spectrum in any of its visits, on average.
_SOURCES_PER_FIELD: Final = 40.0
#: Targets lie near the axis, the others within the field's edge [arcmin]; the sensitivity falls outwards. So many
#: fields have their brightest source as target.
_AXIS_RADIUS: Final = 1.1
_FIELD_RADIUS: Final = 13.5
_BRIGHTEST_IS_TARGET: Final = 0.6
#: Scatter of the gas between the sources of one field (dex).
_GAS_DEX: Final = 0.04
#: CCDs differ in live time by so much.
_LIVE_TIME_SCATTER: Final = 0.02
#: Regions of other galaxies, and those where counterparts are sparse.
_OUTSIDE: Final = [list(REGIONS).index(name) for name in ("clouds", "galaxy")]
_UNCROWDED: Final = [list(REGIONS).index(name) for name in ("anywhere", "galaxy")]
_SPANS: Final = np.array([kind.span_days for kind in KINDS])
_LOG_SPACED: Final = np.array([kind.log_spaced for kind in KINDS])


@dataclass(frozen=True)
class Schedule:
    """Detections in order of source, then date, and the sources they are of.

    Parameters
    ----------
    source : array of int64, shape (n,)
        Index of the source.
    visit : array of int64, shape (n,)
        Index of the observation; detections of one field share it.
    src_num : array of int64, shape (n,)
        Number of the source within the observation.
    mjd_start : array, shape (n,)
        Start [d].
    days : array, shape (n,)
        Days since the beginning of the source's time line (its outburst, for a transient).
    duration_s, exposure_s : array, shape (n,)
        Length of the observation and live time of the spectrum [s].
    filter_index : array of int64, shape (n,)
        Index into `vae.simulate.instrument.FILTERS`.
    exposure_id : array of str, shape (n,)
    offaxis_arcmin : array, shape (n,)
    ra_pnt_deg, dec_pnt_deg : array, shape (n,)
        Where the telescope pointed, ICRS [deg].
    ra_deg, dec_deg : array, shape (n_sources,)
        ICRS position [deg].
    nh_galactic : array, shape (n_sources,)
        Galactic hydrogen in front [1e22 cm-2].
    crowded : array of bool, shape (n_sources,)
        In a field dense with counterparts.
    n_visits : array of int64, shape (n_sources,)
        How often its field was visited.
    """

    source: NDArray[np.int64]
    visit: NDArray[np.int64]
    src_num: NDArray[np.int64]
    mjd_start: NDArray[np.float64]
    days: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    exposure_s: NDArray[np.float64]
    filter_index: NDArray[np.int64]
    exposure_id: NDArray[np.str_]
    offaxis_arcmin: NDArray[np.float64]
    ra_pnt_deg: NDArray[np.float64]
    dec_pnt_deg: NDArray[np.float64]
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    nh_galactic: NDArray[np.float64]
    crowded: NDArray[np.bool_]
    n_visits: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source)

    def rows(self, keep: NDArray[np.bool_]) -> Schedule:
        """Return the detections `keep`, with all the sources."""
        return Schedule(
            **{
                field.name: getattr(self, field.name)[keep] if field.name in _ROW_FIELDS else getattr(self, field.name)
                for field in dataclass_fields(self)
            }
        )


_ROW_FIELDS: Final = (
    "source", "visit", "src_num", "mjd_start", "days", "duration_s", "exposure_s", "filter_index", "exposure_id",
    "offaxis_arcmin", "ra_pnt_deg", "dec_pnt_deg",
)  # fmt: skip


def plan(rng: np.random.Generator, sources: Sources) -> Schedule:
    """Lay out fields and their visits, and put each source into a field that suits its kind.

    Every visit of its field is a row of a source, except those that a dormant transient misses; `src_num` is 0 until
    the counts are known.
    """
    fields, visits, field, is_target = _settle(rng, sources)
    n_visits = visits.number[field]
    source = np.repeat(np.arange(field.size), n_visits)
    within = np.arange(source.size) - np.repeat(np.cumsum(n_visits) - n_visits, n_visits)
    visit = visits.first[field[source]] + within
    days = visits.mjd[visit] - _onsets(rng, sources, field, visits, is_target)[source]
    dormant = np.array([kind.dormant for kind in KINDS])[sources.kind]
    awake = ~dormant[source] | ((days >= 0) & (days <= _SPANS[sources.kind][source]))
    source, visit, days = source[awake], visit[awake], days[awake]

    ra_0, dec_0 = equatorial(fields.longitude_deg, fields.latitude_deg)
    east, north = _within_field(rng, field, sources.target_counts, is_target, len(fields))
    ra, dec = _offset(ra_0[field], dec_0[field], east, north)
    field_of_visit = np.repeat(np.arange(len(fields)), visits.number)
    ra_pnt, dec_pnt = _offset(ra_0[field_of_visit], dec_0[field_of_visit], *visits.dither_arcmin)
    live = visits.live_share[visit] * (1.0 - _LIVE_TIME_SCATTER * rng.random(source.size))
    return Schedule(
        source=source,
        visit=visit,
        src_num=np.zeros(source.size, np.int64),
        mjd_start=visits.mjd[visit],
        days=days,
        duration_s=visits.duration_s[visit],
        exposure_s=visits.duration_s[visit] * live,
        filter_index=visits.filter_index[visit],
        exposure_id=visits.exposure_id[visit],
        offaxis_arcmin=_separation_arcmin(ra[source], dec[source], ra_pnt[visit], dec_pnt[visit]),
        ra_pnt_deg=ra_pnt[visit],
        dec_pnt_deg=dec_pnt[visit],
        ra_deg=ra,
        dec_deg=dec,
        nh_galactic=_galactic_columns(rng, sources, fields, field),
        crowded=~np.isin(fields.region[field], _UNCROWDED),
        n_visits=n_visits,
    )


def _settle(rng: np.random.Generator, sources: Sources) -> tuple[Fields, Visits, NDArray[np.int64], NDArray[np.bool_]]:
    """Draw fields and visits; return them, the field of each source, and whether a campaign there is for it."""
    n_sources = len(sources.kind)
    fields = draw_fields(rng, max(round(n_sources / _SOURCES_PER_FIELD), 1 + int(np.count_nonzero(sources.campaign))))
    affinity = np.array([_affinity(kind.habitat, fields) for kind in KINDS])

    # Campaigns take a field over, each one of its own.
    targets, free = np.flatnonzero(sources.campaign), np.ones(len(fields))
    taken = np.empty(targets.size, np.int64)
    for i, kind in enumerate(sources.kind[targets]):
        taken[i] = _choose(rng, affinity[kind] * free, 1)[0]
        free[taken[i]] = 0.0
    n_visits = draw_visit_numbers(rng, len(fields))
    n_visits[taken] = sources.campaign[targets]
    span, log_spaced = np.zeros(len(fields)), np.zeros(len(fields), bool)
    span[taken], log_spaced[taken] = _SPANS[sources.kind[targets]], _LOG_SPACED[sources.kind[targets]]
    visits = Visits(rng, n_visits, span, log_spaced)

    richness = visits.richness(rng)
    field = np.empty(n_sources, np.int64)
    for kind in np.unique(sources.kind):
        members = np.flatnonzero(sources.kind == kind)
        field[members] = _choose(rng, richness * affinity[kind], members.size)
    field[targets] = taken
    is_target = np.zeros(n_sources, bool)
    is_target[targets] = True
    return fields, visits, field, is_target


def _affinity(habitat: Habitat, fields: Fields) -> NDArray[np.float64]:
    """Relative density of a kind in each field."""
    by_region = np.array([getattr(habitat, name) for name in REGIONS])
    latitude = np.abs(fields.latitude_deg) / habitat.latitude_deg
    # Members of other galaxies know nothing of our latitudes.
    elsewhere = habitat.native & np.isin(fields.region, _OUTSIDE)
    return by_region[fields.region] * np.exp(-np.where(elsewhere, 0.0, latitude) - fields.nh / habitat.most_nh)


def _choose(rng: np.random.Generator, weight: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Draw `n` fields by weight; where a small batch has no suitable field, any will do."""
    total = weight.sum()
    return rng.choice(weight.size, n, p=weight / total if total > 0 else None)


def _onsets(
    rng: np.random.Generator,
    sources: Sources,
    field: NDArray[np.int64],
    visits: Visits,
    is_target: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Begin of each source's time line, MJD: a transient met by chance is so many days into its show in some visit."""
    spans = _SPANS[sources.kind]
    met = visits.mjd[visits.first[field] + (rng.random(field.size) * visits.number[field]).astype(np.int64)]
    share = rng.uniform(0.02, 0.98, field.size)
    into = np.where(_LOG_SPACED[sources.kind], 5.0 * (np.maximum(spans, 5.0) / 5.0) ** share, share * spans)
    return np.where((spans > 0) & ~is_target, met - into, visits.start[field])


def _within_field(
    rng: np.random.Generator,
    field: NDArray[np.int64],
    counts: NDArray[np.float64],
    is_target: NDArray[np.bool_],
    n_fields: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place sources relative to their field's centre: east and north [arcmin]."""
    n = field.size
    brightest = np.zeros(n_fields)
    np.maximum.at(brightest, field, counts)
    on_axis = is_target | ((counts == brightest[field]) & (rng.random(n_fields) < _BRIGHTEST_IS_TARGET)[field])
    near = _AXIS_RADIUS * np.sqrt(rng.random(n))
    distance = np.where(on_axis, near, 1.0 + (_FIELD_RADIUS - 1.0) * rng.random(n) ** 0.6)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    return distance * np.sin(angle), distance * np.cos(angle)


def _offset(
    ra_deg: NDArray[np.float64],
    dec_deg: NDArray[np.float64],
    east_arcmin: NDArray[np.float64],
    north_arcmin: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Undo a tangential (gnomonic) projection about a centre: ICRS [deg]."""
    ra_0, dec_0 = np.radians(ra_deg), np.radians(dec_deg)
    x, y = np.radians(east_arcmin / 60.0), np.radians(north_arcmin / 60.0)
    across = np.cos(dec_0) - y * np.sin(dec_0)
    ra = ra_0 + np.arctan2(x, across)
    dec = np.arctan2(np.sin(dec_0) + y * np.cos(dec_0), np.hypot(x, across))
    return np.degrees(ra) % 360.0, np.degrees(dec)


def _separation_arcmin(
    ra_1: NDArray[np.float64], dec_1: NDArray[np.float64], ra_2: NDArray[np.float64], dec_2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Angle between positions given in degrees (haversine)."""
    ra, dec = np.radians(ra_1 - ra_2), np.radians(dec_1 - dec_2)
    half = np.sin(dec / 2) ** 2 + np.cos(np.radians(dec_1)) * np.cos(np.radians(dec_2)) * np.sin(ra / 2) ** 2
    return 60.0 * np.degrees(2.0 * np.arcsin(np.sqrt(half)))


def _galactic_columns(
    rng: np.random.Generator, sources: Sources, fields: Fields, field: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Galactic gas in front of each source [1e22 cm-2]: by its distance, the whole column where it lies beyond."""
    habitats = [kind.habitat for kind in KINDS]
    median = np.array([habitat.distance_kpc for habitat in habitats])[sources.kind]
    dex = np.array([habitat.distance_dex for habitat in habitats])[sources.kind]
    distance = median * 10 ** (dex * rng.normal(0.0, 1.0, field.size))
    native = np.array([habitat.native for habitat in habitats])[sources.kind]
    outside = np.isin(fields.region, _OUTSIDE)[field]
    inside = np.isfinite(distance) & ~(native & outside)
    column = fields.nh[field]
    at = field[inside]
    column[inside] = fields.gas[at] * hydrogen_column(
        fields.longitude_deg[at], fields.latitude_deg[at], distance[inside]
    )
    return column * 10 ** rng.normal(0.0, _GAS_DEX, field.size)


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
