"""What a page does once it is open, so that it opens the sooner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import panel as pn

from explorer.tools.messages import in_one_message


def once_open(*steps: Callable[[], None]) -> None:
    """Run each step after the browser has shown the page; without a browser, run them all at once.

    Parameters
    ----------
    *steps : callable
        Each runs under the document's lock in a turn of its own: what a person does meanwhile comes in between.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        for step in steps:
            step()
        return

    def take(left: Sequence[Callable[[], None]]) -> None:
        left[0]()
        go_on(left[1:])

    def go_on(left: Sequence[Callable[[], None]]) -> None:
        if left:
            document.add_next_tick_callback(in_one_message(partial(take, left)))

    pn.state.onload(partial(go_on, steps))
