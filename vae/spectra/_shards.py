"""Rows of a sharded array straight from its files, each chunk decompressed where it is wanted.

Reads what `vae.spectra.store` writes and nothing else; zarr reads the same bytes with a copy of every chunk and shard
between, which takes three times as long.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import google_crc32c
import numpy as np
import zarr
from numcodecs import blosc
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BytesCodec, ShardingCodec

#: What a shard's index holds in place of a chunk that was never written.
_ABSENT: Final = 2**64 - 1
_CHECKSUM_BYTES: Final = 4


class ShardedRows:
    """An array on disk whose rows lie in Blosc chunks in shards; for whole ranges of rows. Safe for many threads.

    Parameters
    ----------
    array : zarr.Array
        One for which `fits` holds.
    folder : Path
        The array's own.
    """

    def __init__(self, array: zarr.Array, folder: Path) -> None:
        assert array.shards is not None
        self._array, self._folder = array, folder
        self._chunk_rows, self._shard_rows = array.chunks[0], array.shards[0]
        self._indices: dict[int, NDArray[np.uint64]] = {}  # read once: half of what one row takes from a cold disk

    @staticmethod
    def fits(array: zarr.Array) -> bool:
        """Whether the array is laid out as `StoreWriter` does it: sharded by row, little-endian, Blosc, no fill."""
        meta = array.metadata
        codecs: tuple[Any, ...] = getattr(meta, "codecs", ())
        if len(codecs) != 1 or not isinstance(codecs[0], ShardingCodec) or sys.byteorder != "little":
            return False
        sharding = codecs[0]
        inner = sharding.codecs
        return (
            len(inner) == 2
            and isinstance(inner[0], BytesCodec)
            and isinstance(inner[1], BloscCodec)
            and sharding.index_location.value == "end"
            and [type(codec).__name__ for codec in sharding.index_codecs] == ["BytesCodec", "Crc32cCodec"]
            and array.chunks[1:] == array.shape[1:]
            and meta.encode_chunk_key((0,) * array.ndim) == "/".join("c" + "0" * array.ndim)
            and not array.fill_value
        )

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read rows start...stop; OSError, ValueError or RuntimeError where a file is damaged."""
        out = np.empty((stop - start, *self._array.shape[1:]), self._array.dtype)
        for shard in range(start // self._shard_rows, -(-stop // self._shard_rows)):
            first = shard * self._shard_rows
            self._read_shard(shard, max(start - first, 0), min(stop - first, self._shard_rows), out, first - start)
        return out

    def _read_shard(self, shard: int, low: int, high: int, out: NDArray[Any], shift: int) -> None:
        """Put rows low...high of a shard into rows low + shift...high + shift of `out`."""
        path = self._folder.joinpath("c", str(shard), *("0",) * (self._array.ndim - 1))
        if not path.exists():  # nothing but zeros was ever written
            out[low + shift : high + shift] = 0
            return
        with path.open("rb") as file:
            places = self._indices.get(shard)
            if places is None:
                places = self._indices[shard] = _read_index(file, shard, self._shard_rows // self._chunk_rows)
            for chunk in range(low // self._chunk_rows, -(-high // self._chunk_rows)):
                first, last = chunk * self._chunk_rows, (chunk + 1) * self._chunk_rows
                offset, length = (int(value) for value in places[chunk])
                wanted = slice(max(low, first) + shift, min(high, last) + shift)
                if offset == _ABSENT:
                    out[wanted] = 0
                    continue
                file.seek(offset)
                whole = first >= low and last <= high
                place = out[wanted] if whole else np.empty((self._chunk_rows, *out.shape[1:]), out.dtype)
                blosc.decompress(file.read(length), place)
                if not whole:
                    out[wanted] = place[max(low, first) - first : min(high, last) - first]


def _read_index(file: BinaryIO, shard: int, n_chunks: int) -> NDArray[np.uint64]:
    """Return where the chunks of a shard lie, offset and length, shape (n_chunks, 2)."""
    size = file.seek(0, 2)
    file.seek(max(size - 16 * n_chunks - _CHECKSUM_BYTES, 0))
    tail = file.read()
    index = tail[:-_CHECKSUM_BYTES]
    if google_crc32c.value(index) != int.from_bytes(tail[-_CHECKSUM_BYTES:], "little"):
        raise ValueError(f"the index of shard {shard} is damaged")
    return np.frombuffer(index, "<u8").reshape(n_chunks, 2)
