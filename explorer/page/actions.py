"""What keys and buttons do, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from explorer.session import TABS, TOOLS, Session
from explorer.tools.masks import SELECTION_MODES

#: What keys and buttons do, by name.
Actions = dict[str, Callable[[], None]]

#: One press of + or −, and one press of an arrow as a fraction of the view.
ZOOM_STEP: Final = 1.5
PAN_STEP: Final = 0.12


class Map(Protocol):
    """What the page asks of the map."""

    def zoom(self, factor: float) -> None:
        """Zoom about the middle."""

    def home(self) -> None:
        """Show the whole map."""

    def pan(self, fx: float, fy: float) -> None:
        """Move by fractions of the view."""


def actions(session: Session, latent_map: Map) -> Actions:
    """All actions: of the map, of the picked source, of the selection, of the page."""
    table: Actions = {
        "zoom-in": partial(latent_map.zoom, ZOOM_STEP),
        "zoom-out": partial(latent_map.zoom, 1 / ZOOM_STEP),
        "home": latent_map.home,
        "west": partial(latent_map.pan, -PAN_STEP, 0.0),
        "east": partial(latent_map.pan, PAN_STEP, 0.0),
        "north": partial(latent_map.pan, 0.0, PAN_STEP),
        "south": partial(latent_map.pan, 0.0, -PAN_STEP),
        "grey": lambda: session.param.update(grey_unselected=not session.grey_unselected),
        "contours": lambda: session.param.update(contours=not session.contours),
        "aspect": lambda: session.param.update(equal_aspect=not session.equal_aspect),
        "show-all": session.show_all_classes,
        "clear-filters": lambda: session.set_filters(()),
        "previous": partial(session.step_observation, -1),
        "next": partial(session.step_observation, 1),
        "undo": session.undo,
        "redo": session.redo,
        "escape": partial(_escape, session),
    }
    for tool in TOOLS:
        table[tool] = partial(session.param.update, tool=tool)
    for mode in SELECTION_MODES:
        table[f"mode-{mode}"] = partial(session.param.update, selection_mode=mode)
    for number, tab in enumerate(TABS, start=1):
        table[f"tab-{number}"] = partial(session.param.update, tab=tab)
    return table


def _escape(session: Session) -> None:
    """Clear the lasso, then the pick."""
    if session.selection_count >= 0:
        session.clear_selection()
    else:
        session.clear_pick()
