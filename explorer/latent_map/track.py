"""Geometry of a source's track through latent space: a smooth line in time order, coloured by time, with arrowheads.

Pure functions in pixels, so that a track keeps its shape and its arrows their length at any zoom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Straight pieces a step is drawn with.
PIECES: Final = 18
#: Steps shorter than this carry no arrowhead [px] (LOOK.md).
ARROW_STEP: Final = 34.0
#: Where on a step its arrowhead sits, as a share of the step.
_ARROW_AT: Final = 0.54

Floats = NDArray[np.float64]


def step_curves(points: Floats) -> Floats:
    """Join points by a Catmull-Rom curve whose handles never exceed a third of their step.

    The limit keeps a small step between two large ones from growing a loop that no observation supports.

    Parameters
    ----------
    points : array of float64, shape (n, 2)
        In pixels, n >= 2.

    Returns
    -------
    array of float64, shape (n - 1, 4, 2)
        Bezier corners of each step.
    """
    before = np.vstack([points[:1], points[:-2]])
    start, end = points[:-1], points[1:]
    after = np.vstack([points[2:], points[-1:]])
    limit = np.linalg.norm(end - start, axis=1, keepdims=True) / 3
    return np.stack(
        [start, start + _shorten((end - before) / 6, limit), end - _shorten((after - start) / 6, limit), end], axis=1
    )


def _shorten(handles: Floats, limit: Floats) -> Floats:
    length = np.linalg.norm(handles, axis=1, keepdims=True)
    shorter: Floats = handles * np.minimum(1.0, limit / np.maximum(length, 1e-12))
    return shorter


def curve_at(curves: Floats, share: Floats | float) -> Floats:
    """Positions on Bezier curves.

    Parameters
    ----------
    curves : array of float64, shape (n, 4, 2)
    share : array of float64, shape (m,)
        0 at the start of each curve, 1 at its end.

    Returns
    -------
    array of float64, shape (n, m, 2)
    """
    u = np.atleast_1d(share)
    w = 1 - u
    basis = np.stack([w**3, 3 * w**2 * u, 3 * w * u**2, u**3])
    positions: Floats = np.einsum("nkd,km->nmd", curves, basis)
    return positions


@dataclass(frozen=True)
class Arrows:
    """Arrowheads at mid-step.

    Parameters
    ----------
    at : array of float64, shape (m, 2)
        Pixels.
    angle : array of float64, shape (m,)
        Direction of time, counter-clockwise from the x axis [rad].
    step : array of int64, shape (m,)
        Which step each one sits on.
    """

    at: Floats
    angle: Floats
    step: NDArray[np.int64]


def arrows(points: Floats, curves: Floats) -> Arrows:
    """Arrowheads on the steps that are long enough for one.

    Parameters
    ----------
    points : array of float64, shape (n, 2)
    curves : array of float64, shape (n - 1, 4, 2)
    """
    (step,) = np.nonzero(np.linalg.norm(np.diff(points, axis=0), axis=1) > ARROW_STEP)
    ahead = curve_at(curves[step], np.array([_ARROW_AT, _ARROW_AT + 0.06]))
    along = ahead[:, 1] - ahead[:, 0]
    return Arrows(ahead[:, 0], np.arctan2(along[:, 1], along[:, 0]), step)


def ramp_colours(ramp: list[str], shares: Floats) -> list[str]:
    """Colours along a ramp of hex colours, interpolated in sRGB.

    Parameters
    ----------
    ramp : list of str
    shares : array of float64, shape (n,)
        0 for the first colour, 1 for the last.
    """
    stops = np.array([rgb(colour) for colour in ramp])
    at = np.clip(shares, 0, 1) * (len(ramp) - 1)
    mixed = np.stack([np.interp(at, np.arange(len(ramp)), stops[:, k]) for k in range(3)], axis=1)
    return [hex_colour(colour) for colour in mixed]


def half_faded(colours: list[str], ground: str) -> list[str]:
    """Colours as they look at half opacity on a ground; unlike real opacity, overlapping pieces do not add up."""
    return [hex_colour((rgb(colour) + rgb(ground)) / 2) for colour in colours]


def rgb(colour: str) -> Floats:
    """Red, green, blue, 0 to 255, of "#rrggbb"."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def hex_colour(values: Floats) -> str:
    """Return "#rrggbb" of red, green, blue, 0 to 255."""
    return "#" + "".join(f"{round(float(value)):02x}" for value in values)


def time_shares(mjd: Floats) -> Floats:
    """Time of each observation as a share of the whole span; zeros where there is no span.

    Parameters
    ----------
    mjd : array of float64, shape (n,)
        In time order [d].
    """
    span = mjd[-1] - mjd[0]
    return (mjd - mjd[0]) / span if span > 0 else np.zeros_like(mjd)
