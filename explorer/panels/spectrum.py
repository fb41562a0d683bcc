"""The picked detection: who it is, how well the reconstruction fits, its spectrum, its numbers."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import panel as pn
import param

from explorer.components import plot_key, template_view
from explorer.components.inspector import Latest, Part, part_script
from explorer.components.plot_pane import PlotPane
from explorer.components.saving import Saver
from explorer.figures import sheet as figures
from explorer.figures.readout import readout_picture
from explorer.figures.spectrum import Drawn, as_arrays
from explorer.palette import palette
from explorer.session import Session
from explorer.tools import identity, observations, similar, words
from explorer.tools.messages import locked
from explorer.tools.plots import SpectrumPlot, spectrum_plot
from vae.atlas import Decoded, Spectrum
from vae.errors import ExplorerError
from vae.spectra import grid

#: Detections in the strip below the plot.
_STRIP: Final = 4
#: Style of the panel's own box: flex column, dimmed while the next spectrum is on its way.
_PANEL_CSS: Final = """
:host { height: 100%; min-height: 0; margin: 0; background: var(--panel); overflow: hidden auto; }
:host > * { transition: opacity var(--t-base); }
:host([data-busy]) > * { opacity: .6; }
"""
_PLOT_CSS: Final = """
:host { position: relative; min-height: 236px; max-height: 640px; margin: 4px 0 0; }
"""


class Readout(Part):
    """Name, class, place among the observations, facts, links, verdict; controls of the plot."""

    _esm = part_script(__file__, "spectrum.js")

    mode = param.Selector(default="counts", objects=["counts", "unfolded", "templates"], doc="What is drawn.")
    snr = param.Selector(default="3", objects=["0", "3", "5", "10"], doc="Least signal-to-noise ratio of a point.")


class SpectrumStats(Part):
    """Numbers below the plot, the small light curve, and on tall screens the most similar detections."""

    _esm = part_script(__file__, "spectrum_stats.js")

    similar = param.Dict(default={}, doc="The most similar detections, for tall screens: row and items.")


class SpectrumPanel:
    """What is picked or decoded, with its spectrum.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.services
        self._latest, self._alike = Latest(session.services.pool), Latest(session.services.pool)
        self._tall = False
        self._spectrum: Spectrum | None = None
        self._built: dict[str, Any] = {}
        self._state = "empty"
        self._saver = Saver(session.services.pool, lambda: session.theme, {"spectrum": self.picture})
        pick = {"pick": lambda row: session.pick(row)}
        self.readout = Readout(
            on={**pick, "random": self._pick_any, "retry": self.update, "save": self._save},
            css_classes=["xle-readout"],
            content={"state": "empty"},
        )
        self.stats = SpectrumStats(
            on={
                "pick": lambda row: session.hop(row),
                "tall": self._set_tall,
                **{tab: partial(self._open, tab) for tab in ("trajectory", "similar")},
            },
            visible=False,
        )
        self.key = plot_key.SpectrumKey(
            styles={"position": "absolute", "top": "14px", "right": "24px", "pointer-events": "none"}
        )
        self._plot_box = pn.Column(
            css_classes=["xle-spectrum"],
            sizing_mode="stretch_both",
            margin=0,
            stylesheets=[_PLOT_CSS],
            visible=False,
        )
        self.templates = template_view.TemplateView(
            css_classes=["xle-templates"], sizing_mode="stretch_both", stylesheets=[_PLOT_CSS], visible=False
        )
        session.param.watch(lambda *_: self.update(), ["picked", "decoded"])
        session.param.watch(lambda *_: locked(self._restyle), "theme")
        self.readout.param.watch(lambda *_: locked(self._draw), ["mode", "snr"])
        self.update()

    @cached_property
    def plot(self) -> SpectrumPlot:
        """The spectrum's figures, made when first asked for: a page opens the sooner without them."""
        plot = spectrum_plot(palette(self._session.theme))
        self._plot_box.objects = [PlotPane(plot.main), PlotPane(plot.residuals), self.key]
        return plot

    def complete(self) -> None:
        """Make the figures, if that has not been done."""
        _ = self.plot

    def view(self) -> pn.viewable.Viewable:
        """Return the layout."""
        parts = (self.readout, self._plot_box, self.templates, self.stats)
        return pn.Column(*parts, sizing_mode="stretch_both", margin=0, stylesheets=[_PANEL_CSS])

    def update(self) -> None:
        """Show what the session has picked or decoded."""
        session = self._session
        if session.picked is not None or session.decoded is not None:
            self.complete()
        if session.picked is not None:
            row = session.picked
            detection_id = session.detection_id
            assert detection_id is not None
            self._latest.run(
                lambda: (
                    self._services.atlas.spectrum(detection_id),
                    self._built_from(detection_id),
                    identity.facts(self._services, row),
                ),
                lambda found: self._show_picked(row, *found),
                self._show_error,
                lambda: self._show_loading(row),
            )
        elif session.decoded is not None:
            x, y = session.decoded
            self._latest.run(
                lambda: self._decode(x, y),
                lambda found: self._show_decoded(x, y, *found),
                self._show_error,
                lambda: self._show_loading(f"{x} {y}"),
            )
        else:
            self._latest.cancel()
            self._show("empty", {"state": "empty"})

    def _show_loading(self, what: object) -> None:
        self.readout.content = {"state": "loading", "keep": self._state in ("picked", "decoded"), "what": what}

    def _restyle(self) -> None:
        if "plot" in vars(self):
            self.plot.restyle(palette(self._session.theme))

    def _show(self, state: str, content: dict[str, Any]) -> None:
        self._state = state
        with pn.io.hold():
            self._place()
            self.stats.visible = state == "picked"
            self.readout.content = content

    def _place(self) -> None:
        """Show the plot or, in its place, the templates."""
        templates = self._state == "picked" and self.readout.mode == "templates"
        self._plot_box.visible = self._state in ("picked", "decoded") and not templates
        self.templates.visible = templates
        if templates:
            self.templates.content = self._built

    def _built_from(self, detection_id: int) -> dict[str, Any]:
        atlas = self._services.atlas
        return template_view.content(template_view.small_templates(atlas), atlas.template_weights(detection_id))

    def _show_picked(self, row: int, spectrum: Spectrum, built: dict[str, Any], facts: dict[str, Any]) -> None:
        self._spectrum = spectrum
        self._built = built
        with pn.io.hold():
            self._draw()
            fit = words.verdict(spectrum.cstat, spectrum.cstat_expected, spectrum.cstat_sigma, spectrum.cstat_z)
            verdict = {"grade": fit.grade, "words": fit.words, "numbers": fit.numbers, "hint": fit.hint}
            self.stats.content = {
                "row": row,
                "stats": identity.numbers(self._services, row, spectrum),
                "curve": observations.light_curve(self._services.atlas, row),
                "once": observations.once(self._services.atlas, row),
            }
            self._show("picked", {"state": "picked", **facts, "verdict": verdict})
        self._find_similar(row)

    def _decode(self, x: float, y: float) -> tuple[int, float, Decoded]:
        """Find the nearest detection, its distance, and the decoded shape with its band."""
        services = self._services
        distance, row = services.tree.query((x, y))
        position = services.atlas.latents[int(row)].astype(np.float64)
        position[:2] = x, y  # axes that the map does not show keep the values of the nearest detection
        return int(row), float(distance), services.atlas.decode(position)

    def _show_decoded(self, x: float, y: float, row: int, distance: float, decoded: Decoded) -> None:
        services = self._services
        self._spectrum = None
        self.plot.show_decoded(grid.BIN_EDGES, decoded)
        self.key.content = plot_key.decoded_key(services.atlas.model.likelihood)
        name = str(services.atlas.catalogue["name"].iat[row])
        label = services.class_of(row)
        content = {
            "state": "decoded",
            "name": f"Decoded at ({words.fixed(x)}, {words.fixed(y)})",
            "nearest": {
                "row": row,
                "name": name,
                "class_label": label,
                "token": words.class_token(services.class_names, label),
                "distance": f"{words.significant(distance, 2)} away",
            },
        }
        self._show("decoded", content)

    def _show_error(self, error: ExplorerError) -> None:
        self._spectrum = None
        text = {"title": "This spectrum could not be read", "what": error.what, "where": error.where}
        self._show("error", {"state": "error", "error": {**text, "todo": error.todo}})

    def _draw(self) -> None:
        if self._spectrum is None:
            return
        least = float(self.readout.snr)
        self._place()
        if self.readout.mode == "counts":
            self.plot.show_counts(self._spectrum, least)
            self.key.content = plot_key.counts_key()
        elif self.readout.mode == "unfolded":
            self.plot.show_unfolded(self._spectrum, least)
            limits = bool(np.isfinite(self.plot.data.data["limit"]).any())
            self.key.content = plot_key.unfolded_key(self._spectrum.likelihood, limits=limits)

    def _pick_any(self) -> None:
        visible = np.flatnonzero(self._session.visible[self._services.class_codes])
        if visible.size:
            self._session.pick(int(np.random.default_rng().choice(visible)))

    def _open(self, tab: str) -> None:
        self._session.tab = tab

    # -- the strip of similar detections -----------------------------------------------------------------------------
    def _set_tall(self, tall: bool) -> None:
        """Whether the screen has room for the strip: only then it is worked out."""
        self._tall = bool(tall)
        if self._state == "picked" and self._session.picked is not None:
            self._find_similar(self._session.picked)

    def _find_similar(self, row: int) -> None:
        if not self._tall or self.stats.similar.get("row") == row:
            return
        self._alike.run(
            lambda: similar.most_similar(self._services, row, _STRIP),
            lambda items: self.stats.param.update(similar={"row": row, "items": items}),
            lambda _: self.stats.param.update(similar={}),  # the tab says why, where it is asked for
        )

    # -- as a figure for a paper -------------------------------------------------------------------------------------
    def _save(self, **asked: Any) -> None:
        self._saver.save(self.readout, **asked)

    def picture(self) -> figures.Picture | None:
        """Return what is on screen as a figure; None if nothing is."""
        content, readout = self.readout.content, self.readout
        if self._state not in ("picked", "decoded") or content["state"] != self._state:
            return None
        rows = self.templates.content["rows"] if self._state == "picked" and readout.mode == "templates" else None
        return readout_picture(self._services.atlas, content, readout.mode, readout.snr, rows or self.drawn())

    def drawn(self) -> Drawn:
        """Return what the plot shows, value for value."""
        plot = self.plot
        low, high = float(plot.main.y_range.start), float(plot.main.y_range.end)
        points, steps = as_arrays(plot.data.data), as_arrays(plot.steps.data)
        return Drawn(points, steps, low, high, str(plot.main.yaxis[0].axis_label), self.key.content)
