"""Frames of the map, lasso and hover on the server, beside stock HoloViews, datashader, matplotlib and shapely."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import datashader
import numba
import numpy as np
import pandas as pd
import psutil
import shapely
from matplotlib.path import Path as Outline

from _benchmarks import stock_map
from _benchmarks.drawn import draw
from _benchmarks.stock_map import SIZE
from explorer.latent_map import counting, kernels
from explorer.latent_map.cells import cells_of
from explorer.latent_map.renderer import Renderer, Request, View, renderer_of
from explorer.selection.polygon import in_polygon
from explorer.services import Services, services
from vae.errors import ExplorerError

#: Corners of the lasso, and the share of all detections inside (DESIGN, budgets).
_CORNERS: Final = 400
_LASSO_SHARE: Final = 0.3
#: Stock ways that take a second or more are measured this often at most.
_SLOW_REPEATS: Final = 5
#: Views that a hand at the wheel and then dragging asks for: zoom about the middle, and steps to the side [of a width].
_WHEEL: Final = (1.0, 1.2, 1.44, 1.7, 2.1, 2.5)
_TABS: Final = 10
_HOVER_RADIUS: Final = 8.0


def measure(
    detections: int, seed: int, repeat: int, scratch: Path | None, *, atlas: Path | None = None
) -> dict[str, Any]:
    """Measure what the server does for the map.

    Parameters
    ----------
    detections : int
        Drawn where there is no atlas.
    seed : int
    repeat : int
        Frames of each kind; medians are reported.
    scratch
        Not used.
    atlas : Path, optional
        Detections to draw.

    Returns
    -------
    dict
        Milliseconds, and ratios to the stock ways measured in turn with ours.

    Raises
    ------
    ExplorerError
        When ours and a stock way count differently.
    """
    opened = draw(detections, seed) if atlas is None else services(atlas)
    before = _rss()
    start = time.perf_counter()
    renderer = renderer_of(opened)
    ready = time.perf_counter() - start
    rng = np.random.default_rng(seed)
    mask, other = rng.random((2, len(opened))) < 0.5
    return {
        "detections": len(opened),
        "classes": len(opened.class_names),
        "size": list(SIZE),
        "cpu_count": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "renderer_ready_s": round(ready, 2),
        "renderer_mib": round(_rss() - before),
        "frame": _frames(renderer, opened, repeat),
        "other_frames_ms": _other_frames(renderer, opened, repeat, mask, other),
        "aggregate": _aggregates(renderer, opened, repeat, mask, other),
        "ten_tabs": _tabs(renderer, opened),
        "lasso": _lasso(opened, repeat),
        "hover_ms": _hover(opened, repeat, rng),
        "datashader_import": _import_cost(),
    }


def views(home: tuple[float, float, float, float], number: int, zoom: float = 1.0) -> list[View]:
    """Return views of a hand that turns the wheel and drags, each another one.

    Parameters
    ----------
    home : (float, float, float, float)
        The whole map.
    number : int
    zoom : float
        Above 1 is closer.
    """
    x0, x1, y0, y1 = home
    found = []
    for step in range(number):
        closer = zoom * _WHEEL[step % len(_WHEEL)]
        width, height = (x1 - x0) / closer, (y1 - y0) / closer
        x = (x0 + x1) / 2 + 0.1 * width * np.sin(step) + 1e-4 * step * width
        y = (y0 + y1) / 2 + 0.1 * height * np.cos(step)
        found.append(View(x - width / 2, x + width / 2, y - height / 2, y + height / 2))
    return found


def _times(ways: Sequence[Callable[[], object]]) -> list[float]:
    """Milliseconds of each, one after the other; then those that its thread had a processor."""
    wall, busy = [], []
    for way in ways:
        start, busy_start = time.perf_counter(), time.thread_time()
        way()
        wall.append(1e3 * (time.perf_counter() - start))
        busy.append(1e3 * (time.thread_time() - busy_start))
    return wall + busy


def _medians(rounds: list[list[float]]) -> list[float]:
    return [round(statistics.median(column), 2) for column in zip(*rounds, strict=True)]


def _compared(rounds: list[list[float]], stock: str) -> dict[str, float]:
    """Medians of ours and a stock way, and their ratios; processor time is what a busy machine leaves alone."""
    ours_ms, stock_ms, ours_cpu, stock_cpu = _medians(rounds)
    return {
        "ours_ms": ours_ms,
        f"{stock}_ms": stock_ms,
        "ratio": _ratio(stock_ms, ours_ms),
        "ours_cpu_ms": ours_cpu,
        f"{stock}_cpu_ms": stock_cpu,
        "cpu_ratio": _ratio(stock_cpu, ours_cpu),
    }


def _frames(renderer: Renderer, opened: Services, repeat: int) -> dict[str, Any]:
    """Whole frames against `datashade`, view by view in turn."""
    elements = stock_map.points(opened)
    figures: dict[str, Any] = {}
    for name, zoom in (("whole_map", 1.0), ("zoomed_10", 10.0), ("zoomed_100", 100.0)):
        rounds = []
        for number, view in enumerate(views(opened.home, repeat + 1, zoom)):
            ranges: dict[str, Any] = {"x_range": (view.x0, view.x1), "y_range": (view.y0, view.y1)}
            ours = Request(view, SIZE)
            stock = partial(stock_map.shaded, elements, opened, dynamic=False, **ranges)
            taken = _times((partial(renderer.draw, ours), stock))
            if number > 0:  # the first compiles
                rounds.append(taken)
        figures[name] = {"frames": repeat, **_compared(rounds, "stock")}
    return figures


def _other_frames(
    renderer: Renderer, opened: Services, repeat: int, mask: np.ndarray, other: np.ndarray
) -> dict[str, float]:
    """Frames that a stock app does not have."""
    kinds: dict[str, dict[str, Any]] = {
        "selection": {"selection": mask},
        "filter": {"passing": mask},
        "selection_and_filter": {"selection": mask, "passing": other},
        "hidden_classes": {"hidden": frozenset(opened.class_names[:3])},
        "count": {"colour_by": "count"},
        "hardness": {"colour_by": "hr2"},
        "contours": {"contours": True},
    }
    rounds = []
    for number, view in enumerate(views(opened.home, repeat + 1)):
        taken = _times([partial(renderer.draw, Request(view, SIZE, **more)) for more in kinds.values()])
        if number > 0:
            rounds.append(taken)
    return dict(zip(kinds, _medians(rounds)[: len(kinds)], strict=True))


def _aggregates(
    renderer: Renderer, opened: Services, repeat: int, mask: np.ndarray, other: np.ndarray
) -> dict[str, Any]:
    """Our counting pass against datashader's aggregates on the same sorted detections, alone and in a whole frame."""
    points = renderer.points
    classes = pd.Categorical.from_codes(points.codes.astype(np.int16), list(opened.class_names))
    table = pd.DataFrame({"x": points.x, "y": points.y, "class": classes})
    passing, both = points.sorted(mask), points.sorted(mask) & points.sorted(other)
    subsets = {"all": [table], "selection_and_filter": [table, table[passing], table[both]]}
    paints, every = renderer.paints("dark", "class"), np.ones(len(opened.class_names), dtype=bool)

    def stock(view: View, tables: list[pd.DataFrame]) -> list[np.ndarray]:
        canvas = datashader.Canvas(*SIZE, x_range=(view.x0, view.x1), y_range=(view.y0, view.y1))
        by_class = datashader.by("class", datashader.count())
        return [np.asarray(canvas.points(each, "x", "y", by_class).data) for each in tables]

    def ours(view: View, several: bool) -> counting.Tally:
        more = {"passing": passing, "selection": points.sorted(other)} if several else {}
        return counting.count(points, view, SIZE, paints, every, **more)

    figures: dict[str, Any] = {}
    for name, tables in subsets.items():
        several, rounds = len(tables) > 1, []
        for number, view in enumerate(views(opened.home, repeat + 1)):
            if number == 0:
                _same(ours(view, several), stock(view, tables))
                continue
            rounds.append(_times((partial(ours, view, several), partial(stock, view, tables))))
        figures[name] = {
            "counting": _compared(rounds, "datashader"),
            "frame": _compared(_whole_frames(ours, stock, tables, paints, opened.home, repeat), "datashader"),
        }
    return figures


def _whole_frames(
    ours: Callable[[View, bool], counting.Tally],
    stock: Callable[[View, list[pd.DataFrame]], list[np.ndarray]],
    tables: list[pd.DataFrame],
    paints: np.ndarray,
    home: tuple[float, float, float, float],
    repeat: int,
) -> list[list[float]]:
    """Time counting and colours, with either; a kernel turns datashader's counts into light."""

    def colours(whole: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]]) -> None:
        ranks = kernels.opacity_table(whole, int(whole.max(initial=0)), 0)
        *below, (shown, light) = layers
        image = kernels.mix_colours(shown, light, ranks, kernels.Inks(True))
        for lower, its_light in below:
            kernels.mix_greys(image, lower, its_light, ranks, kernels.Inks(True))

    def by_ours(view: View) -> None:
        tally = ours(view, len(tables) > 1)
        layers = [(tally.shown, tally.light)]
        colours(tally.whole, layers if len(tables) == 1 else [*layers, (tally.chosen, tally.chosen_light)])

    def by_stock(view: View) -> None:
        counts = stock(view, tables)
        layers = [_summed(each, paints) for each in counts]
        colours(layers[0][0], layers if len(tables) == 1 else layers[1:])

    rounds = []
    for number, view in enumerate(views(home, repeat + 1)):
        taken = _times((partial(by_ours, view), partial(by_stock, view)))
        if number > 0:
            rounds.append(taken)
    return rounds


@numba.njit(nogil=True, cache=True)
def _summed(counts: np.ndarray, paints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum the classes of each pixel, and their light."""
    h, w, n_classes = counts.shape
    total, light = np.zeros((h, w), np.uint32), np.zeros((h, w, 4), np.float32)
    for j in range(h):
        for i in range(w):
            for k in range(n_classes):
                n = counts[j, i, k]
                if n:
                    total[j, i] += n
                    for c in range(4):
                        light[j, i, c] += n * paints[k, c]
    return total, light


def _same(tally: counting.Tally, counts: list[np.ndarray]) -> None:
    layers = (tally.whole,) if len(counts) == 1 else (tally.whole, tally.shown, tally.chosen)
    for ours, stock in zip(layers, counts, strict=True):
        if not np.array_equal(ours, stock.sum(axis=2)):
            raise ExplorerError("our counts and datashader's differ in the same view")


def _tabs(renderer: Renderer, opened: Services) -> dict[str, Any]:
    """Ten tabs that ask for frames at once, as often as they get them."""
    each = 6
    requests = [Request(view, SIZE) for view in views(opened.home, _TABS * each, 1.01)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        start = time.perf_counter()
        waited = list(pool.map(lambda request: renderer.draw(request).milliseconds, requests))
        seconds = time.perf_counter() - start
    return {
        "tabs": _TABS,
        "frames_per_s": round(len(requests) / seconds, 1),
        "frame_ms": round(statistics.median(waited), 2),
        "each_tab_waits_ms": round(1e3 * seconds / each, 1),
    }


def _lasso(opened: Services, repeat: int) -> dict[str, Any]:
    xs, ys = _outline(opened)
    vertices = np.column_stack([xs, ys])
    polygon = shapely.Polygon(vertices)
    shapely.prepare(polygon)
    outline = Outline(np.vstack([vertices, vertices[:1]]), closed=True)
    inside = in_polygon(opened.x, opened.y, xs, ys)
    ours = [_times([partial(in_polygon, opened.x, opened.y, xs, ys)])[0] for _ in range(repeat)]

    def by_shapely() -> np.ndarray:
        return np.asarray(shapely.contains_xy(polygon, opened.x, opened.y))

    def by_matplotlib() -> np.ndarray:
        return outline.contains_points(np.column_stack([opened.x, opened.y]))

    if not np.array_equal(inside, by_shapely()):
        raise ExplorerError("our lasso and shapely's differ")
    stock = _medians([_times((by_shapely, by_matplotlib)) for _ in range(min(repeat, _SLOW_REPEATS))])[:2]
    ours_ms = round(statistics.median(ours), 2)
    return {
        "vertices": _CORNERS,
        "selected": int(inside.sum()),
        "ours_ms": ours_ms,
        "shapely_ms": stock[0],
        "matplotlib_ms": stock[1],
        "ratio_to_shapely": _ratio(stock[0], ours_ms),
        "ratio_to_matplotlib": _ratio(stock[1], ours_ms),
    }


def _outline(opened: Services) -> tuple[np.ndarray, np.ndarray]:
    """Outline of a hand-drawn loop around the middle that holds `_LASSO_SHARE` of all detections."""
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    radius = 1 + 0.15 * np.sin(3 * angle) + 0.05 * np.sin(17 * angle)
    x, y = np.median(opened.x), np.median(opened.y)
    reach = np.hypot(opened.x - x, opened.y - y)
    around = 1 + 0.15 * np.sin(3 * (turn := np.arctan2(opened.y - y, opened.x - x))) + 0.05 * np.sin(17 * turn)
    radius *= np.quantile(reach / around, _LASSO_SHARE)
    return x + radius * np.cos(angle), y + radius * np.sin(angle)


def _hover(opened: Services, repeat: int, rng: np.random.Generator) -> dict[str, float]:
    """Make-up and nearest detection under the mouse, at random detections of the whole map."""
    cells = cells_of(opened)
    x0, x1, y0, y1 = opened.home
    reach = _HOVER_RADIUS * (x1 - x0) / SIZE[0], _HOVER_RADIUS * (y1 - y0) / SIZE[1]
    every = np.ones(len(opened.class_names), dtype=bool)
    taken = [
        _times([partial(cells.around, float(opened.x[row]), float(opened.y[row]), reach, every)])[0]
        for row in rng.integers(0, len(opened), 10 * repeat)
    ]
    return {"median": round(statistics.median(taken), 3), "most": round(max(taken), 3)}


def _import_cost() -> dict[str, float]:
    """Measure what a server would pay at its start for importing datashader beside what it imports anyway."""
    code = (
        "import time, json, psutil, panel, numba, pandas, scipy.ndimage, matplotlib\n"
        "rss = psutil.Process().memory_info().rss; start = time.perf_counter()\n"
        "import datashader\n"
        "print(json.dumps({'seconds': round(time.perf_counter() - start, 2),"
        " 'mib': round((psutil.Process().memory_info().rss - rss) / 2**20)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _ratio(slower: float, faster: float) -> float:
    return round(slower / faster, 2)


def _rss() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20
