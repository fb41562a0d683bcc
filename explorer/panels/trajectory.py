"""All observations of the picked source in time order, and how far it moved between them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import panel as pn

from explorer.components.inspector import Part, part_script
from explorer.components.saving import Saver
from explorer.figures import sheet as figures
from explorer.figures.spectrum import Heading
from explorer.latent_map.paper_track import History, draw_history, history_facts, history_height
from explorer.session import Session
from explorer.tools import observations, words
from vae.errors import ExplorerError

#: A step shorter than this many times its error is drawn faint: it may be noise.
_SIGNIFICANT_STEP: Final = 3.0
_EMPTY: Final = {
    "state": "empty",
    "title": "No source picked",
    "text": "Click a point on the map. If its source was observed more than once, its way through latent space is "
    "drawn there and listed here.",
}


class TrajectoryList(Part):
    """Light curve and table of observations; a play button."""

    _esm = part_script(__file__, "trajectory.js")


class TrajectoryPanel:
    """Light curve, steps and significance of the picked source.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._saver = Saver(session.services.pool, lambda: session.theme, {"trajectory": self.picture})
        self.list = TrajectoryList(
            on={"pick": lambda row: session.hop(row), "retry": self.update, "save": self._save},
            sizing_mode="stretch_both",
            content=_EMPTY,
        )
        session.param.watch(lambda *_: self.update(), ["picked", "decoded", "tab"])
        self.update()

    def view(self) -> pn.viewable.Viewable:
        """Return the layout."""
        return pn.Column(self.list, css_classes=["xle-trajectory"], sizing_mode="stretch_both", margin=0)

    def update(self) -> None:
        """Show the observations of the picked source, if this tab is in front."""
        if self._session.tab != "trajectory":
            return
        row = self._session.picked
        if row is None:
            self.list.content = _EMPTY
            return
        try:
            self.list.content = self._content(row)
        except ExplorerError as error:
            text = {"title": "These observations could not be read", "what": error.what, "where": error.where}
            self.list.content = {"state": "error", "error": {**text, "todo": error.todo}}

    def _save(self, **asked: Any) -> None:
        self._saver.save(self.list, **asked)

    def picture(self) -> figures.Picture | None:
        """Return what is listed as a figure; None for a source that was observed once."""
        content, row = self.list.content, self._session.picked
        if content["state"] != "many" or row is None:
            return None
        atlas = self._session.services.atlas
        track = atlas.trajectory(int(atlas.catalogue["source_id"].iat[row]))
        history = History(track, observations.count_rates(atlas, track["row"].to_numpy()))
        heading = Heading(content["name"], content["class_label"], content["token"], (content["words"],))
        about = figures.origin(atlas, f"{content['name']}: way through latent space", *history_facts(history))
        return figures.Picture(
            figures.stem(content["name"], "trajectory"),
            about,
            lambda width: history_height(width, heading),
            lambda sheet: draw_history(sheet, history, heading),
        )

    def _content(self, row: int) -> dict[str, Any]:
        services = self._session.services
        catalogue = services.atlas.catalogue
        source_id = int(catalogue["source_id"].iat[row])
        track = services.atlas.trajectory(source_id)
        rows = track["row"].to_numpy()
        rates = observations.count_rates(services.atlas, rows)
        ramp = observations.time_fractions(track["mjd_start"].to_numpy(np.float64))
        label = services.class_of(row)
        return {
            "state": "many" if len(track) > 1 else "one",
            "name": str(catalogue["name"].iat[row]),
            "class_label": label,
            "token": words.class_token(services.class_names, label),
            "words": _summary(track["step_significance"].to_numpy(), track["mjd_start"].to_numpy(np.float64)),
            "curve": observations.light_curve(services.atlas, row),
            "rows": [
                _line(track.iloc[i], rates.iloc[i], float(ramp[i]), current=bool(rows[i] == row))
                for i in range(len(track))
            ],
        }


def _line(entry: Any, rates: Any, ramp: float, *, current: bool) -> dict[str, Any]:
    rate, rate_error = words.with_error(float(rates["rate"]), float(rates["error"]))
    latent = []
    for axis in (1, 2):
        value, error = words.with_error(float(entry[f"mu_{axis}"]), float(entry[f"sigma_{axis}"]))
        latent.append({"value": value, "full": f"{value} {error}"})
    step = float(entry["step_significance"])
    return {
        "row": int(entry["row"]),
        "t": ramp,
        "current": current,
        "date": words.date(float(entry["mjd_start"])),
        "rate": rate,
        "rate_full": f"{rate} {rate_error} /s, {words.exposure(float(entry['exposure_s']))}",
        "mu": latent,
        "step": f"{words.fixed(step, 1)} σ" if np.isfinite(step) else words.ABSENT,
        "weak": not step >= _SIGNIFICANT_STEP,
    }


def _summary(steps: np.ndarray, mjd: np.ndarray) -> str:
    """Say in a line how often the source was observed and whether it moved."""
    if len(steps) == 1:
        return "observed once: there is no trajectory"
    years = (np.nanmax(mjd) - np.nanmin(mjd)) / 365.25 if np.isfinite(mjd).any() else np.nan
    span = ""
    if np.isfinite(years):
        span = (
            f" over {words.significant(years, 2)} years" if years >= 1 else f" over {words.whole(years * 365.25)} days"
        )
    moved = int(np.count_nonzero(steps[1:] >= _SIGNIFICANT_STEP))
    verdict = "no step above 3 σ" if moved == 0 else f"{moved} {'step' if moved == 1 else 'steps'} above 3 σ"
    return f"{len(steps)} observations{span}, {verdict}"
