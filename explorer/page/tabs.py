"""The tabs of the inspector."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param

from explorer.components.elements import Element, script
from explorer.session import TABS, Session


class TabStrip(Element):
    """Tabs of the inspector, with the number of observations and of selected detections."""

    tab = param.String(default=TABS[0])
    observations = param.Integer(default=0)
    selected = param.Integer(default=-1)

    _esm: ClassVar[str] = script(Path(__file__).with_name("tabs.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(tab=session.tab, **params)
        self._session = session
        session.param.watch(lambda event: self.param.update(tab=event.new), "tab")
        session.param.watch(lambda _: self.param.update(observations=int(session.observations().size)), "picked")
        session.param.watch(lambda event: self.param.update(selected=event.new), "selection_count", onlychanged=False)

    def _received(self, data: dict[str, str]) -> None:
        self._session.tab = data["tab"]
