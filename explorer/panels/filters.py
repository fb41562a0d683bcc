"""Filters: a chip for each, and a card of cross-filtered histograms in which they are made."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import param
from panel.viewable import Viewable

from explorer.components.elements import Element, script
from explorer.components.inspector import Latest
from explorer.filters import filters, histograms, quantities, typed
from explorer.filters.filters import Filter, OneOf, Range, Text
from explorer.session import Session
from explorer.tools.masks import Mask
from explorer.tools.words import whole
from vae.errors import ExplorerError

_HERE: Final = Path(__file__)
#: Longest text that is looked for.
_MAX_TEXT: Final = 80


class FiltersPanel:
    """Chips of the active filters in the rail, and the card that makes and changes them.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._element = FilterChips(session, css_classes=["xle-filters"])

    def view(self) -> Viewable:
        """Return the block of the rail."""
        return self._element


class FilterChips(Element):
    """Chips and card as a component. Histograms are counted in the services' threads, while the card is open."""

    active = param.List(default=[], doc="Filters in force: key, words, and their limits, values or text.")
    card = param.Dict(default={}, doc="What may be filtered: laid out once, when the card is first opened.")
    counts = param.Dict(default={}, doc="Counts of each bin and choice, under all other filters.")
    complaint = param.Dict(default={}, doc="What is wrong with what was typed: key and text.")

    _esm: ClassVar[str] = script(_HERE.with_name("histogram.js")) + _HERE.with_name("filters.js").read_text("utf-8")

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(active=[plain(each) for each in session.filters], **params)
        self._session, self._atlas = session, session.services.atlas
        self._open = self._counting = self._stale = False
        self._texts, self._histograms = (Latest(session.services.pool) for _ in range(2))
        session.param.watch(self._show, "filters")
        session.param.watch(self._recount, ["filters", "hidden_classes"])
        session.param.watch(self._recount, "selection_count", onlychanged=False)

    # -- what a person does ------------------------------------------------------------------------------------------
    def _received(self, data: dict[str, Any]) -> None:
        what, key = data.get("do"), str(data.get("key", ""))
        if key == "text" or what == "clear":
            self._texts.cancel()  # or what is still being looked for would come after
        if what == "open":
            self._open, self._counting = True, False  # asked anew: what was being counted is void
            self._recount()
        elif what == "close":
            self._open, self.complaint = False, {}
        elif what == "clear":
            self._session.set_filters(())
        elif what == "remove":
            self._session.remove_filter(key)
        else:
            self._change(key, data)

    def _change(self, key: str, data: dict[str, Any]) -> None:
        self.complaint = {}
        try:
            wanted = read(key, data)
        except ExplorerError as error:
            self.complaint = {"key": key, "text": error.what}
            return
        if not isinstance(wanted, Text):  # 3 ms a million
            self._session.remove_filter(key) if wanted is None else self._session.set_filter(wanted)
            return
        # 0.3 s of a million names: the mask is made off the event loop, and then remembered
        self._texts.run(
            partial(filters.mask_of, wanted, self._atlas),
            lambda _: self._session.set_filter(wanted),
            lambda error: self.param.update(complaint={"key": key, "text": error.what}),
        )

    # -- what is shown -----------------------------------------------------------------------------------------------
    def _show(self, *_: Any) -> None:
        self.active = [plain(each) for each in self._session.filters]

    def _recount(self, *_: Any) -> None:
        """Count again while the card is open; what changes meanwhile is counted when that is done."""
        if not self._open:
            return
        if self._counting:
            self._stale = True
            return
        self._counting, self._stale = True, False
        session = self._session
        work = partial(self._count, session.filters, session.hidden_classes, session.selection)
        self._histograms.run(work, self._counted, lambda error: self._counted({}))

    def _counted(self, counts: dict[str, Any]) -> None:
        self._counting = False
        if counts:
            self.param.update(card=self.card or layout(self._session), counts=counts)
        if self._stale:
            self._recount()

    def _count(self, active: tuple[Filter, ...], hidden: frozenset[str], selection: Mask | None) -> dict[str, Any]:
        services, atlas = self._session.services, self._atlas
        visible = None
        if hidden:
            visible = np.array([name not in hidden for name in services.class_names])[services.class_codes]
        filtered = {each.key for each in active}
        shown = histograms.others(active, "", atlas, visible)
        masks = {key: histograms.others(active, key, atlas, visible) for key in filtered}
        ranges = {}
        for each in quantities.quantities(atlas):
            histogram = histograms.histogram(atlas, each.key)
            ranges[each.key] = {"others": histogram.count(masks.get(each.key, shown)).tolist()}
            if selection is not None:
                ranges[each.key]["selected"] = histogram.count(selection).tolist()
        values = {}
        for key in filters.CHOICES:
            names, codes = filters.choices(atlas, key)
            values[key] = histograms.count(codes, masks.get(key, shown), len(names)).tolist()
        left = len(atlas) if shown is None else int(np.count_nonzero(shown))
        return {"ranges": ranges, "values": values, "left": left}


def layout(session: Session) -> dict[str, Any]:
    """Return what the card lists: quantities with their scales and histograms, choices with their values."""
    atlas = session.services.atlas
    ranges = []
    for each in quantities.quantities(atlas):
        histogram = histograms.histogram(atlas, each.key)
        absent = len(atlas) - int(histogram.total.sum())
        ranges.append(
            {
                "key": each.key,
                "label": each.label,
                "unit": each.unit,
                "kind": each.kind,
                "meaning": each.meaning,
                "wraps": each.wraps,
                "low": histogram.low,
                "high": histogram.high,
                "turn": quantities.ASINH_TURN,
                "total": histogram.total.tolist(),
                "ticks": histogram.ticks(),
                "absent": f"{whole(absent)} have none" if absent else "",
            }
        )
    values = [
        {
            "key": key,
            "label": label,
            "meaning": filters.meaning(key),
            "values": list(names),
            "words": [filters.value_in_words(key, name) for name in names],
        }
        for key, label in filters.CHOICES.items()
        if len(names := filters.choices(atlas, key)[0]) > 1
    ]
    return {"ranges": ranges, "values": values, "n": len(atlas)}


def plain(each: Filter) -> dict[str, Any]:
    """Return a filter as the card shows it; limits are None where there is none."""
    shown: dict[str, Any] = {"key": each.key, "words": each.words}
    if isinstance(each, Range):
        what = quantities.quantity(each.key)
        assert what is not None
        for name, value in (("low", each.low), ("high", each.high)):
            finite = math.isfinite(value)
            shown |= {
                name: value if finite else None,
                f"{name}_text": quantities.in_words(what, value) if finite else "",
            }
    elif isinstance(each, OneOf):
        shown["values"] = list(each.values)
    else:
        shown["text"] = each.text
    return shown


def read(key: str, data: dict[str, Any]) -> Filter | None:
    """Read what the card sends: dragged limits, typed limits, chosen values or a text.

    Returns
    -------
    Filter or None
        None if it would let everything pass.

    Raises
    ------
    OptionError
        If it says nothing that can be done.
    """
    if data["do"] == "text":
        text = str(data["text"]).strip()[:_MAX_TEXT]
        return Text(text) if text else None
    if data["do"] == "values":
        values = tuple(str(value) for value in data["values"])
        return OneOf(key, values) if values else None
    what = quantities.quantity(key)
    if what is None:
        return Range(key)  # which says so
    if data["do"] == "typed":
        low, high = (typed.limit(what, str(data[name]), upper=name == "high") for name in ("low", "high"))
    else:
        low, high = (
            unlimited if data[name] is None else float(data[name])
            for name, unlimited in (("low", -math.inf), ("high", math.inf))
        )
        if what.kind == "date" and math.isfinite(high):
            high = typed.end_of_day(high)
    return None if (low, high) == (-math.inf, math.inf) else Range(key, low, high)
