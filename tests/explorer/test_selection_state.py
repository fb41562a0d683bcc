from __future__ import annotations

import json

import numpy as np
import pytest

from explorer.filters.filters import Range
from explorer.selection import state as selection_state
from explorer.selection.recipes import Nearest, Shown
from explorer.services import Services
from explorer.session import Session
from vae.errors import OptionError


def outline() -> tuple[np.ndarray, np.ndarray]:
    return np.array([-1.0, 1.0, 1.0, -1.0]), np.array([-1.0, -1.0, 0.5, 0.5])


def test_undo_brings_the_outline_back(session: Session) -> None:
    session.select_disc(0.0, 0.0, 1.0, 0.5)
    disc, count = session.outline, session.selection_count
    session.select_query("net_counts > 500")
    assert session.outline is None
    session.undo()
    assert session.selection_count == count
    assert session.outline is disc
    session.undo()
    assert session.outline is None
    assert session.selection_words == ""
    session.redo()
    assert session.outline is disc
    assert session.selection_words == "ellipse of 1 by 0.5 about (0, 0) in latent space"


def test_undo_is_bounded_by_steps_and_by_memory(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    one = -(-len(session.services) // 8)
    monkeypatch.setattr(selection_state, "UNDO_BYTES", 5 * one)
    for step in range(2, 12):
        session.select(np.arange(len(session.services)) % step == 0)
    back = 0
    while session.history.can_undo:
        session.undo()
        back += 1
    assert back == 5
    assert session.selection_count == int((np.arange(len(session.services)) % 6 == 0).sum())


def test_a_held_key_decides_before_the_chosen_mode(session: Session) -> None:
    session.select_class("Star")
    stars = session.selection_count
    session.held_mode = "add"
    assert session.mode == "add"
    session.select_class("AGN")
    session.held_mode = ""
    counts = dict(zip(session.services.class_names, session.services.class_counts, strict=True))
    assert session.selection_count == stars + counts["AGN"]
    session.select_class("AGN")  # replaces again
    assert session.selection_count == counts["AGN"]


def test_a_selection_says_how_it_was_made(session: Session) -> None:
    session.set_filter(Range("net_counts", 300))
    session.select(np.ones(len(session.services), bool), outline())
    assert session.selection_words == "box μ₁ −1 to 1, μ₂ −1 to 0.5, of Net counts ≥ 300"
    session.selection_mode = "subtract"
    session.select_rows(np.array([1, 2, 3]), "3 results of the search “J12”")
    assert session.selection_words.endswith("; take away 3 results of the search “J12”")
    session.selection_mode = "replace"
    session.select_shown()
    assert session.selection_words == "everything on the map, of Net counts ≥ 300"
    assert session.selection_count == session.shown


def test_names_are_kept_renamed_recalled_and_forgotten(session: Session) -> None:
    told = []
    session.param.watch(lambda event: told.append(event.new), "saved", onlychanged=False)
    with pytest.raises(OptionError, match="nothing is selected"):
        session.save_selection("none")
    session.select_class("Star")
    stars = session.selection.copy()
    assert session.save_selection("  my \n stars ") == "my stars"
    session.select_class("AGN")
    session.save_selection("AGN")
    assert [name for name, _ in session.saved] == ["my stars", "AGN"]
    with pytest.raises(OptionError, match="already"):
        session.rename_selection("my stars", "AGN")
    with pytest.raises(OptionError, match="empty"):
        session.rename_selection("my stars", "  ")
    session.rename_selection("my stars", "stars")
    assert [name for name, _ in session.saved] == ["stars", "AGN"]
    session.recall_selection("stars")
    np.testing.assert_array_equal(session.selection, stars)
    assert session.selection_words == "class Star"  # as it was made, not through its name
    session.selection_mode = "add"
    session.recall_selection("AGN")
    assert session.selection_words == "class Star; add selection “AGN” (class AGN)"
    assert session.selection_count == sum(count for _, count in session.saved)
    session.recall_selection("nobody")
    session.drop_selection("stars")
    assert [name for name, _ in session.saved] == ["AGN"]
    assert len(told) == 4


def test_names_are_few(session: Session) -> None:
    session.select_class("Star")
    for number in range(selection_state.MAX_SAVED):
        session.save_selection(f"{number}")
    session.save_selection("3")  # again: replaced
    with pytest.raises(OptionError, match="Delete one first"):
        session.save_selection("one more")


def test_a_recalled_selection_holds_only_what_is_on_the_map(session: Session, opened: Services) -> None:
    session.select_by(Nearest(0.0, 0.0, 500))
    session.save_selection("near")
    session.toggle_class("AGN")
    session.recall_selection("near")
    agn = opened.class_codes == opened.class_names.index("AGN")
    assert not (session.selection & agn).any()
    assert 0 < session.selection_count < 500
    assert session.selection_words.endswith("of without AGN") or "without AGN" in session.selection_words


def test_selections_come_back_from_a_link(session: Session, opened: Services) -> None:
    session.set_filter(Range("net_counts", 400))
    session.select_query("z < 2")
    session.save_selection("fine")
    session.select_rows(np.arange(50), "a list")
    session.save_selection("not in links")
    session.selection_mode = "add"
    session.recall_selection("fine")
    plain = json.loads(json.dumps(session.selections_to_plain()))
    assert "now" not in plain  # it holds a list
    assert list(plain["saved"]) == ["fine"]
    session.selection_mode = "replace"
    session.select_disc(0.0, 0.0, 0.8, 0.8)
    plain = json.loads(json.dumps(session.selections_to_plain()))

    other = Session(opened)
    assert other.restore_selections(plain) == []
    np.testing.assert_array_equal(other.selection, session.selection)
    assert other.selection_words == session.selection_words
    assert other.outline is not None
    assert other.tab == "spectrum"
    other.recall_selection("fine")
    assert other.selection_count == dict(session.saved)["fine"]


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        (3, "not understood"),
        ({"now": [{"class": "Ghost"}]}, "selection: there is no class “Ghost”"),
        ({"now": [{"query": "bogus > 3"}]}, "“bogus” at character 1 is no column"),
        ({"saved": {"a": [{"shown": 1}], "b": "x"}}, "selection “b”: not a selection"),
        ({"saved": {"  ": [{"shown": 1}]}}, "the name is empty"),
        ({"now": [{"query": "hr1 > " + "1" * 600}]}, "at most 500"),
    ],
)
def test_what_a_link_has_wrong_is_told_and_left_out(session: Session, plain: object, says: str) -> None:
    ignored = session.restore_selections(plain)
    assert len(ignored) == 1
    assert says in ignored[0]
    assert session.selection is None


def test_everything_shown_is_everything(session: Session) -> None:
    session.select_by(Shown())
    assert session.selection_count == len(session.services)
