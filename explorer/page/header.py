"""The end of the header: theme and help."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param

from explorer.palette import Theme
from explorer.session import Session
from explorer.tools.elements import Element, script


class HeaderButtons(Element):
    """Theme and help, at the end of the header."""

    theme = param.String(default="dark")

    _esm: ClassVar[str] = script(Path(__file__).with_name("header.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(theme=session.theme, **params)
        self._session = session
        session.param.watch(lambda event: self.param.update(theme=event.new), "theme")

    def _received(self, data: dict[str, Theme]) -> None:
        self._session.theme = data["theme"]
