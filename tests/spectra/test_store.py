from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import zarr

from vae.errors import StoreError
from vae.files import new_folder
from vae.spectra import grid, store
from vae.spectra._shards import ShardedRows
from vae.spectra.store import Block, SpectraStore, StoreWriter


def make_block(n: int, seed: int = 0) -> Block:
    rng = np.random.default_rng(seed)
    return Block(
        counts=rng.poisson(2.0, (n, 238)).astype(np.uint32),
        background_counts=rng.poisson(1.0, (n, 238)).astype(np.uint32),
        background_ratio=rng.uniform(0, 0.5, n).astype(np.float32),
        sensitivity=rng.uniform(1, 1e5, (n, 238)).astype(np.float32),
        area=rng.uniform(0, 900, (n, grid.N_TRUE)).astype(np.float32),
        response_index=(np.arange(n) % 2).astype(np.int32),
    )


def make_table(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "detection_id": 10 + np.arange(n),
            "source_id": np.arange(n) // 2,
            "obs_id": [f"{i:010d}" for i in range(n)],
            "counts": np.arange(n),
            "response_is_standin": False,
        }
    )


MATRICES = np.random.default_rng(1).random((2, 238, grid.N_TRUE)).astype(np.float32)


def write(path, n=40, *, pieces=(0,), **options):
    block = make_block(n)
    with new_folder(path) as folder:
        writer = StoreWriter(folder, n, fractional_background=options.pop("fractional_background", False))
        for start, stop in zip(pieces, [*pieces[1:], n], strict=True):
            writer.write(start, Block(*(getattr(block, name)[start:stop] for name in block.__dataclass_fields__)))
        writer.finish(
            make_table(n), redistribution=MATRICES, responses=["a", "b"], provenance={"why": "test"}, **options
        )
    return SpectraStore.open(path)


def test_what_is_written_is_read(tmp_path):
    block, opened = make_block(40), write(tmp_path / "s")
    for name in block.__dataclass_fields__:
        np.testing.assert_array_equal(opened.read(name), getattr(block, name))
        np.testing.assert_array_equal(opened.read(name, 7), getattr(block, name)[7])
    np.testing.assert_array_equal(opened.redistribution, MATRICES)
    assert len(opened) == 40
    assert opened.responses == ["a", "b"]
    assert not opened.simulated
    assert opened.detections["detection_id"].tolist() == list(range(10, 50))
    assert opened.rejected.columns.tolist() == ["file", "hdu", "reason", "kind"]


def test_it_is_zarr_v3_sharded_by_row(tmp_path):
    array = write(tmp_path / "s").root["counts"]
    assert array.metadata.zarr_format == 3
    assert array.shards == (store.SHARD_ROWS, 238)
    assert array.chunks == (store.CHUNK_ROWS, 238)
    assert array.dtype == np.uint32


def test_blocks_cover_all_rows_whatever_their_size(tmp_path):
    opened = write(tmp_path / "s", 41)
    for rows in (1, 7, 41, 100):
        starts, counts, areas = zip(
            *[(start, block.counts, block.area) for start, block in opened.blocks(rows)], strict=True
        )
        assert list(starts) == list(range(0, 41, rows))
        np.testing.assert_array_equal(np.concatenate(counts), make_block(41).counts)
        assert all(area.shape[1] == 0 for area in areas)
    assert next(opened.blocks(5, area=True))[1].area.shape == (5, grid.N_TRUE)


@pytest.mark.parametrize("shape", [(), (238,)])
def test_own_reader_reads_what_zarr_reads(tmp_path, shape):
    """Over the borders of chunks and shards, with chunks and a shard that were never written."""
    values = np.random.default_rng(4).integers(0, 9, (70, *shape)).astype(np.uint32)
    codec = zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")
    array = zarr.create_array(
        tmp_path / "a", shape=values.shape, dtype="uint32", chunks=(8, *shape), shards=(32, *shape), compressors=codec
    )
    array[:16], array[64:] = values[:16], values[64:]
    assert not (tmp_path / "a" / "c" / "1").exists()
    assert ShardedRows.fits(array)
    reader = ShardedRows(array, tmp_path / "a")
    for start, stop in ((0, 70), (0, 8), (3, 5), (5, 66), (31, 33), (69, 70), (7, 7)):
        np.testing.assert_array_equal(reader.read(start, stop), array[start:stop])
    other = zarr.create_array(tmp_path / "b", shape=(70,), dtype="uint32", chunks=(8,))
    assert not ShardedRows.fits(other)


def test_slices_of_a_store_mean_what_they_mean_elsewhere(tmp_path):
    opened, counts = write(tmp_path / "s"), make_block(40).counts
    for rows in (slice(None), slice(3, 99), slice(-5, None), slice(9, 2), slice(0, 40, 7), 11):
        np.testing.assert_array_equal(opened.read("counts", rows), counts[rows])


def test_the_hash_is_of_the_content_not_of_how_it_was_written(tmp_path):
    one, two = write(tmp_path / "a"), write(tmp_path / "b", pieces=(0, 13, 14))
    assert one.content_hash() == two.content_hash()
    assert write(tmp_path / "c", 39).content_hash() != one.content_hash()


def test_fractional_backgrounds_are_kept(tmp_path):
    n = 3
    block = make_block(n)
    block.background_counts = block.background_counts + np.float32(0.25)
    with new_folder(tmp_path / "s") as folder:
        writer = StoreWriter(folder, n, fractional_background=True)
        writer.write(0, block)
        writer.finish(make_table(n), redistribution=MATRICES, responses=["a", "b"], provenance={})
    np.testing.assert_array_equal(SpectraStore.open(tmp_path / "s").read("background_counts"), block.background_counts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.iloc[:-1], "39 detections for 40 spectra"),
        (lambda t: t.iloc[::-1], "unique and ascending"),
        (lambda t: t.assign(detection_id=5), "unique and ascending"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path, change, said):
    table = change(make_table(40))
    with pytest.raises(StoreError, match=said), new_folder(tmp_path / "s") as folder:
        StoreWriter(folder, 40).finish(table, redistribution=MATRICES, responses=[], provenance={})
    assert not (tmp_path / "s").exists()


def test_what_is_no_store_says_what_to_do(tmp_path):
    with pytest.raises(StoreError, match=r"not a spectra store.*scripts/preprocess.py"):
        SpectraStore.open(tmp_path)
    with pytest.raises(StoreError, match="not a spectra store"):
        SpectraStore.open(tmp_path / "nowhere")


def test_other_versions_and_grids_are_refused(tmp_path):
    write(tmp_path / "s")
    marker = tmp_path / "s" / "store.json"
    meta = json.loads(marker.read_text())
    marker.write_text(json.dumps(meta | {"version": 99}))
    with pytest.raises(StoreError, match="version 99"):
        SpectraStore.open(tmp_path / "s")
    marker.write_text("{")
    with pytest.raises(StoreError, match="unreadable"):
        SpectraStore.open(tmp_path / "s")
    marker.write_text(json.dumps(meta))
    edges = zarr.open_group(tmp_path / "s" / "spectra.zarr", mode="r+")["energy_edges"]
    edges[0] = 0.31
    with pytest.raises(StoreError, match="energy grid"):
        SpectraStore.open(tmp_path / "s")


def test_missing_arrays_are_told(tmp_path):
    write(tmp_path / "s")
    (tmp_path / "s" / "spectra.zarr" / "zarr.json").unlink()
    with pytest.raises(StoreError, match="missing or damaged"):
        SpectraStore.open(tmp_path / "s")


def test_a_damaged_shard_names_array_and_rows(tmp_path):
    opened = write(tmp_path / "s")
    shard = next(path for path in (tmp_path / "s" / "spectra.zarr" / "counts" / "c").rglob("*") if path.is_file())
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(StoreError, match="array counts"):
        opened.read("counts", slice(0, 5))
