"""The end of the header: share, theme, help; and the address, which follows the state of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final

import panel as pn
import param

from explorer.components.elements import Element, script
from explorer.page.address import link
from explorer.page.parameters import WATCHED
from explorer.session import Session

#: The address is written at most this often [ms]: browsers allow some 100 changes in 30 s.
PAUSE_MS: Final = 400


class HeaderButtons(Element):
    """Share, theme and help, at the end of the header. `link` is the query of the page's address."""

    theme = param.String(default="dark")
    link = param.String(default="")

    _esm: ClassVar[str] = script(Path(__file__).with_name("header.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(theme=session.theme, **params)
        self._session = session
        self._due = False
        session.param.watch(lambda event: self.param.update(theme=event.new), "theme")
        session.param.watch(self._later, list(WATCHED), onlychanged=False)

    def _later(self, *_: Any) -> None:
        """Write the address in a moment: it has no use for every step of a pan."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._write()
        elif not self._due:
            self._due = True
            document.add_timeout_callback(self._write, PAUSE_MS)

    def _write(self) -> None:
        self._due = False
        self.link = link(self._session)

    def _received(self, data: dict[str, Any]) -> None:
        if "share" in data:
            self._write()
            left_out = bool(self._session.selections_to_plain()) and "select=" not in self.link
            note = "without the selection, which is too large for a link" if left_out else ""
            self._send_msg({"share": data["share"], "link": self.link, "note": note})
        elif data.get("theme") in ("dark", "light"):
            self._session.theme = data["theme"]
