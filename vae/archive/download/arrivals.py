"""What arrives is written under another name, looked at, made sure of on the disk, and only then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vae.archive.download.gate import RefusedError, TroubleError
from vae.archive.download.names import RESPONSE
from vae.archive.tables import BOOKS
from vae.errors import DownloadError, OgipError
from vae.spectra.ogip import inspect

#: Largest files taken, as they come: twenty times the largest product, ten times the largest matrix seen [bytes].
PRODUCT_LIMIT: Final = 16 << 20
RESPONSE_LIMIT: Final = 512 << 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
#: What `inspect` may say of a file of each kind: backgrounds are not always labelled as such.
_LABELS: Final = {
    "spectrum": {"spectrum", "background"},
    "background": {"spectrum", "background"},
    "area": {"arf"},
    RESPONSE: {"rmf"},
}


@dataclass(frozen=True)
class Arrived:
    """A file in its place.

    Parameters
    ----------
    size : int
        [bytes].
    sha256 : str
    response : str
        RESPFILE of a spectrum, empty where there is none.
    adopted : bool
        It lay there already, whole.
    """

    size: int
    sha256: str
    response: str
    adopted: bool = False


class Archive:
    """The folder that is filled.

    Parameters
    ----------
    out : Path
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.books = out / BOOKS
        self.incoming = self.books / "incoming"
        #: Whole tar files that are not unpacked yet.
        self.tars = self.books / "tars"

    def prepare(self) -> None:
        """Make the folders; throw away what an interrupted run had not got whole."""
        with disk_full_told(self.out):
            shutil.rmtree(self.incoming, ignore_errors=True)
            self.incoming.mkdir(parents=True)
            self.tars.mkdir(exist_ok=True)

    def receive(
        self, chunks: Iterable[bytes], place: str, kind: str, *, length: int | None = None, md5: str | None = None
    ) -> Arrived:
        """Take a file in.

        Parameters
        ----------
        chunks : iterable of bytes
        place : str
            Path within the archive, made of the parts of a parsed name.
        kind : str
            ``spectrum``, ``background``, ``area`` or ``response``.
        length : int, optional
            Bytes that were promised.
        md5 : str, optional
            Their sum, where the server tells it.

        Raises
        ------
        TroubleError
            When something else came than a FITS file of that kind, or not all of it.
        RefusedError
            When it is far too large.
        DownloadError
            When the disk is full.
        """
        limit = RESPONSE_LIMIT if kind == RESPONSE else PRODUCT_LIMIT
        with self.temporary() as path:
            size, digest, sum_md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            with path.open("wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise RefusedError("too-large", f"more than the {limit} bytes that such a file can have")
                    digest.update(chunk)
                    if md5 is not None:
                        sum_md5.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if length is not None and size != length:
                raise TroubleError(f"{size} bytes came, {length} were promised", kind="damaged")
            if md5 is not None and sum_md5.hexdigest() != md5:
                raise TroubleError("what came has another MD5 sum than the server tells", kind="damaged")
            response = looked_at(path, kind)
            target = self.out / place
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        return Arrived(size, digest.hexdigest(), response)

    def adopt(self, place: str, kind: str, size: int | None) -> Arrived | None:
        """Take over a file that lies in its place already, because the run was killed before it could note that.

        Parameters
        ----------
        place, kind : str
            See `receive`.
        size : int or None
            What it should have; None where that is not known.
        """
        path = self.out / place
        if not path.is_file() or (size is not None and path.stat().st_size != size):
            return None
        try:
            response = looked_at(path, kind)
        except TroubleError:
            return None
        return Arrived(path.stat().st_size, sha256(path), response, adopted=True)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """Yield a new path to write to, on the archive's own disk. Removed unless renamed."""
        path = self.incoming / uuid.uuid4().hex
        try:
            with disk_full_told(self.out):
                yield path
        finally:
            path.unlink(missing_ok=True)


def looked_at(path: Path, kind: str) -> str:
    """Make sure that a file is what it should be; return RESPFILE of a spectrum, else an empty text.

    Raises
    ------
    TroubleError
    """
    try:
        label = inspect(path, whole=True)
    except OgipError as error:
        raise TroubleError(f"what came is {error.what}", kind="damaged") from error
    if label.kind not in _LABELS[kind]:
        raise TroubleError(f"what came is FITS, but no {kind}", kind="damaged")
    return label.response_file or "" if kind == "spectrum" else ""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def disk_full_told(out: Path) -> Iterator[None]:
    """Turn a full disk into a `DownloadError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise disk_full(out) from error


def disk_full(out: Path) -> DownloadError:
    """Return the error of a full disk."""
    return DownloadError(
        "the disk is full",
        where=out,
        todo="Make room and start the same command again: all files that are there are whole, and are kept",
    )


def refuse_too_small(out: Path, wanted: int, already: int = 0) -> None:
    """Raise `DownloadError` where a disk has clearly less room than what is to come.

    Parameters
    ----------
    out : Path
        The archive; may not exist yet.
    wanted : int
        Bytes to come.
    already : int
        Bytes of these that take no room.
    """
    folder = out.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = wanted - already
    if needed > free:
        raise DownloadError(
            f"{_in_words(needed)} are to come, and the disk has room for {_in_words(free)}",
            where=out,
            todo="Make room, choose another --out, or select fewer detections",
        )


def _in_words(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.2f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.2f} MiB"
