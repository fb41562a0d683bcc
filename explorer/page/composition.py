"""One visitor's page: a session, the views that watch it, and the template that holds them."""

from __future__ import annotations

from contextlib import suppress

import panel as pn

from explorer.components.plot_pane import PlotPane
from explorer.latent_map import LatentMap
from explorer.latent_map.cells import cells_of
from explorer.latent_map.renderer import renderer_of
from explorer.latent_map.still import size_of
from explorer.page.actions import actions
from explorer.page.address import Query, restore, tell
from explorer.page.guide import MapGuide
from explorer.page.header import HeaderButtons
from explorer.page.keyboard import Keyboard
from explorer.page.overlay import MapOverlay
from explorer.page.status import StatusLine
from explorer.page.tabs import TabStrip
from explorer.page.template import ExplorerTemplate
from explorer.palette import Theme
from explorer.panels.controls import ControlsPanel
from explorer.panels.filters import FiltersPanel
from explorer.panels.legend import LegendPanel
from explorer.panels.neighbours import NeighboursPanel
from explorer.panels.search import SearchPanel
from explorer.panels.selection import SelectionPanel
from explorer.panels.spectrum import SpectrumPanel
from explorer.panels.trajectory import TrajectoryPanel
from explorer.search.search import search_of
from explorer.services import Services
from explorer.session import Session
from explorer.tools.later import once_open
from vae.errors import ExplorerError


def warm_up(services: Services) -> None:
    """Compile and index what the first visitor would wait for: seconds at a million detections."""
    search_of(services)
    renderer_of(services)
    cells_of(services)
    atlas = services.atlas
    if len(atlas):
        detection_id = int(atlas.catalogue["detection_id"].iat[0])
        with suppress(ExplorerError):  # one unreadable spectrum is told of where it is picked; the map still opens
            atlas.spectrum(detection_id)
        atlas.template_weights(detection_id)
        atlas.neighbours(detection_id, k=1)
        atlas.nearest(atlas.latents[0])
        atlas.trajectory(int(atlas.catalogue["source_id"].iat[0]))


def compose(services: Services, theme: Theme, query: Query | None = None) -> ExplorerTemplate:
    """Assemble the page of one visit.

    Parameters
    ----------
    services : Services
    theme : {"dark", "light"}
        Theme of the first paint.
    query : mapping of str to list of str, optional
        The state to open in, as `explorer.page.address.link` wrote it.
    """
    session = Session(services, theme=theme)
    latent_map = LatentMap(session)
    does = actions(session, latent_map)
    controls, spectrum = ControlsPanel(session), SpectrumPanel(session)
    slots = {
        "map": PlotPane(latent_map.figure),  # first: the browser builds one after the other
        "header": HeaderButtons(session),
        "search": SearchPanel(session).view(),
        "legend": LegendPanel(session).view(),
        "controls": controls.view(),
        "filters": FiltersPanel(session).view(),
        "combine": controls.combine(),
        "overlay": MapOverlay(session, does, latent_map.picture),
        "guide": MapGuide(session, does),
        "tabs": TabStrip(session),
        "spectrum": spectrum.view(),
        "trajectory": TrajectoryPanel(session).view(),
        "similar": NeighboursPanel(session).view(),
        "selection": SelectionPanel(session).view(),
        "status": StatusLine(session),
        "help": Keyboard(does),
    }
    tell(session, restore(session, query or {}))
    once_open(latent_map.marks.complete, spectrum.complete)
    cookies = pn.state.cookies if pn.state.curdoc else {}
    atlas = services.atlas
    return ExplorerTemplate(
        theme,
        slots,
        archive="Simulated archive" if atlas.simulated else atlas.name,
        count=f"{len(services):,} detections",
        origin="Every spectrum and class in this atlas was simulated" if atlas.simulated else str(atlas.path),
        simulated=atlas.simulated,
        still=latent_map.foresee(size_of(cookies)),
    )
