"""What lies near a position on the map, as a person sees it: distances in pixels, only what is on the map."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.latent_map.cells import Around, Cells
from explorer.latent_map.scene import Scale
from explorer.services import Services
from explorer.session import Hover, Session
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


def around(cells: Cells, session: Session, x: float, y: float, scale: Scale) -> Around:
    """Find the detections on the map within `REACH` of a position.

    Parameters
    ----------
    cells : Cells
    session : Session
        Its classes and filters say what is on the map.
    x, y : float
        Latent units.
    scale : Scale
    """
    per_x, per_y = (float(per_unit) for per_unit in scale.per_unit)
    return cells.around(x, y, (REACH / per_x, REACH / per_y), session.visible, session.passing)


def hover(cells: Cells, session: Session, x: float, y: float, at: tuple[float, float], scale: Scale) -> Hover | None:
    """Describe what is near the mouse; None where nothing is.

    Parameters
    ----------
    cells : Cells
    session : Session
    x, y : float
        Position in latent units.
    at : (float, float)
        The same position in the figure, from its top left corner [px].
    scale : Scale
    """
    found, services = around(cells, session, x, y, scale), session.services
    if found.nearest < 0:
        return None
    counts, n = found.counts, int(found.counts.sum())
    order = [int(code) for code in np.argsort(-counts, kind="stable") if counts[code] > 0]
    shares = [(services.class_names[code], float(counts[code] / n)) for code in order[:_NAMED_CLASSES]]
    if len(order) > _NAMED_CLASSES:
        shares.append(("Other", float(counts[order[_NAMED_CLASSES:]].sum() / n)))
    name = str(services.atlas.catalogue["name"].iat[found.nearest])
    return Hover(
        x_px=at[0],
        y_px=at[1],
        radius_px=REACH,
        n=n,
        shares=shares,
        nearest=words.short_name(name),
        distance_px=REACH * found.distance,
    )
