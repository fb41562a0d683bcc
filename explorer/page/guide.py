"""What the page says about the map in words: why it is empty, how to begin, and what just changed, aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param

from explorer.components.elements import Element, script
from explorer.page.actions import Actions
from explorer.session import Session
from explorer.tools.words import fixed

#: What a screen reader is told of the keys, as the description of the map.
_KEYS = "Arrow keys move the map, plus and minus zoom, 0 shows all of it, question mark lists every key."


class MapGuide(Element):
    """One line where the map is empty, a hint for who comes first, and live regions for who cannot see the map."""

    empty = param.Dict(default={})
    spoken = param.String(default="")
    counted = param.String(default="")
    label = param.String(default="")
    begun = param.Boolean(default=False)

    _esm: ClassVar[str] = script(Path(__file__).with_name("guide.js"))

    def __init__(self, session: Session, actions: Actions, **params: Any) -> None:
        super().__init__(
            label=map_label(session), sizing_mode="stretch_both", css_classes=["xle-guide"], counted="", **params
        )
        self._session, self._actions = session, actions
        watch = session.param.watch
        watch(self._show_empty, ["counts_in_view", "shown", "filters", "hidden_classes"])
        watch(self._count, ["shown", "selection_count"])
        watch(self._speak, ["picked", "decoded"])
        watch(lambda *_: self.param.update(label=map_label(session)), ["colour_by", "shown"])
        self._show_empty()

    def _received(self, data: dict[str, str]) -> None:
        self._actions[data["action"]]()

    def _show_empty(self, *_: Any) -> None:
        self.empty = emptiness(self._session)

    def _count(self, *_: Any) -> None:
        session = self._session
        selected = f"{session.selection_count:,} selected. " if session.selection_count >= 0 else ""
        self.counted = f"{selected}{session.shown:,} of {len(session.services):,} detections shown."

    def _speak(self, *_: Any) -> None:
        self.param.update(spoken=picked_in_words(self._session), begun=True)


def emptiness(session: Session) -> dict[str, str]:
    """Why nothing is on the map, and what brings something back.

    Parameters
    ----------
    session : Session

    Returns
    -------
    dict
        ``text``, ``button`` and the ``action`` of the button; empty where something is on the map.
    """
    if session.shown == 0:
        if len(session.services) and not session.passing_counts.sum():
            return {"text": "No detection passes the filters", "button": "Clear filters", "action": "clear-filters"}
        if session.hidden_classes:
            words = "Every class that passes the filters is hidden" if session.filters else "Every class is hidden"
            return {"text": words, "button": "Show all classes", "action": "show-all"}
        return {"text": "There is no detection in this atlas", "button": "", "action": ""}
    counts = session.counts_in_view
    if counts is not None and not counts[session.visible].sum():
        if counts.sum():
            return {"text": "Only hidden classes are here", "button": "Show all classes", "action": "show-all"}
        words = "Nothing here passes the filters" if session.filters else "No detection here"
        return {"text": words, "button": "Whole map", "action": "home"}
    return {}


def map_label(session: Session) -> str:
    """Say what the map shows, for who cannot see it."""
    by = "class" if session.colour_by == "class" else session.colour_by.replace("_", " ")
    return f"Latent map: {session.shown:,} of {len(session.services):,} detections, coloured by {by}. {_KEYS}"


def picked_in_words(session: Session) -> str:
    """Say what was picked or decoded in one sentence; "" for nothing."""
    if session.decoded is not None:
        x, y = (fixed(value, 2) for value in session.decoded)
        return f"Decoded the latent position {x}, {y}; no detection is there."
    if session.picked is None:
        return ""
    row, rows = session.picked, session.observations()
    name = str(session.services.atlas.catalogue["name"].iat[row])
    place = f", observation {list(rows).index(row) + 1} of {len(rows)}" if len(rows) > 1 else ""
    return f"Picked {name}, {session.services.class_of(row)}{place}."
