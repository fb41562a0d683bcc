"""The index of names against a plain search through them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.search.names import COUNTED, SIMBAD_MARK, NameIndex, mark, plain

NAMES = [
    "4XMM J192719.5+653354",
    "XMMSIM J085632.9+660233",
    "4XMM J192719.5+653354",
    None,
    "XMMU J000000.0-000000",
    "IGR J18490-0000 (pointing)",
    "ähnlich 1",
]


def names_of(column: pd.Series, index: NameIndex, text: str, limit: int = 100) -> set[str]:
    return {str(column[row]) for entry in index.search(text, limit).entries for row in index.rows(entry)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("J1927", {"4XMM J192719.5+653354"}),
        ("4xmm j1927", {"4XMM J192719.5+653354"}),
        ("4XMM J192719.5+653354", {"4XMM J192719.5+653354"}),
        ("2XMM J1927", {"4XMM J192719.5+653354"}),  # the survey's name changes, the source's does not
        ("+6533", {"4XMM J192719.5+653354"}),
        ("000000−000000", set()),
        ("0000.0−00", {"XMMU J000000.0-000000"}),
        ("igr j184", {"IGR J18490-0000 (pointing)"}),
        ("ÄHNLICH", {"ähnlich 1"}),
        ("nothing", set()),
        ("   ", set()),
        ("\n", set()),
        (".*", set()),
    ],
)
def test_names_are_found_by_any_part(text: str, expected: set[str]) -> None:
    column = pd.Series(NAMES, dtype="str")
    assert names_of(column, NameIndex(column), text) == expected


def test_a_survey_alone_lists_names() -> None:
    column = pd.Series([name for name in NAMES if name and "XMM" in name], dtype="str")
    assert len(names_of(column, NameIndex(column), "xm")) == 3


def test_rows_of_a_name_are_all_its_rows() -> None:
    index = NameIndex(pd.Series(NAMES, dtype="str"))
    (entry,) = index.search("j1927", 5).entries
    assert index.rows(entry).tolist() == [0, 2]
    assert len(index) == 5


def test_the_name_itself_comes_first_then_beginnings() -> None:
    column = pd.Series(["SIM 10", "XSIM 1", "SIM 1", "SIM 100"], dtype="str")
    index = NameIndex(column, drop=SIMBAD_MARK)
    found = [column[index.rows(entry)[0]] for entry in index.search("SIM 1", 9).entries]
    assert found == ["SIM 1", "SIM 10", "SIM 100", "XSIM 1"]


def test_marks_of_simbad_need_not_be_typed() -> None:
    column = pd.Series(["V* AM Her", "NAME Cyg A", "* alf CMa"], dtype="str")
    index = NameIndex(column, drop=SIMBAD_MARK)
    for text, name in (("AM Her", "V* AM Her"), ("v* am", "V* AM Her"), ("cyga", "NAME Cyg A"), ("* alf", "* alf CMa")):
        assert names_of(column, index, text) == {name}


def test_no_names_at_all() -> None:
    for column in (pd.Series([None, None], dtype="str"), pd.Series([], dtype="str")):
        index = NameIndex(column)
        assert len(index) == 0
        assert index.search("a", 3).total == 0


def test_many_names_are_counted_up_to_a_limit() -> None:
    column = pd.Series([f"S {number:05d}" for number in range(3000)], dtype="str")
    found = NameIndex(column).search("S", 8)
    assert found.total == COUNTED + 1
    assert len(found.entries) == 8
    assert NameIndex(column).search("0299", 8).total == 11  # S 02990 to S 02999, and S 00299


text = st.text(alphabet="AaB1+ .é\n", max_size=6)


@settings(max_examples=150, deadline=None)
@given(names=st.lists(text.filter(str.strip), min_size=1, max_size=20), asked=text)
def test_same_as_a_plain_search(names: list[str], asked: str) -> None:
    column = pd.Series(names, dtype="str")
    expected = {name for name in names if plain(asked) and plain(asked) in plain(name)}
    assert {plain(name) for name in names_of(column, NameIndex(column), asked)} == {plain(name) for name in expected}


def test_the_mark_is_where_the_text_is() -> None:
    name = "XMMSIM J085632.9+660233"
    for asked, shown in (("j0856", "J0856"), ("xmmsim j08", "XMMSIM J08"), ("4XMM J08", "J08"), ("+66", "+66")):
        start, end = mark(name, asked) or (0, 0)
        assert name[start:end] == shown
    assert mark(name, "zzz") is None
    assert mark(name, "") is None
