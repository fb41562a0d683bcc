"""How a selection was made: outlines, discs, queries, classes; each makes its mask again and says itself in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.selection.polygon import in_polygon
from explorer.selection.query import Query
from explorer.services import Services
from explorer.tools import words
from explorer.tools.masks import Mask
from vae.errors import OptionError

#: Corners that a lasso keeps in a link.
MAX_CORNERS: Final = 60
#: Corners of the outline of a disc.
_ROUND: Final = 72

Outline = tuple[NDArray[np.float64], NDArray[np.float64]]


class Recipe:
    """One way to select detections. Subclasses are small and immutable."""

    @property
    def words(self) -> str:
        """Say it in a line."""
        raise NotImplementedError

    @property
    def outline(self) -> Outline | None:
        """Outline on the map; None for what has none."""
        return None

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Which detections it takes, shape (n,), of those shown (None: all are)."""
        raise NotImplementedError

    def to_plain(self) -> dict[str, Any] | None:
        """As JSON, for links; None where it is too large for one."""
        return None


@dataclass(frozen=True, eq=False)
class Lasso(Recipe):
    """What an outline drawn on the map holds.

    Parameters
    ----------
    x, y : array of float64, shape (m,)
        Corners in latent units.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @property
    def is_box(self) -> bool:
        """Whether the outline is a rectangle along the axes."""
        return self.x.size == 4 and len(set(self.x)) == 2 and len(set(self.y)) == 2

    @property
    def outline(self) -> Outline:
        """The corners."""
        return self.x, self.y

    @property
    def words(self) -> str:
        """Say it in a line."""
        if self.is_box:
            (x0, x1), (y0, y1) = (_round(np.array([side.min(), side.max()])) for side in (self.x, self.y))
            return words.minus(f"box μ₁ {x0:g} to {x1:g}, μ₂ {y0:g} to {y1:g}")
        return f"lasso of {self.x.size} corners"

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Which detections lie inside, shape (n,)."""
        return in_polygon(services.x, services.y, self.x, self.y)

    def to_plain(self) -> dict[str, Any]:
        """Corners one after the other: x, y, x, y ..., at most `MAX_CORNERS` of them."""
        if self.is_box:
            return {"box": [*_round(_ends(self.x)).tolist(), *_round(_ends(self.y)).tolist()]}
        x, y = fewer_corners(self.x, self.y, MAX_CORNERS)
        return {"lasso": np.column_stack([_round(x), _round(y)]).ravel().tolist()}


@dataclass(frozen=True)
class Disc(Recipe):
    """What lies within a circle or an ellipse along the axes.

    Parameters
    ----------
    x, y : float
        Centre in latent units.
    rx, ry : float
        Half axes in latent units.
    about : str
        What the centre is, in words; empty for a place.
    sigmas : float
        How many standard deviations of the detection at its centre the ellipse is; 0 if it is not drawn so.
    """

    x: float
    y: float
    rx: float
    ry: float
    about: str = ""
    sigmas: float = 0.0

    def __post_init__(self) -> None:
        if not (all(map(math.isfinite, (self.x, self.y))) and 0 < self.rx < math.inf and 0 < self.ry < math.inf):
            raise OptionError("the disc has no radius", todo="Give a number above 0")

    @property
    def outline(self) -> Outline:
        """A polygon that looks round."""
        angle = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)
        return self.x + self.rx * np.cos(angle), self.y + self.ry * np.sin(angle)

    @property
    def words(self) -> str:
        """Say it in a line."""
        about = self.about or f"({self.x:.3g}, {self.y:.3g})"
        if self.sigmas:
            return words.minus(f"within {self.sigmas:g} σ of {about}")
        if math.isclose(self.rx, self.ry, rel_tol=1e-3):
            return words.minus(f"within {self.rx:.3g} of {about} in latent space")
        return words.minus(f"ellipse of {self.rx:.3g} by {self.ry:.3g} about {about} in latent space")

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Which detections lie inside, shape (n,)."""
        inside: Mask = ((services.x - self.x) / self.rx) ** 2 + ((services.y - self.y) / self.ry) ** 2 <= 1
        return inside

    def to_plain(self) -> dict[str, Any]:
        """Centre and half axes."""
        plain: dict[str, Any] = {"disc": [float(f"{value:.6g}") for value in (self.x, self.y, self.rx, self.ry)]}
        if self.about:
            plain["about"] = self.about
        if self.sigmas:
            plain["sigmas"] = self.sigmas
        return plain


@dataclass(frozen=True)
class Nearest(Recipe):
    """The detections nearest to a place on the map, of those shown.

    Parameters
    ----------
    x, y : float
        Latent units.
    number : int
    about : str
        What the place is, in words; may be empty.
    """

    x: float
    y: float
    number: int
    about: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y) and self.number >= 1):
            raise OptionError("no detections are asked for", todo="Give a whole number above 0")

    @property
    def words(self) -> str:
        """Say it in a line."""
        about = self.about or f"({self.x:.3g}, {self.y:.3g})"
        return words.minus(f"the {self.number:,} nearest to {about} in latent space")

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Which detections they are, shape (n,); all that are shown where there are fewer."""
        rows = np.arange(len(services)) if shown is None else np.flatnonzero(shown)
        if rows.size > self.number:
            distance = (services.x[rows] - self.x) ** 2 + (services.y[rows] - self.y) ** 2
            rows = rows[np.argpartition(distance, self.number - 1)[: self.number]]
        mask = np.zeros(len(services), dtype=bool)
        mask[rows] = True
        return mask

    def to_plain(self) -> dict[str, Any]:
        """Place and number."""
        plain: dict[str, Any] = {"near": [float(f"{self.x:.6g}"), float(f"{self.y:.6g}"), self.number]}
        return {**plain, "about": self.about} if self.about else plain


@dataclass(frozen=True)
class ByQuery(Recipe):
    """What a query holds for.

    Parameters
    ----------
    query : Query
    """

    query: Query

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"query {self.query.text.strip()}"

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Which detections it holds for, shape (n,)."""
        return self.query.mask(services)

    def to_plain(self) -> dict[str, Any]:
        """Return the text."""
        return {"query": self.query.text}


@dataclass(frozen=True)
class OfClass(Recipe):
    """All detections of a display class.

    Parameters
    ----------
    name : str
    """

    name: str

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"class {self.name}"

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Which detections are of the class, shape (n,)."""
        if self.name not in services.class_names:
            raise OptionError(f"there is no class “{self.name}” in this atlas")
        of_class: Mask = services.class_codes == services.class_names.index(self.name)
        return of_class

    def to_plain(self) -> dict[str, Any]:
        """Return the name."""
        return {"class": self.name}


@dataclass(frozen=True)
class Shown(Recipe):
    """All that is on the map."""

    @property
    def words(self) -> str:
        """Say it in a line."""
        return "everything on the map"

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Return what is shown, shape (n,)."""
        return np.ones(len(services), dtype=bool) if shown is None else shown

    def to_plain(self) -> dict[str, Any]:
        """Nothing more to say."""
        return {"shown": 1}


@dataclass(frozen=True)
class Listed(Recipe):
    """A list of detections that no short rule makes again; links leave it out.

    Parameters
    ----------
    how : str
        Where the list came from, in words.
    """

    how: str

    @property
    def words(self) -> str:
        """Say it in a line."""
        return self.how

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Refuse: the list is not kept."""
        raise OptionError(f"{self.how}: the list cannot be made again")


def _ends(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([values.min(), values.max()])


def _round(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to a thousandth of what the values span."""
    span = float(np.ptp(values))
    return values.round(max(0, 3 - math.floor(math.log10(span)))) if span > 0 else values


def fewer_corners(x: NDArray[np.float64], y: NDArray[np.float64], most: int) -> Outline:
    """Leave out the corners of a polygon that matter least.

    Parameters
    ----------
    x, y : array of float64, shape (m,)
    most : int
        At least 3.

    Returns
    -------
    x, y : array of float64, shape (min(m, most),)

    References
    ----------
    Visvalingam & Whyatt (1993), Cartographic Journal 30, 46: the corner whose triangle with its neighbours is smallest
    goes first.
    """
    x, y = x.copy(), y.copy()
    while x.size > most:
        (xa, xc), (ya, yc) = ((np.roll(side, 1), np.roll(side, -1)) for side in (x, y))
        least = int(np.argmin(np.abs((xa - x) * (yc - y) - (xc - x) * (ya - y))))
        x, y = np.delete(x, least), np.delete(y, least)
    return x, y
