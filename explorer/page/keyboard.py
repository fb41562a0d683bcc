"""Shortcuts anywhere in the page, and the sheet that lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from explorer.components.elements import Element, script
from explorer.page.actions import Actions


class Keyboard(Element):
    """Shortcuts anywhere in the page, and the sheet that lists them."""

    _esm: ClassVar[str] = script(Path(__file__).with_name("keyboard.js"))

    def __init__(self, actions: Actions, **params: Any) -> None:
        super().__init__(**params)
        self._actions = actions

    def _received(self, data: dict[str, str]) -> None:
        self._actions[data["action"]]()
