import re

import pytest

from explorer.components.elements import SHEETS
from explorer.palette import CLASS_GROUPS, CLASS_TOKENS, THEMES, class_token, class_weight, palette
from vae.resources import asset


@pytest.mark.parametrize("theme", THEMES)
def test_every_class_has_its_own_colour(theme: str) -> None:
    colours = [palette(theme).class_colour(name) for name in CLASS_TOKENS]
    assert len(set(colours)) == len(CLASS_TOKENS) == sum(map(len, CLASS_GROUPS)) == 16
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours)


def test_themes_differ_and_the_light_one_is_complete() -> None:
    dark, light = (palette(theme).tokens for theme in THEMES)
    assert set(dark) == set(light)
    assert dark["map-bg"] == "#05070b"
    assert light["map-bg"] == "#fcfcfb"
    css = asset("css", "tokens.css").read_text(encoding="utf-8")
    assert dark["c-agn"] in css.split(":root[data-theme")[0]


def test_parts_use_only_tokens_that_exist() -> None:
    known = {f"--{token}" for token in palette("dark").tokens} | {"--c", "--row"}
    for sheet in (*(f"{name}.css" for name in SHEETS), "inspector.css", "page.css"):
        css = asset("css", sheet).read_text(encoding="utf-8")
        assert set(re.findall(r"var\((--[\w-]+)", css)) <= known, sheet
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*[\s,.>:{])", css) == [], (
            "colours are written in tokens.css only"
        )
        assert "@import" not in css
        assert "url(" not in css


def test_own_classes_take_spare_colours_in_order() -> None:
    assert [class_token("Changing look", position) for position in range(5)] == [
        "massive-star",
        "diffuse",
        "young-star",
        "galaxy-cluster",
        "massive-star",
    ]
    assert class_token("AGN", 3) == "agn"
    assert class_token("Other") == "unclassified"


def test_unmatched_classes_weigh_little() -> None:
    assert class_weight("No match") < class_weight("Unclassified") < class_weight("AGN") == 1.0


def test_time_ramp_runs_from_first_to_last() -> None:
    assert palette("dark").time_ramp() == ["#6a52ff", "#c04ce0", "#ff6f91", "#ffb070", "#fff1b8"]
