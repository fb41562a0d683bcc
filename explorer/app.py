"""Composition root: ``panel serve explorer/app.py --address 127.0.0.1 --args ATLAS``."""

# ruff: noqa: E402 -- the path has to be right before the package can be imported
from __future__ import annotations

import sys
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

# Served from its file, the package's own folder comes first on the path and the package itself may not be on it.
_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

import importlib

import panel as pn
from panel.viewable import Viewable

from explorer.page.actions import actions
from explorer.page.components import HeaderButtons, Keyboard, MapOverlay, StatusLine, TabStrip
from explorer.page.opening import DEMO_DETECTIONS, atlas_path, opening
from explorer.page.template import ExplorerTemplate, Message
from explorer.palette import THEMES, Theme
from explorer.panels.controls import ControlsPanel
from explorer.panels.legend import LegendPanel
from explorer.services import Services
from explorer.session import Session
from vae.demo import demo_path
from vae.errors import ExplorerError

#: A visitor waits this long for the page itself before it says that the atlas is being opened [s].
_PATIENCE = 0.7


def page(services: Services, theme: Theme, notice: str) -> ExplorerTemplate:
    """Assemble one visitor's page."""
    session = Session(services, theme=theme, notice=notice)

    def panel(module: str, name: str) -> Viewable:
        try:
            return getattr(importlib.import_module(f"explorer.panels.{module}"), name)(session).view()
        except ImportError as error:
            return pn.pane.Str(str(error))

    try:
        from explorer.latent_map import LatentMap

        latent_map = LatentMap(session)
        figure = pn.pane.Bokeh(latent_map.figure, sizing_mode="stretch_both", margin=0)
    except ImportError as error:
        from types import SimpleNamespace

        figure = pn.pane.Str(str(error))
        latent_map = SimpleNamespace(zoom=print, home=print, pan=print)
    does = actions(session, latent_map)
    slots = {
        "header": HeaderButtons(session),
        "legend": LegendPanel(session).view(),
        "controls": ControlsPanel(session).view(),
        "map": figure,
        "overlay": MapOverlay(session, does),
        "tabs": TabStrip(session),
        "spectrum": panel("spectrum", "SpectrumPanel"),
        "trajectory": panel("trajectory", "TrajectoryPanel"),
        "similar": panel("neighbours", "NeighboursPanel"),
        "selection": panel("selection", "SelectionPanel"),
        "status": StatusLine(session),
        "help": Keyboard(does),
    }
    simulated = services.atlas.simulated
    return ExplorerTemplate(
        theme,
        slots,
        archive="Simulated archive" if simulated else services.atlas.name,
        count=f"{len(services):,} detections",
        origin="Every spectrum and class in this atlas was simulated" if simulated else str(services.atlas.path),
        simulated=simulated,
    )


def requested_theme() -> tuple[Theme, str]:
    """Theme of the address (``?theme=light``), and a notice if there is no such theme."""
    asked = (pn.state.session_args or {}).get("theme", [b"dark"])[0].decode("utf-8", "replace")
    for theme in THEMES:
        if theme == asked:
            return theme, ""
    return "dark", f"There is no theme “{asked[:40]}”: showing the dark one. Themes: {', '.join(THEMES)}."


def visit() -> ExplorerTemplate:
    """Build the page of this visit: the map, or what has to be said instead."""
    theme, notice = requested_theme()
    pn.config.theme = "dark" if theme == "dark" else "default"
    try:
        path = atlas_path(sys.argv[1:])
        begun = opening(path)
        warming = pn.state.curdoc is None or pn.state.curdoc.session_context is None
        services = begun.result(timeout=None if warming else _PATIENCE)
    except NotYet:
        if path == demo_path(DEMO_DETECTIONS) and not path.exists():
            title = "Building a small demo"
            lines = (f"{DEMO_DETECTIONS:,} simulated detections, made once: about a minute.",)
        else:
            title, lines = "Opening the atlas", (str(path.resolve()),)
        return ExplorerTemplate(theme, message=Message(title, lines))
    except ExplorerError as error:
        lines = tuple(line for line in (error.where, error.todo) if line)
        title = error.what[:1].upper() + error.what[1:]
        return ExplorerTemplate(theme, message=Message(title, lines, error=True))
    return page(services, theme, notice)


pn.extension(notifications=False)
visit().servable()
