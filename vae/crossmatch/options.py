"""What the cross-match is told, and what it tells afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from vae.archive.simbad.tap import TAP_URL
from vae.archive.simbad.xmatch import LARGEST_RADIUS_ARCSEC, XMATCH_URL
from vae.errors import OptionError

#: 4XMM's POSERR (and SC_POSERR) is sqrt(ra_err^2 + dec_err^2 + ...): the radius that holds 63 % of the sources, of
#: which the error along one axis is this part (column descriptions of 4XMM-DR13, xmmssc.irap.omp.eu, "Coordinates").
AXIS_OF_RADIAL: Final = 0.7071


@dataclass(frozen=True)
class CrossmatchOptions:
    """How to find out who the sources of an atlas are."""

    service: Literal["xmatch", "tap"] = "xmatch"
    """Who is asked for SIMBAD objects near the sources: CDS XMatch, or SIMBAD's TAP service."""
    labels: tuple[Path, ...] = ()
    """Catalogues of labels (CSV, FITS, VOTable) with positions and classes. Their classes go before SIMBAD's, and the
    first catalogue named before the next. Classes may be your own."""
    label_class: str | None = None
    """Class of all rows of catalogues that have no column with classes."""
    label_columns: tuple[str, ...] = ()
    """Columns of these catalogues where their names do not tell: ra=COLUMN dec=COLUMN class=COLUMN name=COLUMN."""
    label_radius: float | None = None
    """How far a source may lie from a labelled position [arcsec]; by default as far as from a SIMBAD object."""
    forget_labels: bool = False
    """Drop the classes of label catalogues that earlier runs were given and this one is not."""
    offline: bool = False
    """Use no network: do what label catalogues and kept answers allow, and say what is missing."""
    simulated: Literal["refuse", "keep", "replace"] = "refuse"
    """What to do with a simulated archive, whose positions are fictitious. keep: match the rows whose class does not
    come from the simulation. replace: match all rows. What was simulated (true_class) stays in any case."""
    radius_sigmas: float = 4.0
    """Counterparts lie within so many standard errors of the position (along one axis, both catalogues') ..."""
    radius_floor: float = 5.0
    """... but at least within this [arcsec] ..."""
    radius_cap: float = 20.0
    """... and at most [arcsec]."""
    density_radius: float = 30.0
    """Objects are fetched within this radius [arcsec]; those outside the search radius tell how dense they lie."""
    error_per_axis: float = AXIS_OF_RADIAL
    """Standard error along one axis, as a part of position_error_arcsec: 0.7071 for 4XMM, whose errors are radial."""
    default_error: float = 1.5
    """Position error where there is none [arcsec, as position_error_arcsec]."""
    catalogue_error: float = 0.3
    """Least standard error of SIMBAD's and labelled positions along one axis [arcsec]."""
    no_proper_motions: bool = False
    """Compare with positions of J2000, instead of those at the time of the observation."""
    prior: float | None = None
    """Share of the sources that SIMBAD knows; by default the one most likely in view of what is found."""
    match_probability: float = 0.5
    """Least probability of having a counterpart at all; less is "No match"."""
    ambiguous_share: float = 0.1
    """A match is ambiguous where others together have at least this share of its probability of a counterpart."""
    control_shift: float = 0.0
    """Also match positions this far off [arcsec] and count what is found there by chance. As many requests again."""
    no_otypes: bool = False
    """Do not ask TAP for the codes and further types of objects that CDS XMatch found: labels are mapped instead."""
    chunk_rows: int = 50_000
    """Positions sent at a time. One request at a time, whatever you set."""
    cache: Path | None = None
    """Folder for the answers; in your cache folder by default. Nothing that it holds is asked again."""
    max_age_days: float = 90.0
    """Answers older than this are asked for again."""
    pause: float = 1.0
    """Rest between two requests [s]."""
    timeout: float = 300.0
    """The longest wait for a service to say something [s]."""
    tries: int = 5
    """How often a request is repeated before giving up."""
    backoff: float = 5.0
    """Wait after a failed request [s], doubled each time, unless the service says how long."""
    xmatch_url: str = XMATCH_URL
    """Address of CDS XMatch."""
    tap_url: str = TAP_URL
    """Address of SIMBAD's TAP service."""

    def check(self) -> None:
        """Raise `OptionError` for what makes no sense."""
        for name in ("radius_sigmas", "radius_floor", "error_per_axis", "default_error", "catalogue_error", "timeout"):
            if not getattr(self, name) > 0:
                raise OptionError(f"--{name.replace('_', '-')} {getattr(self, name):g} is not above 0")
        for name in ("pause", "backoff", "max_age_days", "control_shift"):
            if getattr(self, name) < 0:
                raise OptionError(f"--{name.replace('_', '-')} {getattr(self, name):g} is negative")
        if not self.radius_floor <= self.radius_cap < self.density_radius <= LARGEST_RADIUS_ARCSEC:
            raise OptionError(
                f"--radius-floor {self.radius_floor:g}, --radius-cap {self.radius_cap:g} and --density-radius "
                f"{self.density_radius:g} must rise in this order, and not beyond {LARGEST_RADIUS_ARCSEC:g} arcsec"
            )
        if self.prior is not None and not 0 < self.prior < 1:
            raise OptionError(f"--prior {self.prior:g} is no share between 0 and 1")
        if not 0 < self.match_probability < 1 or not 0 < self.ambiguous_share < 1:
            raise OptionError("--match-probability and --ambiguous-share lie between 0 and 1")
        if 0 < self.control_shift < 2 * self.density_radius:
            raise OptionError(
                f"--control-shift {self.control_shift:g} is too near: the real counterparts are found again",
                todo=f"Give at least twice --density-radius, {2 * self.density_radius:g}",
            )
        if self.chunk_rows < 1 or self.tries < 1:
            raise OptionError("--chunk-rows and --tries must be at least 1")
        if self.label_radius is not None and not self.label_radius > 0:
            raise OptionError(f"--label-radius {self.label_radius:g} is not above 0")


@dataclass(frozen=True)
class CrossmatchSummary:
    """What became of the sources of an atlas.

    Parameters
    ----------
    atlas : Path
    detections, sources : int
    looked_up : int
        Sources that SIMBAD was asked about: those with a position.
    matched : int
        Sources with a SIMBAD counterpart.
    ambiguous : int
        Of these, ambiguous ones.
    candidates : int
        Rows of ``candidates.parquet``.
    classes : dict of str to int
        Sources by class, after label catalogues.
    origins : dict of str to int
        Sources by who says so.
    labels : dict
        Of each label catalogue: rows, rows without position or class, sources labelled.
    median_separation_arcsec, median_separation_sigma : float or None
        Of matched sources. With right errors the second is 1.18, the median of a Rayleigh distribution.
    prior : float or None
        Share of the sources with a counterpart in SIMBAD, as used.
    false_matches : float or None
        Expected among the matched, from the density of SIMBAD objects around the sources.
    false_matches_shifted : float or None
        The same, from positions shifted by `control_shift`.
    shared_objects : int
        SIMBAD objects that are the counterpart of more than one source.
    unclassified_with_rivals : int
        Ambiguous sources whose counterpart is of unknown nature while a rival has a class. SIMBAD often lists an X-ray
        source and what it is as two objects.
    unknown_otypes : dict of str to int
        Types that this version does not know, with the number of sources; their class is "Unclassified".
    default_errors : int
        Sources without position error.
    requests, from_cache, split : int
        Questions put to services, answered from disk, halved as the answer was cut.
    answered : str
        When the services answered (UTC dates).
    simulated_kept, simulated_replaced : int
        Detections whose class from the simulation was kept, or replaced.
    missing : list of str
        What could not be done, and why.
    seconds : float
    """

    atlas: Path
    detections: int
    sources: int
    looked_up: int = 0
    matched: int = 0
    ambiguous: int = 0
    candidates: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    median_separation_arcsec: float | None = None
    median_separation_sigma: float | None = None
    prior: float | None = None
    false_matches: float | None = None
    false_matches_shifted: float | None = None
    shared_objects: int = 0
    unclassified_with_rivals: int = 0
    unknown_otypes: dict[str, int] = field(default_factory=dict)
    default_errors: int = 0
    requests: int = 0
    from_cache: int = 0
    split: int = 0
    answered: str = ""
    simulated_kept: int = 0
    simulated_replaced: int = 0
    missing: list[str] = field(default_factory=list)
    seconds: float = 0.0
