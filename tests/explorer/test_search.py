"""Suggestions: by name, identifier and position; hidden ones; what is said where nothing is found."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer.filters.filters import Range
from explorer.panels import search as panel
from explorer.panels.search import SearchPanel
from explorer.search import resolver
from explorer.search.hits import Shown
from explorer.search.names import mark
from explorer.search.places import Place
from explorer.search.search import LISTED, Search, search_of
from explorer.services import Services
from explorer.session import Session
from vae.errors import ExplorerError


@pytest.fixture(scope="module")
def search(tiny_atlas: Any) -> Search:
    from explorer.services import services

    return search_of(services(tiny_atlas)).result(timeout=60)


@pytest.fixture(scope="module")
def catalogue(tiny_atlas: Any) -> pd.DataFrame:
    from explorer.services import services

    return services(tiny_atlas).atlas.catalogue


def rows_of(hits: Any) -> list[int]:
    return [item["row"] for item in hits.items if "row" in item]


def test_one_search_for_all_tabs(opened: Services) -> None:
    assert search_of(opened) is search_of(opened)


def test_a_name_finds_its_source_and_its_observations(search: Search, catalogue: pd.DataFrame) -> None:
    source = catalogue["source_id"].value_counts().idxmax()
    rows = np.flatnonzero(catalogue["source_id"] == source)
    name = catalogue["name"].iat[rows[0]]
    hits = search.suggest(str(name))
    assert hits.items[0]["title"] == name
    assert f"{len(rows)} observations" in hits.items[0]["detail"]
    assert catalogue["net_counts"].iat[hits.items[0]["row"]] == catalogue["net_counts"].iloc[rows].max()
    observations = [item for item in hits.items if item.get("observation")]
    assert [item["row"] for item in observations] == list(rows)[: LISTED - 1]


def test_parts_of_names_are_marked(search: Search) -> None:
    hits = search.suggest("j1")
    assert len(hits.items) == LISTED
    for item in hits.items:
        start, end = item["marks"]
        assert item["title"][start:end] == "J1"
    assert "names" in hits.said[0]


@pytest.mark.parametrize("column", ["detection_id", "source_id"])
def test_numbers(search: Search, catalogue: pd.DataFrame, column: str) -> None:
    value = int(catalogue[column].iat[123])
    kind = {"detection_id": "DETID", "source_id": "SRCID"}[column]
    found = [item for item in search.suggest(str(value)).items if item.get("matched") == f"{kind} {value}"]
    assert len(found) == 1
    assert catalogue[column].iat[found[0]["row"]] == value


def test_beginnings_of_numbers(search: Search) -> None:
    found = [item["matched"] for item in search.suggest("12").items]
    assert "DETID 12" in found
    assert "DETID 120" in found


def test_an_observation_lists_its_detections_and_offers_them_all(search: Search, session: Session) -> None:
    obs_id = str(session.services.atlas.catalogue["obs_id"].iat[40])
    rows = np.flatnonzero(session.services.atlas.catalogue["obs_id"] == obs_id)
    hits = search.suggest(obs_id)
    assert set(rows_of(hits)) <= set(rows)
    assert str(len(rows)) in hits.offer
    session.select_query(hits.query)
    np.testing.assert_array_equal(np.flatnonzero(session.selection), rows)
    beginning = search.suggest(obs_id[:-1])
    assert {"fill": obs_id} in [{"fill": item.get("fill")} for item in beginning.items]


def test_simbad_names(search: Search, catalogue: pd.DataFrame) -> None:
    row = int(np.flatnonzero(catalogue["simbad_main_id"].notna())[5])
    name = str(catalogue["simbad_main_id"].iat[row])
    item = search.suggest(name.lower()).items[0]
    assert item["matched"] == name
    assert catalogue["source_id"].iat[item["row"]] == catalogue["source_id"].iat[row]


def test_a_circle_lists_sources_by_distance_and_offers_them_all(search: Search, session: Session) -> None:
    catalogue = session.services.atlas.catalogue
    ra, dec = float(catalogue["ra_deg"].iat[9]), float(catalogue["dec_deg"].iat[9])
    hits = search.suggest(f"{ra:.7f} {dec:.7f} r=20d")  # too large
    assert "radius" in hits.said[1]
    hits = search.suggest(f"{ra:.7f} {dec:.7f} r=1d")
    assert hits.all is not None
    assert 9 in hits.all
    assert catalogue["source_id"].iat[rows_of(hits)[0]] == catalogue["source_id"].iat[9]
    assert "1°" in hits.offer
    session.select_query(hits.query)
    assert set(np.flatnonzero(session.selection)) == set(hits.all)


def test_nothing_near_names_the_nearest_but_does_not_push_it(search: Search) -> None:
    hits = search.suggest('12:12:12 +10:10:10 r=1"')
    assert any("no detection within 1″" in line for line in hits.said)
    assert any("nearest detection is" in line for line in hits.said)
    assert hits.items[0]["far"]
    assert hits.all is None


def test_nothing_found_says_what_was_tried(search: Search) -> None:
    hits = search.suggest("no such <b>name</b>")
    assert hits.items == []
    assert "“no such <b>name</b>”" in hits.said[0]
    assert "OBS_ID" in hits.said[0]
    assert hits.said[1].startswith("As coordinates: ")
    assert search.suggest("12.0 95.0").said[1] == "As coordinates: a declination lies between −90 and 90 degrees."
    assert search.suggest("  ").said == []


def test_hidden_ones_are_found_and_say_so(search: Search, opened: Services) -> None:
    label = opened.class_of(50)
    name = str(opened.atlas.catalogue["name"].iat[50])
    assert search.suggest(name, Shown(None, frozenset({label}))).items[0]["hidden"] == "its class is hidden"
    none = np.zeros(len(opened), dtype=bool)
    assert search.suggest(name, Shown(none)).items[0]["hidden"] == "hidden by filters"
    assert search.suggest(name).items[0]["hidden"] == ""


def test_a_source_goes_to_an_observation_on_the_map(search: Search, opened: Services) -> None:
    catalogue = opened.atlas.catalogue
    rows = np.flatnonzero(catalogue["source_id"] == catalogue["source_id"].value_counts().idxmax())
    faintest = rows[np.argmin(catalogue["net_counts"].iloc[rows])]
    passing = np.zeros(len(opened), dtype=bool)
    passing[faintest] = True
    item = search.suggest(str(catalogue["name"].iat[faintest]), Shown(passing)).items[0]
    assert (item["row"], item["hidden"]) == (faintest, "")


@pytest.mark.parametrize("text", ["9" * 300, "\x00", "'; DROP TABLE", "٣٤", "²", "𝟙𝟚", "J" * 200, "0" * 18, "-1"])
def test_anything_may_be_asked(search: Search, text: str) -> None:
    hits = search.suggest(text)
    assert all(mark(item["title"], text) is not None for item in hits.items if item.get("marks"))


# -- the field -----------------------------------------------------------------------------------------------------
@pytest.fixture
def box(session: Session) -> Any:
    search_of(session.services).result(timeout=60)
    return SearchPanel(session).view()


def test_a_question_is_answered_by_its_number(box: Any, session: Session) -> None:
    box._received({"number": 3, "text": "j1"})
    assert box.answer["number"] == 3
    box._received({"row": box.answer["items"][2]["row"]})
    assert session.picked == box.answer["items"][2]["row"]
    box._received({"row": len(session.services)})  # no such row
    assert session.picked == box.answer["items"][2]["row"]


def test_what_is_hidden_is_left_out_of_a_selection_and_said(box: Any, session: Session) -> None:
    obs_id = str(session.services.atlas.catalogue["obs_id"].iat[40])
    rows = np.flatnonzero(session.services.atlas.catalogue["obs_id"] == obs_id)
    least = session.services.atlas.catalogue["net_counts"].iloc[rows].max()
    session.set_filter(Range("net_counts", low=float(least)))
    box._received({"number": 1, "text": obs_id})
    (action,) = box.answer["actions"]
    assert action["do"] == "select"
    assert f"{len(rows) - 1} of them" in action["note"] or len(rows) == 1
    box._received({"select": True})
    assert session.selection_count == 1
    assert session.tab == "selection"


def test_names_are_waited_for(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: Future[Search] = Future()
    failed.set_exception(ExplorerError("the names cannot be read", todo="Build the atlas again"))
    monkeypatch.setattr(panel, "search_of", lambda _: failed)
    box = SearchPanel(session).view()
    box._received({"number": 1, "text": "j1"})
    assert box.answer["failed"]
    assert box.answer["said"] == ["the names cannot be read.", "Build the atlas again."]


def test_sesame_is_asked_on_request_only(box: Any, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    catalogue = session.services.atlas.catalogue

    def resolve(name: str) -> Place:
        asked.append(name)
        return Place(float(catalogue["ra_deg"].iat[7]), float(catalogue["dec_deg"].iat[7]))

    monkeypatch.setattr(panel, "resolve", resolve)
    box._received({"number": 1, "text": "M 31"})
    assert asked == []
    assert [action["do"] for action in box.answer["actions"]] == ["sesame"]  # "SIM 31" holds it, but is not it
    box._received({"number": 1, "text": "SIM 31"})
    assert box.answer["actions"] == []
    box._received({"number": 2, "sesame": "M 31"})
    assert asked == ["M 31"]
    assert "Sesame (CDS): “M 31” is at" in box.answer["said"][0]
    assert catalogue["source_id"].iat[box.answer["items"][0]["row"]] == catalogue["source_id"].iat[7]


def raising(error: Exception) -> Any:
    def ask(name: str) -> None:
        raise error

    return ask


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (resolver.NameResolveError("Unable to find coordinates for name 'x' using https://..."), "knows no object “x”"),
        (resolver.NameResolveError("All Sesame queries failed. Unable to retrieve coordinates."), "no network"),
        (OSError("network is unreachable"), "no network"),
    ],
)
def test_sesame_without_an_answer_says_why(
    box: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(resolver, "get_icrs_coordinates", raising(error))
    box._received({"number": 5, "sesame": "x"})
    assert box.answer["failed"]
    assert said in " ".join(box.answer["said"])


def test_sesame_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    leave = threading.Event()
    monkeypatch.setattr(resolver, "PATIENCE", 0.05)
    monkeypatch.setattr(resolver, "get_icrs_coordinates", lambda name: leave.wait(20))
    try:
        with pytest.raises(ExplorerError, match="did not answer"):
            resolver.resolve("x")
    finally:
        leave.set()
