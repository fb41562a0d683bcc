"""Extraction regions: how large, how much of the source's light they hold, how large the background's is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Pixels of 0.05 arcsec, the unit of BACKSCAL, in a square arcsecond.
_PIXELS: Final = 400.0
#: Radii [arcsec] like those of the products of one real field: whole, 12 where the background outshines the source,
#: growing slowly with the ratio x of both within 12 arcsec. The factor, 15.4 in that field by eye, is lowered to 13.5
#: so that BACKSCAL and the rates in source regions come nearer to those of FACTS 4.
RADIUS: Final = 12.0
_LARGEST_RADIUS: Final = 40.0
_GROWTH: Final = (13.5, 0.12)
#: Enclosed light: 1 / (1 + (c / r)^2), c = 8 arcsec sqrt(1 + 3.2 (theta / 15 arcmin)^3). Set by eye on areas of the
#: same field at 1.2 keV: 0.69 on axis, 0.53 at 10 arcmin within 12 arcsec.
_CORE: Final = 8.0
_CORE_GROWTH: Final = (3.2, 15.0)
#: Share of regions that lose a part to gaps between CCDs, bad columns or a neighbour; the least that is left of one;
#: the loss of light is the loss of area to some power, for gaps may cross the core or miss it. 12 of 58 in that field.
_CUT_SHARE: Final = 0.2
_LEAST_LEFT: Final = 0.35
_CUT_POWER: Final = (0.8, 2.0)
#: Median and scatter [dex] of BACKSCAL of the background region, and its limits.
_BACKGROUND_SIZE: Final = (8.5e6, 0.35)
_BACKGROUND_LIMITS: Final = (1e6, 1.6e7)
#: Limits of the background ratio (FACTS 4).
_RATIO_LIMITS: Final = (0.01, 0.5)


def enclosed(radius_arcsec: ArrayLike, offaxis_arcmin: ArrayLike) -> NDArray[Any]:
    """Return the share of a point source's light within a radius [arcsec] at an off-axis angle [arcmin]."""
    broader = 1.0 + _CORE_GROWTH[0] * (np.asarray(offaxis_arcmin, np.float64) / _CORE_GROWTH[1]) ** 3
    return 1.0 / (1.0 + _CORE**2 * broader / np.asarray(radius_arcsec, np.float64) ** 2)


def draw_regions(
    rng: np.random.Generator, source_rate: ArrayLike, background_density: ArrayLike, offaxis_arcmin: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw the extraction regions of detections.

    Parameters
    ----------
    rng : Generator
    source_rate : array, shape (n,)
        Counts / s of all the source's light.
    background_density : array, shape (n,)
        Counts / s of background for a region of BACKSCAL 1e6.
    offaxis_arcmin : array, shape (n,)

    Returns
    -------
    area_scale, backscal, background_backscal : array of float64, shape (n,)
        Share of the light in the source region; BACKSCAL of both regions, whole numbers.
    """
    rate, offaxis = np.asarray(source_rate, np.float64), np.asarray(offaxis_arcmin, np.float64)
    n = rate.size
    smallest = np.pi * RADIUS**2 * _PIXELS
    contrast = rate * enclosed(RADIUS, offaxis) / (np.asarray(background_density) * smallest * 1e-6)
    wanted = _GROWTH[0] * np.maximum(contrast, 1e-3) ** _GROWTH[1] * 10 ** rng.normal(0.0, 0.02, n)
    radius = np.clip(np.rint(wanted), RADIUS, _LARGEST_RADIUS)
    left = np.where(rng.random(n) < _CUT_SHARE, rng.uniform(_LEAST_LEFT, 1.0, n), 1.0)
    area_scale = enclosed(radius, offaxis) * left ** rng.uniform(*_CUT_POWER, n)
    backscal = np.rint(np.pi * radius**2 * _PIXELS * left)
    size = np.clip(_BACKGROUND_SIZE[0] * 10 ** rng.normal(0.0, _BACKGROUND_SIZE[1], n), *_BACKGROUND_LIMITS)
    size = np.clip(size, backscal / _RATIO_LIMITS[1], backscal / _RATIO_LIMITS[0])
    return area_scale, backscal, np.rint(size)
