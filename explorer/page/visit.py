"""What a visitor gets: the explorer, or a page that says why not yet, or why not."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import TimeoutError as NotYet
from typing import Final

import panel as pn

from explorer.page.address import Query, decoded, theme_of
from explorer.page.opening import DEMO_DETECTIONS, atlas_path, opening
from explorer.page.template import PANEL_THEME, ExplorerTemplate, Message
from explorer.palette import Theme
from vae.demo import demo_path
from vae.errors import ExplorerError

_LOG = logging.getLogger(__name__)
#: How long a visitor waits for the explorer itself before a page says that the atlas is being opened [s].
_PATIENCE: Final = 0.7


def visit() -> ExplorerTemplate:
    """Build the page of this visit; it never fails."""
    query = decoded(pn.state.session_args)
    theme = theme_of(query)
    pn.config.theme = PANEL_THEME
    try:
        return _explorer(theme, query)
    except ExplorerError as error:
        lines = tuple(line for line in (error.where, error.todo) if line)
        return ExplorerTemplate(theme, message=Message(error.what[:1].upper() + error.what[1:], lines, error=True))
    except Exception:  # a fault of ours: told in the page and, with its traceback, in the log; not a blank page
        _LOG.exception("the page could not be built")
        lines = ("This is a fault in the explorer, not in your data.", "The server's log says more: please report it.")
        return ExplorerTemplate(theme, message=Message("The page could not be built", lines, error=True))


def _explorer(theme: Theme, query: Query) -> ExplorerTemplate:
    path = atlas_path(sys.argv[1:])
    opened = opening(path)
    context = pn.state.curdoc.session_context if pn.state.curdoc else None
    visited = context is not None and context.server_context is not None  # else `panel serve --warm`, which can wait
    try:
        services = opened.result(timeout=_PATIENCE if visited else None)
    except NotYet:
        if path == demo_path(DEMO_DETECTIONS) and not path.exists():
            message = Message(
                "Building a small demo", (f"{DEMO_DETECTIONS:,} simulated detections, made once: about a minute.",)
            )
        else:
            message = Message("Opening the atlas", (str(path.resolve()),))
        return ExplorerTemplate(theme, message=message)
    # The views take seconds to import. That was done while the atlas was opened, behind a page that says so.
    from explorer.page.composition import compose

    return compose(services, theme, query)
