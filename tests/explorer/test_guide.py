"""What the page says in words about the map: why it is empty, what it shows, what was picked."""

from __future__ import annotations

import numpy as np

from explorer.filters.filters import Range
from explorer.page.guide import emptiness, map_label, picked_in_words
from explorer.services import Services
from explorer.session import Session


def test_a_full_map_needs_no_words(session: Session) -> None:
    assert emptiness(session) == {}
    session.counts_in_view = session.passing_counts
    assert emptiness(session) == {}


def test_filters_that_nothing_passes_can_be_cleared(session: Session) -> None:
    session.set_filter(Range("net_counts", 1e12, 2e12))
    assert emptiness(session)["action"] == "clear-filters"
    session.hide_classes(frozenset(session.services.class_names))
    assert emptiness(session)["action"] == "clear-filters"  # showing the classes would bring nothing back


def test_hidden_classes_can_be_shown(session: Session) -> None:
    session.hide_classes(frozenset(session.services.class_names))
    assert emptiness(session) == {"text": "Every class is hidden", "button": "Show all classes", "action": "show-all"}


def test_an_empty_view_leads_home_or_to_the_hidden_classes(session: Session) -> None:
    nothing = np.zeros(len(session.services.class_names), np.int64)
    session.counts_in_view = nothing
    assert emptiness(session)["action"] == "home"
    agn = session.services.class_names.index("AGN")
    session.hide_classes(frozenset({"AGN"}))
    session.counts_in_view = np.where(np.arange(nothing.size) == agn, 3, 0)
    assert emptiness(session)["action"] == "show-all"


def test_picks_and_decoded_places_are_said(session: Session, opened: Services) -> None:
    assert picked_in_words(session) == ""
    counts = opened.atlas.catalogue["source_id"].value_counts()
    rows = opened.atlas.trajectory(int(counts.index[0]))["row"].to_numpy()
    session.pick(int(rows[1]))
    words = picked_in_words(session)
    assert str(opened.atlas.catalogue["name"].iat[rows[1]]) in words
    assert f"observation 2 of {len(rows)}" in words
    session.decode(0.25, -3.5)
    assert "0.25, −3.50" in picked_in_words(session)


def test_label_of_the_map_counts_what_is_shown(session: Session) -> None:
    before = map_label(session)
    assert f"{len(session.services):,} of {len(session.services):,}" in before
    session.toggle_class("AGN")
    assert f"{session.shown:,} of" in map_label(session) != before
