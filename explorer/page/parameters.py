"""What an address carries of the state of a page, parameter by parameter: how each is written and read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from explorer.filters import filters as filtering
from explorer.filters import quantities
from explorer.filters.filters import Filter
from explorer.palette import THEMES
from explorer.session import TABS, Session
from vae.errors import AtlasError, ExplorerError

#: Filters of a link that are read, and complaints about them that are told.
_FILTERS: Final = 40
_TOLD: Final = 3
#: Latent coordinates lie within; a narrower view shows nothing that float32 can tell apart.
_FARTHEST: Final = 1e5
_NARROWEST: Final = 1e-6
#: A view this close to the whole map is the whole map, as a fraction of it.
_NEAR_HOME: Final = 1e-3

#: Stands for no class.
_NONE: Final = "-"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the address.

    Parameters
    ----------
    name : str
    write : callable
        From the session to the values of the parameter; none where the session is as it opens.
    read : callable
        From the values to the session; raises ValueError or ExplorerError with what is wrong, in words.
    """

    name: str
    write: Callable[[Session], Iterable[str]]
    read: Callable[[Session, Sequence[str]], None]


class SaidError(ValueError):
    """Well written, but there is no such thing here; its text is a sentence of its own."""


def complaint(name: str, value: str, error: Exception) -> str:
    """Say what was ignored, and why."""
    shown = value if len(value) <= 40 else value[:39] + "…"
    if isinstance(error, SaidError):
        return f"{error}."
    why = error.what if isinstance(error, ExplorerError) else str(error)
    if isinstance(error, RecursionError) or not why or len(why) > 120:
        why = "cannot be read"
    return f"Ignored in the link: {name} “{shown}” ({why})."


# -- view, pick, decoded position ----------------------------------------------------------------------------------
def _number(value: float) -> str:
    return format(value, ".7g")  # latents are float32


def _numbers(text: str, number: int, what: str) -> list[float]:
    parts = text.split(",")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        raise ValueError(what) from None
    if len(values) != number or not all(math.isfinite(value) and abs(value) < _FARTHEST for value in values):
        raise ValueError(what)
    return values


def _write_view(session: Session) -> Iterable[str]:
    view, home = session.view or session.wanted_view, session.services.home
    if view is None:
        return
    sizes = (home[1] - home[0],) * 2 + (home[3] - home[2],) * 2
    if any(abs(a - b) > _NEAR_HOME * size for a, b, size in zip(view, home, sizes, strict=True)):
        yield ",".join(map(_number, view))


def _read_view(session: Session, values: Sequence[str]) -> None:
    x0, x1, y0, y1 = _numbers(values[-1], 4, "not four numbers x0,x1,y0,y1")
    if x1 - x0 < _NARROWEST or y1 - y0 < _NARROWEST:
        raise ValueError("it must go from small to large")
    session.show_view((x0, x1, y0, y1))


def _write_pick(session: Session) -> Iterable[str]:
    if session.detection_id is not None:
        yield str(session.detection_id)


def _read_pick(session: Session, values: Sequence[str]) -> None:
    if not re.fullmatch(r"[0-9]{1,18}", values[-1]):
        raise ValueError("not a DETID")
    try:
        row = session.services.atlas.row(int(values[-1]))
    except AtlasError:
        raise SaidError(f"This atlas holds no detection {values[-1]}: nothing is picked") from None
    session.pick(row)


def _write_decoded(session: Session) -> Iterable[str]:
    if session.decoded is not None:
        yield ",".join(map(_number, session.decoded))


def _read_decoded(session: Session, values: Sequence[str]) -> None:
    x, y = _numbers(values[-1], 2, "not two numbers x,y")
    if session.picked is None:
        session.decode(x, y)


# -- classes -------------------------------------------------------------------------------------------------------
def _slugs(session: Session) -> dict[str, str]:
    """Give every class a short name; the whole one where two would share it."""
    names = session.services.class_names
    slugs = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names]
    return {
        name: slug if slug and slugs.count(slug) == 1 else quote(name, safe="")
        for name, slug in zip(names, slugs, strict=True)
    }


def _write_hidden(session: Session) -> Iterable[str]:
    hidden, names = session.hidden_classes, session.services.class_names
    if hidden and 2 * len(hidden) <= len(names):
        yield ",".join(slug for name, slug in _slugs(session).items() if name in hidden)


def _write_only(session: Session) -> Iterable[str]:
    hidden, names = session.hidden_classes, session.services.class_names
    if 2 * len(hidden) > len(names):
        yield ",".join(slug for name, slug in _slugs(session).items() if name not in hidden) or _NONE


def _classes(session: Session, text: str) -> frozenset[str]:
    by_slug = {slug: name for name, slug in _slugs(session).items()}
    asked = [each for each in text.split(",") if each not in ("", _NONE)]
    unknown = [each for each in asked if each not in by_slug]
    if unknown:
        raise ValueError(f"no class “{unknown[0][:40]}” here")
    return frozenset(by_slug[each] for each in asked)


def _read_hidden(session: Session, values: Sequence[str]) -> None:
    session.hide_classes(_classes(session, values[-1]))


def _read_only(session: Session, values: Sequence[str]) -> None:
    session.hide_classes(frozenset(session.services.class_names) - _classes(session, values[-1]))


# -- filters -------------------------------------------------------------------------------------------------------
def filter_words(each: Filter) -> str:
    """Write a filter as the address does: ``net_counts:300..``, ``filter:thin|medium``, ``text:J1927``."""
    plain = filtering.to_plain(each)
    key = str(plain["key"])
    if set(plain) <= {"key", "low", "high"}:
        return f"{key}:{plain.get('low', '')}..{plain.get('high', '')}"
    if set(plain) == {"key", "values"}:
        return f"{key}:" + "|".join(quote(str(value), safe=" /+,:;()") for value in plain["values"])
    return f"{key}:{plain['text']}"


def read_filter(text: str) -> Filter:
    """Read what `filter_words` wrote; OptionError or ValueError for anything else."""
    key, colon, value = text.partition(":")
    if not colon:
        raise ValueError("not a filter")
    if key == "text":
        return filtering.from_plain({"key": key, "text": value})
    if key in filtering.CHOICES:
        return filtering.from_plain({"key": key, "values": [unquote(each) for each in value.split("|") if each]})
    low, dots, high = value.partition("..")
    if not dots:
        raise ValueError("a range is written low..high")
    limits = {"low": low, "high": high}
    return filtering.from_plain({"key": key, **{name: float(limit) for name, limit in limits.items() if limit}})


def _read_filters(session: Session, values: Sequence[str]) -> None:
    read, wrong = [], []
    for text in values[:_FILTERS]:
        try:
            read.append(read_filter(text))
        except (ValueError, ExplorerError) as error:
            wrong.append(complaint("filter", text, error))
    session.set_filters({each.key: each for each in read}.values())
    if wrong:
        raise SaidError(" ".join(wrong[:_TOLD]).removesuffix("."))


# -- the rest ------------------------------------------------------------------------------------------------------
def _choice(name: str, parameter: str, options: Sequence[str], what: str) -> Parameter:
    """Return a parameter of the session with few values, left out at the first of them."""

    def write(session: Session) -> Iterable[str]:
        value = getattr(session, parameter)
        if value != options[0]:
            yield str(value)

    def read(session: Session, values: Sequence[str]) -> None:
        if values[-1] not in options:
            raise SaidError(f"There is no {what} “{values[-1][:40]}”: it is one of {', '.join(options)}")
        session.param.update(**{parameter: values[-1]})

    return Parameter(name, write, read)


def _switch(name: str, parameter: str, *, usual: bool) -> Parameter:
    """Return a parameter of the session that is on or off, left out where it is as usual."""

    def write(session: Session) -> Iterable[str]:
        if getattr(session, parameter) != usual:
            yield "0" if usual else "1"

    def read(session: Session, values: Sequence[str]) -> None:
        if values[-1] not in ("0", "1"):
            raise ValueError("it is 0 or 1")
        session.param.update(**{parameter: values[-1] == "1"})

    return Parameter(name, write, read)


def _read_colour(session: Session, values: Sequence[str]) -> None:
    keys = ["class", "count", *(each.key for each in quantities.quantities(session.services.atlas))]
    if values[-1] not in keys:
        raise ValueError("this atlas has no such quantity")
    session.colour_by = values[-1]


def _write_selections(session: Session) -> Iterable[str]:
    plain = session.selections_to_plain()
    if plain:
        yield json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _read_selections(session: Session, values: Sequence[str]) -> None:
    try:
        plain: Any = json.loads(values[-1])
    except ValueError:
        raise ValueError("not a selection") from None
    ignored = session.restore_selections(plain)
    if ignored:
        raise SaidError("; ".join(each.rstrip(".") for each in ignored[:_TOLD]))


#: In the order in which they are read: what hides comes before what selects, and the view last.
PARAMETERS: Final = (
    _choice("theme", "theme", THEMES, "theme"),
    Parameter("filter", lambda session: map(filter_words, session.filters), _read_filters),
    Parameter("hide", _write_hidden, _read_hidden),
    Parameter("only", _write_only, _read_only),
    Parameter("colour", lambda session: [session.colour_by] if session.colour_by != "class" else [], _read_colour),
    _choice("density", "density", ("equal", "log", "linear"), "density"),
    _switch("contours", "contours", usual=False),
    _switch("aspect", "equal_aspect", usual=False),
    _switch("grey", "grey_unselected", usual=True),
    Parameter("select", _write_selections, _read_selections),
    Parameter("pick", _write_pick, _read_pick),
    Parameter("at", _write_decoded, _read_decoded),
    _choice("tab", "tab", TABS, "tab"),
    Parameter("view", _write_view, _read_view),
)
#: What to watch for a change of the address.
WATCHED: Final = (
    "theme", "filters", "hidden_classes", "colour_by", "density", "contours", "equal_aspect", "grey_unselected",
    "selection_count", "saved", "picked", "decoded", "tab", "view",
)  # fmt: skip
