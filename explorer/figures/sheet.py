"""Figures for papers: a sheet of one or two columns' width, in the page's colours, with where it comes from below.

matplotlib is imported when the first figure is saved: a server whose visitors only look never carries it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from explorer.figures.style import BODY_PT, LINE_MM, MM_PER_INCH, ORIGIN_PT, styled, text_mm, wrapped
from explorer.palette import Palette, Theme
from vae import __version__
from vae.atlas import Atlas
from vae.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["png", "svg", "pdf"]
Column = Literal["one", "two"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
MEDIA_TYPES: Final[dict[Format, str]] = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
#: Width of one and of two columns of the journals' pages [mm].
WIDTHS_MM: Final[dict[Column, float]] = {"one": 88.0, "two": 180.0}
#: Pixels per inch of PNG files, and of pictures within SVG and PDF files.
DPI: Final = 300
_GAP_MM: Final = 2.0
EDGE_MM: Final = 1.5

SOFTWARE: Final = f"XMM latent explorer {__version__}"

#: matplotlib's parameters and font cache are the process's: one figure at a time.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Wish:
    """How a person wants a figure.

    Parameters
    ----------
    format : {"png", "svg", "pdf"}
    column : {"one", "two"}
        88 or 180 mm wide.
    theme : {"light", "dark"}
        Light is for paper: white ground.
    """

    format: Format = "png"
    column: Column = "one"
    theme: Theme = "light"

    @classmethod
    def read(cls, plain: Mapping[str, Any], screen: Theme) -> Wish:
        """Read a message of the page; its `ground` is "paper", or "screen" for the `screen`'s own theme.

        Raises
        ------
        OptionError
            For a format or a width that there is not.
        """
        form, column = plain.get("format"), plain.get("column", "one")
        if form not in FORMATS or column not in WIDTHS_MM:
            raise OptionError(
                f"there are no figures as {form!r} in {column!r} columns", todo=f"Formats: {', '.join(FORMATS)}"
            )
        return cls(form, column, screen if plain.get("ground") == "screen" else "light")


@dataclass(frozen=True)
class Origin:
    """What a figure shows and where it comes from.

    Parameters
    ----------
    title : str
        In the file's metadata.
    facts : tuple of str
        Printed below the figure, in this order.
    when : datetime
        The same moment and state give the same bytes.
    """

    title: str
    facts: tuple[str, ...]
    when: datetime

    @property
    def words(self) -> str:
        """The line below the figure."""
        return " · ".join(self.facts)


def origin(atlas: Atlas, title: str, *facts: str, when: datetime | None = None) -> Origin:
    """Say where a figure comes from: archive, what is shown, model, date, software.

    Parameters
    ----------
    atlas : Atlas
    title : str
    *facts : str
        What is shown, and how; empty ones are left out.
    when : datetime, optional
        Now by default.
    """
    when = when or datetime.now(UTC)
    archive = (
        f"Simulated archive “{atlas.name}”: nothing in it is real" if atlas.simulated else f"Archive “{atlas.name}”"
    )
    model = f"model {atlas.model.weights_sha256[:8]}, {atlas.model.likelihood} likelihood, {atlas.latent_dim}-D latents"
    about = archive, *facts, model
    return Origin(title, tuple(fact for fact in (*about, f"{when:%Y-%m-%d}", SOFTWARE) if fact), when)


@dataclass(frozen=True)
class Picture:
    """A figure to be drawn.

    Parameters
    ----------
    name : str
        Of its file, without the ending.
    origin : Origin
    height : callable
        Height of the drawing [mm] on a sheet of some width [mm].
    draw : callable
        Draws on a `Sheet`; called in a thread.
    """

    name: str
    origin: Origin
    height: Callable[[float], float]
    draw: Callable[[Sheet], None]

    def file_name(self, wish: Wish) -> str:
        """Name of the file: plain letters, digits and what coordinates need."""
        plain = self.name.replace("−", "-")
        safe = "".join(one if one.isascii() and (one.isalnum() or one in "+-._") else "-" for one in plain)
        return f"{safe.strip('-.') or 'figure'}.{wish.format}"


def stem(name: str, what: str) -> str:
    """Name of a file about a source: ``xmmsim-J192719.5+653354-spectrum`` of ``XMMSIM J192719.5+653354``."""
    survey, _, designation = name.rpartition(" ")
    return "-".join(part for part in (survey.lower(), designation, what) if part)


@dataclass(frozen=True)
class Sheet:
    """Paper to draw on: millimetres from its upper left corner, on whole pixels of `DPI`.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    colours : Palette
    width, height : float
        Of the drawing, without what stands below it [mm].
    """

    figure: Figure
    colours: Palette
    width: float
    height: float

    def box(self, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Place of a rectangle in fractions of the figure, from below: left, bottom, width, height."""
        across, down = (self.figure.bbox.width, self.figure.bbox.height)
        x0, x1 = (round(_pixels(edge)) / across for edge in (left, left + width))
        y0, y1 = (1.0 - round(_pixels(edge)) / down for edge in (top + height, top))
        return x0, y0, x1 - x0, y1 - y0

    def axes(self, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
        """Axes at a place [mm], styled as on the page: a line left and below, short ticks, no box."""
        axes = self.figure.add_axes(self.box(left, top, width, height), **options)
        axes.spines[["top", "right"]].set_visible(False)
        return axes

    def text(self, left: float, top: float, words: str, size: float = BODY_PT, **options: Any) -> Any:
        """Write a line whose letters hang from `top` [mm]."""
        x, y, *_ = self.box(left, top, 0.0, 0.0)
        return self.figure.text(x, y, words, size=size, **{"va": "top", "ha": "left", **options})

    def mm(self, words: str, size: float, **font: Any) -> float:
        """Width of a line of text [mm]."""
        return text_mm(words, size, **font)


def saved(picture: Picture, wish: Wish) -> bytes:
    """Draw a picture and return its file.

    Parameters
    ----------
    picture : Picture
    wish : Wish
    """
    with drawn(picture, wish) as figure:
        written = io.BytesIO()
        figure.savefig(written, format=wish.format, metadata=_metadata(picture.origin, wish.format))
        return written.getvalue()


@contextmanager
def drawn(picture: Picture, wish: Wish) -> Iterator[Figure]:
    """Draw a picture; its style holds, and no other figure is drawn, within the block."""
    from matplotlib.figure import Figure

    with _LOCK, styled(wish.theme, picture.name) as colours:
        width = WIDTHS_MM[wish.column]
        lines = wrapped(picture.origin.words, width - 2 * EDGE_MM, ORIGIN_PT)
        height = picture.height(width)
        footer = _GAP_MM + LINE_MM[ORIGIN_PT] * len(lines) + EDGE_MM
        pixels = round(_pixels(width)), round(_pixels(height)) + round(_pixels(footer))
        figure = Figure(figsize=(pixels[0] / DPI, pixels[1] / DPI), dpi=DPI)
        sheet = Sheet(figure, colours, width, height)
        picture.draw(sheet)
        for number, line in enumerate(lines):
            top = height + _GAP_MM + number * LINE_MM[ORIGIN_PT]
            sheet.text(EDGE_MM, top, line, ORIGIN_PT, color=colours["text-3"])
        yield figure


def _pixels(mm: float) -> float:
    return mm / MM_PER_INCH * DPI


def _metadata(about: Origin, form: Format) -> dict[str, Any]:
    if form == "svg":
        date = about.when.isoformat(timespec="seconds")
        return {"Title": about.title, "Description": about.words, "Creator": SOFTWARE, "Date": date}
    if form == "pdf":
        return {"Title": about.title, "Subject": about.words, "Creator": SOFTWARE, "CreationDate": about.when}
    return {"Title": about.title, "Description": about.words, "Software": SOFTWARE}
