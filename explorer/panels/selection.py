"""What is selected: number, class make-up, a table of all of it, undo and redo, export."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import panel as pn
import param
from numpy.typing import NDArray

from explorer.session import Session
from explorer.tools import export, words
from explorer.tools.inspector import Part, part_script

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
#: Classes listed on their own; the rest is summed.
_MAKEUP_LINES: Final = 7


class SelectionView(Part):
    """Make-up, table and buttons. `page` holds the rows in sight."""

    _esm = part_script(__file__, "selection.js")

    page = param.Dict(default={"version": -1, "start": 0, "rows": []}, doc="Rows of the table: where and what.")


class SelectionPanel:
    """The selected detections.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._order: NDArray[np.int64] | None = None
        self._sort, self._down = "net", True
        self._version = 0
        self._exports: dict[str, tuple[Iterator[tuple[int, str]], str, int]] = {}
        self.view_ = SelectionView(
            on={
                "pick": lambda row: session.pick(row),
                "undo": session.undo,
                "redo": session.redo,
                "clear": session.clear_selection,
                "page": self._send_page,
                "sort": self._sort_by,
                "export": self._start_export,
                "next": self._send_piece,
            },
            sizing_mode="stretch_both",
        )
        session.param.watch(lambda *_: self.update(), "selection_count", onlychanged=False)
        session.param.watch(lambda *_: self._show(keep_scroll=True), "picked")
        self.update()

    def view(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return pn.Column(self.view_, css_classes=["xle-selection"], sizing_mode="stretch_both", margin=0)

    def update(self) -> None:
        """Show the session's selection."""
        mask = self._session.selection
        self._rows = np.empty(0, np.int64) if mask is None else np.flatnonzero(mask)
        self._rearrange()

    def _rearrange(self) -> None:
        self._version += 1
        self._order = None
        self._show(keep_scroll=False)

    def _sorted(self) -> NDArray[np.int64]:
        """Sort the selected rows as the table shows them; absent values last."""
        services = self._session.services
        column = next(source for key, _, source, _ in _COLUMNS if key == self._sort)
        if column == "class":
            keys = pd.Series(services.class_codes[self._rows])
        else:
            keys = pd.Series(services.atlas.catalogue[column].array[self._rows])
        order = keys.sort_values(ascending=not self._down, kind="stable", na_position="last").index.to_numpy(np.int64)
        arranged: NDArray[np.int64] = self._rows[order]
        return arranged

    def _show(self, *, keep_scroll: bool) -> None:
        session, count = self._session, len(self._rows)
        total = len(session.services)
        nothing = session.selection_count < 0
        if nothing:
            text = "Draw a lasso (L) or a box (B) on the map: what it holds is counted, listed and exported here."
        elif count == 0:
            text = "The outline holds no detection of a visible class."
        else:
            text = f"{_percent(count / total)} of {words.whole(total)} detections" + (
                ", all simulated" if session.services.atlas.simulated else ""
            )
        content = {
            "state": "empty" if nothing else "some",
            "version": self._version,
            "count": count,
            "count_words": f"{count:,} detection{'' if count == 1 else 's'} selected",
            "text": text,
            "can_undo": session.history.can_undo,
            "can_redo": session.history.can_redo,
            "makeup": self._makeup(),
            "columns": [
                {"key": key, "label": label, "title": title, "left": key in _LEFT_COLUMNS}
                for key, label, _, title in _COLUMNS
            ],
            "sort": {"key": self._sort, "down": self._down},
            "picked": session.picked,
            "keep_scroll": keep_scroll,
        }
        self.view_.content = content  # the number first: the table then asks for its rows

    def _makeup(self) -> list[dict[str, Any]]:
        services = self._session.services
        if len(self._rows) == 0:
            return []
        counts = np.bincount(services.class_codes[self._rows], minlength=len(services.class_names))
        order = [int(code) for code in np.argsort(-counts, kind="stable") if counts[code] > 0]
        # A line for all the others takes as much room as one class: only sum two or more.
        listed = order if len(order) <= _MAKEUP_LINES + 1 else order[:_MAKEUP_LINES]
        lines = [
            (
                services.class_names[code],
                words.class_token(services.class_names, services.class_names[code]),
                counts[code],
            )
            for code in listed
        ]
        if len(listed) < len(order):
            rest = order[_MAKEUP_LINES:]
            lines.append((f"{len(rest)} other classes", "--text-3", counts[rest].sum()))
        total = len(self._rows)
        return [
            {
                "name": name,
                "token": token,
                "count": words.whole(float(number)),
                "share": float(number / total),
                "percent": _percent(float(number / total)),
            }
            for name, token, number in lines
        ]

    def _send_page(self, start: int, size: int) -> None:
        start, size = max(0, int(start)), min(int(size), _MAX_PAGE)
        services = self._session.services
        if self._order is None:
            self._order = self._sorted()
        rows = self._order[start : start + size]
        table = services.atlas.catalogue[["name", "detection_id", "net_counts", "cstat_z", "rarity"]].iloc[rows]
        lines = []
        for row, (name, detection_id, net, z, rarity) in zip(rows, table.itertuples(index=False), strict=True):
            label = services.class_of(int(row))
            z_words = words.fixed(float(z), 1 if abs(z) < 99.95 else 0)
            full = str(name) if isinstance(name, str) else f"Detection {detection_id}"
            lines.append(
                {
                    "row": int(row),
                    "name": words.short_name(full),
                    "full": full,
                    "class_label": label,
                    "class_short": words.short_class(label),
                    "token": words.class_token(services.class_names, label),
                    "cells": [words.whole(float(net)), z_words, words.fixed(float(rarity), 1)],
                }
            )
        self.view_.page = {"version": self._version, "start": start, "rows": lines}

    def _sort_by(self, key: str) -> None:
        if key not in (known for known, *_ in _COLUMNS):
            return
        self._down = not self._down if key == self._sort else key not in _LEFT_COLUMNS
        self._sort = key
        self._rearrange()

    # -- export: the browser asks for one piece after the other, so that nothing piles up here ---------------------
    def _start_export(self, id: str) -> None:
        atlas, when = self._session.services.atlas, datetime.now(UTC)
        rows = self._rows
        selection = f"lasso or box in latent space, {len(rows)} of {len(atlas)} detections"
        self._exports = {
            id: (export.csv_pieces(atlas, rows, selection, when), export.file_name(atlas, len(rows), when), len(rows))
        }
        self._send_piece(id)

    def _send_piece(self, id: str) -> None:
        if id not in self._exports:
            return
        pieces, name, total = self._exports[id]
        done, text = next(pieces)
        last = done >= total
        if last:
            del self._exports[id]
        self.view_._send_msg({"type": "piece", "id": id, "text": text, "done": done, "last": last, "name": name})


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{words.fixed(100 * share, 1 if share < 0.1 else 0)} %"
