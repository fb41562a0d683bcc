"""The status line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import param

from explorer.components.elements import Element, script
from explorer.session import Session


class StatusLine(Element):
    """Hints, position under the mouse, how much is shown, time of the last frame; and what is wrong, if anything."""

    cursor = param.List(default=[])
    shown = param.Integer(default=0)
    total = param.Integer(default=0)
    frame_ms = param.Number(default=0.0)
    notice = param.String(default="")

    _esm: ClassVar[str] = script(Path(__file__).with_name("status.js"))

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(
            total=len(session.services),
            shown=session.shown,
            notice=session.notice,
            sizing_mode="stretch_both",
            css_classes=["xle-status"],
            **params,
        )
        session.param.watch(lambda event: self.param.update(cursor=[*map(float, event.new or ())]), "cursor")
        session.param.watch(lambda event: self.param.update(shown=event.new), "shown")
        session.param.watch(lambda event: self.param.update(frame_ms=float(event.new)), "frame_ms")
        session.param.watch(lambda event: self.param.update(notice=event.new), "notice")

    def _received(self, data: dict[str, int]) -> None:
        self._send_msg({"knock": data["knock"]})
