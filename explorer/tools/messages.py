"""What one thing that a person did changes in a page, told to the browser in one message."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any, ParamSpec

import panel as pn

P = ParamSpec("P")


def in_one_message(change: Callable[P, Any]) -> Callable[P, None]:
    """Return `change` as a callback whose changes of a page reach the browser together.

    A pick changes some twenty models. Told one by one, each costs the server a look at all models of the page, and the
    browser a repaint of the map: half of what a person waited for.

    Parameters
    ----------
    change : callable
        Runs under the document's lock, or without a document.
    """

    @wraps(change)
    def changed(*args: P.args, **kwargs: P.kwargs) -> None:
        # Of a page that is not ready yet Panel drops what it holds, though the browser may have fetched it already.
        with pn.io.hold() if pn.state.loaded else nullcontext():
            change(*args, **kwargs)

    return changed


def locked(change: Callable[[], Any]) -> None:
    """Change Bokeh models under the page's lock, which neither messages of scripts nor Panel's parameters hold."""
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        change()
    else:
        document.add_next_tick_callback(in_one_message(change))
