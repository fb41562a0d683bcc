"""The legend: which classes are on the map, in which colour, and how many of each are in view and in all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.viewable import Viewable

from explorer.components.elements import Element, script
from explorer.palette import CLASS_GROUPS, CLASS_TOKENS, class_token
from explorer.services import Services
from explorer.session import Session


class LegendPanel:
    """A row per class: the row toggles it, Solo or a double click isolates it, Ctrl and a click selects it.

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
    in_view = param.List(default=[], doc="Detections of each row that pass the filters and are in view.")
    passing = param.List(default=[], doc="Detections of each row that pass the filters.")
    filtered = param.Boolean(default=False)
    coloured = param.Boolean(default=True, doc="Whether classes colour the map.")

    _esm: ClassVar[str] = script(Path(__file__).with_name("legend.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(rows=legend_rows(session.services), **params)
        self._session = session
        session.param.watch(self._show, "hidden_classes")
        session.param.watch(self._count, ["filters", "counts_in_view"])
        session.param.watch(self._colour, "colour_by")
        self._show()
        self._count()
        self._colour()

    def _show(self, *_: Any) -> None:
        self.hidden = sorted(self._session.hidden_classes)

    def _count(self, *_: Any) -> None:
        session = self._session
        passing = [int(count) for count in session.passing_counts]
        # the map says what is in view with its next frame: until then no more than passes
        in_view = passing if session.counts_in_view is None else map(min, passing, session.counts_in_view)
        self.param.update(
            passing=passing,
            in_view=[int(count) for count in in_view],
            filtered=bool(session.filters),
        )

    def _colour(self, *_: Any) -> None:
        self.coloured = self._session.colour_by == "class"

    def _received(self, data: dict[str, Any]) -> None:
        if data.get("all"):
            self._session.show_all_classes()
        elif data.get("invert"):
            self._session.invert_classes()
        elif "solo" in data:
            self._session.solo_class(data["solo"])
        elif "select" in data:
            with self._session.param.update(held_mode=data["mode"]):  # of the key held at the click
                self._session.select_class(data["select"])
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
