"""The picked detection: who it is, how well the reconstruction fits, its spectrum, its numbers."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import panel as pn
import param

from explorer.palette import palette
from explorer.session import Session
from explorer.tools import observations, plot_key, template_view, words
from explorer.tools.inspector import Latest, Part, locked, part_script
from explorer.tools.plots import SpectrumPlot, spectrum_plot
from vae.atlas import Decoded, Spectrum
from vae.errors import ExplorerError
from vae.spectra import grid

#: Detections whose classes are counted around the picked one.
_NEAREST: Final = 25
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
    """Numbers below the plot, and the small light curve."""

    _esm = part_script(__file__, "spectrum_stats.js")


class SpectrumPanel:
    """What is picked or decoded, with its spectrum.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.services
        self._latest = Latest(session.services.pool)
        self._spectrum: Spectrum | None = None
        self._state = "empty"
        self.plot: SpectrumPlot = spectrum_plot(palette(session.theme))
        pick = {"pick": lambda row: session.pick(row)}
        self.readout = Readout(
            on={**pick, "random": self._pick_any, "retry": self.update},
            css_classes=["xle-readout"],
            content={"state": "empty"},
        )
        self.stats = SpectrumStats(on={**pick, "trajectory": self._open_trajectory}, visible=False)
        self.key = plot_key.SpectrumKey(
            styles={"position": "absolute", "top": "14px", "right": "24px", "pointer-events": "none"}
        )
        self._plot_box = pn.Column(
            pn.pane.Bokeh(self.plot.main, sizing_mode="stretch_both", margin=0),
            pn.pane.Bokeh(self.plot.residuals, sizing_mode="stretch_both", margin=0),
            self.key,
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

    def view(self) -> pn.viewable.Viewable:
        """Return the layout."""
        parts = (self.readout, self._plot_box, self.templates, self.stats)
        return pn.Column(*parts, sizing_mode="stretch_both", margin=0, stylesheets=[_PANEL_CSS])

    def update(self) -> None:
        """Show what the session has picked or decoded."""
        session = self._session
        if session.picked is not None:
            row = session.picked
            detection_id = session.detection_id
            assert detection_id is not None
            self.readout.content = self._loading(row)
            self._latest.run(
                lambda: (self._services.atlas.spectrum(detection_id), self._built_from(detection_id), self._facts(row)),
                lambda found: self._show_picked(row, *found),
                self._show_error,
            )
        elif session.decoded is not None:
            x, y = session.decoded
            self.readout.content = self._loading(f"{x} {y}")
            show = partial(self._show_decoded, x, y)
            self._latest.run(lambda: self._decode(x, y), lambda found: show(*found), self._show_error)
        else:
            self._latest.cancel()
            self._show("empty", {"state": "empty"})

    def _loading(self, what: object) -> dict[str, Any]:
        return {"state": "loading", "keep": self._state in ("picked", "decoded"), "what": what}

    def _restyle(self) -> None:
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

    def _built_from(self, detection_id: int) -> dict[str, Any]:
        atlas = self._services.atlas
        return template_view.content(template_view.small_templates(atlas), atlas.template_weights(detection_id))

    def _show_picked(self, row: int, spectrum: Spectrum, built: dict[str, Any], facts: dict[str, Any]) -> None:
        self._spectrum = spectrum
        self.templates.content = built
        with pn.io.hold():
            self._draw()
            fit = words.verdict(spectrum.cstat, spectrum.cstat_expected, spectrum.cstat_sigma, spectrum.cstat_z)
            verdict = {"grade": fit.grade, "words": fit.words, "numbers": fit.numbers, "hint": fit.hint}
            self.stats.content = {
                "stats": _stats(self._session, row, spectrum),
                "curve": observations.light_curve(self._services.atlas, row),
            }
            self._show("picked", {"state": "picked", **facts, "verdict": verdict})

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

    def _facts(self, row: int) -> dict[str, Any]:
        services = self._services
        entry = services.atlas.catalogue.iloc[row]
        label = services.class_of(row)
        place = observations.place(services.atlas, row)
        simulated = services.atlas.simulated
        filter_ = _text(entry["filter"])
        mjd, ra, dec = float(entry["mjd_start"]), float(entry["ra_deg"]), float(entry["dec_deg"])
        class_from = _text(entry["class_origin"])
        origin = words.class_origin(
            class_from or None,
            matched=label != "No match" and bool(class_from or label != "Unclassified"),
            candidate=entry["class_is_candidate"] is not pd.NA and bool(entry["class_is_candidate"]),
        )
        facts = [words.sexagesimal(ra, dec), words.date(mjd), words.exposure(float(entry["exposure_s"]))]
        links = [] if simulated else words.deep_links(_text(entry["obs_id"]), ra, dec)
        return {
            "row": row,
            "name": _text(entry["name"]) or f"Detection {entry['detection_id']}",
            "class_label": label,
            "token": words.class_token(services.class_names, label),
            "origin": origin,
            "place": f"{place.position} of {place.total}",
            "previous": place.previous,
            "next": place.following,
            "facts": facts + ([f"{filter_} filter"] if filter_ else []),
            "links": [{"label": link.label, "url": link.url} for link in links],
            "simulated": simulated,
        }

    def _pick_any(self) -> None:
        visible = np.flatnonzero(self._session.visible[self._services.class_codes])
        if visible.size:
            self._session.pick(int(np.random.default_rng().choice(visible)))

    def _open_trajectory(self) -> None:
        self._session.tab = "trajectory"


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _stats(session: Session, row: int, spectrum: Spectrum) -> list[dict[str, str]]:
    """Numbers below the plot: label, value, note, and what they mean."""
    services = session.services
    gross = float(np.sum(spectrum.counts))
    background = float(np.sum(spectrum.expected_background))
    mu, sigma = services.atlas.latents[row], services.atlas.sigmas[row]
    items = [
        ("Gross counts", words.whole(gross), "", "Counts in the source region, 0.3–10 keV"),
        (
            "Background",
            words.whole(background),
            f"{words.fixed(100 * background / gross, 1)} %" if gross > 0 else "",
            "Expected background counts in the source region, and their share of the gross counts",
        ),
    ]
    for axis in range(2):
        value, error = words.with_error(float(mu[axis]), float(sigma[axis]))
        items.append((f"μ{'₁₂'[axis]}", value, error, "Latent position and its 1 σ error"))
    rarity = float(services.atlas.catalogue["rarity"].iat[row])
    items.append(
        (
            "Rarity",
            words.fixed(rarity, 1),
            "percentile" if np.isfinite(rarity) else "",
            "Share of the archive that lies where the map is denser than here",
        )
    )
    return [
        {"label": label, "value": value, "note": note, "title": title}
        for label, value, note, title in [*items, _company(session, row)]
    ]


def _company(session: Session, row: int) -> tuple[str, str, str, str]:
    """Most frequent known class among the nearest detections of other sources."""
    services = session.services
    source_id = services.atlas.catalogue["source_id"].to_numpy()
    _, found = services.tree.query((services.x[row], services.y[row]), k=min(len(services), 4 * _NEAREST))
    others = [int(other) for other in np.atleast_1d(found) if source_id[other] != source_id[row]][:_NEAREST]
    labels = [services.class_of(other) for other in others]
    known = [label for label in labels if label not in ("Unclassified", "No match")]
    title = f"Of the {len(labels)} nearest detections of other sources {len(known)} have a class"
    if not known:
        return f"Nearest {len(labels)}", "unclassified", "", title
    label = max(set(known), key=lambda name: (known.count(name), name))
    return f"Nearest {len(labels)}", words.short_class(label), f"{known.count(label)} of {len(known)}", title
