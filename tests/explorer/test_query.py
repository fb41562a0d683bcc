from __future__ import annotations

import operator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.selection.query import MAX_CHARACTERS, Query
from vae.errors import OptionError

N = 240


def make_catalogue() -> pd.DataFrame:
    """A small catalogue of every type of column, with absent values in most."""
    rng = np.random.default_rng(5)

    def holes(values: np.ndarray, share: float = 0.2) -> np.ndarray:
        return np.where(rng.random(N) < share, np.nan, values).astype(np.float32)

    labels = np.array(["AGN", "Star", "CV / white dwarf", None], dtype=object)[rng.integers(0, 4, N)]
    names = [None if row % 17 == 0 else f"4XMM J{row:06d}.1+12{row:04d}" for row in range(N)]
    return pd.DataFrame(
        {
            "detection_id": 2**53 + np.arange(N, dtype=np.int64),
            "name": pd.array(names, dtype="str"),
            "obs_id": pd.Categorical([f"{row % 40:010d}" for row in range(N)]),
            "ra_deg": rng.uniform(0, 360, N),
            "dec_deg": np.degrees(np.arcsin(rng.uniform(-1, 1, N))),
            "mjd_start": rng.uniform(51000, 60000, N),
            "sum_flag": pd.array(np.where(rng.random(N) < 0.2, None, rng.integers(0, 5, N)), dtype="Int32"),
            "net_counts": holes(rng.lognormal(6, 1, N)),
            "hr1": holes(rng.uniform(-1, 1, N).round(1)),
            "hr2": holes(rng.uniform(-1, 1, N).round(1)),
            "cstat_z": holes(rng.normal(0, 3, N).round(1)),
            "flux_0p3_10": holes(10 ** rng.normal(-13, 0.5, N), 0),
            "response_is_standin": rng.random(N) < 0.5,
            "match_ambiguous": pd.array(np.where(rng.random(N) < 0.3, None, rng.random(N) < 0.5), dtype="boolean"),
            "class_label": pd.Categorical(labels),
        }
    )


CATALOGUE = make_catalogue()
CLASSES = ("AGN", "Star", "CV / white dwarf", "Unclassified", "No match")


class Tiny(SimpleNamespace):
    def __len__(self) -> int:
        return N


DISPLAYED = CATALOGUE["class_label"].astype("object").fillna("Unclassified")
SERVICES: Any = Tiny(
    atlas=SimpleNamespace(catalogue=CATALOGUE, sigmas=np.random.default_rng(2).uniform(0.01, 1, (N, 2))),
    class_names=CLASSES,
    class_codes=np.array([CLASSES.index(label) for label in DISPLAYED], dtype=np.uint8),
)


def rows(text: str) -> np.ndarray:
    return Query(text).mask(SERVICES)


def nullable(name: str) -> pd.Series:
    """A column in which pandas, too, keeps absent values apart from false ones."""
    series = CATALOGUE[name]
    if series.dtype == np.float32:
        return pd.Series(pd.array(np.where(series.isna(), None, series), dtype="Float32"))
    return series


# -- against pandas, whose nullable types follow the same logic --------------------------------------------------------
SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
NUMBERS = ("net_counts", "hr1", "hr2", "cstat_z", "sum_flag")
number = st.one_of(st.integers(-5, 800), st.floats(-2, 2).map(lambda value: round(value, 1)))


@st.composite
def sums(draw: st.DrawFn) -> tuple[str, pd.Series]:
    a, b = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(NUMBERS))
    sign, does = draw(st.sampled_from([("+", operator.add), ("-", operator.sub), ("*", operator.mul)]))
    left, right = (nullable(name).astype("Float64") for name in (a, b))
    return draw(st.sampled_from([(f"({a} {sign} {b})", does(left, right)), (f"abs({a})", left.abs())]))


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, pd.Series]:
    name = draw(st.sampled_from(NUMBERS))
    text, column = draw(st.one_of(st.just((name, nullable(name))), sums()))
    sign, limit = draw(st.sampled_from(list(SIGNS))), draw(number)
    if draw(st.booleans()):
        return f"{text} {sign} {limit}", SIGNS[sign](column, limit)
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
    return f"{limit} {mirrored} {text}", SIGNS[sign](column, limit)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, pd.Series]:
    label = draw(st.sampled_from(["AGN", "Star"]))
    labels = CATALOGUE["class_label"].astype("string")
    part = draw(st.sampled_from(["J0001", "99.1", "xmm", "("]))
    found = CATALOGUE["name"].astype("string").str.contains(part, case=False, regex=False)
    text, expected = draw(
        st.sampled_from(
            [
                (f'class_label == "{label}"', labels == label),
                (f'"{label}" != class_label', labels != label),
                (f'class_label in ("{label}", "CV / white dwarf")', labels.eq(label) | labels.eq("CV / white dwarf")),
                (f'"{part}" in name', found),
                (f'"{part}" not in name', ~found),
                ("response_is_standin", CATALOGUE["response_is_standin"].astype("boolean")),
                ("match_ambiguous", CATALOGUE["match_ambiguous"]),
                ("match_ambiguous == False", CATALOGUE["match_ambiguous"] == False),  # noqa: E712  # on a column
                ("known(hr1)", CATALOGUE["hr1"].notna()),
            ]
        )
    )
    return text, expected.astype("boolean")


conditions = st.recursive(
    st.one_of(comparisons(), texts()),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: (f"({two[0][0]} and {two[1][0]})", two[0][1] & two[1][1])),
        st.tuples(inner, inner).map(lambda two: (f"({two[0][0]} or {two[1][0]})", two[0][1] | two[1][1])),
        inner.map(lambda one: (f"not ({one[0]})", ~one[1])),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(conditions)
def test_queries_say_what_pandas_says(condition: tuple[str, pd.Series]) -> None:
    text, expected = condition
    if len(text) <= MAX_CHARACTERS:
        np.testing.assert_array_equal(rows(text), expected.fillna(False).to_numpy(bool), err_msg=text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("net_counts > 300 AND NOT hr2 < 0", "net_counts > 300 and not hr2 < 0"),
        ("-0.5 < hr1 <= 0.3", "hr1 > -0.5 and hr1 <= 0.3"),
        ("hr1 > −0.5", "hr1 > -0.5"),
        ('class == “agn”', 'class_label == "AGN"'),
        ("z > 3", "cstat_z > 3"),
        ("sum_flag in (0, 2)", "sum_flag == 0 or sum_flag == 2"),
        ("hr1 * 2 > 1 + hr2 / 4", "8 * hr1 - hr2 > 4"),
        ("net_counts ** 2 > 90000", "abs(net_counts) > 300"),
        ("\n net_counts\t> 300 ", "net_counts > 300"),
        ('mjd_start > mjd("2015")', f"mjd_start > {float(Time('2015-01-01', scale='utc').tt.mjd)}"),
        ("sqrt(net_counts) > 20", "net_counts > 400"),
        ("(match_ambiguous and match_ambiguous) == True", "match_ambiguous"),
    ],
)  # fmt: skip
def test_two_ways_to_say_it(text: str, same: str) -> None:
    np.testing.assert_array_equal(rows(text), rows(same))
    assert 0 < rows(text).sum() < N


def test_absent_values_are_selected_neither_by_a_condition_nor_by_its_opposite() -> None:
    absent = CATALOGUE["hr1"].isna().to_numpy()
    assert absent.any()
    for text in ("hr1 > 0", "not hr1 > 0", "hr1 == 0.1", "hr1 != 0.1", "not hr1 in (0.1, 0.2)", "hr1 + 1 > 0"):
        assert not rows(text)[absent].any(), text
    assert rows("not known(hr1)").tolist() == absent.tolist()
    unclassified = CATALOGUE["class_label"].isna().to_numpy()
    assert rows('class == "Unclassified"').tolist() == unclassified.tolist()  # the display class is never absent
    assert not rows('class_label != "AGN"')[unclassified].any()


def test_identifiers_are_compared_exactly() -> None:
    for row in (0, 1, 2):  # float64 holds every second one only
        assert np.flatnonzero(rows(f"detection_id == {2**53 + row}")).tolist() == [row]
    assert np.flatnonzero(rows(f"detection_id in ({2**53 + 1}, {2**53 + 3})")).tolist() == [1, 3]
    assert np.flatnonzero(rows('obs_id == "0000000007"')).tolist() == list(range(7, N, 40))


def test_a_decimal_is_the_column_value_that_was_written_so() -> None:
    equal = np.isclose(CATALOGUE["hr1"].to_numpy(np.float64), 0.3, atol=1e-6)  # float32's 0.3 is above 0.3
    assert equal.any()
    np.testing.assert_array_equal(rows("hr1 == 0.3"), equal)
    assert rows("hr1 <= 0.3")[equal].all()


def test_separation_is_that_of_astropy() -> None:
    here = SkyCoord(83.63, 22.01, unit="deg")
    there = SkyCoord(CATALOGUE["ra_deg"].to_numpy() * u.deg, CATALOGUE["dec_deg"].to_numpy() * u.deg)
    limit = float(np.sort(there.separation(here).arcsec)[20]) + 1e-3
    np.testing.assert_array_equal(rows(f"separation(83.63, 22.01) < {limit}"), there.separation(here).arcsec < limit)
    assert rows(f"separation({float(CATALOGUE['ra_deg'][3])}, {float(CATALOGUE['dec_deg'][3])}) < 0.01")[3]


# -- what is no query --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("net_count > 3", "“net_count” at character 1 is no column. Did you mean net_counts"),
        ("hr1 > 0 and hr9 > 3", "“hr9” at character 13 is no column"),
        ("net_counts", "a value, not a condition"),
        ("net_counts >", "it ends too early, after “net_counts >”"),
        ("hr1 > 0 hr2 < 0", "“hr2 < 0”, character 9"),
        ("hr1 = 0", "“=” at character 5 does not compare. Write =="),
        ("hr1 ≤ 0", "“≤” at character 5 is not understood. Write <="),
        ("hr1 > 0 & hr2 > 0", "Write and"),
        ("class == AGN", "“AGN” at character 10 is no column. Texts stand in quotes"),
        ('class == "Foo"', "“\"Foo\"” at character 10 is no value of class. There are AGN, Star"),
        ('net_counts > "3"', "compares other things than numbers"),
        ('name < "a"', "Texts take ==, != and in"),
        ("name == 3", "things of different kinds"),
        ('"x" in hr1', "“hr1” at character 8 is no list"),
        ("hr1 in ()", "“()” at character 8 is empty"),
        ('hr1 in (1, "a")', "of another kind"),
        ("hr1 + name > 3", "“name” at character 7 is no number"),
        ("abs(hr1, 2) > 3", "abs takes 1 value"),
        ("exp(hr1) > 3", "“exp” at character 1 is not a function. There are abs, log10"),
        ('mjd("soon") < mjd_start', "is no date"),
        ("mjd(3) < mjd_start", "no date in quotes"),
        ("(hr1, hr2)", "is a list"),
        ("True", "not a condition"),
        ('known("hr1")', "is no column"),
        ("“ö” in name and hr1 > bar", "“bar” at character 23 is no column"),
        ("hr1 > " + "(" * 60 + "1" + ")" * 60, ""),
        ("hr1 > " + "-" * 60 + "1", "too many parts"),
        ("hr1 > 0" + " or hr1 > 0" * 44, "too many parts"),
        ("hr1 > 0 " + " " * 500, "508 characters; at most 500"),
    ],
)  # fmt: skip
def test_errors_say_which_word_and_where(text: str, says: str) -> None:
    if not says:
        rows(text)  # parentheses alone are no depth
        return
    with pytest.raises(OptionError) as caught:
        rows(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') == 0",
        "hr1.__class__ == 3",
        "[row for row in hr1]",
        "(lambda: 1)() == 1",
        "hr1[0] > 3",
        "f'{hr1}' == name",
        "b'a' in name",
        "1j > 2",
        "... == hr1",
        "None == hr1",
        "(x := 3) > hr1",
        "hr1 if hr2 else 3",
        "hr1 is 3",
        "abs(*hr1) > 2",
        "abs(x=hr1) > 2",
        "abs.real > 2",
        "{1: 2} == hr1",
        "hr1 @ hr2 > 3",
        "hr1 << 3 > 2",
        "not",
        "\x00",
        "hr1 > 0; hr2 > 0",
        "hr1 > 0 # nothing",
        "await hr1",
        "'\\d' in name",
        "klass.x > 3",
    ],
)
def test_nothing_else_of_python_is_understood(text: str) -> None:
    if "#" in text:
        assert rows(text).tolist() == rows("hr1 > 0").tolist()  # a remark is a remark
        return
    with pytest.raises(OptionError):
        rows(text)


PIECES = """hr1 hr2 class name "AGN" 3 0.5 > < == != and or not in ( ) , + - * / ** abs( known( mjd( [ ] 9e999 1_0
    0x1f True""".split()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)))
def test_any_text_is_a_mask_or_an_error_in_words(text: str) -> None:
    said = ""
    try:
        mask = rows(text)
        assert mask.shape == (N,)
        assert mask.dtype == bool
    except OptionError as error:
        said = str(error)
    assert not said or said.startswith("This query: ")
