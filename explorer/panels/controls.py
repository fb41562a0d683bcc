"""Controls of the rail: how density is shown, and what the next selection does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.viewable import Viewable

from explorer.session import Session
from explorer.tools.elements import Element, script


class ControlsPanel:
    """Density scale and selection mode.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._element = Controls(session, css_classes=["xle-controls"])

    def view(self) -> Viewable:
        """Return the controls' layout."""
        return self._element


class Controls(Element):
    """The controls as a component."""

    density = param.String(default="equal")
    selection_mode = param.String(default="replace")

    _esm: ClassVar[str] = script(Path(__file__).with_name("controls.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(density=session.density, selection_mode=session.selection_mode, **params)
        self._session = session
        for name in ("density", "selection_mode"):
            session.param.watch(lambda event: self.param.update({event.name: event.new}), name)

    def _received(self, data: dict[str, str]) -> None:
        self._session.param.update(data)
