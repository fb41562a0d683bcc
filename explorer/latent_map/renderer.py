"""One frame of the map: from the detections in a view to an image. No Bokeh, no Panel, no state of a browser tab."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from explorer.latent_map import contours, counting, growth, kernels, ramps, regions
from explorer.latent_map.counting import Tally
from explorer.latent_map.frame import ColourScale, Contour, Frame, Region, Request, View
from explorer.latent_map.kernels import DENSITIES, Counts, Floats, Image, Inks, Shades
from explorer.latent_map.points import Column, Points
from explorer.palette import Theme, class_weight, palette
from explorer.selection import polygon
from explorer.services import Services
from explorer.tools.masks import Mask

__all__ = ["MAX_SIDE", "ColourScale", "Contour", "Frame", "Region", "Renderer", "Request", "View", "renderer_of"]

#: Below one detection in so many pixels points become discs of 3, and of 5, pixels across.
_PIXELS_PER_DETECTION: Final = ((400, 5), (100, 3))

#: Frames kept for whoever asks next: other tabs that open the same view, and the way back.
_FRAMES: Final = 4
#: Sets of contours kept.
_LINES: Final = 8

#: Largest side of an image in pixels; a browser that asks for more gets this much, stretched.
MAX_SIDE: Final = 4096


class Renderer:
    """Draws the detections of one atlas; shared by all sessions.

    Parameters
    ----------
    services : Services

    Attributes
    ----------
    points : Points
        The detections in drawing order.
    """

    def __init__(self, services: Services) -> None:
        self.points = Points(services)
        self._names = services.class_names
        self._home = View(*services.home)
        self._weights = np.array([class_weight(name) for name in self._names])
        self._frames: OrderedDict[Request, Frame] = OrderedDict()
        self._lines: OrderedDict[Request, tuple[tuple[Contour, ...], tuple[Region, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def draw(self, request: Request) -> Frame:
        """Draw a view.

        Parameters
        ----------
        request : Request

        Returns
        -------
        Frame
        """
        start = time.perf_counter()
        with self._lock:
            known = self._frames.get(request)
        if known is None:
            frame = self._draw(request, start)
        else:
            frame = replace(known, milliseconds=1e3 * (time.perf_counter() - start))
        with self._lock:
            self._frames[request] = frame
            self._frames.move_to_end(request)
            while len(self._frames) > _FRAMES:
                self._frames.popitem(last=False)
        return frame

    def _draw(self, request: Request, start: float) -> Frame:
        column = None if request.colour_by in ("class", "count") else self.points.column(request.colour_by)
        tally = self._count(request, column)
        most = int(tally.whole.max(initial=0))
        ranks = kernels.opacity_table(tally.whole, most, DENSITIES.index(request.density))
        inks = Inks(request.theme == "dark", one_ink=request.colour_by == "count")
        if request.selection is None:
            image = kernels.mix_colours(tally.shown, tally.light, ranks, inks)
        else:
            image = kernels.mix_colours(tally.chosen, tally.chosen_light, ranks, inks)
            kernels.mix_greys(image, tally.shown, tally.light, ranks, inks)
        image = _grow(image, tally.shown, int(tally.whole.sum()))
        lines = self._contours(request) if request.contours else ((), ())
        return Frame(
            image,
            request.view,
            most,
            int(tally.shown.sum()),
            1e3 * (time.perf_counter() - start),
            tally.by_class[: len(self._names)],
            None if column is None else ColourScale(column.key, column.low, column.high),
            *lines,
        )

    def _count(self, request: Request, column: Column | None) -> Tally:
        width, height = (int(np.clip(side, 1, MAX_SIDE)) for side in request.size)
        sort = self.points.sorted
        tally = counting.count(
            self.points,
            request.view,
            (width, height),
            self.paints(request.theme, request.colour_by),
            self._visible(request.hidden),
            passing=None if request.passing is None else sort(request.passing),
            selection=None if request.selection is None else sort(request.selection),
            shares=None if column is None else column.shares,
        )
        if column is not None:
            colours, unknown, unselected = _ramp_light(column.kind, request.theme)
            below = colours if request.selection is None else unselected
            counting.shares_to_light(tally.shown, tally.light, below, unknown)
            counting.shares_to_light(tally.chosen, tally.chosen_light, colours, unknown)
        return tally

    def _contours(self, request: Request) -> tuple[tuple[Contour, ...], tuple[Region, ...]]:
        """Lines of all that is shown, wherever the view is: they do not move under the hand."""
        view, passing = contours.around(self._home), request.passing
        whole = Request(view, (contours.CELLS,) * 2, request.hidden, passing=passing)
        with self._lock:
            known = self._lines.get(whole)
        if known is None:
            sort = None if passing is None else self.points.sorted(passing)
            counts = regions.count_classes(self.points, view, len(self._names), sort)
            counts[~self._visible(request.hidden)] = 0
            known = contours.lines(counts.sum(axis=0), view), regions.regions(counts, self._names, view)
        with self._lock:
            self._lines[whole] = known
            while len(self._lines) > _LINES:
                self._lines.popitem(last=False)
        return known

    def _visible(self, hidden: frozenset[str]) -> Mask:
        return np.array([name not in hidden for name in self._names])

    def paints(self, theme: Theme, colour_by: str) -> Shades:
        """Weighted linear red, green, blue of each class, and its weight, shape (n_classes, 4)."""
        colours = palette(theme)
        if colour_by == "count":
            return np.array([[*_light([colours["text"]])[0], 1.0]] * len(self._names), dtype=np.float32)
        light = _light([colours.class_colour(name, position) for position, name in enumerate(self._names)])
        return np.column_stack([light * self._weights[:, None], self._weights]).astype(np.float32)


def _light(colours: list[str]) -> Floats:
    """Linear red, green, blue of hex colours, shape (n, 3)."""
    rgb = [[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours]
    return kernels.srgb_to_linear(np.array(rgb))


@cache
def _ramp_light(kind: str, theme: Theme) -> tuple[Shades, Shades, Shades]:
    """Linear light of a ramp, of detections without a value, and of what is not selected.

    The last is a ramp of one colour: as greys, a ramp's dark values would vanish and its bright ones look like more.
    """
    unknown, unselected = _light([palette(theme)["c-no-match"], palette(theme)["c-unclassified"]]).astype(np.float32)
    return _light(list(ramps.ramp(kind, theme))).astype(np.float32), unknown, unselected[None]


def _grow(image: Image, shown: Counts, in_view: int) -> Image:
    """Draw points larger where they are few. `in_view` counts the whole archive: hiding must not change the others."""
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
    view = View(*services.home)
    few = np.arange(len(services)) < 100
    filtered = few.copy()
    filtered.flags.writeable = False  # as filters make them, which is another type to numba
    for selection in (None, few):
        for passing in (None, filtered):
            renderer.draw(Request(view, (64, 64), selection=selection, passing=passing))
    shares, paints = np.zeros(len(services), np.float32), renderer.paints("dark", "class")
    some = np.ones(len(services.class_names), dtype=bool)
    tally = counting.count(renderer.points, view, (8, 8), paints, some, shares=shares)
    counting.shares_to_light(tally.shown, tally.light, *_ramp_light("log", "dark")[:2])
    for passing in (None, few):
        renderer.draw(Request(view, (64, 64), passing=passing, contours=True))
    image = np.zeros((8, 8), np.uint32)
    growth.grow_lonely(image, image)
    growth.grow_discs(image, image, growth.disc(3))
    corners = np.array([0.0, 1.0, 1.0])
    polygon.in_polygon(services.x[:1], services.y[:1], corners, corners[::-1])
