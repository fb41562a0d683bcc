"""Links: what is written is read again, and what is not understood is ignored with a word."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.filters.filters import OneOf, Range, Text
from explorer.page.address import LONGEST, decoded, link, restore, tell, told
from explorer.page.header import HeaderButtons
from explorer.page.parameters import PARAMETERS, WATCHED, filter_words, read_filter
from explorer.services import Services, services
from explorer.session import TABS, Session

SHARED = (
    "theme", "tab", "density", "colour_by", "contours", "equal_aspect", "grey_unselected", "hidden_classes", "filters",
    "picked", "decoded", "wanted_view", "selection_count",
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tiny_atlas: Any) -> Services:
    return services(tiny_atlas)


def parsed(query: str) -> dict[str, list[str]]:
    return decoded({name: [v.encode() for v in values] for name, values in parse_qs(query[1:]).items()})


def reopened(services: Services, query: str) -> tuple[Session, list[str]]:
    session = Session(services)
    return session, restore(session, parsed(query))


latent = st.floats(-50, 50, width=32)
quantity_keys = st.sampled_from(["net_counts", "hr2", "mjd_start", "cstat_z", "dec_deg"])
ranges = st.builds(
    lambda key, ends: Range(key, min(ends), max(ends)), quantity_keys, st.tuples(*[st.floats(-1e12, 1e12)] * 2)
)
half_open = st.builds(lambda key, low: Range(key, low=low), quantity_keys, st.floats(-1e12, 1e12))
choices = st.builds(
    lambda key, values: OneOf(key, tuple(values)),
    st.sampled_from(["filter", "mode", "class_origin"]),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1, max_size=4),
)
texts = st.builds(Text, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
any_filter = st.one_of(ranges, half_open, choices, texts)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_state_comes_back(tiny: Services, data: st.DataObject) -> None:
    session = Session(tiny)
    draw = data.draw
    session.theme = draw(st.sampled_from(["dark", "light"]))
    session.density = draw(st.sampled_from(["equal", "log", "linear"]))
    session.colour_by = draw(st.sampled_from(["class", "count", "net_counts", "hr1"]))
    session.contours, session.equal_aspect, session.grey_unselected = draw(st.tuples(*[st.booleans()] * 3))
    session.hide_classes(frozenset(draw(st.lists(st.sampled_from(tiny.class_names)))))
    session.set_filters({each.key: each for each in draw(st.lists(any_filter, max_size=3))}.values())
    position = draw(st.one_of(st.none(), st.integers(0, len(tiny) - 1), st.tuples(latent, latent)))
    if isinstance(position, tuple):
        session.decode(*position)
    elif position is not None:
        session.pick(position)
    session.tab = draw(st.sampled_from(TABS))
    corner, size = draw(st.tuples(latent, latent)), draw(st.tuples(*[st.floats(0.0625, 32, width=32)] * 2))
    session.show_view((corner[0], corner[0] + size[0], corner[1], corner[1] + size[1]))

    query = link(session)
    again, ignored = reopened(tiny, query)
    assert ignored == []
    assert link(again) == query
    for name in SHARED:
        value, other = getattr(session, name), getattr(again, name)
        if name in ("wanted_view", "decoded") and value is not None and other is not None:
            np.testing.assert_allclose(other, value, rtol=1e-6, atol=1e-6)
        elif name != "wanted_view" or other is not None:  # the whole map needs no view in its link
            assert other == value, name


@settings(max_examples=100, deadline=None)
@given(each=any_filter)
def test_any_filter_comes_back(each: Any) -> None:
    assert read_filter(filter_words(each)) == each


@settings(max_examples=80, deadline=None)
@given(
    query=st.dictionaries(
        st.one_of(st.sampled_from(["v", *(each.name for each in PARAMETERS)]), st.text(max_size=8)),
        st.lists(
            st.one_of(
                st.text(max_size=40), st.from_regex(r"-?[0-9.e,]{0,20}"), st.just("[" * 3000), st.just("nan,inf")
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=6,
    )
)
def test_hostile_links_never_fail(tiny: Services, query: dict[str, list[str]]) -> None:
    session = Session(tiny)
    ignored = restore(session, query)
    assert len(told(ignored)) < 2000
    assert all(isinstance(line, str) and line.endswith(".") for line in ignored)
    again, complaints = reopened(tiny, link(session))  # whatever was understood makes a good link
    assert complaints == []
    assert again.hidden_classes == session.hidden_classes


def test_an_untouched_page_has_a_bare_address(session: Session) -> None:
    assert link(session) == ""
    session.view = session.services.home
    assert link(session) == ""


def test_a_link_is_short_and_readable(session: Session) -> None:
    session.pick(17)
    session.tab = "trajectory"
    session.hide_classes(frozenset({"AGN", "X-ray binary"}))
    session.set_filter(Range("net_counts", low=300.0))
    session.show_view((0.5, 1.5, -1.0, 1.0))
    detection = session.detection_id
    assert link(session) == (
        f"?v=1&filter=net_counts:300.0..&hide=agn,x-ray-binary&pick={detection}&tab=trajectory&view=0.5,1.5,-1,1"
    )


def test_solo_is_written_as_what_is_shown(session: Session) -> None:
    session.solo_class("Star")
    assert "only=star" in link(session)
    session.invert_classes()
    assert "hide=star" in link(session)
    session.hide_classes(frozenset(session.services.class_names))
    again, ignored = reopened(session.services, link(session))
    assert ignored == []
    assert again.hidden_classes == session.hidden_classes


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?theme=%ff<b>", "There is no theme"),
        ("?v=7&theme=light", "newer version (7)"),
        ("?v=old", "version “old” is unknown"),
        ("?view=1,2,3", "view “1,2,3” (not four numbers"),
        ("?view=2,1,0,1", "small to large"),
        ("?view=nan,1,0,1", "not four numbers"),
        ("?at=1", "not two numbers"),
        ("?pick=999999999999", "no detection 999999999999"),
        ("?pick=__import__('os')", "not a DETID"),
        ("?hide=agn,martians", "no class “martians”"),
        ("?filter=net_counts", "not a filter"),
        ("?filter=magic:1..2", "magic"),
        ("?filter=net_counts:9..1", "filter “net_counts:9..1”"),
        ("?colour=soul", "no such quantity"),
        ("?density=cubic", "There is no density “cubic”"),
        ("?contours=yes", "0 or 1"),
        ("?tab=secrets", "There is no tab “secrets”"),
        ("?select=%7B%7D%7D", "select"),
        ("?zoom=3", "Unknown in the link and ignored: “zoom”"),
        ("?view=" + "1" * 9000, "too long"),
    ],
)
def test_what_is_not_understood_is_named(tiny: Services, query: str, said: str) -> None:
    session, ignored = reopened(tiny, query)
    assert said in told(ignored)
    assert session.picked is None
    assert session.hidden_classes == frozenset()
    assert session.wanted_view is None


def test_the_good_parts_of_a_bad_link_are_used(tiny: Services) -> None:
    session, ignored = reopened(tiny, "?v=1&theme=light&view=here&hide=star&filter=net_counts:300..&filter=bogus:1..")
    assert (session.theme, session.hidden_classes) == ("light", {"Star"})
    assert session.filters == (Range("net_counts", low=300.0),)
    assert len(ignored) == 2


def test_many_complaints_fit_a_line(tiny: Services) -> None:
    _, ignored = reopened(tiny, "?view=a&at=b&pick=c&tab=d&density=e")
    assert len(ignored) == 5
    assert told(ignored).endswith("And 2 more.")


def test_a_decoded_position_gives_way_to_a_pick(tiny: Services) -> None:
    detection = int(tiny.atlas.catalogue["detection_id"].iat[5])
    session, _ = reopened(tiny, f"?pick={detection}&at=1,1")
    assert session.picked == 5
    assert session.decoded is None


def test_selections_travel(session: Session) -> None:
    session.select_query("net_counts > 500")
    session.save_selection("bright")
    session.select_class("Star")
    count = session.selection_count
    assert count > 0
    again, ignored = reopened(session.services, link(session))
    assert ignored == []
    assert again.selection_count == count
    assert [name for name, _ in again.saved] == ["bright"]
    np.testing.assert_array_equal(again.selection, session.selection)


def test_a_selection_too_large_for_a_link_is_left_out(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.pick(3)
    monkeypatch.setattr(session, "selections_to_plain", lambda: {"now": ["x" * LONGEST]})
    assert "select=" not in link(session)
    assert "pick=" in link(session)
    assert len(link(session)) < 100


def test_every_parameter_is_watched(session: Session) -> None:
    assert set(WATCHED) <= set(session.param)
    json.dumps(link(session))


def test_the_header_follows_the_session_and_shares_what_it_is_now(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = HeaderButtons(session)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(header, "_send_msg", sent.append)
    assert header.link == ""
    session.pick(4)
    assert header.link == link(session)
    session.tab = "similar"
    header._received({"share": 1})
    assert sent == [{"share": 1, "link": link(session), "note": ""}]
    monkeypatch.setattr(session, "selections_to_plain", lambda: {"now": ["x" * LONGEST]})
    header._received({"share": 2})
    assert "without the selection" in sent[1]["note"]
    header._received({"theme": "light"})
    assert session.theme == "light"
    header._received({"theme": "mauve"})
    assert session.theme == "light"


def test_what_was_ignored_is_said_until_a_person_goes_on(session: Session) -> None:
    tell(session, restore(session, parsed("?view=here")))
    assert "view “here”" in session.notice
    session.view = session.services.home  # the first frame
    assert session.notice
    session.pick(3)
    assert session.notice == ""
    session.notice = "the server is busy"
    session.pick(4)
    assert session.notice == "the server is busy"
