"""Rows chosen and put in order: from the spool, or from the store that is brought up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import Progress

from vae.archive.catalogue import Catalogue
from vae.preprocess.identify import identify
from vae.preprocess.ledger import Before, write_ledger
from vae.preprocess.rejections import losing, not_listed
from vae.preprocess.responses import load_response
from vae.preprocess.sources import choose_spectra, join_sources
from vae.preprocess.spool import Spool
from vae.preprocess.survey import Rejection
from vae.spectra.store import SHARD_ROWS, Block, StoreWriter

_ARRAYS = ("counts", "background_counts", "background_ratio", "sensitivity", "area")


def choose(
    table: pd.DataFrame, files: Sequence[str], catalogue: Catalogue | None
) -> tuple[pd.DataFrame, list[Rejection]]:
    """Identify sources, keep one spectrum of each in each observation; rows in order of detection_id, index kept."""
    lost: list[Rejection] = []
    if catalogue is None:
        table = table.assign(
            source=table.index.to_numpy()[
                join_sources(
                    table["ra_deg"].to_numpy(np.float64, na_value=np.nan),
                    table["dec_deg"].to_numpy(np.float64, na_value=np.nan),
                    list(table["obs_id"]),
                    list(table["src_num"]),
                )
            ]
        )
    else:
        every, (table, unknown) = table, identify(table, catalogue)
        lost += not_listed(every.loc[unknown], files, catalogue.name)
    choice = choose_spectra(table)
    rows = table[choice["kept"]].sort_values("detection_id", kind="stable")
    rows["source_id"] = (
        rows["source"] if catalogue is not None else rows.groupby("source")["detection_id"].transform("min")
    )
    return rows, [*lost, *losing(choice, table, files)]


@dataclass
class Assembly:
    """Where the arrays of each spectrum are, by its number among the spectra tried.

    Parameters
    ----------
    spool : Spool
    spooled : array of int64
        Place in the spool, -1 where it is not there.
    before : Before or None
        The store that is brought up to date.
    stored : array of int64
        Row of that store, -1 where it is not there.
    matrices : dict of str to Path
        A file with each redistribution, by its key.
    """

    spool: Spool
    spooled: NDArray[np.int64]
    before: Before | None
    stored: NDArray[np.int64]
    matrices: dict[str, Path]

    def missing(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """Return the chosen spectra whose arrays are nowhere: another one was kept in their place before."""
        chosen = rows.index.to_numpy()
        if (
            self.before is not None
            and rows["whole"].all()
            and self.before.store.root["background_counts"].dtype != "u4"
        ):
            self.stored[:] = -1  # of large numbers single precision has lost the last digits
        return np.sort(chosen[(self.spooled[chosen] < 0) & (self.stored[chosen] < 0)])

    def write(
        self,
        folder: Path,
        rows: pd.DataFrame,
        ledger: pd.DataFrame,
        rejected: pd.DataFrame,
        provenance: Mapping[str, object],
        progress: Progress,
    ) -> list[str]:
        """Write the store; return the names of its responses."""
        order = rows.index.to_numpy()
        of_key = rows.groupby("response_key")["response"].min()
        keys = sorted(of_key.index, key=lambda key: (of_key[key], key))
        index = rows["response_key"].map({key: number for number, key in enumerate(keys)}).to_numpy(np.int32)
        writer = StoreWriter(folder, len(order), fractional_background=not rows["whole"].all())
        for start in progress.track(range(0, len(order), SHARD_ROWS), description="writing"):
            writer.write(start, self._block(order[start : start + SHARD_ROWS], index[start : start + SHARD_ROWS]))
        names = [str(of_key[key]) for key in keys]
        writer.finish(
            rows.drop(columns=["source", "response_key", "simulated", "whole"]).reset_index(drop=True),
            redistribution=self._redistributions(keys),
            responses=names,
            rejected=rejected,
            provenance=provenance,
            simulated=bool(rows["simulated"].all()),
        )
        place = np.full(len(ledger), -1)
        place[order] = np.arange(len(order))
        write_ledger(folder, ledger.assign(store_row=place))
        return names

    def _block(self, order: NDArray[np.int64], index: NDArray[np.int32]) -> Block:
        """Return the arrays of some rows, in the order asked for."""
        spooled, stored = self.spooled[order], self.stored[order]
        fresh = np.flatnonzero(spooled >= 0)
        records = self.spool.read(spooled[fresh])
        arrays = {}
        for name in _ARRAYS:
            values = records[name]
            arrays[name] = np.zeros((len(order), *values.shape[1:]), values.dtype)
            arrays[name][fresh] = values
        old = np.flatnonzero(spooled < 0)
        for shard in np.unique(stored[old] // SHARD_ROWS):
            assert self.before is not None
            store, first = self.before.store, int(shard) * SHARD_ROWS
            wanted = old[stored[old] // SHARD_ROWS == shard]
            for name in _ARRAYS:
                values = store.read(name, slice(first, min(first + SHARD_ROWS, len(store))))
                arrays[name][wanted] = values[stored[wanted] - first]
        return Block(
            counts=arrays["counts"].astype(np.uint32),
            background_counts=arrays["background_counts"],
            background_ratio=arrays["background_ratio"],
            sensitivity=arrays["sensitivity"],
            area=arrays["area"],
            response_index=index,
        )

    def _redistributions(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Return the distinct redistributions; where the worker that had to send one was lost, it is read again."""
        old = {} if self.before is None else self.before.matrices()
        found = []
        for key in keys:
            if key in self.spool.matrices:
                found.append(self.spool.matrices[key])
            elif key in old and self.before is not None:
                found.append(self.before.store.matrix(old[key]))
            else:
                found.append(load_response(self.matrices[key]).redistribution)
        return np.stack(found)
