"""The page of a report: one file that needs nothing else, in the explorer's look, dark or light as one has it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vae.palette import palette
from vae.resources import asset

_FONTS: Final = {
    "inter-latin-wght-normal.woff2": "U+0000-00FF, U+2000-206F, U+2191, U+2193, U+2212, U+2215",
    "inter-greek-wght-normal.woff2": "U+0370-03FF",
}


@dataclass(frozen=True)
class Table:
    """Rows of text; a row of one cell is the heading of those below it.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequence of str
    numbers : set of int
        Columns that are set flush right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Plate:
    """A figure or a table with what is to be read in it and how it was made.

    Parameters
    ----------
    name : str
        Letters, digits, hyphens; its address on the page.
    title, reading, caption : str
        What it is; what it says, in a sentence; what was done, on how many rows.
    drawing : str
        SVG from `style.drawing`: the only text that the page takes as it is.
    table : Table, optional
    """

    name: str
    title: str
    reading: str
    caption: str
    drawing: str = ""
    table: Table | None = None


@dataclass(frozen=True)
class Section:
    """Plates that answer one question; or a sentence on why there are none.

    Parameters
    ----------
    name, title, lead : str
    plates : sequence of Plate
    left_out : str
        Why it, or a part of it, is missing.
    """

    name: str
    title: str
    lead: str
    plates: Sequence[Plate] = ()
    left_out: str = ""


@dataclass(frozen=True)
class Headline:
    """A figure for the top of the page, and what it is to be compared with."""

    label: str
    value: str
    beside: str


@dataclass(frozen=True)
class Page:
    """Everything on the page.

    Parameters
    ----------
    title, lead : str
    archive, size, made, foot : str
        Names in the header: the archive, how large it is, what made the report; the last line.
    simulated : bool
    headlines : sequence of Headline
    facts : sequence of (str, str)
    sections : sequence of Section
    """

    title: str
    lead: str
    archive: str
    size: str
    made: str
    foot: str
    simulated: bool
    headlines: Sequence[Headline] = ()
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = field(default_factory=tuple)


def html(page: Page) -> str:
    """Write a page. Every value is escaped; nothing is fetched and no script runs."""
    environment = Environment(loader=FileSystemLoader(asset("report")), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html").render(**vars(page), style=Markup(_style()))


def _style() -> str:
    faces = []
    for name, covered in _FONTS.items():
        font = base64.b64encode(asset("fonts", name).read_bytes()).decode()
        faces.append(
            "@font-face { font-family: 'Inter Variable'; font-style: normal; font-weight: 100 900; "
            f"src: url(data:font/woff2;base64,{font}) format('woff2'); unicode-range: {covered}; }}"
        )
    tokens = asset("css", "tokens.css").read_text(encoding="utf-8")
    light = " ".join(f"--{name}: {value};" for name, value in palette("light").tokens.items() if "#" in value)
    lit = f"@media (prefers-color-scheme: light), print {{ :root {{ color-scheme: light; {light} }} }}"
    return "\n".join([*faces, tokens, lit, asset("css", "report.css").read_text(encoding="utf-8")])
