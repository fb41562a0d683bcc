"""What a build has finished and begun: written whole, read again, never taken from someone else's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from vae.build.ledger import Ledger, Record, differing, name_of
from vae.errors import BuildError

RECORD = Record({"cuts": {"min_counts": 300.0}}, "abc", 7, 1.5, {"kind": "4xmm"})


def test_what_is_finished_is_known_to_the_next_build(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin("select", RECORD.ingredients)
    assert ledger.was_begun("select", RECORD.ingredients)
    ledger.finish("select", RECORD)
    again = Ledger(tmp_path)
    assert again.record("select") == RECORD
    assert again.record("encode") is None
    assert not again.was_begun("select", RECORD.ingredients)
    assert [path.name for path in tmp_path.iterdir()] == ["stages.json"]


def test_what_is_begun_anew_is_finished_no_more(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.finish("select", RECORD)
    ledger.begin("select", {"cuts": {"min_counts": 500.0}})
    again = Ledger(tmp_path)
    assert again.record("select") is None
    assert again.earlier("select") == RECORD
    assert again.was_begun("select", {"cuts": {"min_counts": 500.0}})
    assert not again.was_begun("select", RECORD.ingredients)


def test_differences_are_named_down_to_the_option() -> None:
    one = {"cuts": {"min_counts": 300.0, "limit": None}, "code": "a"}
    other = {"cuts": {"min_counts": 500.0, "limit": None}, "more": 1, "code": "a"}
    assert differing(one, other) == ["cuts.min_counts", "more"]
    assert differing(one, one) == []
    assert name_of(one) == name_of(dict(reversed(one.items()))) != name_of(other)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BuildError, match=r"no build's work folder.*--work"):
        Ledger(tmp_path)
    for content in ("not json", "[]", '{"format": "xmm-latent-explorer build", "version": 0}'):
        (tmp_path / "stages.json").write_text(content)
        with pytest.raises(BuildError, match=r"stages\.json"):
            Ledger(tmp_path)
