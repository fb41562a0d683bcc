"""An atlas of many detections from a smaller one: its spectra as links, its catalogue again and again, moved a little.

For measurements of the page at sizes whose simulation takes an hour and 20 GB.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vae.errors import OptionError
from vae.spectra.store import SHARD_ROWS, SpectraStore

#: Copies are moved by this many of their own sigma.
_MOVED: Final = 0.7


def tile(atlas: Path, detections: int, seed: int, out: Path) -> Path:
    """Write an atlas of at least so many detections: whole shards of another one, repeated.

    Parameters
    ----------
    atlas : Path
        Needs `vae.spectra.store.SHARD_ROWS` detections or more.
    detections : int
    seed : int
        Of the moves.
    out : Path
        A folder that does not exist.

    Returns
    -------
    Path
        `out`. Copies have their own detection_id and source_id, and the names, dates and spectra of their originals.
    """
    shards = len(SpectraStore.open(atlas)) // SHARD_ROWS
    if shards == 0:
        raise OptionError(f"fewer than {SHARD_ROWS} detections in {atlas}", todo="Tile a larger atlas")
    wanted = -(-detections // SHARD_ROWS)
    shutil.copytree(atlas / "model", out / "model")
    _link_spectra(atlas / "spectra.zarr", out / "spectra.zarr", shards, wanted)
    _repeat_catalogue(atlas / "catalogue.parquet", out / "catalogue.parquet", shards, wanted, seed)
    shutil.copy(atlas / "rejected.parquet", out / "rejected.parquet")
    meta = json.loads((atlas / "atlas.json").read_text())
    (out / "atlas.json").write_text(json.dumps(meta | {"n_detections": wanted * SHARD_ROWS}))
    return out


def _link_spectra(source: Path, out: Path, shards: int, wanted: int) -> None:
    for array in (path.parent for path in source.rglob("zarr.json")):
        target = out / array.relative_to(source)
        meta = json.loads((array / "zarr.json").read_text())
        if meta["node_type"] == "array" and (pieces := array / "c").is_dir() and _sharded(meta):
            meta["shape"][0] = wanted * SHARD_ROWS
            for shard in range(wanted):
                piece = pieces / str(shard % shards)
                for file in [piece] if piece.is_file() else [path for path in piece.rglob("*") if path.is_file()]:
                    link = target / "c" / str(shard) / file.relative_to(piece)
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(file.resolve())
        elif (array / "c").exists():
            shutil.copytree(array / "c", target / "c")
        target.mkdir(parents=True, exist_ok=True)
        (target / "zarr.json").write_text(json.dumps(meta))


def _sharded(meta: dict) -> bool:
    return bool(meta["chunk_grid"]["configuration"]["chunk_shape"][0] == SHARD_ROWS)


def _repeat_catalogue(source: Path, out: Path, shards: int, wanted: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pq.read_table(source).slice(0, shards * SHARD_ROWS)
    step = {name: int(table[name].to_numpy().max()) + 1 for name in ("detection_id", "source_id")}
    with pq.ParquetWriter(out, table.schema) as writer:
        for copy, first in enumerate(range(0, wanted, shards)):
            part = table.slice(0, min(shards, wanted - first) * SHARD_ROWS)
            for name, width in step.items():
                part = _replaced(part, name, part[name].to_numpy() + copy * width)
            for mu in [name for name in part.column_names if name.startswith("mu_")] if copy else []:
                sigma = part[mu.replace("mu_", "sigma_")].to_numpy()
                part = _replaced(part, mu, part[mu].to_numpy() + _MOVED * sigma * rng.standard_normal(len(part)))
            writer.write_table(part, row_group_size=1 << 20)


def _replaced(table: pa.Table, name: str, values: np.ndarray) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values).cast(table.schema.field(name).type))
