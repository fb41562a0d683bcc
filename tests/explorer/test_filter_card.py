"""The filters' card, the legend and the controls without a browser: what they send and what they make of messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.filters.filters import OneOf, Range, Text
from explorer.page.colour_key import colour_key
from explorer.panels.controls import Combine, Display
from explorer.panels.filters import FilterChips, read
from explorer.panels.legend import LegendRows
from explorer.session import Session
from vae.errors import OptionError


@pytest.fixture
def chips(session: Session) -> FilterChips:
    return FilterChips(session)


def send(element: Any, **data: Any) -> None:
    element._received(data)


def test_nothing_is_counted_before_the_card_is_open(chips: FilterChips, session: Session) -> None:
    session.set_filter(Range("net_counts", 500))
    assert chips.counts == {}
    assert [each["words"] for each in chips.active] == ["Net counts ≥ 500"]
    send(chips, do="open")
    assert chips.counts["left"] == session.shown
    assert sum(chips.card["ranges"][0]["total"]) == len(session.services)


def test_histograms_follow_filters_classes_and_selection(chips: FilterChips, session: Session) -> None:
    send(chips, do="open")
    before = chips.counts["ranges"]["rarity"]["others"]
    send(chips, do="range", key="net_counts", low=500.0, high=None)
    assert sum(chips.counts["ranges"]["rarity"]["others"]) == session.shown < sum(before)
    assert sum(chips.counts["ranges"]["net_counts"]["others"]) == len(session.services)
    session.toggle_class("AGN")
    assert sum(chips.counts["ranges"]["rarity"]["others"]) == session.shown
    assert "selected" not in chips.counts["ranges"]["rarity"]
    session.select(np.arange(len(session.services)) < 100)
    assert sum(chips.counts["ranges"]["rarity"]["selected"]) == session.selection_count
    send(chips, do="close")
    session.set_filters(())
    assert chips.counts["left"] < len(session.services)


def test_messages_become_filters(chips: FilterChips, session: Session) -> None:
    send(chips, do="typed", key="mjd_start", low="2005", high="2010-06")
    send(chips, do="values", key="filter", values=["thin"])
    send(chips, do="text", key="text", text=" J1 ")
    assert [each.key for each in session.filters] == ["mjd_start", "filter", "text"]
    assert session.filters[1:] == (OneOf("filter", ("thin",)), Text("J1"))
    send(chips, do="remove", key="filter")
    send(chips, do="text", key="text", text="  ")
    send(chips, do="typed", key="mjd_start", low="", high="")
    assert session.filters == ()


def test_clear_removes_every_filter(chips: FilterChips, session: Session) -> None:
    session.set_filters([Range("net_counts", 500), Text("J1")])
    send(chips, do="clear")
    assert session.filters == ()
    assert session.shown == len(session.services)


@pytest.mark.parametrize(("low", "high"), [("few", ""), ("1000", "500")])
def test_what_cannot_be_a_range_is_said_and_changes_nothing(
    chips: FilterChips, session: Session, low: str, high: str
) -> None:
    session.set_filter(Range("net_counts", 700))
    send(chips, do="typed", key="net_counts", low=low, high=high)
    assert chips.complaint["key"] == "net_counts"
    assert chips.complaint["text"]
    assert session.filters == (Range("net_counts", 700),)
    send(chips, do="typed", key="net_counts", low="800", high="")
    assert chips.complaint == {}


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(OptionError):
        read("nonsense", {"do": "range", "low": None, "high": 1.0})


def test_a_dragged_upper_date_holds_its_day() -> None:
    dragged = read("mjd_start", {"do": "range", "low": None, "high": 58457.0})
    assert dragged is not None
    assert dragged.words == "Date until 2018-12-05"
    assert isinstance(dragged, Range)
    assert dragged.high > 58457.99


def test_legend_counts_follow_view_and_filters(session: Session) -> None:
    legend = LegendRows(session)
    counts = session.services.class_counts.tolist()
    assert legend.in_view == legend.passing == counts
    session.counts_in_view = np.minimum(session.services.class_counts, 3)
    assert legend.in_view == np.minimum(counts, 3).tolist()
    assert legend.passing == counts
    session.set_filter(Range("net_counts", 1e9))  # passed by nobody; the next frame is still to come
    assert sum(legend.in_view) == sum(legend.passing) == 0
    assert legend.filtered
    session.colour_by = "rarity"
    assert not legend.coloured


def test_legend_selects_a_class_in_the_mode_of_the_key_held(session: Session) -> None:
    legend = LegendRows(session)
    count = dict(zip(session.services.class_names, session.services.class_counts.tolist(), strict=True))
    send(legend, select="AGN", mode="")
    send(legend, select="Star", mode="add")
    assert session.selection_count == count["AGN"] + count["Star"]
    send(legend, select="AGN", mode="subtract")
    assert session.selection_count == count["Star"]
    assert session.held_mode == ""


def test_legend_inverts(session: Session) -> None:
    legend = LegendRows(session)
    send(legend, toggle="AGN")
    send(legend, invert=True)
    assert session.hidden_classes == frozenset(session.services.class_names) - {"AGN"}
    assert legend.hidden == sorted(session.hidden_classes)


def test_colour_by_takes_what_is_offered_only(session: Session) -> None:
    display = Display(session)
    send(display, colour_by="nonsense")
    assert session.colour_by == "class"
    send(display, colour_by="rarity")
    assert session.colour_by == display.colour_by == "rarity"


def test_the_mode_of_a_held_key_is_shown(session: Session) -> None:
    combine = Combine(session)
    session.held_mode = "subtract"
    assert combine.mode == "subtract"
    session.held_mode = ""
    assert combine.mode == "replace"


def test_the_key_of_the_colours_has_ends_in_words(session: Session) -> None:
    assert colour_key(session) == {}
    session.colour_scale = {"key": "flux_0p3_10", "low": 1e-14, "high": 2e-12}
    assert [words for _, words in colour_key(session)["ticks"]] == ["10⁻¹⁴", "2 × 10⁻¹²"]
    session.colour_scale = {"key": "cstat_z", "low": -3.0, "high": 3.0}
    ticks = colour_key(session)["ticks"]
    assert [words for _, words in ticks] == ["−3", "0", "3"]
    assert [place for place, _ in ticks] == pytest.approx([0, 0.5, 1])
    dark = colour_key(session)["ramp"]
    session.theme = "light"
    assert len(dark) == len(colour_key(session)["ramp"]) > 2
