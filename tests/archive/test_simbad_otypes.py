"""Object types by code and by label lead to the classes of the reference table."""

from __future__ import annotations

import csv

import pytest

from vae.archive.simbad import UNKNOWN_NATURE, ObjectTypes
from vae.palette import CLASS_TOKENS
from vae.resources import asset

TYPES = ObjectTypes.shipped()


def rows(name: str) -> list[dict[str, str]]:
    with asset("reference", name).open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.fixture(scope="module")
def classes() -> dict[str, tuple[str, bool]]:
    return {row["otype"]: (row["display_class"], row["candidate"] == "1") for row in rows("simbad_otypes.csv")}


def test_every_code_has_its_class(classes):
    assert len(classes) == 226
    for code, (display, candidate) in classes.items():
        assert TYPES.code(code) == code
        assert (TYPES.display_class(code), TYPES.is_candidate(code)) == (display, candidate)
        assert display in CLASS_TOKENS


def test_every_label_leads_to_its_code(classes):
    labels = rows("simbad_otype_labels.csv")
    assert {row["otype"] for row in labels} == set(classes)
    assert len({row["label"] for row in labels}) == len(labels)
    for row in labels:
        assert TYPES.code(row["label"]) == row["otype"]
        # A candidate's label says so, and no other does.
        assert row["label"].endswith("_Candidate") == classes[row["otype"]][1], row


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Seyfert1", "Sy1"), ("Seyfert_1", "Sy1"), ("seyfert 1", "Sy1"), ("Sy1", "Sy1"), ("HMXB", "HXB"),
        ("Candidate_CV*", "CV?"), ("CataclyV*_Candidate", "CV?"), ("Sy*", "Sy*"), ("Symbiotic*", "Sy*"), ("X", "X"),
        ("sy1", None), ("Flying saucer", None), ("", None), (None, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_spellings(written, code):
    assert TYPES.code(written) == code


@pytest.mark.parametrize("code", ["X", "?", "Rad", "IR", "gam", "UV", "Opt", "var", "new!", None, float("nan")])
def test_unknown_nature_is_no_class(code):
    assert TYPES.display_class(code) == UNKNOWN_NATURE == "Unclassified"
    assert not TYPES.is_candidate(code)
