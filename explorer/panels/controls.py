"""Controls of the rail: what colours the map, how density is shown, and what the next selection does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final

import param
from panel.viewable import Viewable

from explorer.components.elements import Element, script
from explorer.filters import quantities
from explorer.session import Session

_HERE: Final = Path(__file__)
#: What colours the map that is no quantity: value, words, meaning.
_PLAIN: Final = (("class", "Class"), ("count", "Number only"))


class ControlsPanel:
    """What colours the map and its density scale; apart from it, what the next selection does.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._display = Display(session, css_classes=["xle-controls"])
        self._combine = Combine(session, css_classes=["xle-controls", "xle-combine"])

    def view(self) -> Viewable:
        """Return colour and density."""
        return self._display

    def combine(self) -> Viewable:
        """Return the modes of selection."""
        return self._combine


class Display(Element):
    """What colours the map, and its density scale, as a component."""

    density = param.String(default="equal")
    colour_by = param.String(default="class")
    choices = param.List(default=[], doc="What may colour the map: value, words, meaning.")

    _esm: ClassVar[str] = script(_HERE.with_name("controls.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        atlas = session.services.atlas
        choices = [[key, words, ""] for key, words in _PLAIN]
        choices += [[each.key, each.label, each.meaning] for each in quantities.quantities(atlas)]
        super().__init__(density=session.density, colour_by=session.colour_by, choices=choices, **params)
        self._session = session
        for name in ("density", "colour_by"):
            session.param.watch(lambda event: self.param.update({event.name: event.new}), name)

    def _received(self, data: dict[str, str]) -> None:
        known = {choice[0] for choice in self.choices}
        if "density" in data:
            self._session.density = data["density"]
        elif data.get("colour_by") in known:
            self._session.colour_by = data["colour_by"]


class Combine(Element):
    """What the next selection does, as a component."""

    mode = param.String(default="replace")

    _esm: ClassVar[str] = script(_HERE.with_name("combine.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(mode=session.mode, **params)
        self._session = session
        session.param.watch(self._show, ["selection_mode", "held_mode"])

    def _show(self, *_: Any) -> None:
        self.mode = self._session.mode

    def _received(self, data: dict[str, str]) -> None:
        self._session.selection_mode = data["mode"]
