"""Distances between positions on the sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ARCSEC_PER_RADIAN = 648000.0 / np.pi


def separation_arcsec(
    ra_deg: ArrayLike, dec_deg: ArrayLike, other_ra_deg: ArrayLike, other_dec_deg: ArrayLike
) -> NDArray[np.float64]:
    """Angular distance between pairs of positions [arcsec].

    Notes
    -----
    The haversine formula, which keeps its digits at small angles (Sinnott 1984, Sky & Telescope 68, 158).
    """
    ra, dec, other_ra, other_dec = (
        np.radians(np.asarray(v, np.float64)) for v in (ra_deg, dec_deg, other_ra_deg, other_dec_deg)
    )
    half = np.sin(0.5 * (other_dec - dec)) ** 2 + np.cos(dec) * np.cos(other_dec) * np.sin(0.5 * (other_ra - ra)) ** 2
    return 2.0 * ARCSEC_PER_RADIAN * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def unit_vectors(ra_deg: ArrayLike, dec_deg: ArrayLike) -> NDArray[np.float64]:
    """Positions as vectors, shape (n, 3)."""
    ra, dec = np.radians(np.asarray(ra_deg, np.float64)), np.radians(np.asarray(dec_deg, np.float64))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def chord(angle_arcsec: ArrayLike) -> NDArray[np.float64]:
    """Distance between unit vectors that are an angle apart."""
    return 2.0 * np.sin(0.5 * np.asarray(angle_arcsec, np.float64) / ARCSEC_PER_RADIAN)
