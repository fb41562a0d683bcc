"""The Galaxy around us: coordinates, and the hydrogen between us and a place on the sky."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rotation from Galactic to equatorial (ICRS) axes: Perryman et al. 1997, The Hipparcos Catalogue, vol. 1, eq. 1.5.11.
_GALACTIC_TO_ICRS: Final = np.array(
    [
        [-0.0548755604, +0.4941094279, -0.8676661490],
        [-0.8734370902, -0.4448296300, -0.1980763734],
        [-0.4838350155, +0.7469822445, +0.4559837762],
    ]
)
#: One atom / cm3 over one kpc [1e22 cm-2].
_COLUMN_PER_KPC: Final = 0.3086
#: Distance of the Sun from the centre, scales of the outer disc's density and of its flare [kpc]: Kalberla & Kerp 2009,
#: ARA&A 47, 27. Inside the Sun's orbit density and thickness stay level.
_SUN, _DISC_SCALE, _FLARE_SCALE = 8.5, 3.15, 9.8
#: Atomic gas at the Sun: density [cm-3] and scale height [kpc]. Both are below the Galaxy's mean, as they are about the
#: Sun: with the void of the Local Bubble (radius [kpc]) they give the columns of HI4PI (2016, A&A 594, A116), about
#: 2e20 cm-2 at 60 degrees of latitude, 1e21 at 12 and 1e22 in the plane.
_ATOMS, _ATOMS_HEIGHT, _BUBBLE = 0.42, 0.2, 0.1
#: Molecular ring: nuclei [cm-3], radius, width and scale height [kpc] (after Bronfman et al. 1988, ApJ 324, 248).
_RING, _RING_RADIUS, _RING_WIDTH, _RING_HEIGHT = 0.5, 4.5, 1.7, 0.06
#: Central molecular zone: column [1e22 cm-2] and extent in longitude and latitude [deg].
_CENTRAL_COLUMN, _CENTRAL_LONGITUDE, _CENTRAL_LATITUDE = 3.0, 1.5, 0.4
#: Beyond this there is no gas worth counting [kpc].
_EDGE_KPC: Final = 30.0
#: Where the line of sight is sampled, as shares of its length: equal steps of the logarithm, and the origin.
_STEPS: Final = np.append(0.0, np.geomspace(2e-4, 1.0, 48))


def hydrogen_column(
    longitude_deg: ArrayLike, latitude_deg: ArrayLike, distance_kpc: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the smooth Galactic hydrogen column towards places on the sky.

    Parameters
    ----------
    longitude_deg, latitude_deg : array, shape (n,)
        Galactic coordinates.
    distance_kpc : array, shape (n,), optional
        Distance of what is behind the gas; without it, everything in the Galaxy is in front.

    Returns
    -------
    array of float64, shape (n,)
        [1e22 cm-2]. An exponential, flaring disc of atoms, a molecular ring and the central molecular zone; real gas
        scatters about it by some 0.15 dex.
    """
    l, b = np.broadcast_arrays(np.radians(longitude_deg), np.radians(latitude_deg))  # noqa: E741  # their usual names
    distance = np.full(l.shape, _EDGE_KPC) if distance_kpc is None else np.minimum(distance_kpc, _EDGE_KPC)
    path = distance[..., None] * _STEPS
    in_plane = path * np.cos(b)[..., None]
    radius = np.sqrt(np.maximum(in_plane**2 + _SUN**2 - 2 * _SUN * in_plane * np.cos(l)[..., None], 0.0))
    height = path * np.abs(np.sin(b))[..., None]
    outside = np.maximum(radius - _SUN, 0.0)
    flare = np.exp(outside / _FLARE_SCALE)
    density = _ATOMS * np.exp(-outside / _DISC_SCALE - height / (_ATOMS_HEIGHT * flare)) * -np.expm1(-path / _BUBBLE)
    density += _RING * np.exp(-0.5 * ((radius - _RING_RADIUS) / _RING_WIDTH) ** 2 - height / _RING_HEIGHT)
    column = _COLUMN_PER_KPC * np.sum(0.5 * (density[..., 1:] + density[..., :-1]) * np.diff(path, axis=-1), axis=-1)
    off_centre = np.degrees(np.arctan2(np.sin(l), np.cos(l))) / _CENTRAL_LONGITUDE
    centre = np.exp(-0.5 * off_centre**2 - np.abs(np.degrees(b)) / _CENTRAL_LATITUDE)
    return column + np.where(distance > _SUN, _CENTRAL_COLUMN * centre, 0.0)


def equatorial(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ICRS right ascension and declination [deg] of Galactic coordinates."""
    return _rotate(_GALACTIC_TO_ICRS, longitude_deg, latitude_deg)


def galactic_coordinates(ra_deg: ArrayLike, dec_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Galactic longitude (0 to 360) and latitude [deg] of ICRS positions."""
    return _rotate(_GALACTIC_TO_ICRS.T, ra_deg, dec_deg)


def _rotate(
    rotation: NDArray[np.float64], longitude_deg: ArrayLike, latitude_deg: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    x, y, z = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    # Written out: a matrix product's last digit depends on the machine's BLAS.
    turned = [row[0] * x + row[1] * y + row[2] * z for row in rotation]
    return np.degrees(np.arctan2(turned[1], turned[0])) % 360.0, np.degrees(np.arcsin(np.clip(turned[2], -1.0, 1.0)))
