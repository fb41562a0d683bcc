"""Chooses the detections of a catalogue that are wanted, and says how many each cut removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from vae.archive.catalogue import require
from vae.archive.columns import CATALOGUE_COLUMNS
from vae.archive.cuts import COLUMNS, Cut, Cuts, cuts_in_order
from vae.archive.kinds import Kind, kind_of, refuse_other_kind, refuse_sources
from vae.archive.selection_file import is_selection, read_notes, read_selection, write_selection
from vae.archive.stream import Rows, TableStream, table_stream
from vae.errors import CatalogueError
from vae.progress import progress_bar

__all__ = ["Cuts", "Selection", "open_selection", "removed_text", "select"]

#: Columns of the table of removed rows.
REMOVED_COLUMNS: Final = ("cut", "removed", "null", "left")
#: 5XMM has no DETID: made of this, OBS_ID and the source number, with digits that 4XMM's have too few of.
_5XMM_DETID: Final = 5 * 10**15


@dataclass(frozen=True)
class Selection:
    """Detections of a catalogue.

    Parameters
    ----------
    table : DataFrame
        The rows kept, in the catalogue's order; the columns of `vae.archive.columns`, named as in 4XMM, absent ones
        null.
    removed : DataFrame
        One row a cut in the order they were made: `cut`; how many rows it `removed`; of how many of these the value
        was `null`; how many were `left`. The first row is the catalogue.
    catalogue : Path
    kind : {"4xmm", "5xmm", "stacked"}
    columns : dict of str to str
        Name in the file of each column that has another one there.
    cuts : Cuts
    """

    table: pd.DataFrame
    removed: pd.DataFrame
    catalogue: Path
    kind: Kind
    columns: dict[str, str] = field(default_factory=dict)
    cuts: Cuts = field(default_factory=Cuts)

    def __len__(self) -> int:
        return len(self.table)

    def records(self) -> list[dict[str, Any]]:
        """Return the table of removed rows as plain values."""
        return [
            {"cut": cut, "removed": int(removed), "null": int(null), "left": int(left)}
            for cut, removed, null, left in self.removed.itertuples(index=False)
        ]

    def text(self) -> str:
        """Return the table of removed rows as lines of text."""
        return removed_text(self.records())

    def save(self, path: Path) -> None:
        """Write it as a file that `vae.archive.catalogue.read_catalogue` takes for the catalogue."""
        notes = {
            "catalogue": self.catalogue.name,
            "path": str(self.catalogue),
            "kind": self.kind,
            "columns": self.columns,
            "cuts": asdict(self.cuts),
            "removed": self.records(),
        }
        write_selection(path, self.table, notes)


def removed_text(records: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of removed rows as lines of text.

    Parameters
    ----------
    records : sequence of mapping
        From `Selection.records`.
    """
    rows = [("", "removed", "of these null", "left")]
    rows += [(row["cut"], f"{row['removed']:,}", f"{row['null']:,}", f"{row['left']:,}") for row in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )


def open_selection(path: Path) -> Selection:
    """Read what `Selection.save` wrote.

    Raises
    ------
    CatalogueError
        When it is no selection, or damaged.
    """
    if not is_selection(path):
        raise CatalogueError("is no selection of a catalogue", where=path)
    notes = read_notes(path)
    table, _ = read_selection(path, CATALOGUE_COLUMNS)
    cuts = Cuts(**notes["cuts"] | {"observations": tuple(notes["cuts"]["observations"])})
    removed = pd.DataFrame(notes["removed"], columns=list(REMOVED_COLUMNS))
    return Selection(table, removed, Path(notes["path"]), notes["kind"], notes["columns"], cuts)


def select(path: str | Path, cuts: Cuts | None = None, *, quiet: bool = True) -> Selection:
    """Choose the detections of a catalogue that are wanted.

    The file is read once from front to back, a gzipped one as it is unpacked; only the rows kept stay in memory.

    Parameters
    ----------
    path : str or Path
        A FITS file, gzipped or not, full or with fewer columns.
    cuts : Cuts
    quiet : bool
        No progress bar.

    Raises
    ------
    CatalogueError
        When it is no FITS table, another catalogue than `cuts` asks for, lacks a column that a cut needs, or names a
        detection twice.
    """
    path, cuts = Path(path), cuts or Cuts()
    with table_stream(path) as stream, progress_bar(quiet=quiet) as progress:
        refuse_sources(stream)
        job = _Work(stream, cuts)
        bar = progress.add_task("Reading the catalogue", total=stream.n_rows)
        for rows in stream.blocks(CATALOGUE_COLUMNS):
            job.take(rows)
            progress.advance(bar, len(rows))
    return job.finish()


class _Work:
    """Takes blocks of rows, keeps those that pass all cuts, counts the others."""

    def __init__(self, stream: TableStream, cuts: Cuts) -> None:
        self.stream, self.cuts = stream, cuts
        self.derived = ("DETID",) if cuts.catalogue_kind == "5xmm" else ()
        self.tests = [Cut("names a detection", tuple(self._identifiers()), _all_known), *cuts_in_order(cuts)]
        self.counts = np.zeros((len(self.tests), 2), np.int64)
        self.kept: list[pd.DataFrame] = []
        self.looked_at = False

    def take(self, rows: Rows) -> None:
        if not self.looked_at:
            self._look_at(rows)
        place = np.arange(len(rows))
        for number, cut in enumerate(self.tests):
            left = rows[place]
            passes = cut.passes(pd.DataFrame({column.name: left.column(column) for column in cut.columns}))
            passed = passes.fillna(False).to_numpy(bool)
            self.counts[number] += (np.count_nonzero(~passed), np.count_nonzero(passes.isna()))
            place = place[passed]
        if len(place):
            self.kept.append(self._table(rows[place]))

    def finish(self) -> Selection:
        if not self.looked_at:
            self._look_at(self.stream.none(CATALOGUE_COLUMNS))
        names = {column.name: found.name for column in CATALOGUE_COLUMNS if (found := self.stream.field(column))}
        table = (
            pd.concat(self.kept, ignore_index=True) if self.kept else self._table(self.stream.none(CATALOGUE_COLUMNS))
        )
        steps = [("in the catalogue", 0, 0), *((c.name, *n) for c, n in zip(self.tests, self.counts, strict=True))]
        table, again = self._once(table)
        if again:
            steps.append(("named once", again, 0))
        if self.cuts.limit is not None:
            steps.append((f"the first {self.cuts.limit:,}", max(len(table) - self.cuts.limit, 0), 0))
            table = table.head(self.cuts.limit)
        removed = pd.DataFrame(steps, columns=list(REMOVED_COLUMNS[:3]))
        removed["left"] = self.stream.n_rows - removed["removed"].cumsum()
        other = {name: there for name, there in names.items() if there.upper() != name}
        return Selection(table, removed, self.stream.path, self.cuts.catalogue_kind, other, self.cuts)

    def _identifiers(self) -> list[Any]:
        return [column for column in CATALOGUE_COLUMNS if column.required and column.name not in self.derived]

    def _look_at(self, rows: Rows) -> None:
        """Refuse a catalogue of another kind, and one that lacks what a cut needs."""
        self.looked_at = True
        names = rows.column(COLUMNS["IAUNAME"]).dropna().unique()
        refuse_other_kind(self.stream, kind_of(self.stream.fields, names), self.cuts.catalogue_kind)
        require(self.stream, self._identifiers())
        for cut in self.tests:
            there = [column for column in cut.columns if self.stream.field(column) is not None]
            if not there:
                raise CatalogueError(
                    f"lacks {' and '.join(column.name for column in cut.columns)}, which the cut '{cut.name}' needs",
                    where=self.stream.path,
                    todo="Give a catalogue that has it" + (f", or do without it: {cut.option}" if cut.option else ""),
                )

    def _table(self, rows: Rows) -> pd.DataFrame:
        table = pd.DataFrame({column.name: rows.column(column) for column in CATALOGUE_COLUMNS})
        if "DETID" in self.derived:
            number = table["OBS_ID"].astype("int64") * 10_000 + table["SRC_NUM"].astype("int64")
            table["DETID"] = (_5XMM_DETID + number).astype("Int64")
        return table

    def _once(self, table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
        """Refuse a detection that is named twice; of 5XMM and stacks, that join detections anew, keep the first."""
        again = table.duplicated(["OBS_ID", "SRC_NUM"])
        if not again.any():
            return table, 0
        if self.cuts.catalogue_kind == "4xmm":
            row = table[again].iloc[0]
            raise CatalogueError(
                f"source {row['SRC_NUM']} of OBS_ID {row['OBS_ID']} stands in it more than once "
                f"({int(again.sum())} such rows)",
                where=self.stream.path,
                todo="Give a catalogue of detections, one row a detection",
            )
        return table[~again].reset_index(drop=True), int(again.sum())


def _all_known(table: pd.DataFrame) -> pd.Series:
    return table.notna().all(axis=1).astype("boolean").replace({False: pd.NA})
