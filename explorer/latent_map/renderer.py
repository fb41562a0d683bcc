"""One frame of the map: from the detections in a view to an image. No Bokeh, no Panel, no state of a browser tab."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Final

import datashader
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.latent_map import growth, kernels
from explorer.latent_map.kernels import DENSITIES, Counts, Floats, Image, Inks
from explorer.palette import Theme, class_weight, palette
from explorer.services import Services
from explorer.tools import polygon

#: Below one detection in so many pixels points become discs of 3, and of 5, pixels across.
_PIXELS_PER_DETECTION: Final = ((400, 5), (100, 3))

#: Rows of the map into which detections are sorted. Neighbours on the map are then neighbours in memory, which makes
#: the aggregation three to four times faster, and a view touches only the bands that it shows.
_BANDS: Final = 512

#: An aggregate is kept for the next frame up to this size: a map of 1000 x 900 pixels and 16 classes [bytes].
_KEEP: Final = 64 * 2**20

#: Largest side of an image in pixels; a browser that asks for more gets this much, stretched.
MAX_SIDE: Final = 4096


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


@dataclass(frozen=True)
class Frame:
    """A rendered view.

    Parameters
    ----------
    image : array of uint32, shape (h, w)
        RGBA, bottom row first.
    view : View
    max_per_pixel : int
        Detections of all classes in the fullest pixel: the top of the opacity scale.
    in_view : int
        Detections of the visible classes in this view.
    milliseconds : float
        Time it took.
    """

    image: Image
    view: View
    max_per_pixel: int
    in_view: int
    milliseconds: float


class Renderer:
    """Draws the detections of one atlas; shared by all sessions.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        x, y = services.x, services.y
        bands = _cells(y)
        self._order = np.argsort(bands * _BANDS + _cells(x), kind="stable")
        codes = pd.Categorical.from_codes(services.class_codes[self._order].astype(np.int16), services.class_names)
        self._points = pd.DataFrame({"x": x[self._order], "y": y[self._order], "class": codes})
        self._band_starts = np.searchsorted(bands[self._order], np.arange(_BANDS + 1))
        self._band_edges = np.linspace(float(y.min()), float(y.max()), _BANDS + 1) if y.size else np.zeros(_BANDS + 1)
        self._names = services.class_names
        self._weights = np.array([class_weight(name) for name in self._names])
        self._last = _Remembered()

    def aggregate(self, view: View, size: tuple[int, int], selection: Selected | None = None) -> Counts:
        """Count detections of each class in each pixel.

        Parameters
        ----------
        view : View
        size : (int, int)
            Width and height in pixels.
        selection : Selected, optional
            Count only these.

        Returns
        -------
        array of uint32, shape (h, w, n_classes)
        """
        points = self._points if selection is None else selection.points
        starts = self._band_starts if selection is None else selection.band_starts
        below, above = np.searchsorted(self._band_edges, [view.y0, view.y1])
        first, last = starts[np.clip([below - 2, above + 1], 0, _BANDS)]  # a band to spare on either side: rounding
        canvas = datashader.Canvas(*size, x_range=(view.x0, view.x1), y_range=(view.y0, view.y1))
        counts = canvas.points(points.iloc[first:last], "x", "y", datashader.by("class", datashader.count()))
        return np.asarray(counts.data)

    def selected(self, mask: NDArray[np.bool_]) -> Selected:
        """Prepare a selection for drawing; once for each selection, not for each frame.

        Parameters
        ----------
        mask : array of bool, shape (n,)
            In catalogue order.
        """
        rows = np.flatnonzero(mask[self._order])
        return Selected(self._points.iloc[rows].reset_index(drop=True), np.searchsorted(rows, self._band_starts))

    def render(
        self,
        view: View,
        size: tuple[int, int],
        *,
        visible: NDArray[np.bool_],
        density: str = "equal",
        theme: Theme = "dark",
        selection: Selected | None = None,
    ) -> Frame:
        """Draw a view.

        Parameters
        ----------
        view : View
        size : (int, int)
            Width and height in pixels.
        visible : array of bool, shape (n_classes,)
            Classes to show. The opacity scale comes from all classes, so hiding one does not change the others.
        density : {"equal", "log", "linear"}
            Opacity scale.
        theme : {"dark", "light"}
        selection : Selected, optional
            Grey all others.

        Returns
        -------
        Frame
        """
        start = time.perf_counter()
        width, height = (int(np.clip(side, 1, MAX_SIDE)) for side in size)
        counts = self._last.get((view, width, height))
        if counts is None:
            counts = self.aggregate(view, (width, height))
            self._last.put((view, width, height), counts)
        whole, shown, most = kernels.pixel_totals(counts, visible)
        ranks = kernels.opacity_table(whole, most, DENSITIES.index(density))
        inks = Inks.of(self._linear_colours(theme), self._weights, visible, dark=theme == "dark")
        if selection is None:
            image = kernels.mix_colours(counts, shown, ranks, inks)
        else:
            chosen = self.aggregate(view, (width, height), selection)
            _, chosen_shown, _ = kernels.pixel_totals(chosen, visible)
            image = kernels.mix_colours(chosen, chosen_shown, ranks, inks)
            kernels.mix_greys(image, counts, shown, ranks, inks)
        image = _grow(image, shown, int(whole.sum()))
        in_view = int(shown.sum())
        return Frame(image, view, int(most), in_view, 1e3 * (time.perf_counter() - start))

    def _linear_colours(self, theme: Theme) -> Floats:
        colours = palette(theme)
        rgb = [
            [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
            for colour in (colours.class_colour(name, position) for position, name in enumerate(self._names))
        ]
        return kernels.srgb_to_linear(np.array(rgb))


@dataclass(frozen=True)
class Selected:
    """Selected detections in drawing order; made by `Renderer.selected`.

    Parameters
    ----------
    points : DataFrame
        Columns x, y, class.
    band_starts : array of int64, shape (_BANDS + 1,)
        First row of each band.
    """

    points: pd.DataFrame
    band_starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.points)


@dataclass
class _Remembered:
    """The last aggregate: a new colour, scale, theme or class filter in the same view need not count again."""

    key: tuple[View, int, int] | None = None
    counts: Counts | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: tuple[View, int, int]) -> Counts | None:
        with self.lock:
            return self.counts if key == self.key else None

    def put(self, key: tuple[View, int, int], counts: Counts) -> None:
        with self.lock:
            self.key, self.counts = (key, counts) if counts.nbytes <= _KEEP else (None, None)


def _cells(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which of `_BANDS` equal steps between the extremes each value lies in."""
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    low, high = float(values.min()), float(values.max())
    steps = (values.astype(np.float64) - low) * (_BANDS / max(high - low, 1e-30))
    return np.minimum(steps.astype(np.int64), _BANDS - 1)


def _grow(image: Image, shown: Counts, in_view: int) -> Image:
    """Draw points larger where they are few. `in_view` counts all classes: hiding one must not change the others."""
    for pixels, across in _PIXELS_PER_DETECTION:
        if in_view * pixels < image.size:
            grown: Image = growth.grow_discs(image, shown, growth.disc(across))
            return grown
    grown = growth.grow_lonely(image, shown)
    return grown


_LOCK = threading.Lock()
_RENDERERS: dict[int, tuple[Services, Renderer]] = {}


def renderer_of(services: Services) -> Renderer:
    """Return the one renderer of these services, made and compiled on the first call.

    Parameters
    ----------
    services : Services
    """
    with _LOCK:
        if id(services) not in _RENDERERS:  # the services are kept beside it, so that an id is never used again
            renderer = Renderer(services)
            _warm_up(renderer, services)
            _RENDERERS[id(services)] = services, renderer
        return _RENDERERS[id(services)][1]


def _warm_up(renderer: Renderer, services: Services) -> None:
    """Compile, or load from numba's cache, everything that a first visitor would wait for."""
    view, every = View(*services.home), np.ones(len(services.class_names), dtype=bool)
    few = np.arange(len(services)) < 100
    for selection in (None, renderer.selected(few)):
        image = renderer.render(view, (64, 64), visible=every, selection=selection).image
    growth.grow_lonely(image, image)
    growth.grow_discs(image, image, growth.disc(3))
    corners = np.array([0.0, 1.0, 1.0])
    polygon.in_polygon(services.x[:1], services.y[:1], corners, corners[::-1])


def render(
    services: Services,
    view: View,
    size: tuple[int, int],
    *,
    visible: NDArray[np.bool_],
    density: str = "equal",
    theme: Theme = "dark",
    selection: NDArray[np.bool_] | None = None,
) -> Frame:
    """Draw a view of an atlas: `Renderer.render` for callers that keep nothing.

    Parameters
    ----------
    services : Services
    view, size, visible, density, theme
        As in `Renderer.render`.
    selection : array of bool, shape (n,), optional
        Grey all others.
    """
    renderer = renderer_of(services)
    selected = None if selection is None else renderer.selected(selection)
    return renderer.render(view, size, visible=visible, density=density, theme=theme, selection=selected)
