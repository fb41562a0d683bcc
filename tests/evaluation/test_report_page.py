"""The page needs nothing but itself, and takes no name for markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from vae.evaluation.report.page import Headline, Page, Plate, Section, Table, html
from vae.evaluation.report.words import between, joined, left_out, representation, scored, text
from vae.palette import palette
from vae.resources import asset

NASTY = "<script>alert('&')</script>"


class _Checked(HTMLParser):
    """Every element that needs it is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _page() -> str:
    table = Table(["name", NASTY], [["group"], [NASTY, "1.0"]], frozenset({1}))
    plates = [
        Plate("one", NASTY, NASTY, NASTY, drawing="<svg><text>drawn</text></svg>"),
        Plate("two", "", "", "", table=table),
    ]
    return html(
        Page(
            title=NASTY,
            lead=NASTY,
            archive=NASTY,
            size="3",
            made="now",
            foot="end",
            simulated=True,
            headlines=[Headline(NASTY, "0.4", NASTY)],
            facts=[(NASTY, NASTY)],
            sections=[Section("a", "A", "lead", plates), Section("b", "B", "lead", left_out=NASTY)],
        )
    )


def test_names_are_escaped_and_elements_closed() -> None:
    page = _page()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<svg><text>drawn</text></svg>" in page
    parser = _Checked()
    parser.feed(page)
    assert parser.open == []


def test_the_page_asks_for_nothing_and_has_both_themes() -> None:
    page = _page()
    addresses = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)|url\(([^)]+)\)|@import""", page)
    assert addresses
    assert all((one or two).startswith(("#", "data:")) for one, two in addresses)
    assert palette("dark")["panel"] in page
    assert f"--panel: {palette('light')['panel']}" in page.split("prefers-color-scheme: light")[1]
    assert "Left out: " in page
    assert 'class="pill simulated"' in page


def test_the_sheet_uses_only_tokens_that_exist() -> None:
    css = asset("css", "report.css").read_text(encoding="utf-8")
    assert set(re.findall(r"var\(--([\w-]+)", css)) <= set(palette("dark").tokens)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*[\s,.>:{])", css) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pca_asinh_2d", "PCA-2, encoder input"),
        ("umap_net_fraction_2d", "UMAP-2, net fraction"),
        ("hardness_ratios_4d", "Four hardness ratios"),
        ("own_thing", "own thing"),
    ],
)
def test_representations_have_names(name: str, words: str) -> None:
    assert representation(name) == words


def test_figures_in_words() -> None:
    assert text(-0.126) == "−0.13"
    assert text(None) == "–"
    assert between(0.4, 0.3, 0.5) == "0.40 (0.30–0.50)"
    assert between(-0.4, -0.5, 0.1, "+.1f") == "−0.4 (−0.5 to +0.1)"
    assert between(0.4, float("nan"), None) == "0.40"
    assert scored({"value": 0.5, "low": 0.4, "high": 0.6}, ".0f", factor=100, unit=" %") == "50 (40–60) %"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert joined([]) == ""
    assert left_out({"left_out": {"umap": "not asked for"}}) == ""
    assert left_out({"left_out": "too few"}) == "too few"
    assert "did not ask" in left_out(None)
