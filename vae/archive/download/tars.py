"""Products out of tar files that came from elsewhere: by their names, with bounds, and never to a path of the tar's.

`TarFile.extract` is not used: importing astroquery 0.4.11 makes it trust every path, for the whole process.
"""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from vae.archive.download.gate import RefusedError, TroubleError
from vae.archive.download.names import Product, product
from vae.archive.download.web import CHUNK

#: Members of the largest observation's tar, thirty times over.
_MOST_MEMBERS: Final = 100_000
_DAMAGE: Final = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, zlib.error, lzma.LZMAError)


def products_in(path: Path, told_name: str) -> Iterator[tuple[Product, Iterator[bytes]]]:
    """Go through the wanted kinds of products in a tar file, or a product that came bare.

    Parameters
    ----------
    path : Path
        The file, packed or not.
    told_name : str
        What the server called it: the only thing that tells what a bare product is.

    Yields
    ------
    product : Product
    chunks : iterator of bytes
        Its contents, to be read before the next one is asked for.

    Raises
    ------
    TroubleError
        When it is damaged or neither of both.
    RefusedError
        When it has far too many members.
    """
    try:
        tar = tarfile.open(path, "r:*")
    except tarfile.ReadError as error:
        named = product(told_name.rpartition("/")[2])
        if named is None:
            raise TroubleError("neither a tar file came nor a product", kind="damaged") from error
        with path.open("rb") as file:
            yield named, _chunks(file)
        return
    except _DAMAGE as error:
        raise _damaged(error) from error
    with tar:
        seen: set[Product] = set()
        for _ in range(_MOST_MEMBERS):
            try:
                member = tar.next()
                if member is None:
                    return
                named = product(member.name.rpartition("/")[2])
                content = tar.extractfile(member) if named is not None and member.isreg() else None
            except _DAMAGE as error:
                raise _damaged(error) from error
            if named is not None and content is not None and named not in seen:
                seen.add(named)
                yield named, _chunks(content)
            tar.members.clear()  # type: ignore[attr-defined]  # it remembers them all else
        raise RefusedError("too-large", f"a tar file of more than {_MOST_MEMBERS} members")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while True:
        try:
            chunk = file.read(CHUNK)
        except _DAMAGE as error:
            raise _damaged(error) from error
        if not chunk:
            return
        yield chunk


def _damaged(error: BaseException) -> TroubleError:
    return TroubleError(f"the tar file is damaged ({type(error).__name__}: {error})", kind="damaged")
