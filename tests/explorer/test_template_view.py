"""Templates in the inspector, and what the plot's key calls a decoded spectrum."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from explorer.components import plot_key, template_view
from explorer.panels.spectrum import SpectrumPanel
from explorer.services import Services, services
from explorer.session import Session
from explorer.tools import words
from vae.atlas import Templates
from vae.encode import encode
from vae.network import TrainedModel
from vae.network.config import Likelihood
from vae.resources import asset


def other_atlas(tiny_store: Path, folder: Path, likelihood: Likelihood) -> Services:
    shipped = TrainedModel.load(asset("models", "reference"))
    model = TrainedModel(dataclasses.replace(shipped.config, likelihood=likelihood), shipped.weights)
    return services(encode(tiny_store, model.save(folder / "model"), folder / "atlas", quiet=True))


def test_bars_stand_where_the_weights_are() -> None:
    curve = np.vstack([np.linspace(-2, 2, 5), np.ones(5)])
    templates = Templates(
        np.ones(5), curve, np.ones(5), np.array([0.9996, 0.0004]), np.array([-1.0, -0.1]), np.array([3.0, 0.1])
    )
    first, second = template_view.content(templates, np.array([-1.5, 0.4]))["rows"]
    assert first["curve"] == [-1, -0.5, 0, 0.5, 1]
    for row, weight, low, high in ((first, -1.5, -1.0, 3.0), (second, 0.4, -0.1, 0.1)):
        scale = 2 * 1.08 * max(abs(weight), abs(low), high)
        for name, value in (("at", weight), ("zero", 0.0), ("low", low), ("high", high)):
            assert row[name] == pytest.approx(0.5 + value / scale, abs=1e-4)
        assert all(0 < row[name] < 1 for name in ("at", "low", "high"))
    assert (first["weight"], second["weight"]) == ("−1.50", "+0.40")
    assert (first["share"], second["share"]) == ("100 %", "< 0.1 %")
    assert "5 % of the atlas lie below −1.00" in first["title"]


def test_templates_take_the_place_of_the_plot(session: Session, opened: Services) -> None:
    panel = SpectrumPanel(session)
    session.pick(17)
    plot, templates = panel.view()[1], panel.view()[2]
    assert (plot.visible, templates.visible) == (True, False)
    panel.readout.mode = "templates"
    assert (plot.visible, templates.visible) == (False, True)
    weights = opened.atlas.template_weights(opened.atlas.latents[17])
    shown = [float(row["weight"].replace("−", "-")) for row in panel.templates.content["rows"]]
    np.testing.assert_allclose(shown, weights[:6], atol=0.0051)
    session.pick(40)
    assert templates.visible
    assert [float(row["weight"].replace("−", "-")) for row in panel.templates.content["rows"]] != shown
    session.decode(0.1, 0.2)  # a place without a detection is drawn
    assert (plot.visible, templates.visible) == (True, False)
    session.pick(40)
    panel.readout.mode = "counts"
    assert (plot.visible, templates.visible) == (True, False)
    assert panel.key.content == plot_key.counts_key()


@pytest.mark.parametrize(
    ("likelihood", "curve", "deconvolved"),
    [("sensitivity", "Decoded spectrum", False), ("response", "Decoded photon spectrum", True)],
)
def test_a_decoded_spectrum_is_called_what_it_is(
    tiny_store: Path, tmp_path: Path, likelihood: Likelihood, curve: str, deconvolved: bool
) -> None:
    session = Session(other_atlas(tiny_store, tmp_path, likelihood))
    panel = SpectrumPanel(session)
    session.pick(3)
    panel.readout.mode = "unfolded"
    lines, warning = dict(panel.key.content["lines"]), panel.key.content["warning"]
    assert lines["decoded"] == (f"{curve}, deconvolved" if deconvolved else curve)
    assert lines["counts"] == "Net counts, unfolded"
    assert lines["model"] == "Reconstruction, unfolded alike"
    assert warning == words.NOT_DECONVOLVED
    session.decode(0.3, -0.2)
    assert dict(panel.key.content["lines"]) == {"model": curve, "band": "Predictive, 90 %"}
    assert bool(panel.key.content["warning"]) != deconvolved
    assert bool(panel.key.content["note"]) == deconvolved
    steps = panel.plot.steps.data
    assert (np.asarray(steps["band_lo"]) < np.asarray(steps["band_hi"])).mean() > 0.9
