from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explorer.panels.selection import SelectionPanel
from explorer.selection import summary
from explorer.services import Services
from explorer.session import Session


@pytest.fixture
def mask(opened: Services) -> np.ndarray:
    return np.random.default_rng(8).random(len(opened)) < 0.3


@pytest.fixture
def panel(session: Session) -> SelectionPanel:
    return SelectionPanel(session)


def tell(panel: SelectionPanel, kind: str, **arguments: object) -> None:
    panel.view_._handle_msg({"type": kind, **arguments})


def test_makeup_counts_every_detection_once(opened: Services, mask: np.ndarray) -> None:
    lines = summary.makeup(opened, mask)
    assert sum(int(line["count"].replace(",", "")) for line in lines) == mask.sum()
    assert sum(line["share"] for line in lines) == pytest.approx(1)
    assert lines[-1]["name"].endswith("other classes")
    named = {line["name"]: int(line["count"].replace(",", "")) for line in lines[:-1]}
    expected = opened.atlas.catalogue["class_label"][mask].value_counts()
    assert all(expected[name] == count for name, count in named.items())


@pytest.mark.parametrize(("share", "text"), [(0.0004, "< 0.1 %"), (0.034, "3.4 %"), (0.5, "50 %"), (0.0, "0.0 %")])
def test_shares_in_words(share: float, text: str) -> None:
    assert summary.percent(share) == text


def test_histograms_hold_the_selected_and_all(opened: Services, mask: np.ndarray) -> None:
    plots = summary.histograms(opened, mask)
    assert [plot["key"] for plot in plots] == ["net_counts", "hr2", "cstat_z", "rarity"]
    for plot in plots:
        values = opened.atlas.catalogue[plot["key"]]
        assert sum(plot["all"]) == values.notna().sum()
        assert sum(plot["selected"]) == values[mask].notna().sum()
        assert np.all(np.array(plot["selected"]) <= plot["all"])
    middle = float(opened.atlas.catalogue["net_counts"][mask].median())
    assert float(plots[0]["median"].replace(",", "")) == pytest.approx(middle, rel=0.01)
    misfit = next(plot["median"] for plot in plots if plot["key"] == "cstat_z")
    assert len(misfit.removesuffix(" σ").partition(".")[2]) <= 2  # no more than means something


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("by", summary.SORTABLE)
def test_rows_are_sorted_as_pandas_sorts(opened: Services, mask: np.ndarray, by: str, down: bool) -> None:
    keys = pd.Series(opened.class_codes) if by == "class" else opened.atlas.catalogue[by].reset_index(drop=True)
    expected = keys[mask].sort_values(ascending=not down, kind="stable", na_position="last").index
    got = summary.arranged(opened, mask, by, down=down)
    if by == "name":  # detections of one source share its name
        assert keys[got].tolist() == keys[expected].tolist()
        assert sorted(got) == np.flatnonzero(mask).tolist()
    else:
        assert got.tolist() == expected.tolist()


def test_the_panel_selects_by_query_and_says_what_is_wrong(panel: SelectionPanel, session: Session) -> None:
    tell(panel, "query", text="net_counts > 700")
    assert session.selection_count == int((session.services.atlas.catalogue["net_counts"] > 700).sum())
    assert panel.view_.content["made"] == "Query net_counts > 700"
    assert panel.view_.plots["version"] != panel.view_.content["plotted"]  # the number comes first
    tell(panel, "plots")
    assert panel.view_.plots["version"] == panel.view_.content["plotted"]
    assert sum(panel.view_.plots["histograms"][0]["selected"]) == session.selection_count
    tell(panel, "query", text="nett_counts > 700")
    said = panel.view_.ways["said"]["query"]
    assert said.startswith("“nett_counts” at character 1 is no column. Did you mean net_counts")
    assert said.endswith("?")
    before = session.selection_count
    tell(panel, "query", text='name > "x"')
    assert session.selection_count == before
    tell(panel, "query", text="z > 1")
    assert panel.view_.ways["said"] == {}


def test_the_panel_selects_around_what_is_picked(panel: SelectionPanel, session: Session) -> None:
    assert panel.view_.ways["around"] is None
    tell(panel, "around", size="2", unit="sigma")
    assert "Click a point" in panel.view_.ways["said"]["around"]
    session.pick(11)
    session.tab = "selection"  # which a pick leaves
    assert panel.view_.ways["around"]["sigma"]
    tell(panel, "around", size="2", unit="sigma")
    services = session.services
    sx, sy = services.atlas.sigmas[11, :2]
    inside = ((services.x - services.x[11]) / sx) ** 2 + ((services.y - services.y[11]) / sy) ** 2 <= 4
    np.testing.assert_array_equal(session.selection, inside)
    assert session.outline is not None
    tell(panel, "around", size="40", unit="nearest")
    assert session.selection_count == 40
    assert session.selection[11]
    session.decode(0.4, 0.1)
    session.tab = "selection"
    assert panel.view_.ways["around"] == {"name": "(0.40, 0.10)", "sigma": False}
    tell(panel, "around", size=0.3, unit="latent")
    assert session.selection_words == "within 0.3 of (0.40, 0.10) in latent space"
    for wrong in ("", "-1", "x", "nan", None):
        tell(panel, "around", size=wrong, unit="latent")
        assert "no size" in panel.view_.ways["said"]["around"]


def test_the_panel_keeps_selections(panel: SelectionPanel, session: Session) -> None:
    tell(panel, "keep", name="empty")
    assert "Nothing is selected" in panel.view_.ways["said"]["saved"]
    tell(panel, "class", name="Star")
    tell(panel, "keep", name="stars")
    stars = {"name": "stars", "count": f"{session.selection_count}", "how": "class Star", "linked": True}
    assert panel.view_.ways["saved"] == [stars]
    session.select_rows(np.arange(9), "9 results")
    tell(panel, "keep", name="nine")
    assert not panel.view_.ways["saved"][1]["linked"]
    tell(panel, "drop", name="nine")
    tell(panel, "rename", name="stars", to="suns")
    tell(panel, "clear")
    assert not panel.view_.ways["selected"]
    tell(panel, "recall", name="suns")
    assert session.selection_words == "class Star"
    tell(panel, "drop", name="suns")
    assert panel.view_.ways["saved"] == []


def test_hidden_classes_are_not_offered(panel: SelectionPanel, session: Session) -> None:
    session.toggle_class("Star")
    assert "Star" not in {each["name"] for each in panel.view_.ways["classes"]}


def test_an_export_says_how_the_selection_was_made(panel: SelectionPanel, session: Session) -> None:
    sent = []
    panel.view_._send_msg = sent.append  # type: ignore[method-assign]
    tell(panel, "query", text='class == "AGN" and net_counts > 600')
    tell(panel, "export", id="a")
    while not sent[-1]["last"]:
        tell(panel, "next", id="a")
    text = "".join(message["text"] for message in sent)
    assert 'query class == \\"AGN\\" and net_counts > 600' in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == session.selection_count + 1
