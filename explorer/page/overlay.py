"""What floats over the map: tools, keys of density and track, the card of what is under the mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param

from explorer.components.elements import Element, script
from explorer.components.saving import SAVE_SCRIPT, Saver
from explorer.figures.sheet import Picture
from explorer.page.actions import Actions
from explorer.page.colour_key import colour_key
from explorer.palette import class_token
from explorer.session import Session
from explorer.tools.words import date


class MapOverlay(Element):
    """Tools, density key, track key and hover card over the map."""

    tool = param.String(default="pan")
    grey = param.Boolean(default=True)
    selected = param.Boolean(default=False)
    contours = param.Boolean(default=False)
    aspect = param.Boolean(default=False)
    density = param.String(default="equal")
    max_per_pixel = param.Integer(default=0)
    colour = param.Dict(default={}, doc="Key of the colours: see `explorer.page.colour_key`.")
    track = param.Dict(default={})
    hover = param.Dict(default=None, allow_None=True)

    _esm: ClassVar[str] = script(Path(__file__).with_name("overlay.js")) + SAVE_SCRIPT

    def __init__(
        self, session: Session, actions: Actions, picture: Callable[[], Picture | None], **params: Any
    ) -> None:
        super().__init__(
            tool=session.tool,
            grey=session.grey_unselected,
            density=session.density,
            sizing_mode="stretch_both",
            css_classes=["xle-overlay"],
            **params,
        )
        self._session, self._actions = session, actions
        self._saver = Saver(session.services.pool, lambda: session.theme, {"map": picture})
        shown = ["tool", "grey_unselected", "contours", "equal_aspect", "selection_count", "density", "max_per_pixel"]
        session.param.watch(self._show, shown)
        session.param.watch(self._show_colour, ["colour_scale", "theme"])
        session.param.watch(self._show_track, "picked")
        session.param.watch(self._show_hover, "hover")
        self._show()

    def _received(self, data: dict[str, Any]) -> None:
        if data.get("type") == "save":
            self._saver.save(self, **{name: value for name, value in data.items() if name != "type"})
        elif "observation" in data:  # the track is played
            rows = self._session.observations()
            if 0 <= data["observation"] < rows.size:
                self._session.pick(int(rows[data["observation"]]))
        else:
            self._actions[data["action"]]()

    def _show(self, *_: Any) -> None:
        session = self._session
        self.param.update(
            tool=session.tool,
            grey=session.grey_unselected,
            contours=session.contours,
            aspect=session.equal_aspect,
            selected=session.selection_count >= 0,
            density=session.density,
            max_per_pixel=session.max_per_pixel,
        )

    def _show_colour(self, *_: Any) -> None:
        self.colour = colour_key(self._session)

    def _show_track(self, *_: Any) -> None:
        rows = self._session.observations()
        if rows.size < 2:
            self.track = {}
            return
        catalogue = self._session.services.atlas.catalogue
        start = catalogue["mjd_start"]
        ends = [float(start.iat[row]) for row in rows[[0, -1]]]
        within_a_month = date(ends[0], day=False) == date(ends[1], day=False)
        first, last = (date(end, day=within_a_month) for end in ends)
        source = str(catalogue["source_id"].iat[rows[0]])  # text: a script's numbers end at 2^53
        self.track = {"n": int(rows.size), "first": first, "last": last, "source": source}

    def _show_hover(self, *_: Any) -> None:
        hover = self._session.hover
        if not hover or not hover["n"]:
            self.hover = None
            return
        shares = [(name, class_token(name), float(share)) for name, share in hover["shares"]]
        self.hover = {
            "x": hover["x_px"],
            "y": hover["y_px"],
            "n": int(hover["n"]),
            "radius": round(hover.get("radius_px", 8)),
            "shares": shares,
            "nearest": hover["nearest"],
            "distance": hover["distance_px"],
        }
