"""Catalogues of labels: somebody's list of positions and what they are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import astropy.units as u
import numpy as np
import pandas as pd
from astropy.coordinates import Angle
from astropy.table import Table

from vae.archive.simbad import UNKNOWN_NATURE, ObjectTypes
from vae.crossmatch.options import CrossmatchOptions
from vae.errors import LabelError, OptionError
from vae.palette import CLASS_TOKENS

#: Usual names of columns, in the order they are looked for; lower case.
_NAMES: Final = {
    "ra": (
        "ra_deg", "ra", "raj2000", "_raj2000", "ra_j2000", "ra_icrs", "sc_ra", "ra2000", "_ra", "alpha", "alpha_j2000",
    ),
    "dec": (
        "dec_deg", "dec", "de", "dej2000", "decj2000", "_dej2000", "dec_j2000", "de_icrs", "dec_icrs", "sc_dec",
        "dec2000", "_de", "delta", "delta_j2000",
    ),
    "class": (
        "class_label", "class", "label", "classification", "object_class", "source_class", "objclass", "simbad_otype",
        "otype", "main_type", "object_type", "objtype", "type",
    ),
    "name": ("name", "main_id", "iauname", "designation", "object", "objname", "source", "source_name", "id"),
}  # fmt: skip
#: UCDs of the same, tried where no name fits; the beginning counts.
_UCDS: Final = {
    "ra": ("pos.eq.ra;meta.main", "pos.eq.ra", "pos_eq_ra_main"),
    "dec": ("pos.eq.dec;meta.main", "pos.eq.dec", "pos_eq_dec_main"),
    "class": ("src.class", "meta.code.class", "class_object"),
    "name": ("meta.id;meta.main", "meta.id", "id_main"),
}
#: What a word of a file's name says of all its rows, where no column holds classes.
_FILE_WORDS: Final = {"tde": "Tidal disruption event", "tdes": "Tidal disruption event"}
#: The map's colours and legend hold no more.
_MOST_CLASSES: Final = 100


@dataclass(frozen=True)
class LabelCatalogue:
    """Positions with classes.

    Parameters
    ----------
    name : str
        Of the file, without suffix: what `class_origin` will say.
    table : DataFrame
        ``name ra_deg dec_deg class_label class_is_candidate``, rows with position and class only.
    rows : int
        Of the file.
    placeless : list of str
        Names of rows without position.
    unclassified : int
        Rows without class, or with one that says nothing of their nature.
    renamed : dict of str to str
        Classes that were written otherwise: SIMBAD's codes, other capitals.
    class_from : str
        Where the classes come from.
    """

    name: str
    table: pd.DataFrame
    rows: int
    placeless: list[str] = field(default_factory=list)
    unclassified: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    class_from: str = ""


def read_labels(path: Path, options: CrossmatchOptions) -> LabelCatalogue:
    """Read a label catalogue: CSV (lines beginning with # are comments), FITS or VOTable.

    Classes are kept as they are written, but for display classes in other capitals and SIMBAD's object types: codes
    always, labels where the column is named as one of SIMBAD's.

    Raises
    ------
    LabelError
        When it cannot be read, or positions or classes are not found.
    """
    table = _read(path)
    named = _named(options)
    columns = {role: _column(table, role, named, path) for role in _NAMES}
    if columns["ra"] is None or columns["dec"] is None:
        what = "right ascension" if columns["ra"] is None else "declination"
        raise LabelError(
            f"has no column for {what} (it has {', '.join(table.colnames[:12])})", where=path,
            todo="Name it: --label-columns ra=COLUMN dec=COLUMN",
        )  # fmt: skip
    ra, dec = _degrees(table, columns["ra"], path, hours=True), _degrees(table, columns["dec"], path, hours=False)
    names = _texts(table[columns["name"]]) if columns["name"] else [f"row {row + 1}" for row in range(len(table))]
    written, class_from = _classes(table, columns["class"], path, options)
    is_otype = columns["class"] is not None and columns["class"].lower() in ("otype", "simbad_otype", "main_type")
    known = {text: _class(text, is_otype=is_otype) for text in set(written)}
    whole = pd.DataFrame(
        {
            "name": pd.Series(names, dtype="str"),
            "ra_deg": ra,
            "dec_deg": dec,
            "class_label": pd.Series([known[text][0] for text in written], dtype="str"),
            "class_is_candidate": [known[text][1] for text in written],
        }
    )
    placed = np.isfinite(ra) & np.isfinite(dec) & (np.abs(np.nan_to_num(dec)) <= 90)
    classified = (whole["class_label"] != UNKNOWN_NATURE).to_numpy()
    used = whole[placed & classified].reset_index(drop=True)
    if used["class_label"].nunique() > _MOST_CLASSES:
        raise LabelError(
            f"column {columns['class']} holds {used['class_label'].nunique()} classes; the map has room for "
            f"{_MOST_CLASSES}", where=path, todo="Name a column with fewer: --label-columns class=COLUMN",
        )  # fmt: skip
    return LabelCatalogue(
        name=path.name.removesuffix(".gz").rsplit(".", 1)[0],
        table=used,
        rows=len(whole),
        placeless=whole.loc[~placed, "name"].tolist(),
        unclassified=int((placed & ~classified).sum()),
        renamed={text: label for text, (label, _) in sorted(known.items()) if text and text != label},
        class_from=class_from,
    )


def _read(path: Path) -> Table:
    if not path.is_file():
        raise LabelError("no such file", where=path, todo="Check the path given to --labels")
    with path.open("rb") as file:
        start = file.read(512)
    kind = (
        {"format": "votable", "use_names_over_ids": True} if b"<VOTABLE" in start or start.lstrip().startswith(b"<?xml")
        else {"format": "fits", "hdu": 1} if start.startswith(b"SIMPLE") or start.startswith(b"\x1f\x8b")
        else {"format": "ascii.csv", "comment": r"\s*#"}
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd units
        try:
            table = Table.read(path, **kind)
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise LabelError(
                f"cannot be read as {kind['format']} ({str(error)[:200]})", where=path,
                todo="Give a CSV, FITS or VOTable file",
            ) from error  # fmt: skip
    if not len(table):
        raise LabelError("has no rows", where=path)
    return table


def _named(options: CrossmatchOptions) -> dict[str, str]:
    named = dict(item.partition("=")[::2] for item in options.label_columns)
    for role, column in named.items():
        if role not in _NAMES or not column:
            raise OptionError(f"--label-columns {role}={column}: give {', '.join(f'{n}=COLUMN' for n in _NAMES)}")
    return named


def _column(table: Table, role: str, named: dict[str, str], path: Path) -> str | None:
    if role in named:
        if named[role] not in table.colnames:
            raise LabelError(f"has no column {named[role]} (it has {', '.join(table.colnames[:12])})", where=path)
        return named[role]
    by_name = {name.lower(): name for name in reversed(table.colnames)}
    for name in _NAMES[role]:
        if name in by_name:
            return by_name[name]
    ucds = [(name, str(table[name].meta.get("ucd", "")).lower()) for name in table.colnames]
    for wanted in _UCDS[role]:
        for name, ucd in ucds:
            if ucd.startswith(wanted):
                return name
    return None


def _degrees(table: Table, name: str, path: Path, *, hours: bool) -> np.ndarray:
    """Return a coordinate in degrees: numbers in their unit, else degrees; sexagesimal right ascensions are hours."""
    column = table[name]
    if column.dtype.kind in "fiu":
        values = np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
        unit = column.unit if column.unit in (u.rad, u.hourangle, u.arcmin, u.arcsec) else u.deg
        return np.asarray((values * u.Unit(unit)).to_value(u.deg))
    out = np.full(len(table), np.nan)
    for row, text in enumerate(_texts(column)):
        if not text:
            continue
        try:
            sexagesimal = re.search(r"[:hd\s]", text) is not None
            unit = u.hourangle if hours and sexagesimal else u.deg
            out[row] = float(text) if not sexagesimal else Angle(text, unit).to_value(u.deg)
        except ValueError as error:
            raise LabelError(f"row {row + 1}, column {name}: {text!r} is no coordinate", where=path) from error
    return out


def _texts(column: Any) -> list[str]:
    values = np.ma.asarray(column).tolist()
    return ["" if v is None else (v.decode() if isinstance(v, bytes) else str(v)).strip() for v in values]


def _classes(table: Table, column: str | None, path: Path, options: CrossmatchOptions) -> tuple[list[str], str]:
    if column is not None:
        return _texts(table[column]), f"column {column}"
    if options.label_class:
        return [options.label_class] * len(table), "--label-class"
    for word in re.split(r"[\W_]+", path.name.lower()):
        if word in _FILE_WORDS:
            return [_FILE_WORDS[word]] * len(table), "the file's name"
    raise LabelError(
        f"has no column with classes (it has {', '.join(table.colnames[:12])})", where=path,
        todo="Name it, --label-columns class=COLUMN, or say what all its rows are, --label-class CLASS",
    )  # fmt: skip


def _class(text: str, *, is_otype: bool) -> tuple[str, bool]:
    """Class for what a catalogue says, and whether it is a candidate's; "Unclassified" where it says nothing."""
    if not text or text.lower() in ("nan", "null", "none", "-"):
        return UNKNOWN_NATURE, False
    display = _display_classes().get(text.lower())
    if display:
        return (UNKNOWN_NATURE if display == "No match" else display), False
    types = ObjectTypes.shipped()
    if text in types.codes or is_otype:
        code = types.code(text)
        return types.display_class(code), types.is_candidate(code)
    return text, False


def _display_classes() -> dict[str, str]:
    return {name.lower(): name for name in CLASS_TOKENS}


def summary_of(catalogue: LabelCatalogue, sources_labelled: int) -> dict[str, Any]:
    """Return what the summary says of a catalogue."""
    told: dict[str, Any] = {
        "rows": catalogue.rows,
        "classes_from": catalogue.class_from,
        "without_position": len(catalogue.placeless),
        "without_class": catalogue.unclassified,
        "sources_labelled": sources_labelled,
    }
    if catalogue.placeless:
        told["first_without_position"] = catalogue.placeless[:5]
    if catalogue.renamed:
        told["classes_renamed"] = catalogue.renamed
    return told


def distinct_names(paths: Iterable[Path]) -> None:
    """Raise `OptionError` where two catalogues would have the same name in `class_origin`."""
    names = [path.name.removesuffix(".gz").rsplit(".", 1)[0] for path in paths]
    for name in names:
        if names.count(name) > 1 or name.lower() in ("simbad", "simulated"):
            raise OptionError(
                f"--labels: the name {name!r} {'stands twice' if names.count(name) > 1 else 'is taken'}",
                todo="Rename the file: class_origin shows its name",
            )
