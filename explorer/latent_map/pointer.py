"""What lies near a position on the map, as a person sees it: distances in pixels, visible classes only."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.latent_map.scene import Scale
from explorer.services import Services
from explorer.session import Hover
from explorer.tools import words

#: A click or the mouse within this distance of a detection means it [px].
REACH: Final = 8.0
#: Classes named in the card beside the mouse; the others are summed.
_NAMED_CLASSES: Final = 3

Rows = NDArray[np.int64]


def distances(services: Services, rows: Rows, x: float, y: float, scale: Scale) -> NDArray[np.float64]:
    """Distance of detections from a position [px].

    Parameters
    ----------
    services : Services
    rows : array of int64, shape (n,)
    x, y : float
        Latent units.
    scale : Scale
    """
    per_x, per_y = scale.per_unit
    away: NDArray[np.float64] = np.hypot((services.x[rows] - x) * per_x, (services.y[rows] - y) * per_y)
    return away


def near(
    services: Services, visible: NDArray[np.bool_], x: float, y: float, scale: Scale
) -> tuple[Rows, NDArray[np.float64]]:
    """Visible detections within reach of a position, nearest first, and their distances.

    Parameters
    ----------
    services : Services
    visible : array of bool, shape (n_classes,)
    x, y : float
        Latent units.
    scale : Scale

    Returns
    -------
    rows : array of int64, shape (n,)
        Catalogue rows.
    distance : array of float64, shape (n,)
        At most `REACH` [px].
    """
    radius = REACH / float(
        scale.per_unit.min()
    )  # the circle in pixels is an ellipse in latent units, inside this circle
    rows = np.asarray(services.tree.query_ball_point((x, y), radius), dtype=np.int64)
    rows = rows[visible[services.class_codes[rows]]]
    distance = distances(services, rows, x, y, scale)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= REACH]
    return rows[order], distance[order]


def hover(
    services: Services, visible: NDArray[np.bool_], x: float, y: float, at: tuple[float, float], scale: Scale
) -> Hover | None:
    """Describe what is near the mouse; None where nothing is.

    Parameters
    ----------
    services : Services
    visible : array of bool, shape (n_classes,)
    x, y : float
        Position in latent units.
    at : (float, float)
        The same position in the figure, from its top left corner [px].
    scale : Scale
    """
    rows, distance = near(services, visible, x, y, scale)
    if rows.size == 0:
        return None
    counts = np.bincount(services.class_codes[rows], minlength=len(services.class_names))
    order = [int(code) for code in np.argsort(-counts, kind="stable") if counts[code] > 0]
    shares = [(services.class_names[code], float(counts[code] / rows.size)) for code in order[:_NAMED_CLASSES]]
    if len(order) > _NAMED_CLASSES:
        shares.append(("Other", float(counts[order[_NAMED_CLASSES:]].sum() / rows.size)))
    name = str(services.atlas.catalogue["name"].iat[int(rows[0])])
    return Hover(
        x_px=at[0],
        y_px=at[1],
        radius_px=REACH,
        n=int(rows.size),
        shares=shares,
        nearest=words.short_name(name),
        distance_px=float(distance[0]),
    )
