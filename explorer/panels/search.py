"""The search box: suggestions while typing, a source to hop to, a list to select."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param
from panel.viewable import Viewable

from explorer.components.elements import Element, script
from explorer.components.inspector import Latest
from explorer.search.hits import Hits, Shown
from explorer.search.resolver import WAITING, resolve
from explorer.search.search import LONGEST, search_of
from explorer.session import Session
from explorer.tools.threads import when_done
from vae.errors import ExplorerError


class SearchPanel:
    """Search by name, identifier or position.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._box = SearchBox(session, css_classes=["xle-search"])

    def view(self) -> Viewable:
        """Return the field's layout."""
        return self._box


class SearchBox(Element):
    """The field and its list; `answer` carries the number of the question it belongs to."""

    answer = param.Dict(default={})

    _esm: ClassVar[str] = script(Path(__file__).with_name("search.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._latest, self._asking = Latest(session.services.pool), Latest(WAITING)
        self._hits = Hits()
        self._asked: tuple[int, str] = 0, ""

    def _received(self, data: dict[str, Any]) -> None:
        if "row" in data:
            row = int(data["row"])
            if 0 <= row < len(self._session.services):
                self._session.hop(row)
        elif "select" in data:
            self._select()
        elif "sesame" in data:
            self._ask_sesame(int(data["number"]), str(data["sesame"])[:LONGEST])
        else:
            self._asked = int(data["number"]), str(data["text"])[:LONGEST]
            self._asking.cancel()
            self._ask()

    def _ask(self) -> None:
        """Answer the last question, now or as soon as the names are ready."""
        number, text = self._asked
        ready = search_of(self._session.services)
        document = pn.state.curdoc
        if not ready.done() and document is not None and document.session_context is not None:
            self.answer = {"number": number, "said": ["Reading the names of the archive…"], "wait": True}
            when_done(ready, document, lambda _: self._ask_again(number))
            return
        shown = self._shown()
        self._latest.run(lambda: ready.result().suggest(text, shown), partial(self._show, number, text), self._fail)

    def _ask_again(self, number: int) -> None:
        if number == self._asked[0]:
            self._ask()

    def _shown(self) -> Shown:
        return Shown(self._session.passing, self._session.hidden_classes)

    def _show(self, number: int, text: str, hits: Hits) -> None:
        if number != self._asked[0]:
            return
        self._hits = hits
        actions = []
        if hits.offer:
            actions.append({"do": "select", "words": hits.offer, "note": self._left_out(hits)})
        if text.strip() and not hits.certain:
            note = "sends this text to cds.unistra.fr"
            actions.append({"do": "sesame", "words": f"Ask Sesame (CDS) for “{text.strip()}”", "note": note})
        self.answer = {"number": number, "items": hits.items, "said": [*filter(None, hits.said)], "actions": actions}

    def _left_out(self, hits: Hits) -> str:
        """How many of a list are not on the map, and so will not be selected."""
        shown = self._session.shown_mask
        if shown is None or hits.all is None:
            return ""
        off = int((~shown[hits.all]).sum())
        return f"{off:,} of them {'is' if off == 1 else 'are'} hidden and left out" if off else ""

    def _select(self) -> None:
        if self._hits.query:
            self._session.select_query(self._hits.query)

    def _ask_sesame(self, number: int, name: str) -> None:
        session, shown = self._session, self._shown()
        self._asked = number, ""

        def look_up() -> Hits:
            place = resolve(name)
            hits = search_of(session.services).result().around(place, shown)
            hits.said = [f"Sesame (CDS): “{name}” is at {place.words}.", *hits.said]
            return hits

        self.answer = {"number": number, "said": [f"Asking Sesame (CDS) for “{name}”…"], "wait": True}
        self._latest.cancel()
        self._asking.run(look_up, partial(self._show, number, ""), self._fail)

    def _fail(self, error: ExplorerError) -> None:
        lines = [line if line.endswith(".") else f"{line}." for line in (error.what, error.todo) if line]
        self.answer = {"number": self._asked[0], "said": lines, "failed": True}
