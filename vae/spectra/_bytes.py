"""Bytes of a FITS file that may be anything: gzip or plain under any name, truncated, text, or far too large."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from vae.errors import OgipError

_GZIP: Final = b"\x1f\x8b"
_FITS: Final = b"SIMPLE  ="
_CHUNK: Final = 1 << 20


def read_bytes(path: Path, limit: int, *, prefix: bool = False) -> bytes:
    """Read a FITS file into memory, decompressing it if its first bytes say gzip.

    Parameters
    ----------
    path : Path
    limit : int
        Largest size after decompression, in bytes: a small archive file can unpack to terabytes.
    prefix : bool
        Return the first `limit` bytes of a longer (or damaged) file instead of refusing it.

    Raises
    ------
    OgipError
        When it cannot be read, is no FITS file, is damaged, or is larger than `limit`.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(_FITS))
            file.seek(0)
            if start.startswith(_GZIP):
                data = _gunzip(path, file, limit, prefix=prefix)
            elif start != _FITS:
                data = file.read(60)
            elif size > limit and not prefix:
                raise OgipError(f"{size} bytes, more than the {limit} that such a file can have", file=path)
            else:
                data = file.read(limit)
    except OSError as error:
        raise OgipError(f"cannot be read ({error.strerror or error})", file=path) from error
    if not data.startswith(_FITS):
        raise OgipError(_what_else(data), file=path, todo="Fetch the file again")
    return data


def _gunzip(path: Path, file: object, limit: int, *, prefix: bool) -> bytes:
    out = bytearray()
    unpack = zlib.decompressobj(wbits=31)
    waiting = b""
    while True:
        waiting = waiting or file.read(_CHUNK)  # type: ignore[attr-defined]
        if not waiting:
            if not unpack.eof and not prefix:
                raise OgipError("the gzip data end too early", file=path, todo="Fetch the file again")
            return bytes(out)
        if unpack.eof:  # gzip files can be joined; anything else after the end is padding
            if not waiting.startswith(_GZIP):
                return bytes(out)
            unpack = zlib.decompressobj(wbits=31)
        try:
            out += unpack.decompress(waiting, limit + 1 - len(out))
        except zlib.error as error:
            if prefix:
                return bytes(out)
            raise OgipError(f"damaged gzip data ({error})", file=path, todo="Fetch the file again") from error
        if len(out) > limit:
            if prefix:
                return bytes(out[:limit])
            raise OgipError(f"unpacks to more than the {limit} bytes that such a file can have", file=path)
        waiting = unpack.unused_data if unpack.eof else unpack.unconsumed_tail


def _what_else(data: bytes) -> str:
    if not data:
        return "not a FITS file (it is empty)"
    text = data[:60]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in text):
        return f"not a FITS file but text: {' '.join(text.decode('ascii').split())[:50]!r}"
    return f"not a FITS file (it starts with the bytes {text[:8].hex(' ')})"
