"""What is marked on the map, and the columns that its glyphs draw: pure functions of scene, scale and theme.

Offsets are pixels. What depends on the zoom (arrowheads, leaders) is computed again when a frame lands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from explorer.latent_map import track as tracks
from explorer.latent_map.frame import Contour, Region, View
from explorer.palette import Palette
from explorer.tools import words

#: A step is drawn at half opacity below this significance [sigma] (LOOK.md).
SIGNIFICANT_STEP: Final = 3.0
#: Room that a name needs beside its ring [px].
_NAME_WIDTH: Final = 150.0
#: Half the height of a name with its second line, with some air [px].
_NAME_HALF_HEIGHT: Final = 22.0
#: How far below the ring's height a name may go, in the order of liking [px].
_NAME_DROPS: Final = (0.0, -34.0, 34.0)
#: Distance of the numbers at the ends of a track from their marks [px].
_END_GAP: Final = 14.0
#: Radius of the ring around the picked detection and around the mouse [px].
RING: Final = 8.0

#: How much larger that ring is on a large screen.
LARGER_RING: Final = 1.25

#: A map wider than this belongs to a large screen [px].
LARGE: Final = 1200

Columns = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """View and size of the map, and so its pixels per latent unit."""

    view: View
    width: int
    height: int

    @property
    def large(self) -> bool:
        """Whether the map is that of a large screen, with larger letters and marks."""
        return self.width > LARGE

    @property
    def per_unit(self) -> np.ndarray:
        """Pixels per latent unit in x and y, shape (2,)."""
        return np.array([self.width / self.view.width, self.height / self.view.height])


@dataclass(frozen=True)
class Picked:
    """The picked detection."""

    x: float
    y: float
    sigma_x: float
    sigma_y: float
    name: str
    place: str  #: "observation 5 of 11", or empty
    class_name: str
    class_code: int


@dataclass
class Scene:
    """All that can be marked; None is not drawn."""

    picked: Picked | None = None
    track: pd.DataFrame | None = None  #: from `Atlas.trajectory`, two observations or more
    decoded: tuple[float, float] | None = None
    outline: tuple[Any, Any] | None = None
    selected: int = -1
    regions: Sequence[Region] = ()


def picked_columns(
    picked: Picked | None, track: pd.DataFrame | None, scale: Scale, palette: Palette
) -> dict[str, Columns]:
    """Ring, ellipses, leader and name of the picked detection."""
    if picked is None:
        return {
            "ellipses": no_rows("x y width height fill line"),
            "ring": no_rows("x y colour size"),
            "leader": no_rows("x0 y0 x1 y1"),
            "name": no_rows(TEXT),
        }
    per_x, per_y = (float(value) for value in scale.per_unit)
    reach = max(2 * picked.sigma_x * per_x, RING) + 3
    side, drop = _name_place(picked, track, scale, reach)
    # a name that is not beside the ring is led to from the ring's own slope
    slope = np.array([side * (reach + 8.0), -drop])
    start = slope * (reach / np.hypot(*slope)) if drop else np.array([side * reach, 0.0])
    align = "left" if side > 0 else "right"
    texts = [(picked.name, -1.0, "mark", "bold")] + ([(picked.place, 14.0, "label", "normal")] if picked.place else [])
    return {
        "ellipses": {
            "x": [picked.x] * 2,
            "y": [picked.y] * 2,
            "width": [4 * picked.sigma_x, 2 * picked.sigma_x],
            "height": [4 * picked.sigma_y, 2 * picked.sigma_y],
            "fill": [0.05, 0.10],
            "line": [0.4, 0.8],
        },
        "ring": {
            "x": [picked.x],
            "y": [picked.y],
            "colour": [palette.class_colour(picked.class_name, picked.class_code)],
            "size": [2 * RING * (LARGER_RING if scale.large else 1)],
        },
        "leader": {
            "x0": [picked.x + start[0] / per_x],
            "x1": [picked.x + slope[0] / per_x],
            "y0": [picked.y + start[1] / per_y],
            "y1": [picked.y + slope[1] / per_y],
        },
        "name": _texts(
            [
                (picked.x, picked.y, text, side * (reach + 13), drop + dy, align, role, style)
                for text, dy, role, style in texts
            ]
        ),
    }


def _name_place(picked: Picked, track: pd.DataFrame | None, scale: Scale, reach: float) -> tuple[int, float]:
    """Where the name goes: 1 for right of the ring and -1 for left, and how far below the ring's height [px].

    Where least of the track runs through it, but never out of the map.
    """
    per_x, per_y = (float(value) for value in scale.per_unit)
    needed = reach + _NAME_WIDTH
    room = {1: (scale.view.x1 - picked.x) * per_x, -1: (picked.x - scale.view.x0) * per_x}
    above, below = (scale.view.y1 - picked.y) * per_y, (picked.y - scale.view.y0) * per_y
    if track is None:
        places = [(1, 0.0), (-1, 0.0)]
        crossed = np.zeros(len(places))
    else:
        steps, length = _track_pieces(picked, track, scale)
        first = 1 if float(steps[:, 0].mean()) <= 0 else -1  # away from the track's middle
        places = [(side, drop) for drop in _NAME_DROPS for side in (first, -first)]
        x, up = steps.T
        crossed = np.array(
            [
                length[
                    (np.abs(up + drop) < _NAME_HALF_HEIGHT) & (side * x > (0 if drop else RING)) & (side * x < needed)
                ].sum()
                for side, drop in places
            ]
        )
    outside = [
        room[side] < needed or above < _NAME_HALF_HEIGHT - drop or below < _NAME_HALF_HEIGHT + drop
        for side, drop in places
    ]
    cost = np.maximum(crossed, RING) + np.where(outside, 1e6, 0.0)
    return places[int(cost.argmin())]


def _track_pieces(picked: Picked, track: pd.DataFrame, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Short pieces of a track, from the picked detection [px, upward], shape (n, 2), and their lengths, shape (n,)."""
    marks = (track[["mu_1", "mu_2"]].to_numpy(np.float64) - (picked.x, picked.y)) * scale.per_unit
    curves = tracks.step_curves(marks)
    parts = np.linspace(0.0, 1.0, 48)
    pieces = tracks.curve_at(curves, parts)
    length = np.repeat(np.linalg.norm(np.diff(marks, axis=0), axis=1) / parts.size, parts.size)
    return pieces.reshape(-1, 2), length


def decoded_columns(decoded: tuple[float, float] | None) -> dict[str, Columns]:
    """Cross-hair and label of a decoded position."""
    if decoded is None:
        return {"decoded": no_rows("x y"), "decoded_name": no_rows(TEXT)}
    x, y = decoded
    where = f"({words.fixed(x)}, {words.fixed(y)})"
    lines = [("Decoded", -1.0, "model", "bold"), (where, 14.0, "label", "normal")]
    return {
        "decoded": {"x": [x], "y": [y]},
        "decoded_name": _texts([(x, y, text, -34.0, dy, "right", role, style) for text, dy, role, style in lines]),
    }


def track_columns(table: pd.DataFrame | None, scale: Scale, palette: Palette) -> dict[str, Columns]:
    """Line, arrowheads, ellipses, marks and end numbers of a track.

    Parameters
    ----------
    table : DataFrame or None
        From `Atlas.trajectory`; nothing is drawn for a single observation.
    scale : Scale
    palette : Palette
    """
    if table is None or len(table) < 2:
        return {
            "line": no_rows("xs ys"),
            "pieces": no_rows("x0 y0 x1 y1 colour"),
            "arrows": no_rows("x y angle colour"),
            "observations": no_rows("x y width height colour"),
            "ends": no_rows(TEXT),
        }
    latent = table[["mu_1", "mu_2"]].to_numpy(np.float64)
    points = latent * scale.per_unit
    curves = tracks.step_curves(points)
    shares = np.linspace(0, 1, tracks.PIECES + 1)
    curve = tracks.curve_at(curves, shares) / scale.per_unit
    times = tracks.time_shares(table["mjd_start"].to_numpy(np.float64))
    ramp = palette.time_ramp()
    along = times[:-1, None] + np.diff(times)[:, None] * shares[:-1]
    faint = table["step_significance"].to_numpy(np.float64)[1:] < SIGNIFICANT_STEP
    colours = np.array(tracks.ramp_colours(ramp, along.ravel())).reshape(along.shape)
    colours = np.where(
        faint[:, None], np.reshape(tracks.half_faded(list(colours.ravel()), palette["map-bg"]), along.shape), colours
    )
    heads = tracks.arrows(points, curves)
    head_colours = colours[heads.step, tracks.PIECES // 2]
    marks = tracks.ramp_colours(ramp, times)
    ends = [(0, 1, "1"), (len(table) - 1, len(table) - 2, str(len(table)))]
    last = curve[-1, -1:]
    whole = np.vstack([curve[:, :-1].reshape(-1, 2), last])
    return {
        "line": {"xs": [whole[:, 0]], "ys": [whole[:, 1]]},
        "pieces": {
            "x0": curve[:, :-1, 0].ravel(),
            "y0": curve[:, :-1, 1].ravel(),
            "x1": curve[:, 1:, 0].ravel(),
            "y1": curve[:, 1:, 1].ravel(),
            "colour": list(colours.ravel()),
        },
        "arrows": {
            "x": heads.at[:, 0] / scale.per_unit[0],
            "y": heads.at[:, 1] / scale.per_unit[1],
            "angle": heads.angle,
            "colour": list(head_colours),
        },
        "observations": {
            "x": latent[:, 0],
            "y": latent[:, 1],
            "width": 2 * table["sigma_1"].to_numpy(np.float64),
            "height": 2 * table["sigma_2"].to_numpy(np.float64),
            "colour": marks,
        },
        "ends": _texts(
            [
                (*latent[at], text, *_beyond(points[at] - points[beside]), "center", "label", "bold")
                for at, beside, text in ends
            ]
        ),
    }


def _beyond(step: np.ndarray) -> tuple[float, float]:
    """Offset of an end's number from its mark, on the far side of the step [px, downward]."""
    length = float(np.hypot(*step))
    x, y = step / length if length > 0 else (-1.0, 0.0)
    return _END_GAP * float(x), -_END_GAP * float(y)


def outline_columns(outline: tuple[Any, Any] | None, selected: int, scale: Scale) -> dict[str, Columns]:
    """Outline of the last lasso or box, and its tag."""
    if outline is None or selected < 0:
        return {"outline": no_rows("xs ys"), "tag": no_rows("x y text y_offset anchor")}
    xs, ys = (np.asarray(values, dtype=np.float64) for values in outline)
    bottom, top = float(ys.min()), float(ys.max())
    below = (bottom - scale.view.y0) * scale.per_unit[1] > 40  # else the tag would hide under the edge of the map
    return {
        "outline": {"xs": [xs], "ys": [ys]},
        "tag": {
            "x": [float(xs.min() + xs.max()) / 2],
            "y": [bottom if below else top],
            "text": [f"{selected:,} selected"],
            "y_offset": [9.0 if below else -9.0],
            "anchor": ["top_center" if below else "bottom_center"],
        },
    }


def contour_columns(contours: Sequence[Contour]) -> Columns:
    """Lines of density; the fewer detections one holds, the stronger it is drawn."""
    return {
        "xs": [line.xs for line in contours],
        "ys": [line.ys for line in contours],
        "alpha": [0.95 - 0.6 * line.share for line in contours],
    }


def region_columns(regions: Sequence[Region]) -> dict[str, Columns]:
    """Outlines of where classes prevail, and their names with the share among the labelled."""
    if not regions:
        return {"regions": no_rows("xs ys"), "region_names": no_rows(TEXT)}
    return {
        "regions": {"xs": [each.xs for each in regions], "ys": [each.ys for each in regions]},
        "region_names": _texts(
            [
                (each.x, each.y, f"{each.name} {100 * each.share:.0f} %", 0.0, -10.0, "center", "label", "normal")
                for each in regions
            ]
        ),
    }


TEXT: Final = "x y text x_offset y_offset align role style"


def no_rows(names: str) -> Columns:
    """Columns of these names without a row: nothing is drawn."""
    return {name: [] for name in names.split()}


def _texts(rows: list[tuple[Any, ...]]) -> Columns:
    return dict(zip(TEXT.split(), map(list, zip(*rows, strict=True)), strict=True))
