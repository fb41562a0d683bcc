"""The page's own parts as components: header buttons, tools over the map, tabs, status line, keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param

from explorer.palette import Theme, class_token
from explorer.session import TABS, Session
from explorer.tools.elements import Element, script
from explorer.tools.words import date

_HERE = Path(__file__)

#: What keys and buttons do, by name; the composition root fills in what belongs to the map.
Actions = dict[str, Callable[[], None]]


class HeaderButtons(Element):
    """Theme and help, at the end of the header."""

    theme = param.String(default="dark")

    _esm: ClassVar[str] = script(_HERE.with_name("header.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(theme=session.theme, **params)
        self._session = session
        session.param.watch(lambda event: self.param.update(theme=event.new), "theme")

    def _received(self, data: dict[str, Theme]) -> None:
        self._session.theme = data["theme"]


class MapOverlay(Element):
    """Tools, density key, track key and hover card over the map."""

    tool = param.String(default="pan")
    grey = param.Boolean(default=True)
    selected = param.Boolean(default=False)
    density = param.String(default="equal")
    max_per_pixel = param.Integer(default=0)
    track = param.Dict(default={})
    hover = param.Dict(default=None, allow_None=True)

    _esm: ClassVar[str] = script(_HERE.with_name("overlay.js"))

    def __init__(self, session: Session, actions: Actions, **params: Any) -> None:
        super().__init__(
            tool=session.tool,
            grey=session.grey_unselected,
            density=session.density,
            sizing_mode="stretch_both",
            css_classes=["xle-overlay"],
            **params,
        )
        self._session, self._actions = session, actions
        session.param.watch(self._show, ["tool", "grey_unselected", "selection_count", "density", "max_per_pixel"])
        session.param.watch(self._show_track, "picked")
        session.param.watch(self._show_hover, "hover")
        self._show()

    def _received(self, data: dict[str, str]) -> None:
        self._actions[data["action"]]()

    def _show(self, *_: Any) -> None:
        session = self._session
        self.param.update(
            tool=session.tool,
            grey=session.grey_unselected,
            selected=session.selection_count >= 0,
            density=session.density,
            max_per_pixel=session.max_per_pixel,
        )

    def _show_track(self, *_: Any) -> None:
        rows = self._session.observations()
        if rows.size < 2:
            self.track = {}
            return
        start = self._session.services.atlas.catalogue["mjd_start"]
        first, last = (date(float(start.iat[row]), day=False) for row in rows[[0, -1]])
        self.track = {"n": int(rows.size), "first": first, "last": last}

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


class TabStrip(Element):
    """Tabs of the inspector, with the number of observations and of selected detections."""

    tab = param.String(default=TABS[0])
    observations = param.Integer(default=0)
    selected = param.Integer(default=-1)

    _esm: ClassVar[str] = script(_HERE.with_name("tabs.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(tab=session.tab, **params)
        self._session = session
        session.param.watch(lambda event: self.param.update(tab=event.new), "tab")
        session.param.watch(lambda _: self.param.update(observations=int(session.observations().size)), "picked")
        session.param.watch(lambda event: self.param.update(selected=event.new), "selection_count", onlychanged=False)

    def _received(self, data: dict[str, str]) -> None:
        self._session.tab = data["tab"]


class StatusLine(Element):
    """Hints, position under the mouse, how much is shown, time of the last frame; and what is wrong, if anything."""

    cursor = param.List(default=[])
    shown = param.Integer(default=0)
    total = param.Integer(default=0)
    frame_ms = param.Number(default=0.0)
    notice = param.String(default="")

    _esm: ClassVar[str] = script(_HERE.with_name("status.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(
            total=len(session.services),
            shown=session.shown,
            notice=session.notice,
            sizing_mode="stretch_both",
            css_classes=["xle-status"],
            **params,
        )
        session.param.watch(lambda event: self.param.update(cursor=[*map(float, event.new or ())]), "cursor")
        session.param.watch(lambda event: self.param.update(shown=event.new), "shown")
        session.param.watch(lambda event: self.param.update(frame_ms=float(event.new)), "frame_ms")
        session.param.watch(lambda event: self.param.update(notice=event.new), "notice")

    def _received(self, data: dict[str, int]) -> None:
        self._send_msg({"knock": data["knock"]})


class Keyboard(Element):
    """Shortcuts anywhere in the page, and the sheet that lists them."""

    _esm: ClassVar[str] = script(_HERE.with_name("help.js"))

    def __init__(self, actions: Actions, **params: Any) -> None:
        super().__init__(**params)
        self._actions = actions

    def _received(self, data: dict[str, str]) -> None:
        self._actions[data["action"]]()
