from __future__ import annotations

import numpy as np
import pytest

from explorer.components.inspector import Latest
from explorer.palette import palette
from explorer.panels.spectrum import SpectrumPanel
from explorer.services import Services
from explorer.session import Session
from vae.atlas import Atlas
from vae.errors import StoreError
from vae.spectra.statistics import cstat


@pytest.fixture
def panel(session: Session) -> SpectrumPanel:
    return SpectrumPanel(session)


def shown(panel: SpectrumPanel) -> bool:
    return bool(panel.view()[1].visible)


def test_starts_empty_and_picks_a_visible_source_on_request(panel: SpectrumPanel, session: Session) -> None:
    assert panel.readout.content == {"state": "empty"}
    assert not shown(panel)
    only = session.services.class_of(0)
    session.solo_class(only)
    panel.readout._handle_msg({"type": "random"})
    assert session.picked is not None
    assert session.services.class_of(session.picked) == only


def test_readout_says_who_and_how_well(panel: SpectrumPanel, session: Session, opened: Services) -> None:
    row = 17
    session.pick(row)
    content, entry = panel.readout.content, opened.atlas.catalogue.iloc[row]
    assert content["state"] == "picked"
    assert content["name"] == entry["name"]
    assert content["class_label"] == entry["class_label"]
    spectrum = opened.atlas.spectrum(int(entry["detection_id"]))
    value = float(cstat(spectrum.counts, spectrum.reconstruction))
    assert f"C-stat {value:,.0f} where" in content["verdict"]["numbers"]
    assert content["simulated"]
    assert content["links"] == []
    assert shown(panel)


def test_readout_says_which_counterpart_and_how_far(panel: SpectrumPanel, session: Session, opened: Services) -> None:
    catalogue = opened.atlas.catalogue
    matched = catalogue["match_separation_arcsec"].notna()
    doubtful = catalogue["match_ambiguous"].fillna(False).astype(bool)
    for found in (matched & ~doubtful, matched & doubtful):
        row = int(np.flatnonzero(found)[0])
        session.pick(row)
        content, entry = panel.readout.content, catalogue.iloc[row]
        away = f"{entry['match_separation_arcsec']:.1f}″"
        assert content["origin"] == f"class from the simulation ({away})"
        assert str(entry["simbad_main_id"]) in content["counterpart"]
        assert f"{away} from the X-ray position" in content["counterpart"]
        assert content["ambiguous"] == bool(doubtful[row])
    session.pick(int(np.flatnonzero(~matched)[0]))
    assert panel.readout.content["counterpart"] == ""
    assert "″" not in panel.readout.content["origin"]


def test_a_real_detection_has_links_to_the_archives(
    panel: SpectrumPanel, session: Session, opened: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Atlas, "simulated", False)
    session.pick(17)
    content = panel.readout.content
    assert [link["label"] for link in content["links"]] == ["XSA", "SIMBAD", "ESASky", "IRAP"]
    assert str(opened.atlas.catalogue["obs_id"].iat[17]) in content["links"][0]["url"]
    assert all(link["title"] for link in content["links"])
    assert not content["simulated"]


def test_plot_holds_the_counts_of_the_picked_detection(
    panel: SpectrumPanel, session: Session, opened: Services
) -> None:
    for row in (3, 44):
        session.pick(row)
        data = panel.plot.data.data
        width = np.asarray(data["hi"]) - np.asarray(data["lo"])
        assert np.nansum(np.asarray(data["y"]) * width) == pytest.approx(opened.atlas.catalogue["counts"].iat[row])
        assert panel.plot.main.y_range.end > np.nanmax(data["y_hi"])


def test_regrouping_and_unfolding_change_the_plot_only(panel: SpectrumPanel, session: Session) -> None:
    session.pick(3)
    readout = panel.readout.content
    points = len(panel.plot.data.data["mid"])
    panel.readout.snr = "0"
    assert len(panel.plot.data.data["mid"]) == 238
    panel.readout.snr = "10"
    assert len(panel.plot.data.data["mid"]) < points
    panel.readout.mode = "unfolded"
    assert panel.key.content["warning"] == "unfolded, not deconvolved"
    assert "E F(E)" in panel.plot.main.yaxis.axis_label
    assert panel.plot.main.y_range.end < 1  # keV/cm2/s, not counts
    panel.readout.mode = "counts"
    assert "warning" not in panel.key.content
    assert panel.readout.content == readout


def test_decoded_position_has_a_shape_but_no_counts(panel: SpectrumPanel, session: Session, opened: Services) -> None:
    session.pick(3)
    x, y = float(opened.x[9]) + 0.01, float(opened.y[9])
    session.decode(x, y)
    content = panel.readout.content
    assert content["state"] == "decoded"
    assert content["name"].startswith("Decoded at (")
    distances = np.hypot(opened.x - x, opened.y - y)
    assert distances[content["nearest"]["row"]] == pytest.approx(distances.min())
    assert len(panel.plot.data.data["mid"]) == 0
    assert np.nanmax(panel.plot.steps.data["model"]) == pytest.approx(1.0)
    assert not panel.plot.residuals.visible
    panel.readout._handle_msg({"type": "pick", "row": content["nearest"]["row"]})
    assert session.picked == content["nearest"]["row"]
    assert panel.readout.content["state"] == "picked"
    assert panel.plot.residuals.visible


def test_clearing_returns_to_the_empty_state(panel: SpectrumPanel, session: Session) -> None:
    session.pick(3)
    session.clear_pick()
    assert panel.readout.content == {"state": "empty"}
    assert not shown(panel)


def test_unreadable_spectrum_is_said_and_can_be_tried_again(
    panel: SpectrumPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.pick(3)

    def fail(_self: Atlas, _id: int) -> None:
        raise StoreError("the chunk is truncated", where="spectra.zarr, row 5", todo="Rebuild the atlas")

    with monkeypatch.context() as broken:
        broken.setattr(Atlas, "spectrum", fail)
        session.pick(5)
        error = panel.readout.content["error"]
        assert panel.readout.content["state"] == "error"
        assert (error["what"], error["where"], error["todo"]) == (
            "the chunk is truncated",
            "spectra.zarr, row 5",
            "Rebuild the atlas",
        )
        assert not shown(panel)
    panel.readout._handle_msg({"type": "retry"})
    assert panel.readout.content["state"] == "picked"
    assert shown(panel)


def test_neighbouring_observations_can_be_stepped_to(panel: SpectrumPanel, session: Session, opened: Services) -> None:
    source = opened.atlas.catalogue["source_id"].value_counts().index[0]
    rows = opened.atlas.source_rows(int(source))
    session.pick(int(rows[1]))
    content = panel.readout.content
    assert content["place"] == f"2 of {len(rows)}"
    assert (content["previous"], content["next"]) == (rows[0], rows[2])
    assert len(panel.stats.content["curve"]["points"]) == len(rows)


def test_theme_recolours_the_figure(panel: SpectrumPanel, session: Session) -> None:
    session.theme = "light"
    light = palette("light")
    assert panel.plot.main.yaxis[0].major_label_text_color == light["text-3"]
    assert panel.plot.model.glyph.line_color == light["model"]
    assert panel.plot.points[-1].glyph.fill_color == light["data"]


def test_stats_agree_with_the_catalogue(panel: SpectrumPanel, session: Session, opened: Services) -> None:
    row = 21
    session.pick(row)
    stats = {item["label"]: item for item in panel.stats.content["stats"]}
    entry = opened.atlas.catalogue.iloc[row]
    assert stats["Gross counts"]["value"] == f"{entry['counts']:,}"
    mu, sigma = float(entry["mu_1"]), float(entry["sigma_1"])
    assert float(stats["μ₁"]["value"].replace("−", "-")) == pytest.approx(mu, abs=sigma / 5)
    assert float(stats["Rarity"]["value"]) == pytest.approx(entry["rarity"], abs=0.06)


def test_only_the_latest_of_several_jobs_counts(opened: Services) -> None:
    latest, seen = Latest(opened.pool), []
    latest.run(lambda: latest.run(lambda: 2, seen.append, seen.append) or 1, seen.append, seen.append)
    assert seen == [2]
