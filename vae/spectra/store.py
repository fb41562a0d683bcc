"""The spectra store: a folder with `store.json`, `spectra.zarr`, `detections.parquet` and `rejected.parquet`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from vae.errors import StoreError
from vae.spectra import grid
from vae.spectra._shards import ShardedRows
from vae.spectra.columns import STORE_COLUMNS, Column, conform

FORMAT: Final = "xmm-latent-explorer spectra store"
VERSION: Final = 1
#: Rows of one compressed chunk: small enough to read one spectrum in a few milliseconds.
CHUNK_ROWS: Final = 1024
#: Rows of one file. Parallel writers must write whole shards: two writers in one shard lose rows silently.
SHARD_ROWS: Final = 16384
#: Columns of `rejected.parquet`.
REJECTED_COLUMNS: Final = ("file", "hdu", "reason", "kind")


@dataclass
class Block:
    """Rows of a store in memory; every array has the row as its first axis.

    Parameters
    ----------
    counts : array of uint32, shape (n, 238)
        Gross counts.
    background_counts : array of uint32 (or float32 where a file has fractions), shape (n, 238)
        Counts in the background region.
    background_ratio : array of float32, shape (n,)
        exposure x BACKSCAL x AREASCAL of the source over that of the background region; 0 where there is none.
    sensitivity : array of float32, shape (n, 238)
        t sum_j R_hj A_j dE_j [cm2 s keV].
    area : array of float32, shape (n, n_true)
        Effective area, averaged on the true-energy grid [cm2].
    response_index : array of int32, shape (n,)
        Row of `redistribution`.
    """

    counts: NDArray[Any]
    background_counts: NDArray[Any]
    background_ratio: NDArray[Any]
    sensitivity: NDArray[Any]
    area: NDArray[Any]
    response_index: NDArray[Any]

    def __len__(self) -> int:
        return len(self.counts)


_ROW_ARRAYS: Final[dict[str, tuple[tuple[int, ...], str]]] = {
    "counts": ((grid.N_BINS,), "uint32"),
    "background_counts": ((grid.N_BINS,), "uint32"),
    "background_ratio": ((), "float32"),
    "sensitivity": ((grid.N_BINS,), "float32"),
    "area": ((grid.N_TRUE,), "float32"),
    "response_index": ((), "int32"),
}


class StoreWriter:
    """Creates the arrays of a store in an existing (temporary) folder, fills them, and closes with the tables.

    Parameters
    ----------
    folder : Path
        A folder, normally from `vae.files.new_folder`: empty, or as an interrupted writer left it. Whole shards that
        were written are still there then, up to `n_rows`.
    n_rows : int
    fractional_background : bool
        Store `background_counts` as float32 (a file had fractions), else uint32.
    """

    def __init__(self, folder: Path, n_rows: int, *, fractional_background: bool = False) -> None:
        self.folder, self.n_rows = Path(folder), n_rows
        root = zarr.open_group(store=self.folder / "spectra.zarr", mode="a", zarr_format=3)
        for leftover in (self.folder / "spectra.zarr").rglob("*.partial"):  # zarr's own unfinished files
            leftover.unlink()
        for name, (shape, dtype) in _ROW_ARRAYS.items():
            if name in root:
                if root[name].shape[0] != n_rows:
                    # By way of whole shards: the last one holds what lies beyond its end as it was once written.
                    root[name].resize((n_rows - n_rows % SHARD_ROWS, *shape))
                    root[name].resize((n_rows, *shape))
                continue
            if name == "background_counts" and fractional_background:
                dtype = "float32"
            root.create_array(
                name,
                shape=(n_rows, *shape),
                dtype=dtype,
                chunks=(CHUNK_ROWS, *shape),
                shards=(SHARD_ROWS, *shape),
                compressors=BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
            )
        for name, values in (("energy_edges", grid.BIN_EDGES), ("true_energy_edges", grid.TRUE_EDGES)):
            root.create_array(name, data=np.asarray(values), overwrite=True)
        self.root = root

    def write(self, start: int, block: Block) -> None:
        """Write `block` to rows `start` onward. Processes writing in parallel must start at multiples of SHARD_ROWS."""
        for name in _ROW_ARRAYS:
            self.root[name][start : start + len(block)] = getattr(block, name)

    def finish(
        self,
        detections: pd.DataFrame,
        *,
        redistribution: NDArray[np.floating],
        responses: Sequence[str],
        rejected: pd.DataFrame | None = None,
        provenance: Mapping[str, Any],
        simulated: bool = False,
    ) -> None:
        """Write the tables and `store.json`; only now is the folder a store.

        Parameters
        ----------
        detections : DataFrame
            Rows in the order of the arrays, ascending `detection_id`; see `vae.spectra.columns.STORE_COLUMNS`.
        redistribution : array, shape (n_responses, 238, n_true)
            Distinct RMFs on the stored grids: share of photons of each true-energy bin that land in each detector bin.
        responses : sequence of str
            Name of each of them.
        rejected : DataFrame, optional
            Columns `file hdu reason kind`.
        provenance : mapping
            What made the store; JSON values.
        simulated : bool
        """
        table = conform(detections, STORE_COLUMNS, where="detections.parquet")
        if len(table) != self.n_rows:
            raise StoreError(f"{len(table)} detections for {self.n_rows} spectra", where=self.folder)
        if not table["detection_id"].is_monotonic_increasing or table["detection_id"].duplicated().any():
            raise StoreError("detection_id must be unique and ascending", where=self.folder)
        matrix = np.asarray(redistribution, np.float32)
        self.root.create_array("redistribution", data=matrix, chunks=(1, *matrix.shape[1:]), overwrite=True)
        table.to_parquet(self.folder / "detections.parquet", index=False)
        if rejected is None:
            rejected = pd.DataFrame({name: pd.Series([], dtype="str") for name in REJECTED_COLUMNS})
        rejected[list(REJECTED_COLUMNS)].astype("str").to_parquet(self.folder / "rejected.parquet", index=False)
        meta = {
            "format": FORMAT,
            "version": VERSION,
            "n_detections": self.n_rows,
            "simulated": simulated,
            "responses": list(responses),
            "provenance": dict(provenance),
        }
        (self.folder / "store.json").write_text(json.dumps(meta, indent=2) + "\n")


@dataclass
class SpectraStore:
    """A spectra store (or an atlas, which is a store with more columns), opened for reading.

    Use `SpectraStore.open`. Arrays are read on demand; `detections` on first use.
    """

    path: Path
    meta: dict[str, Any]
    root: zarr.Group
    table_name: str = "detections.parquet"
    columns: tuple[Column, ...] = field(default=STORE_COLUMNS, repr=False)
    _arrays: dict[str, tuple[Any, ShardedRows | None]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def open(cls, path: str | Path) -> SpectraStore:
        """Open a store or an atlas.

        Raises
        ------
        StoreError
            When it is missing, incomplete, of another version or on another energy grid.
        """
        path = Path(path)
        table = "detections.parquet"
        marker = path / "store.json"
        if not marker.exists() and (path / "atlas.json").exists():
            marker, table = path / "atlas.json", "catalogue.parquet"
        try:
            meta = json.loads(marker.read_text())
        except FileNotFoundError:
            raise StoreError(
                "not a spectra store (no store.json or atlas.json)",
                where=path,
                todo="Make one with scripts/preprocess.py or scripts/build_demo.py",
            ) from None
        except ValueError as error:
            raise StoreError(f"unreadable: {error}", where=marker, todo="Build the store again") from error
        if marker.name == "store.json" and (meta.get("format"), meta.get("version")) != (FORMAT, VERSION):
            raise StoreError(
                f"format {meta.get('format')!r} version {meta.get('version')!r} is not {FORMAT!r} version {VERSION}",
                where=marker,
                todo="Build the store again with this version",
            )
        try:
            root = zarr.open_group(path / "spectra.zarr", mode="r")
            edges, true_edges = np.asarray(root["energy_edges"][:]), np.asarray(root["true_energy_edges"][:])
        except (FileNotFoundError, KeyError, ValueError) as error:
            raise StoreError("spectra.zarr is missing or damaged", where=path, todo="Build the store again") from error
        if not (np.array_equal(edges, grid.BIN_EDGES) and np.array_equal(true_edges, grid.TRUE_EDGES)):
            raise StoreError("its energy grid is not this version's", where=path, todo="Preprocess the archive again")
        return cls(path=path, meta=meta, root=root, table_name=table)

    def __len__(self) -> int:
        return int(self.root["counts"].shape[0])

    @property
    def simulated(self) -> bool:
        """Whether every spectrum was simulated."""
        return bool(self.meta.get("simulated", False))

    @property
    def responses(self) -> list[str]:
        """Names of the distinct redistribution matrices, in the order of `redistribution`."""
        return list(self.meta.get("responses", []))

    @cached_property
    def detections(self) -> pd.DataFrame:
        """The table, one row a spectrum, in the order of the arrays (an atlas's has more columns)."""
        try:
            return pd.read_parquet(self.path / self.table_name)
        except (OSError, ValueError) as error:
            raise StoreError(f"unreadable: {error}", where=self.path / self.table_name) from error

    @property
    def rejected(self) -> pd.DataFrame:
        """What could not be used, with file, HDU and reason."""
        return pd.read_parquet(self.path / "rejected.parquet")

    def read(self, name: str, rows: slice | int = slice(None)) -> NDArray[Any]:
        """Read rows of one array: counts, background_counts, background_ratio, sensitivity, area, response_index."""
        try:
            if name not in self._arrays:  # looking an array up costs as much as reading a spectrum
                array = self.root[name]
                inside = ShardedRows(array, self.path / "spectra.zarr" / name) if ShardedRows.fits(array) else None
                self._arrays[name] = array, inside
            array, inside = self._arrays[name]
            if inside is not None and isinstance(rows, slice) and rows.step in (None, 1):
                start, stop, _ = rows.indices(array.shape[0])
                return inside.read(start, max(start, stop))
            return np.asarray(array[rows])
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreError(
                f"array {name}, {_in_words(rows)}: {error}",
                where=self.path / "spectra.zarr",
                todo="Rebuild it, or open a complete copy",
            ) from error

    def blocks(self, rows: int = SHARD_ROWS, *, area: bool = False) -> Iterator[tuple[int, Block]]:
        """Walk through the store in order, whole shards at a time; `area` is left empty unless asked for."""
        for start in range(0, len(self), rows):
            yield start, self.block(start, min(start + rows, len(self)), area=area)

    def block(self, start: int, stop: int, *, area: bool = False) -> Block:
        """Read rows start...stop; `area` is left empty unless asked for."""
        arrays = {name: self.read(name, slice(start, stop)) for name in _ROW_ARRAYS if area or name != "area"}
        arrays.setdefault("area", np.empty((stop - start, 0), np.float32))
        return Block(**arrays)

    @cached_property
    def redistribution(self) -> NDArray[np.float32]:
        """Redistribution matrices, shape (n_responses, 238, n_true)."""
        return np.asarray(self.root["redistribution"][:], np.float32)

    def matrix(self, index: int) -> NDArray[np.float32]:
        """One of the redistribution matrices, shape (238, n_true), without reading the others."""
        return np.asarray(self.root["redistribution"][index], np.float32)

    def content_hash(self) -> str:
        """SHA-256 of the arrays and the table's values: equal for equal content, whoever wrote it."""
        digest = hashlib.sha256()
        for _, block in self.blocks(area=True):
            for name in _ROW_ARRAYS:
                digest.update(np.ascontiguousarray(getattr(block, name)).tobytes())
        digest.update(np.ascontiguousarray(self.redistribution).tobytes())
        for column in self.columns:
            series = self.detections[column.name]
            plain = series.astype("str") if column.dtype == "category" else series
            digest.update(pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes())
        return digest.hexdigest()


def _in_words(rows: slice | int) -> str:
    if isinstance(rows, int):
        return f"row {rows}"
    if rows == slice(None):
        return "all rows"
    if rows.start is not None and rows.stop == rows.start + 1:
        return f"row {rows.start}"
    return f"rows {rows.start or 0} to {'the last' if rows.stop is None else rows.stop - 1}"
