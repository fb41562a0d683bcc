"""Our own pieces of HTML: small scripts that share icons, helpers and one style sheet."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Final

import panel as pn
from bokeh.document import Document
from panel.custom import JSComponent

from explorer.tools.messages import locked
from vae.resources import asset

_HELPERS = Path(__file__).with_name("elements.js")
#: Style sheets of every component: what all share, then one for each region of the page.
SHEETS: Final = ("explorer", "header", "rail", "overlay", "status", "help", "save")


@cache
def stylesheet() -> str:
    """Style of every component; colours are custom properties, which inherit into shadow roots."""
    return "\n".join(asset("css", f"{name}.css").read_text(encoding="utf-8") for name in SHEETS)


def script(path: Path) -> str:
    """Source of a component: the helpers (``icon``, ``h``, ``thousands``, ``decimals``), then its own module."""
    return _HELPERS.read_text(encoding="utf-8") + "\n" + path.read_text(encoding="utf-8")


class Element(JSComponent):
    """A component in the page's look.

    Subclasses set ``_esm = script(Path(__file__).with_name("its.js"))``, whose ``render({ model })`` returns an
    element. Parameters tell the script what to show; ``model.send_msg`` tells `_received` what a person did. Their
    names are public ones: Bokeh tells the browser of no class whose name begins with an underscore.
    """

    _esm: ClassVar[str] = "export function render() { return null }"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__name__.startswith("_"):
            raise TypeError(f"{cls.__name__}: name it without the underscore, or the browser cannot resolve its type")

    def __init__(self, **params: Any) -> None:
        params.setdefault("margin", 0)
        params.setdefault("sizing_mode", "stretch_width")
        params["stylesheets"] = [stylesheet(), *params.get("stylesheets", [])]
        super().__init__(**params)
        self._at_first = self.param.values()
        if pn.state.curdoc:
            pn.state.onload(self._send_again)

    def _get_properties(self, doc: Document | None) -> dict[str, Any]:
        """Say that scripts are plain JavaScript: the browser would look for TypeScript, for a fifth of a second."""
        plain = hashlib.sha256(self._esm.encode()).hexdigest()
        return {**super()._get_properties(doc), "bundle": plain}

    def _handle_msg(self, data: Any) -> None:
        locked(partial(self._received, data))  # what watches the session may change Bokeh models

    def _received(self, data: Any) -> None:
        """Act on a message of the script, under the document's lock."""

    def _send_again(self) -> None:
        """Tell the browser what changed before it was ready: Panel drops what falls between the two."""
        values = self.param.values()
        changed = [name for name, value in self._at_first.items() if values[name] is not value]
        for data in {model.data for model, _ in self._models.values()}:
            for name in set(changed) & data.properties():
                data.trigger(name, self._at_first[name], getattr(data, name))
