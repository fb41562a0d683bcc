"""The sources of an atlas: one position and error each, from all their detections."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vae.archive.simbad.sphere import separation_arcsec
from vae.crossmatch.options import CrossmatchOptions

#: J2000 in MJD, days of a Julian year, milliarcsec of a degree.
_J2000, _YEAR, _MAS_PER_DEGREE = 51544.5, 365.25, 3.6e6


def unique_sources(catalogue: pd.DataFrame, options: CrossmatchOptions) -> pd.DataFrame:
    """Return one row a source, in order of ``source_id``.

    The position is that of the detection with the smallest error (then of the lowest ``detection_id``). 4XMM gives all
    detections of a source the same mean position already, and means of positions without errors, as headers have them,
    would be worth no more than one of them.

    Returns
    -------
    DataFrame
        ``source_id ra_deg dec_deg mjd sigma_arcsec`` (standard error along one axis), ``error_is_default``. Positions
        are NaN where no detection has one.
    """
    table = pd.DataFrame(
        {
            "source_id": catalogue["source_id"].to_numpy(np.int64),
            "detection_id": catalogue["detection_id"].to_numpy(np.int64),
            "mjd": catalogue["mjd_start"].to_numpy(np.float64, na_value=np.nan),
            "error": catalogue["position_error_arcsec"].to_numpy(np.float64, na_value=np.nan),
            **{name: catalogue[name].to_numpy(np.float64, na_value=np.nan) for name in ("ra_deg", "dec_deg")},
        }
    )
    table["placeless"] = ~(np.isfinite(table["ra_deg"]) & np.isfinite(table["dec_deg"]))
    table.loc[~(table["error"] > 0), "error"] = np.nan
    table = table.sort_values(["source_id", "placeless", "error", "detection_id"], kind="stable", na_position="last")
    table = table.drop_duplicates("source_id").reset_index(drop=True)
    known = table["error"].notna()
    return pd.DataFrame(
        {
            "source_id": table["source_id"],
            "ra_deg": table["ra_deg"].where(~table["placeless"]),
            "dec_deg": table["dec_deg"].where(~table["placeless"]),
            "mjd": table["mjd"],
            "sigma_arcsec": options.error_per_axis * table["error"].fillna(options.default_error),
            "error_is_default": ~known,
        }
    )


def place_candidates(sources: pd.DataFrame, answers: pd.DataFrame, options: CrossmatchOptions) -> pd.DataFrame:
    """Add to each object found near a source how far it is, how surely, and whether it lies within the search radius.

    Parameters
    ----------
    sources : DataFrame
        From `unique_sources`.
    answers : DataFrame
        ``source`` (row of `sources`), ``ra_deg dec_deg`` (ICRS, J2000), ``error_mas pm_ra_mas pm_dec_mas``.

    Returns
    -------
    DataFrame
        `answers` with ``separation_arcsec`` (at the time of the observation), ``sigma_arcsec`` (standard error of the
        distance along one axis, of both positions), ``radius_arcsec``, ``within_radius``.
    """
    at = sources.iloc[answers["source"].to_numpy()]
    ra, dec = answers["ra_deg"].to_numpy(), answers["dec_deg"].to_numpy()
    if not options.no_proper_motions:
        years = np.nan_to_num((at["mjd"].to_numpy() - _J2000) / _YEAR)
        motion = [np.nan_to_num(answers[name].to_numpy()) * years for name in ("pm_ra_mas", "pm_dec_mas")]
        ra = ra + motion[0] / _MAS_PER_DEGREE / np.cos(np.radians(dec))
        dec = dec + motion[1] / _MAS_PER_DEGREE
    theirs = np.fmax(1e-3 * answers["error_mas"].to_numpy(), options.catalogue_error)
    sigma = np.hypot(at["sigma_arcsec"].to_numpy(), theirs)
    separation = separation_arcsec(at["ra_deg"].to_numpy(), at["dec_deg"].to_numpy(), ra, dec)
    radius = search_radius(sigma, options)
    return answers.assign(
        separation_arcsec=separation,
        sigma_arcsec=sigma,
        radius_arcsec=radius,
        within_radius=separation <= radius,
    )


def search_radius(sigma_arcsec: np.ndarray, options: CrossmatchOptions) -> np.ndarray:
    """How far a counterpart may lie [arcsec], by the standard error along one axis."""
    return np.clip(options.radius_sigmas * sigma_arcsec, options.radius_floor, options.radius_cap)
