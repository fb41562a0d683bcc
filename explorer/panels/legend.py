"""The legend: which classes are on the map, in which colour, and how many of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.viewable import Viewable

from explorer.palette import CLASS_GROUPS, CLASS_TOKENS, class_token
from explorer.services import Services
from explorer.session import Session
from explorer.tools.elements import Element, script


class LegendPanel:
    """A row per class: the row toggles it, Solo or a double click isolates it.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._rows = LegendRows(session, css_classes=["xle-legend"])

    def view(self) -> Viewable:
        """Return the legend's layout."""
        return self._rows


class LegendRows(Element):
    """The rows as a component."""

    rows = param.List(default=[])
    hidden = param.List(default=[])

    _esm: ClassVar[str] = script(Path(__file__).with_name("legend.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(rows=legend_rows(session.services), **params)
        self._session = session
        session.param.watch(self._show, "hidden_classes")

    def _show(self, *_: Any) -> None:
        self.hidden = sorted(self._session.hidden_classes)

    def _received(self, data: dict[str, Any]) -> None:
        if data.get("all"):
            self._session.show_all_classes()
        elif "solo" in data:
            self._session.solo_class(data["solo"])
        else:
            self._session.toggle_class(data["toggle"])


def legend_rows(services: Services) -> list[dict[str, Any]]:
    """Rows in the legend's order: name, colour token, number of detections, whether a gap comes before."""
    first_of_group = {group[0][0] for group in CLASS_GROUPS[1:]}
    own = [name for name in services.class_names if name not in CLASS_TOKENS]
    return [
        {
            "name": name,
            "token": class_token(name, own.index(name) if name in own else 0),
            "count": int(count),
            "gap": name in first_of_group or name in own[:1],
        }
        for name, count in zip(services.class_names, services.class_counts, strict=True)
    ]
