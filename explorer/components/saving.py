"""Saving a plot as a figure: the button's messages, drawing off the event loop, the file on its way to the browser."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, Final

import panel as pn

from explorer.components.elements import Element
from explorer.figures.sheet import MEDIA_TYPES, Picture, Wish, saved
from explorer.palette import Theme
from explorer.tools.threads import when_done
from vae.errors import ExplorerError, OptionError

_LOG = logging.getLogger(__name__)
#: Source of ``saveButton(model, key, what)``, for components whose `Element` has a `Saver`.
SAVE_SCRIPT: Final = Path(__file__).with_name("saving.js").read_text(encoding="utf-8")


class Saver:
    """Answers the save buttons of one component.

    A message ``{"type": "save", "id", "what", "format", "column", "ground"}`` is answered by ``{"type": "figure",
    "id", "name", "media", "file"}`` (base64), or by ``{"type": "figure", "id", "error"}`` in words.

    Parameters
    ----------
    pool : Executor
    theme : callable
        Theme of the screen, for figures as on screen.
    pictures : dict of callable
        By `what`: takes a snapshot of what is on screen, quickly, under the page's lock; None if nothing is.
    """

    def __init__(
        self, pool: Executor, theme: Callable[[], Theme], pictures: dict[str, Callable[[], Picture | None]]
    ) -> None:
        self._pool, self._theme, self._pictures = pool, theme, pictures

    def save(self, element: Element, id: str, what: str, **plain: Any) -> None:
        """Draw what a message asks for and send it."""
        try:
            wish = Wish.read(plain, self._theme())
            picture = self._pictures[what]() if what in self._pictures else None
            if picture is None:
                raise OptionError("there is nothing here to save", todo="Pick a detection first")
        except ExplorerError as error:
            self._send(element, id, error)
            return
        document = pn.state.curdoc
        work = partial(_outcome, picture, wish)
        if document is None or document.session_context is None:
            self._send(element, id, work())
            return
        future: Future[Any] = self._pool.submit(work)
        when_done(future, document, lambda done: self._send(element, id, done.result()))

    @staticmethod
    def _send(element: Element, id: str, outcome: dict[str, str] | ExplorerError) -> None:
        if isinstance(outcome, ExplorerError):
            outcome = {"error": ". ".join(part for part in (_sentence(outcome.what), outcome.todo) if part)}
        element._send_msg({"type": "figure", "id": id, **outcome})


def _outcome(picture: Picture, wish: Wish) -> dict[str, str] | ExplorerError:
    try:
        content = saved(picture, wish)
    except ExplorerError as error:
        return error
    except Exception:  # a fault of ours: told in the page, and with its traceback in the log
        _LOG.exception("the figure %s could not be drawn", picture.name)
        return ExplorerError(
            "the figure could not be drawn: this is a fault in the explorer, not in your data",
            todo="The server's log says more: please report it",
        )
    return {
        "name": picture.file_name(wish),
        "media": MEDIA_TYPES[wish.format],
        "file": base64.b64encode(content).decode("ascii"),
    }


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
