"""Whole answers or none, waits and pauses: what is promised to a public service."""

from __future__ import annotations

import datetime
import email.utils

import pandas as pd
import pytest

from vae.archive.simbad.cache import AnswerCache
from vae.archive.simbad.manners import Manners, TooLargeError, Trouble, _retry_after, check_whole, patiently
from vae.errors import ServiceError


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"Service temporarily down", "no table but 'Service temporarily down'"),
        (b"<!DOCTYPE html>\n<html><head><title>Down</title></head></html>", r"a web page .*\(Down\)"),
        (b"<HTML><BODY>login</BODY></HTML>", "a web page"),
        (b'<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE>', "cut off"),
        (b'<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE></RESOURCE></VOTAB', "cut off"),
    ],
)
def test_what_is_no_whole_table_is_trouble(body, words):
    with pytest.raises(Trouble, match=words):
        check_whole(body)


def test_whole_documents_pass():
    check_whole(b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- c --><VOTABLE><RESOURCE/></VOTABLE>\n')
    check_whole(b"<vosi:capabilities></vosi:capabilities >")


def patient(waits: list[float], **settings: float) -> Manners:
    return Manners(sleep=waits.append, **settings)


def test_waits_double_and_the_service_is_obeyed():
    waits: list[float] = []
    troubles = [Trouble("a"), Trouble("b"), Trouble("c", retry_after=42.0), Trouble("d")]

    def call() -> str:
        if troubles:
            raise troubles.pop(0)
        return "answer"

    assert patiently(call, patient(waits, tries=5, backoff_s=5), what="x", where="y") == "answer"
    assert waits == [5, 10, 42, 40]


def always(trouble: Trouble):
    def call() -> None:
        raise trouble

    return call


def test_it_gives_up_and_says_that_answers_are_kept():
    waits: list[float] = []
    with pytest.raises(ServiceError, match=r"no luck, 3 times in a row.*run the same command again"):
        patiently(always(Trouble("no luck")), patient(waits, tries=3, backoff_s=1), what="x", where="y")
    assert waits == [1, 2]


def test_long_waits_and_final_words_end_it_at_once():
    waits: list[float] = []
    with pytest.raises(ServiceError, match="left alone for 3600 s"):
        patiently(always(Trouble("busy", retry_after=3600)), patient(waits), what="x", where="y")
    with pytest.raises(ServiceError, match=r"banned.*Ask them"):
        patiently(always(Trouble("banned", todo="Ask them")), patient(waits), what="x", where="y")
    with pytest.raises(TooLargeError):
        patiently(always(Trouble("too large", too_large=True)), patient(waits), what="x", where="y")
    assert waits == []


def test_retry_after_is_seconds_or_a_date():
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert _retry_after("120") == 120
    assert _retry_after(email.utils.format_datetime(soon, usegmt=True)) == pytest.approx(3600, abs=5)
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert _retry_after("later") is None
    assert _retry_after(None) is None


def question(**changes: float) -> pd.DataFrame:
    return pd.DataFrame({"ra_deg": [1.0, 2.0], "dec_deg": [3.0, changes.get("dec", 4.0)]})


def test_a_key_changes_with_everything_that_is_asked():
    keys = {
        AnswerCache.key(identity, asked)
        for identity in ("xmatch 5", "xmatch 6")
        for asked in (question(), question(dec=4.0000001), question().iloc[:1], question().iloc[::-1])
    }
    assert len(keys) == 8
    assert AnswerCache.key("xmatch 5", question()) in keys


def test_answers_are_kept_grow_old_and_are_whole(tmp_path):
    day = datetime.date(2026, 1, 1)
    key = AnswerCache.key("who", question())
    assert AnswerCache(tmp_path, today=day).get("who", key) is None
    answer = pd.DataFrame({"source_row": [0], "main_id": pd.Series([None], dtype="str")})
    AnswerCache(tmp_path, today=day).put("who", key, answer)
    later = AnswerCache(tmp_path, max_age_days=30, today=day + datetime.timedelta(days=30))
    known = later.get("who", key)
    assert known is not None
    assert known.date == day
    pd.testing.assert_frame_equal(known.table, answer)
    too_late = AnswerCache(tmp_path, max_age_days=30, today=day + datetime.timedelta(days=31))
    assert too_late.get("who", key) is None
    too_late.put("who", key, answer.iloc[:0])
    assert len(too_late.get("who", key).table) == 0  # the newer one
    for path in tmp_path.iterdir():
        path.write_bytes(b"half a fi")
    assert too_late.get("who", key) is None
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_that_an_answer_was_cut_is_remembered(tmp_path):
    cache = AnswerCache(tmp_path)
    cache.put("who", "k", None)
    assert cache.get("who", "k").table is None
