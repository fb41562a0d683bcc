"""Rows of a store that an evaluation asks about: read as one block, labelled, and never trained on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.network.trained import TrainedModel
from vae.spectra import grid
from vae.spectra.store import CHUNK_ROWS, Block, SpectraStore
from vae.training.split import is_held_out

Array = NDArray[Any]

#: Display classes that say that there is no class.
NO_CLASS: Final = ("Unclassified", "No match")
_NAMES: Final = ("counts", "background_counts", "background_ratio", "sensitivity", "area", "response_index")


def read_rows(store: SpectraStore, rows: NDArray[np.int64], *, area: bool = False) -> Block:
    """Read some rows of a store as one block, in the order asked for.

    Parameters
    ----------
    store : SpectraStore
        Or an atlas opened as one.
    rows : array of int64, shape (n,)
    area : bool
        Also read the areas, which folding needs; else `area` has shape (n, 0).
    """
    rows, n_rows = np.asarray(rows, np.int64), len(store)
    chunk = rows // CHUNK_ROWS
    parts: dict[str, list[Array]] = {name: [] for name in _NAMES if area or name != "area"}
    order = np.argsort(chunk, kind="stable")
    edges = np.flatnonzero(np.diff(chunk[order], prepend=-1, append=-1))
    for first, last in itertools.pairwise(edges):  # chunks are what is compressed: read each once
        members = rows[order[first:last]]
        start = int(members[0]) // CHUNK_ROWS * CHUNK_ROWS
        for name, found in parts.items():
            found.append(store.read(name, slice(start, min(start + CHUNK_ROWS, n_rows)))[members - start])
    back = np.argsort(order, kind="stable")
    if not rows.size:
        arrays = {name: store.read(name, slice(0, 0)) for name in parts}
    else:
        arrays = {name: np.concatenate(found)[back] for name, found in parts.items()}
    arrays.setdefault("area", np.empty((len(rows), 0), np.float32))
    return Block(**arrays)


def take(block: Block, rows: Array | slice) -> Block:
    """Return some rows of a block (indices, a mask or a slice)."""
    return Block(**{name: getattr(block, name)[rows] for name in _NAMES})


@dataclass(frozen=True)
class Labelled:
    """What is known of the class of each row.

    Parameters
    ----------
    labels : array of str, shape (n,)
        "" where nothing is known.
    known : array of bool, shape (n,)
    origin : str
        Where the labels come from, in words.
    """

    labels: NDArray[np.str_]
    known: NDArray[np.bool_]
    origin: str


def labelled(table: pd.DataFrame, *, simulated: bool) -> Labelled:
    """Classes to test against: the true ones where simulated, else those of the catalogue that are no candidates.

    Parameters
    ----------
    table : DataFrame
        Of a store or an atlas.
    simulated : bool
    """
    if simulated:
        labels, origin = table["true_class"], "true classes of the simulation"
        known = labels.notna().to_numpy(bool)
    else:
        labels, origin = table["class_label"], "classes of the catalogue, candidates left out"
        candidate = table["class_is_candidate"].fillna(False).to_numpy(bool)
        known = labels.notna().to_numpy(bool) & ~labels.isin(NO_CLASS).to_numpy(bool) & ~candidate
    # Not to_numpy(dtype=str): it cuts strings to one letter where the column has nulls.
    text = np.where(known, labels.astype("object").to_numpy(), "").astype(str)
    return Labelled(text, known, origin)


def unseen(store: SpectraStore, model: TrainedModel) -> tuple[NDArray[np.bool_], str]:
    """Which rows a model was not trained on, and why that is known.

    A model trained on simulated spectra has seen no real one, and none that was simulated with another seed. Otherwise
    the sources that every training run holds out are the only ones that are certain.

    Parameters
    ----------
    store : SpectraStore
        Or an atlas opened as one.
    model : TrainedModel

    Returns
    -------
    mask : array of bool, shape (n,)
    reason : str
    """
    data = model.meta.get("data", {})
    ids = store.detections["source_id"].to_numpy()
    if not store.simulated and data.get("simulated") is True:
        return np.ones(len(ids), bool), "all: the model was trained on simulated spectra only"
    seeds = [origin.get("seed") for origin in (store.meta.get("provenance", {}), data.get("provenance", {}))]
    if store.simulated and data.get("simulated") is True and None not in seeds and seeds[0] != seeds[1]:
        return np.ones(len(ids), bool), "all: they were simulated with another seed than the training spectra"
    return is_held_out(ids), "those of the sources that training holds out"


def band_bins(low_kev: float, high_kev: float) -> slice:
    """Bins whose centres lie in a band."""
    first, last = np.searchsorted(grid.BIN_CENTRES, (low_kev, high_kev))
    return slice(int(first), int(last))
