"""What is asked of the renderer, and what it returns: values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.latent_map.kernels import Image
from explorer.palette import Theme
from explorer.tools.masks import Mask


@dataclass(frozen=True)
class View:
    """Part of the latent plane, in latent units."""

    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def width(self) -> float:
        """Extent in x."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Extent in y."""
        return self.y1 - self.y0

    def holds(self, x: float, y: float) -> bool:
        """Whether a position lies inside."""
        return self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1


@dataclass(frozen=True, eq=False)
class Request:
    """All that a frame depends on. Masks are never changed in place, so two requests with the same ones are equal.

    Parameters
    ----------
    view : View
    size : (int, int)
        Width and height in pixels.
    hidden : frozenset of str
        Classes left out. The opacity scale comes from all classes, so hiding one does not change the others.
    density : {"equal", "log", "linear"}
        Opacity scale.
    theme : {"dark", "light"}
    colour_by : str
        "class", "count", or the key of a quantity.
    selection : array of bool, shape (n,), optional
        Grey all others.
    passing : array of bool, shape (n,), optional
        Leave all others out; like hiding a class, it does not change the opacity of what stays.
    contours : bool
        Whether contours of density are wanted too.
    """

    view: View
    size: tuple[int, int]
    hidden: frozenset[str] = frozenset()
    density: str = "equal"
    theme: Theme = "dark"
    colour_by: str = "class"
    selection: Mask | None = None
    passing: Mask | None = None
    contours: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two requests equal: masks by identity."""
        plain = (
            self.view,
            self.size,
            self.hidden,
            self.density,
            self.theme,
            self.colour_by,
            self.contours,
        )
        return *plain, *(None if mask is None else id(mask) for mask in (self.selection, self.passing))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class ColourScale:
    """What the colours of a quantity mean: `explorer.latent_map.ramps.ramp` from `low` to `high`.

    Parameters
    ----------
    key : str
        Of the quantity.
    low, high : float
        In the quantity's unit; robust ends of the whole archive, the same in every view and under every filter.
    """

    key: str
    low: float
    high: float


class Contour(NamedTuple):
    """Piece of a line around the densest part of the map, which holds a share of all shown detections."""

    share: float  #: 0 to 1
    xs: NDArray[np.float64]  #: latent units
    ys: NDArray[np.float64]


class Region(NamedTuple):
    """Outline of a part of a class, where it prevails among the labelled."""

    name: str  #: display class
    share: float  #: of the labelled detections inside, 0 to 1
    xs: NDArray[np.float64]  #: outline, in latent units
    ys: NDArray[np.float64]
    x: float  #: top of the outline, for the label
    y: float


@dataclass(frozen=True)
class Frame:
    """A rendered view.

    Parameters
    ----------
    image : array of uint32, shape (h, w)
        RGBA, bottom row first.
    view : View
    max_per_pixel : int
        Detections of the whole archive in the fullest pixel: the top of the opacity scale.
    in_view : int
        Detections in this view that are shown: of visible classes, and passing.
    milliseconds : float
        Time it took.
    class_counts : array of int64, shape (n_classes,)
        Passing detections of each class in this view, hidden classes too.
    scale : ColourScale, optional
        Where a quantity colours the map.
    contours : tuple of Contour
        Where they were asked for; the widest first.
    regions : tuple of Region
        Where classes prevail, with the contours.
    """

    image: Image
    view: View
    max_per_pixel: int
    in_view: int
    milliseconds: float
    class_counts: NDArray[np.int64]
    scale: ColourScale | None = None
    contours: tuple[Contour, ...] = ()
    regions: tuple[Region, ...] = ()
