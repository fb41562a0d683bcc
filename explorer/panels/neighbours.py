"""What else looks like this: the most similar detections of other sources."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import panel as pn
import param

from explorer.components.inspector import Latest, Part, part_script
from explorer.components.saving import Saver
from explorer.figures import sheet as figures
from explorer.figures.similar import draw_similar, similar_height
from explorer.figures.spectrum import Heading
from explorer.session import Session
from explorer.tools import similar, words
from vae.atlas import METRICS, Metric
from vae.errors import ExplorerError

#: Neighbours listed.
_LISTED: Final = 20
_EMPTY: Final = {
    "state": "empty",
    "title": "Nothing to compare with",
    "text": "Click a point on the map to see which detections of other sources look most like it.",
}


class NeighbourList(Part):
    """The list; `sparks` follow a moment after `content`."""

    _esm = part_script(__file__, "neighbours.js")

    metric = param.Selector(default="wasserstein", objects=list(METRICS), doc="Distance between detections.")
    sparks = param.List(default=[], doc="Heights of the small spectra, 0 to 1, in the order of the list.")


class NeighboursPanel:
    """The most similar detections; a click hops to one.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._latest = Latest(session.services.pool)
        self._small = Latest(session.services.pool)
        self._saver = Saver(session.services.pool, lambda: session.theme, {"similar": self.picture})
        self.list = NeighbourList(
            on={"pick": lambda row: session.hop(row), "retry": self.update, "save": self._save},
            sizing_mode="stretch_both",
            content=_EMPTY,
        )
        session.param.watch(lambda *_: self.update(), ["picked", "decoded", "tab"])
        self.list.param.watch(lambda *_: self.update(), "metric")
        self.update()

    def view(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return pn.Column(self.list, css_classes=["xle-neighbours"], sizing_mode="stretch_both", margin=0)

    def update(self) -> None:
        """List the neighbours of what is picked or decoded, if this tab is in front."""
        session = self._session
        if session.tab != "similar":
            return
        picked, decoded, metric = session.picked, session.decoded, self.list.metric
        late = self._show_loading if self.list.content.get("state") != "list" else None
        if picked is not None:
            self._latest.run(lambda: self._of_picked(picked, metric), self._show, self._show_error, late)
        elif decoded is not None:
            self._latest.run(lambda: self._of_position(*decoded), self._show, self._show_error, late)
        else:
            self._latest.cancel()
            self._small.cancel()
            self.list.content = _EMPTY

    def _show_loading(self) -> None:
        self.list.content = {"state": "loading"}

    def _show(self, content: dict[str, Any]) -> None:
        rows = [item["row"] for item in content["items"]]
        before = [item["row"] for item in self.list.content.get("items", [])]
        with pn.io.hold():
            if rows != before:
                self.list.sparks = []
            self.list.content = content
        if rows != before or not self.list.sparks:
            self._small.run(
                lambda: similar.sparklines(self._session.services.atlas, rows), self._show_sparks, self._show_error
            )

    def _show_sparks(self, sparks: list[list[float]]) -> None:
        self.list.sparks = sparks

    def _show_error(self, error: ExplorerError) -> None:
        text = {"title": "Similar detections could not be found", "what": error.what, "where": error.where}
        self.list.content = {"state": "error", "error": {**text, "todo": error.todo}}

    def _save(self, **asked: Any) -> None:
        self._saver.save(self.list, **asked)

    def picture(self) -> figures.Picture | None:
        """Return the list as a figure; None if it is empty."""
        content, sparks = self.list.content, list(self.list.sparks)
        if content["state"] != "list":
            return None
        distance = "distance on the map" if content["metric_fixed"] else f"{self.list.metric.capitalize()} distance"
        items = content["items"]
        heading = Heading(content["title"], lines=(f"{len(items)} most similar, {distance}",))
        bars = "small spectra: counts per keV, 0.3–10 keV, both axes logarithmic, three decades"
        atlas = self._session.services.atlas
        return figures.Picture(
            figures.stem(content["title"], "similar"),
            figures.origin(atlas, f"Detections similar to {content['title']}", bars),
            lambda width: similar_height(width, len(items), heading),
            lambda sheet: draw_similar(sheet, items, sparks, heading),
        )

    def _of_picked(self, row: int, metric: Metric) -> dict[str, Any]:
        services = self._session.services
        atlas = services.atlas
        detection_id = int(atlas.catalogue["detection_id"].iat[row])
        found = atlas.neighbours(detection_id, k=_LISTED, metric=metric)
        same = found["same_within_errors"].to_numpy(bool)
        alike = int(same.sum())
        text = (
            "None of them is the same within the errors."
            if alike == 0
            else f"{alike} of {len(found)} are the same within the errors."
        )
        return {
            "state": "list",
            "of": f"picked {row}",
            "title": str(atlas.catalogue["name"].iat[row]),
            "text": text,
            "metric_fixed": False,
            "items": similar.items(services, found["row"].to_numpy(), found["distance"].to_numpy(np.float64), same),
        }

    def _of_position(self, x: float, y: float) -> dict[str, Any]:
        services = self._session.services
        distance, rows = services.tree.query((x, y), k=min(_LISTED, len(services)))
        rows = np.atleast_1d(rows)
        return {
            "state": "list",
            "of": f"decoded {x} {y}",
            "title": f"Decoded at ({words.fixed(x)}, {words.fixed(y)})",
            "text": "The detections nearest to this position.",
            "metric_fixed": True,
            "items": similar.items(services, rows, np.atleast_1d(distance), np.zeros(len(rows), bool)),
        }
