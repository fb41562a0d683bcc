"""The state of a page in its address: what a link carries, and what a page makes of a link. Nothing is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from explorer.page.parameters import PARAMETERS, WATCHED, complaint
from explorer.palette import THEMES, Theme
from explorer.session import Session
from vae.errors import ExplorerError

VERSION: Final = 1
#: Characters of an address that is written, of one that is read, and of one value of it.
LONGEST: Final = 6_000
_READ: Final = 8_000
_VALUE: Final = 5_000
#: Complaints that are told.
_TOLD: Final = 3

#: Values of a query by name, in the order of the address.
Query = Mapping[str, Sequence[str]]


def link(session: Session, *, selections: bool = True) -> str:
    """Return the query of the session's address: "" or "?v=1&...", at most `LONGEST` characters.

    Parameters
    ----------
    session : Session
    selections : bool
        Whether to carry the selections; they are left out too where they are too large.
    """
    pairs = [(each.name, value) for each in PARAMETERS for value in each.write(session)]
    if not selections:
        pairs = [(name, value) for name, value in pairs if name != "select"]
    if not pairs:
        return ""
    text = "?" + urlencode([("v", str(VERSION)), *pairs], quote_via=quote, safe=",:~")
    if len(text) > LONGEST:
        if selections and any(name == "select" for name, _ in pairs):
            return link(session, selections=False)
        return ""
    return text


def restore(session: Session, query: Query) -> list[str]:
    """Bring a session to the state of an address.

    Parameters
    ----------
    session : Session
    query : mapping of str to list of str
        See `decoded`.

    Returns
    -------
    list of str
        What was ignored and why, a sentence each.
    """
    if sum(len(name) + len(value) for name, values in query.items() for value in values) > _READ:
        return ["The link is too long to be one of this explorer's: ignored."]
    ignored = _version(query)
    for each in PARAMETERS:
        values = query.get(each.name)
        if not values:
            continue
        try:
            if any(len(value) > _VALUE for value in values):
                raise ValueError("is too long")
            each.read(session, values)
        except (ValueError, TypeError, OverflowError, RecursionError, ExplorerError) as error:
            ignored.append(complaint(each.name, values[-1], error))
    known = {"v", *(each.name for each in PARAMETERS)}
    strange = [name for name in query if name not in known and not name.startswith("bokeh-")]
    if strange:
        names = ", ".join(f"“{name[:24]}”" for name in strange[:_TOLD])
        ignored.append(f"Unknown in the link and ignored: {names}{' and more' if len(strange) > _TOLD else ''}.")
    return ignored


def tell(session: Session, ignored: Sequence[str]) -> None:
    """Say in the status line what was ignored, until a person goes on to something else."""
    words = told(ignored)
    if not words:
        return
    session.notice = words

    def forget(*_: Any) -> None:
        session.param.unwatch(watcher)
        if session.notice == words:
            session.notice = ""

    # the view is no sign of a person: the first frame of the map sets it
    watcher = session.param.watch(forget, [name for name in WATCHED if name != "view"])


def told(ignored: Sequence[str]) -> str:
    """One line for the status line."""
    more = len(ignored) - _TOLD
    return " ".join([*ignored[:_TOLD], *([f"And {more} more."] if more > 0 else [])])


def decoded(arguments: Mapping[str, Sequence[bytes]] | None) -> dict[str, list[str]]:
    """Arguments of a request as text; what is no UTF-8 becomes "\N{REPLACEMENT CHARACTER}"."""
    return {
        str(name): [value.decode("utf-8", "replace") for value in values] for name, values in (arguments or {}).items()
    }


def theme_of(query: Query) -> Theme:
    """Theme that the address asks for, for the first paint; dark where it asks for none that exists."""
    return next((theme for theme in THEMES if theme in query.get("theme", ())[-1:]), "dark")


def _version(query: Query) -> list[str]:
    asked = query.get("v", ["1"])[-1]
    if asked == str(VERSION):
        return []
    if asked.isascii() and asked.isdigit() and int(asked[:9]) > VERSION:
        return [f"The link is of a newer version ({asked[:9]}): what version {VERSION} knows of it is shown."]
    return [f"The link's version “{asked[:24]}” is unknown: read as version {VERSION}."]
