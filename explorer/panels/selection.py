"""What is selected: number, class make-up, histograms, a table of all of it; ways to select; names; export."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.components.inspector import Latest, Part, part_script
from explorer.components.saving import Saver
from explorer.figures.selection import selection_picture
from explorer.figures.sheet import Picture
from explorer.selection import summary
from explorer.selection.query import Query
from explorer.selection.query_values import FUNCTIONS, known_names
from explorer.selection.recipes import ByQuery, Disc, Nearest, Recipe
from explorer.selection.steps import fits_a_link
from explorer.session import Session
from explorer.tools import export, words
from explorer.tools.masks import Mask
from explorer.tools.sending import Export
from vae.errors import ExplorerError, OptionError
from vae.resources import asset

#: Column of the table, its heading, the catalogue's column it is sorted by, what it means.
_COLUMNS: Final = (
    ("name", "Name", "name", "Name of the source"),
    ("class", "Class", "class", "Display class, in the order of the legend"),
    ("net", "Net counts", "net_counts", "Background-subtracted counts, 0.3–10 keV"),
    ("z", "z", "cstat_z", "C-stat minus its expectation, in σ"),
    ("rarity", "Rarity", "rarity", "Percentile: 100 is the rarest of the archive"),
)
_LEFT_COLUMNS: Final = ("name", "class")
#: Rows sent at once at most.
_MAX_PAGE: Final = 400
#: Largest number of neighbours that may be asked for.
_MAX_NEAREST: Final = 10_000_000


class SelectionView(Part):
    """Ways to select, make-up, histograms, table and buttons."""

    _esm = "\n".join(
        [
            part_script(__file__, "selection_ways.js"),
            Path(__file__).with_name("selection.js").read_text(encoding="utf-8"),
        ]
    )

    page = param.Dict(default={"version": -1, "start": 0, "rows": []}, doc="Rows of the table: where and what.")
    plots = param.Dict(default={"version": -1, "histograms": []}, doc="Histograms of the selected against all.")
    ways = param.Dict(default={}, doc="What one may select by, and what was said of the last try.")


class SelectionPanel:
    """The selected detections.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._order: NDArray[np.int32] | None = None
        self._sort, self._down = "net", True
        self._version, self._plotted = 0, 0
        self._marked: tuple[Any, Any] = None, None
        self._wanted: tuple[int, int] | None = None
        self._exports: dict[str, Export] = {}
        self._said: dict[str, str] = {}
        pool = session.services.pool
        self._plotting, self._sorting, self._choosing = Latest(pool), Latest(pool), Latest(pool)
        self._saver = Saver(pool, lambda: session.theme, {"selection": self.picture})
        self.view_ = SelectionView(
            on={
                "save": lambda **asked: self._saver.save(self.view_, **asked),
                "pick": lambda row: session.hop(int(row)),
                "undo": session.undo,
                "redo": session.redo,
                "clear": session.clear_selection,
                "shown": session.select_shown,
                "class": lambda name: self._try("class", partial(session.select_class, str(name))),
                "query": self._query,
                "around": self._around,
                "held": lambda mode: session.param.update(held_mode=str(mode)),
                "keep": lambda name: self._try("saved", partial(session.save_selection, str(name))),
                "rename": lambda name, to: self._try("saved", partial(session.rename_selection, str(name), str(to))),
                "recall": lambda name: session.recall_selection(str(name)),
                "drop": lambda name: session.drop_selection(str(name)),
                "page": self._send_page,
                "sort": self._sort_by,
                "plots": self._start_plots,
                "export": self._start_export,
                "next": self._send_piece,
            },
            sizing_mode="stretch_both",
        )
        sheet = asset("css", "selection.css").read_text(encoding="utf-8")
        self.view_.param.update(stylesheets=[*self.view_.param.values()["stylesheets"], sheet])
        watch = session.param.watch
        watch(lambda *_: self.update(), "selection_count", onlychanged=False)
        watch(lambda *_: self._mark(), ["picked", "decoded", "tab"])
        watch(lambda *_: self._show_ways(), ["selection_mode", "held_mode", "tool", "hidden_classes", "filters"])
        watch(lambda *_: self._show_ways(), "saved", onlychanged=False)
        self.update()

    def view(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return pn.Column(self.view_, css_classes=["xle-selection"], sizing_mode="stretch_both", margin=0)

    @property
    def _mask(self) -> Mask | None:
        mask = self._session.selection
        return mask if self._session.selection_count > 0 else None

    def update(self) -> None:
        """Show the session's selection: the number at once; plots and table when the page has it and asks."""
        self._plotted += 1
        self._plotting.cancel()
        self._rearrange()
        self._said = {}
        self._show_ways()

    def _start_plots(self) -> None:
        mask = self._mask
        if mask is not None:
            self._plotting.run(partial(summary.histograms, self._session.services, mask), self._plot, lambda _: None)

    def _plot(self, histograms: list[dict[str, Any]]) -> None:
        self.view_.plots = {"version": self._plotted, "histograms": histograms}

    def _rearrange(self) -> None:
        self._version += 1
        self._order, self._wanted = None, None
        self._sorting.cancel()
        self._show(keep_scroll=False)

    def _mark(self) -> None:
        """Show what is picked, if this tab is in front and does not show it yet."""
        session = self._session
        if session.tab == "selection" and self._marked != (session.picked, session.decoded):
            self._show(keep_scroll=True)
            self._show_ways()

    def _show(self, *, keep_scroll: bool) -> None:
        session, services = self._session, self._session.services
        self._marked = session.picked, session.decoded
        total, count = len(services), max(session.selection_count, 0)
        nothing, mask = session.selection_count < 0, self._mask
        if nothing:
            text = "Draw a lasso (L), a box (B) or a disc (D) on the map, or select by what the catalogue says."
        elif count == 0:
            text = "It holds no detection that is on the map."
        else:
            text = f"{summary.percent(count / total)} of {words.whole(total)} detections" + (
                ", all simulated" if services.atlas.simulated else ""
            )
        self.view_.content = {  # the number first: the table then asks for its rows
            "state": "empty" if nothing else "some",
            "version": self._version,
            "plotted": self._plotted,
            "count": count,
            "count_words": f"{count:,} detection{'' if count == 1 else 's'} selected",
            "text": text,
            "made": session.selection_words[:1].upper() + session.selection_words[1:],
            "can_undo": session.history.can_undo,
            "can_redo": session.history.can_redo,
            "makeup": [] if mask is None else summary.makeup(services, mask),
            "columns": [
                {"key": key, "label": label, "title": title, "left": key in _LEFT_COLUMNS}
                for key, label, _, title in _COLUMNS
            ],
            "sort": {"key": self._sort, "down": self._down},
            "picked": session.picked,
            "keep_scroll": keep_scroll,
        }

    # -- ways to select ----------------------------------------------------------------------------------------------
    def _show_ways(self) -> None:
        session, services = self._session, self._session.services
        centre = self._centre()
        visible = session.visible
        self.view_.ways = {
            "mode": session.mode,
            "held": session.held_mode,
            "tool": session.tool,
            "said": self._said,
            "around": None if centre is None else {"name": centre[2], "sigma": session.picked is not None},
            "classes": [
                {"name": name, "token": words.class_token(services.class_names, name), "count": int(count)}
                for name, count, on in zip(services.class_names, services.class_counts, visible, strict=True)
                if count and on
            ],
            "saved": [
                {
                    "name": name,
                    "count": words.whole(count),
                    "how": session.selections.saved[name].words,
                    "linked": fits_a_link(session.selections.saved[name].steps),
                }
                for name, count in session.saved
            ],
            "selected": session.selection_count >= 0,
            "names": known_names(services),
            "functions": [function.example for function in FUNCTIONS.values()],
        }

    def _centre(self) -> tuple[float, float, str] | None:
        """Where a disc would be drawn: at the picked detection or the decoded position."""
        session, services = self._session, self._session.services
        if session.picked is not None:
            row = session.picked
            name = services.atlas.catalogue["name"].iat[row]
            name = words.short_name(name) if isinstance(name, str) else "the picked detection"
            return float(services.x[row]), float(services.y[row]), name
        if session.decoded is not None:
            x, y = session.decoded
            return x, y, f"({words.fixed(x)}, {words.fixed(y)})"
        return None

    def _query(self, text: str) -> None:
        self._select_by("query", lambda: ByQuery(Query(str(text))))

    def _around(self, size: Any, unit: str) -> None:
        self._select_by("around", lambda: self._disc(size, unit))

    def _disc(self, size: Any, unit: str) -> Recipe:
        centre = self._centre()
        try:
            number = float(size)
        except (TypeError, ValueError):
            number = float("nan")
        if centre is None:
            raise OptionError("nothing is picked", todo="Click a point on the map first")
        if not 0 < number <= _MAX_NEAREST:
            raise OptionError("this is no size", todo="Write a number above 0")
        x, y, name = centre
        if unit == "nearest":
            return Nearest(x, y, max(1, round(number)), name)
        if unit == "sigma" and self._session.picked is not None:
            sx, sy = (float(value) for value in self._session.services.atlas.sigmas[self._session.picked, :2])
            return Disc(x, y, number * sx, number * sy, name, number)
        return Disc(x, y, number, number, name)

    def _select_by(self, way: str, recipe_of: Any) -> None:
        """Work a recipe out off the event loop, then select what it makes."""
        session = self._session
        try:
            recipe: Recipe = recipe_of()
        except OptionError as error:
            self._say(way, error)
            return
        self._choosing.run(
            partial(recipe.mask, session.services, session.shown_mask),
            lambda mask: session.select(mask, recipe.outline, recipe),
            partial(self._say, way),
        )

    def _try(self, way: str, action: Any) -> None:
        try:
            action()
        except OptionError as error:
            self._say(way, error)

    def _say(self, way: str, error: ExplorerError) -> None:
        sentences = [part.rstrip(".") for part in (error.what[:1].upper() + error.what[1:], error.todo) if part]
        self._said = {way: " ".join(f"{part}{'' if part.endswith('?') else '.'}" for part in sentences)}
        self._show_ways()

    # -- table -------------------------------------------------------------------------------------------------------
    def _send_page(self, start: int, size: int) -> None:
        self._wanted = max(0, int(start)), max(0, min(int(size), _MAX_PAGE))
        mask = self._mask
        if self._order is not None:
            self._sorted(self._version, self._order)
        elif mask is not None:
            column = next(source for key, _, source, _ in _COLUMNS if key == self._sort)
            self._sorting.run(
                partial(summary.arranged, self._session.services, mask, column, down=self._down),
                partial(self._sorted, self._version),
                lambda _: None,
            )

    def _sorted(self, version: int, order: NDArray[np.int32]) -> None:
        if version != self._version or self._wanted is None:
            return
        self._order = order
        start, size = self._wanted
        rows = summary.lines(self._session.services, order[start : start + size])
        self.view_.page = {"version": version, "start": start, "rows": rows}

    def _sort_by(self, key: str) -> None:
        if key not in (known for known, *_ in _COLUMNS):
            return
        self._down = not self._down if key == self._sort else key not in _LEFT_COLUMNS
        self._sort = key
        self._rearrange()

    # -- files -------------------------------------------------------------------------------------------------------
    def picture(self) -> Picture | None:
        """Return classes and histograms as a figure; None if nothing is selected."""
        mask, session = self._mask, self._session
        return None if mask is None else selection_picture(session.services, mask, session.selection_words)

    def _start_export(self, id: str) -> None:
        services, when, mask = self._session.services, datetime.now(UTC), self._mask
        if mask is None:
            return
        rows = np.flatnonzero(mask)
        how = f"{self._session.selection_words}: {len(rows)} of {len(services)} detections"
        pieces = export.csv_pieces(services.atlas, rows, how, when)
        name = export.file_name(services.atlas, len(rows), when)
        self._exports = {id: Export(services.pool, pieces, name, len(rows))}
        self._send_piece(id)

    def _send_piece(self, id: str) -> None:
        if id in self._exports:
            self._exports[id].take(partial(self._send, id))

    def _send(self, id: str, message: dict[str, Any]) -> None:
        if message["last"]:
            self._exports.pop(id, None)
        self.view_._send_msg({"id": id, **message})
