"""Names of servers are taken apart, and never become paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vae.archive.download.names import Product, canned, newest, observation, product, source_number
from vae.errors import CatalogueError


def test_a_product_is_taken_apart_and_put_together() -> None:
    named = product("P0677180601PNU014SRCARF00A3.FTZ")
    assert named == Product("0677180601", "U014", "SRCARF", "0", 163)
    assert named.name == "P0677180601PNU014SRCARF00A3.FTZ"
    assert named.place == "0677180601/pps/P0677180601PNU014SRCARF00A3.FTZ"
    assert named.of_type("SRSPEC").name == "P0677180601PNU014SRSPEC00A3.FTZ"
    assert product("p0677180601pnu014srcarf00a3.ftz") == named
    assert product("P0677180601PNU014SRCARF00A3.FIT").name == named.name


@pytest.mark.parametrize(
    "name",
    [
        "P0677180601M1S001SRSPEC0002.FTZ",
        "P0677180601PNS003SRSPEC0002.PDF",
        "P0677180601PNS003SRTSR_0002.FTZ",
        "P0677180601PNX000SRSPEC0002.FTZ",
        "../P0677180601PNS003SRSPEC0002.FTZ",
        "P0677180601PNS003SRSPEC0002.FTZ/../../x",
        "P0677180601PNS003SRSPEC0002.FTZ\n",
        "P\u0660677180601PNS003SRSPEC0002.FTZ",
        "",
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert product(name) is None


@settings(max_examples=40)
@given(st.text() | st.from_regex(r"(?i)P\d{10}PN[SU]\d{3}SRSPEC\d[0-9A-F]{3}\.FTZ(.|\n)?"))
@example("P0000000000PNS000SRSPEC0000.FTZ")
def test_whatever_a_server_sends_stays_in_the_archive(name: str) -> None:
    for named in (product(name), canned(name)):
        if named is not None:
            place = Path(named.place)
            assert not place.is_absolute()
            assert ".." not in place.parts
            assert place.name == named.name
            assert place.name.lower().rpartition(".")[0] in name.lower()


def test_the_newest_version_is_meant_unless_one_is_named() -> None:
    there = [
        canned(name)
        for name in (
            "epn_e3_ff20_sdY7_v9.0.rmf", "epn_e3_ff20_sdY7_v21.0.rmf", "epn_e3_ff20_sdY7_v19.10.rmf",
            "epn_e3_ff20_sdY7_v19.9.rmf", "epn_e3_ff20_sdY7.rmf",
            "epn_e4_ff20_sdY7_v22.0.rmf", "epn_e3_ff20_sY7_v23.0.rmf",
        )
    ]  # fmt: skip
    assert newest(canned("epn_e3_ff20_sdY7.rmf"), there).name == "epn_e3_ff20_sdY7_v21.0.rmf"
    assert newest(canned("epn_e3_ff20_sdY7_v19.9.rmf"), there).name == "epn_e3_ff20_sdY7_v19.9.rmf"
    assert newest(canned("epn_e3_ff20_sdY7_v8.0.rmf"), there) is None
    assert newest(canned("epn_e3_ff20_sdY7.rmf"), there[2:4]).version == (19, 10)
    assert newest(canned("epn_e3_ff20_sdY7.rmf"), there[4:]).version is None
    assert newest(canned("epn_e1_ff20_sdY7.rmf"), there) is None


def test_names_of_matrices() -> None:
    assert canned("EPN_E3_FF20_SDy7_V21.0.RMF").name == "epn_e3_ff20_sdY7_v21.0.rmf"
    assert canned("epn_e1_bu23_dY9_v18.0.rmf.gz").place == "responses/epn_e1_bu23_dY9_v18.0.rmf.gz"
    for name in (
        "NONE",
        "",
        "m1_e5_im_pall_o.rmf",
        "../epn_e3_ff20_sdY7.rmf",
        "epn_e3_ff20_sdY7.rsp",
        "epn_ff20_sdY9.rmf",
    ):
        assert canned(name) is None


def test_what_a_catalogue_says_is_looked_at() -> None:
    assert observation(" 0677180601 ") == "0677180601"
    assert source_number("163") == 163
    for value in ("677180601", "../../../etc", "06771806011", "\u0660677180601"):
        with pytest.raises(CatalogueError, match="OBS_ID"):
            observation(value)
    for number in (0, -1, 4096):
        with pytest.raises(CatalogueError, match="SRC_NUM"):
            source_number(number)
