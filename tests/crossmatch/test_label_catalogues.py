"""Catalogues of labels in the formats and under the names that people use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from vae.crossmatch import CrossmatchOptions
from vae.crossmatch.labelled import match_labels
from vae.crossmatch.labels import _degrees, read_labels
from vae.errors import LabelError, OptionError
from vae.resources import asset

OPTIONS = CrossmatchOptions()


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_shipped_list_of_disruptions():
    path = asset("reference", "tde_positions.csv")
    table = pd.read_csv(path, comment="#")
    found = read_labels(path, OPTIONS)
    assert (found.name, found.rows, len(found.table)) == ("tde_positions", 134, 134)
    assert found.class_from == "the file's name"
    assert set(found.table["class_label"]) == {"Tidal disruption event"}
    assert found.table["ra_deg"].tolist() == table["ra_deg"].tolist()
    assert found.table["name"].tolist() == table["name"].tolist()


def table() -> Table:
    return Table(
        {"Who": ["a", "b", "c"], "RAJ2000": [10.0, 20.0, np.nan], "DEJ2000": [-5.0, 6.0, 7.0],
         "Class": ["Quasar", "my own", "Star"]}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mine.csv", "ascii.csv"), ("mine.fits", "fits"), ("mine.xml", "votable"), ("mine.vot", "votable")],
)
def test_formats(tmp_path, name, kind):
    table().write(tmp_path / name, format=kind)
    found = read_labels(tmp_path / name, OPTIONS)
    assert found.name == "mine"
    assert found.table[["ra_deg", "dec_deg"]].to_numpy().tolist() == [[10.0, -5.0], [20.0, 6.0]]
    assert found.table["class_label"].tolist() == ["Quasar", "my own"]
    assert len(found.placeless) == 1
    assert found.class_from == "column Class"


def test_columns_by_ucd(tmp_path):
    odd = table()
    for old, new, ucd in (
        ("Who", "c1", "meta.id;meta.main"), ("RAJ2000", "c2", "pos.eq.ra;meta.main"),
        ("DEJ2000", "c3", "pos.eq.dec;meta.main"), ("Class", "c4", "src.class"),
    ):  # fmt: skip
        odd.rename_column(old, new)
        odd[new].meta["ucd"] = ucd
    odd.write(tmp_path / "odd.xml", format="votable")
    found = read_labels(tmp_path / "odd.xml", OPTIONS)
    assert found.table["name"].tolist() == ["a", "b"]
    assert found.table["class_label"].tolist() == ["Quasar", "my own"]
    assert found.placeless == ["c"]


def test_columns_by_option(tmp_path):
    path = write(tmp_path / "x.csv", "p,q,kind,ra\n1,2,Blazar,99\n")
    options = CrossmatchOptions(label_columns=("ra=p", "dec=q", "class=kind"))
    assert read_labels(path, options).table.iloc[0].tolist() == ["row 1", 1.0, 2.0, "Blazar", False]
    with pytest.raises(LabelError, match="no column zz"):
        read_labels(path, CrossmatchOptions(label_columns=("ra=zz",)))
    with pytest.raises(OptionError, match="ra=COLUMN"):
        read_labels(path, CrossmatchOptions(label_columns=("colour=p",)))


def test_coordinates_as_people_write_them(tmp_path):
    path = write(
        tmp_path / "x.csv", 'ra,dec,class\n10:00:00,-05:30:00,a\n"10 00 00","-05 30 00",a\n150.0,-5.5,a\n,,a\n'
    )
    found = read_labels(path, OPTIONS)
    assert found.table["ra_deg"].tolist() == pytest.approx([150.0] * 3)
    assert found.table["dec_deg"].tolist() == pytest.approx([-5.5] * 3)
    assert len(found.placeless) == 1
    hours = Table({"ra": [10.0], "dec": [-5.5], "class": ["a"]})
    hours["ra"].unit, hours["dec"].unit = "hourangle", "deg"
    assert _degrees(hours, "ra", path, hours=True).tolist() == pytest.approx([150.0])
    with pytest.raises(LabelError, match=r"row 1, column ra: 'near M:31'"):
        read_labels(write(tmp_path / "y.csv", "ra,dec,class\nnear M:31,1,a\n"), OPTIONS)


def test_classes_are_kept_but_for_types_of_simbad(tmp_path):
    path = write(
        tmp_path / "x.csv",
        "ra,dec,class\n1,1,agn\n2,2,Sy1\n3,3,XB?\n4,4,X\n5,5,Changing look\n6,6,\n7,7,Pulsar\n8,8,No match\n",
    )
    found = read_labels(path, OPTIONS)
    assert found.table["class_label"].tolist() == ["AGN", "AGN", "X-ray binary", "Changing look", "Pulsar"]
    assert found.table["class_is_candidate"].tolist() == [False, False, True, False, False]
    assert found.unclassified == 3  # X says nothing, like an empty field
    assert found.renamed == {"No match": "Unclassified", "Sy1": "AGN", "X": "Unclassified", "XB?": "X-ray binary",
                             "agn": "AGN"}  # fmt: skip
    # In a column of SIMBAD's, labels are SIMBAD's, too.
    path = write(tmp_path / "y.csv", "ra,dec,main_type\n7,7,Pulsar\n8,8,HighMassXBin_Candidate\n9,9,Nonsense\n")
    found = read_labels(path, OPTIONS)
    assert found.table["class_label"].tolist() == ["Neutron star", "X-ray binary"]
    assert found.table["class_is_candidate"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,class\nM 31,Galaxy\n", "right ascension .*--label-columns ra=COLUMN"),
        ("ra,class\n1,Galaxy\n", "declination"),
        ("ra,dec,name\n1,2,M 31\n", "no column with classes .*--label-class"),
        ("ra,dec,class\n", "no rows"),
        ("ra,dec,class\n" + "".join(f"1,2,class {i}\n" for i in range(101)), "101 classes"),
    ],
)
def test_what_cannot_be_used_says_why(tmp_path, text, words):
    with pytest.raises(LabelError, match=words):
        read_labels(write(tmp_path / "x.csv", text), OPTIONS)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(LabelError, match="no such file"):
        read_labels(tmp_path / "x.csv", OPTIONS)
    (tmp_path / "x.fits").write_bytes(b"SIMPLE  = nonsense")
    with pytest.raises(LabelError, match="cannot be read as fits"):
        read_labels(tmp_path / "x.fits", OPTIONS)


def test_one_class_for_a_file(tmp_path):
    path = write(tmp_path / "x.csv", "ra,dec\n1,2\n")
    found = read_labels(path, CrossmatchOptions(label_class="Blazar"))
    assert (found.table["class_label"].tolist(), found.class_from) == (["Blazar"], "--label-class")


def sources(ra: list[float], sigma: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"source_id": np.arange(len(ra)), "ra_deg": ra, "dec_deg": 0.0, "sigma_arcsec": sigma})


def labels(tmp_path: Path, rows: list[tuple[float, str]]):
    text = "ra,dec,class\n" + "".join(f"{ra!r},0,{name}\n" for ra, name in rows)
    return read_labels(write(tmp_path / "x.csv", text), OPTIONS)


def test_each_object_labels_its_nearest_source_only(tmp_path):
    arcsec = 1 / 3600
    at = sources([10.0, 10.0 + 3 * arcsec, np.nan, 50.0], [0.5, 0.5, 0.5, 0.5])
    found = match_labels(at, labels(tmp_path, [(10.0 + arcsec, "A"), (90.0, "B")]), OPTIONS)
    assert found.matches["source"].tolist() == [0]
    assert found.matches["separation_arcsec"].tolist() == pytest.approx([1.0])
    assert found.matches["ambiguous"].tolist() == [False]


def test_two_classes_in_reach_are_ambiguous(tmp_path):
    arcsec = 1 / 3600
    rows = [(10.0 + arcsec, "A"), (10.0 - 2 * arcsec, "B"), (50.0, "C"), (50.0 + arcsec, "C")]
    found = match_labels(sources([10.0, 50.0], [1.0, 1.0]), labels(tmp_path, rows), OPTIONS)
    assert found.matches["class_label"].tolist() == ["A", "C"]
    assert found.matches["ambiguous"].tolist() == [True, False]
    assert found.candidates["chosen"].tolist() == [True, False, True, False]


def test_the_radius_can_be_given(tmp_path):
    arcsec = 1 / 3600
    catalogue = labels(tmp_path, [(10.0 + 9 * arcsec, "A")])
    at = sources([10.0], [0.5])
    assert len(match_labels(at, catalogue, OPTIONS).matches) == 0
    assert len(match_labels(at, catalogue, CrossmatchOptions(label_radius=10)).matches) == 1
