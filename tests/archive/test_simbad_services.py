"""Unmodified astroquery and pyvo against servers on loopback that speak the protocols, well and badly."""

from __future__ import annotations

import io
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

from simbad_sky import SimbadSky, form
from simbad_tap import tap_server
from xmatch import xmatch_server

from vae.archive.simbad import AnswerCache, Asker, CdsXMatch, Manners, SimbadTap, SimbadTypes
from vae.archive.simbad.asking import ROW
from vae.archive.simbad.sphere import separation_arcsec
from vae.errors import ServiceError
from vae.progress import progress_bar

QUICK = Manners(pause_s=0, backoff_s=0.01, timeout_s=60)
SERVICES = {"xmatch": (xmatch_server, CdsXMatch), "tap": (tap_server, SimbadTap)}
RADIUS = 10.0
either = pytest.mark.parametrize("name", list(SERVICES))


@pytest.fixture(scope="module")
def sky() -> SimbadSky:
    """Objects crowded enough for several a source, at both poles and around right ascension 0."""
    rng = np.random.default_rng(5)
    ra = np.concatenate([rng.uniform(0, 360, 60), [0.0005, 359.9995], [10.0, 200.0]])
    dec = np.concatenate([rng.uniform(-80, 80, 60), [0.0, 0.0], [89.999, -89.999]])
    near = np.repeat(np.arange(len(ra)), 4)
    return SimbadSky(
        pd.DataFrame(
            {
                "main_id": [f"OBJ & {i}" for i in range(len(near))],
                "ra": (ra[near] + rng.uniform(-6, 6, len(near)) / 3600) % 360,
                "dec": np.clip(dec[near] + rng.uniform(-6, 6, len(near)) / 3600, -90, 90),
                "otype": rng.choice(["Sy1", "X", "*", "XB?", "QSO"], len(near)),
                "coo_err_maj": np.where(np.arange(len(near)) % 3, 500.0, np.nan),
                "pmra": np.where(np.arange(len(near)) % 2, 120.0, np.nan),
            }
        ).assign(
            otypes=lambda t: t["otype"] + "|IR",
            pmdec=lambda t: -t["pmra"],
            where=np.repeat(ra, 4),
            at=np.repeat(dec, 4),
        )
    )


@pytest.fixture(scope="module")
def question(sky) -> pd.DataFrame:
    places = sky.objects[["where", "at"]].drop_duplicates().to_numpy()
    return pd.DataFrame({"ra_deg": places[:, 0], "dec_deg": places[:, 1]})


def ask(service, question: pd.DataFrame, cache: Path, *, chunk_rows: int = 1000, manners: Manners = QUICK):
    asker = Asker(AnswerCache(cache), manners)
    with progress_bar(quiet=True) as progress:
        return asker.ask(service, question, chunk_rows=chunk_rows, progress=progress, title="x"), asker.tally


def expected(sky: SimbadSky, question: pd.DataFrame) -> set[tuple[int, str]]:
    """Pairs within the radius, by astropy."""
    asked = SkyCoord(question["ra_deg"].to_numpy(), question["dec_deg"].to_numpy(), unit="deg")
    there = SkyCoord(sky.objects["ra"].to_numpy(), sky.objects["dec"].to_numpy(), unit="deg")
    row, found, _, _ = search_around_sky(asked, there, RADIUS * u.arcsec)
    return {(int(r), sky.objects["main_id"][f]) for r, f in zip(row, found, strict=True)}


def pairs(answers: pd.DataFrame) -> set[tuple[int, str]]:
    assert not answers.duplicated([ROW, "main_id"]).any()
    return set(zip(answers[ROW].tolist(), answers["main_id"], strict=True))


@either
def test_an_answer_is_what_astropy_finds(name, sky, question, tmp_path):
    server, service = SERVICES[name]
    with server(sky) as (url, log):
        answers, tally = ask(service(RADIUS, QUICK, url=url), question, tmp_path, chunk_rows=25)
    assert pairs(answers) == expected(sky, question)
    assert (tally.requests, tally.split, len(log.log.bodies)) == (3, 0, 3)
    assert log.log.at_once == 1
    objects = sky.objects.set_index("main_id").loc[answers["main_id"]]
    for ours, theirs in (("ra_deg", "ra"), ("dec_deg", "dec"), ("pm_ra_mas", "pmra"), ("otypes", "otypes")):
        assert answers[ours].tolist() == pytest.approx(objects[theirs].tolist(), nan_ok=True)
    # coo_err_min is 100 where coo_err_maj is unknown
    assert answers["error_mas"].tolist() == np.where(objects["coo_err_maj"].isna(), 100, 500).tolist()


def test_nothing_but_row_and_position_is_sent_to_xmatch(sky, question, tmp_path):
    with xmatch_server(sky) as (url, server):
        ask(CdsXMatch(RADIUS, QUICK, url=url), question, tmp_path)
        (body,) = server.log.bodies
    boundary = body[2 : body.index(b"\r")].decode()
    fields = form(f"multipart/form-data; boundary={boundary}", body)
    sent = pd.read_csv(io.BytesIO(fields["cat1"]))
    assert list(sent.columns) == [ROW, "ra_in", "dec_in"]
    np.testing.assert_allclose(sent["ra_in"], question["ra_deg"], rtol=0, atol=1e-12)
    assert float(fields["distMaxArcsec"]) == RADIUS
    assert server.log.paths == ["/xmatch/api/v1/sync"]  # no list of all VizieR tables


@either
@pytest.mark.parametrize(
    "fault",
    ["404", "500", "503:0.1", "503:date", "timeout", "truncated", "short", "hangup", "html", "empty"],
)
def test_what_is_no_answer_is_asked_again(name, fault, sky, question, tmp_path):
    server, service = SERVICES[name]
    manners = replace(QUICK, timeout_s=1) if fault == "timeout" else QUICK
    with server(sky, ["ok", fault, fault]) as (url, log):
        answers, tally = ask(service(RADIUS, manners, url=url), question, tmp_path, chunk_rows=25, manners=manners)
    assert pairs(answers) == expected(sky, question)
    answered = log.log.answered
    if fault == "timeout":  # on a busy machine a good answer, too, may take longer than a second
        assert (answered[:3], set(answered[3:])) == (["ok", fault, fault], {"ok"})
    else:
        assert answered == ["ok", fault, fault, "ok", "ok"]
    assert tally.split == 0
    assert len(list(tmp_path.glob("*.parquet"))) == 3


@either
def test_a_service_that_asks_for_peace_gets_it(name, sky, question, tmp_path):
    server, service = SERVICES[name]
    waits: list[float] = []
    manners = Manners(pause_s=0, backoff_s=0.01, timeout_s=5, sleep=waits.append)
    with server(sky, ["503:77"]) as (url, _):
        ask(service(RADIUS, manners, url=url), question, tmp_path, manners=manners)
    assert waits == [77]


@either
def test_pauses_are_kept(name, sky, question, tmp_path):
    server, service = SERVICES[name]
    manners = Manners(pause_s=0.15, timeout_s=5)
    with server(sky) as (url, log):
        ask(service(RADIUS, manners, url=url), question, tmp_path, chunk_rows=25, manners=manners)
    assert np.all(np.diff(log.log.times) >= 0.15)


def test_one_process_waits_for_another_and_takes_its_answer(sky, question, tmp_path):
    cache, got = AnswerCache(tmp_path), []
    with xmatch_server(sky) as (url, server):
        service = CdsXMatch(RADIUS, QUICK, url=url)
        with cache.alone():  # as another process would, which answers the question meanwhile
            thread = threading.Thread(target=lambda: got.append(ask(service, question, tmp_path)))
            thread.start()
            time.sleep(0.3)
            assert server.log.bodies == []
            cache.put(service.name, cache.key(service.identity, question), service.ask(question))
        thread.join()
    answers, tally = got[0]
    assert pairs(answers) == expected(sky, question)
    assert (tally.requests, tally.from_cache, len(server.log.bodies)) == (0, 1, 1)


@either
@pytest.mark.parametrize("fault", ["overflow", "overflow-before", "413"])
def test_a_cut_answer_is_never_taken(name, fault, sky, question, tmp_path):
    server, service = SERVICES[name]
    with server(sky, [fault, fault]) as (url, log):
        answers, tally = ask(service(RADIUS, QUICK, url=url), question, tmp_path)
        assert pairs(answers) == expected(sky, question)
        # Whole, then its first half, then that in quarters and the second half.
        assert (tally.split, log.log.answered) == (2, [fault, fault, "ok", "ok", "ok"])
        assert answers[ROW].is_monotonic_increasing
        # What was too much once is not asked again.
        again, tally = ask(service(RADIUS, QUICK, url=url), question, tmp_path)
        assert (tally.requests, tally.from_cache) == (0, 3)
        pd.testing.assert_frame_equal(again, answers)
        assert len(log.log.bodies) == 5


@either
def test_limits_of_the_service_split_as_far_as_needed(name, sky, question, tmp_path):
    server, service = SERVICES[name]
    question = question.iloc[:16]
    with server(sky, most_rows=17) as (url, _):
        answers, tally = ask(service(RADIUS, QUICK, url=url), question, tmp_path)
        assert pairs(answers) == expected(sky, question)
        assert tally.split == 3
    with (
        server(sky, most_rows=2) as (url, _),
        pytest.raises(ServiceError, match=r"a single row exceeds.*smaller circle"),
    ):
        ask(service(RADIUS, QUICK, url=url), question, tmp_path)


def test_an_answer_as_long_as_allowed_counts_as_cut(sky, question, tmp_path):
    """The server says OK where as many rows as MAXREC came; pyvo would not warn either."""
    n = len(expected(sky, question))
    with tap_server(sky) as (url, server):
        answers, tally = ask(SimbadTap(RADIUS, QUICK, url=url, most_rows=n), question, tmp_path)
    assert pairs(answers) == expected(sky, question)
    assert (tally.split, len(server.log.bodies)) == (1, 3)


@either
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("403", "403.*bans those that send jobs in parallel"),
        ("400", "400"),
        ("error", "aborted.*Report it"),
        ("503:100000", "left alone for 100000 s.*is kept"),
    ],
)
def test_final_words_end_it_at_once(name, fault, words, sky, question, tmp_path):
    server, service = SERVICES[name]
    with server(sky, ["ok", fault]) as (url, log):
        with pytest.raises(ServiceError, match=words):
            ask(service(RADIUS, QUICK, url=url), question, tmp_path, chunk_rows=25)
        assert log.log.answered == ["ok", fault]
        answers, tally = ask(service(RADIUS, QUICK, url=url), question, tmp_path, chunk_rows=25)
        assert (tally.requests, tally.from_cache) == (2, 1)
    assert pairs(answers) == expected(sky, question)


@either
def test_a_dead_service_is_told_from_a_busy_one(name, sky, question, tmp_path):
    server, service = SERVICES[name]
    with server(sky) as (url, _):
        pass
    started = time.monotonic()
    with pytest.raises(ServiceError, match=r"connection failed.*5 times in a row"):
        ask(service(RADIUS, QUICK, url=url), question, tmp_path)
    assert time.monotonic() - started < 60  # it ends at all
    assert [path.name for path in tmp_path.iterdir()] == [".asking.lock"]


def test_rows_mixed_up_by_a_service_are_noticed(sky, question, tmp_path, monkeypatch):
    near = SimbadSky.near

    def mixed(self, ra, dec, radius_deg):
        asked, rows, distance = near(self, ra, dec, radius_deg)
        return asked[::-1], rows, distance

    monkeypatch.setattr(SimbadSky, "near", mixed)
    once = Manners(pause_s=0, tries=1)
    for server, service in SERVICES.values():
        with server(sky) as (url, _), pytest.raises(ServiceError, match="not those of its positions"):
            ask(service(RADIUS, once, url=url), question, tmp_path, manners=once)


def test_types_of_objects_by_identifier(sky, tmp_path):
    names = pd.DataFrame({"main_id": ["OBJ & 3", "NOBODY", "OBJ & 0"]}).astype("str")
    with tap_server(sky, ["html"]) as (url, _):
        answers, _ = ask(SimbadTypes(QUICK, url=url), names, tmp_path)
    assert answers[ROW].tolist() == [0, 2]
    assert answers["otype"].tolist() == sky.objects["otype"][[3, 0]].tolist()
    assert answers["otypes"].tolist() == sky.objects["otypes"][[3, 0]].tolist()


def test_the_tap_server_is_strict(sky):
    from simbad_tap import AdqlError, evaluate

    upload = {"t": pd.DataFrame({"n": [0], "ra": [0.0], "dec": [0.0], "radius": [0.01]})}
    good = (
        "SELECT t.n, basic.main_id FROM TAP_UPLOAD.t AS t JOIN basic ON CONTAINS(POINT('ICRS', basic.ra, basic.dec), "
        "CIRCLE('ICRS', t.ra, t.dec, t.radius)) = 1"
    )
    assert len(evaluate(good, upload, sky, 10)) == 8
    distance = "DISTANCE(POINT('ICRS', basic.ra, basic.dec), POINT('ICRS', t.ra, t.dec))"
    assert evaluate(good.replace("basic.main_id", f"{distance} AS far"), upload, sky, 10)["far"].max() < 0.01
    for wrong in (
        good.replace("main_id", "main_idd"), good.replace("= 1", "= 2"), good.replace("AS t", "AS s"),
        good.replace("basic.main_id", f"{distance} AS distance"),
        good.replace("TAP_UPLOAD.t ", "TAP_UPLOAD.s "), good + " WHERE 1 = 1",
    ):  # fmt: skip
        with pytest.raises(AdqlError):
            evaluate(wrong, upload, sky, 10)
    with pytest.raises(AdqlError, match="uploaded rows"):
        evaluate(good, upload, sky, 0)


def test_separations_are_astropys():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 500), rng.uniform(-90, 90, 500)
    far_ra, far_dec = rng.uniform(0, 360, 500), rng.uniform(-90, 90, 500)
    near_ra, near_dec = ra + rng.normal(0, 1e-6, 500), np.clip(dec + rng.normal(0, 1e-6, 500), -90, 90)
    for other in ((far_ra, far_dec), (near_ra, near_dec)):
        theirs = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(*other, unit="deg")).arcsec
        np.testing.assert_allclose(separation_arcsec(ra, dec, *other), theirs, rtol=1e-9, atol=1e-7)
