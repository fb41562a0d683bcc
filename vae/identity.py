"""What results depend on besides their inputs: names for versions of code, tables and libraries, and of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
_READ: Final = 1 << 22


def code_identity(*parts: str, tables: Iterable[Path] = (), libraries: Iterable[str] = ()) -> str:
    """Return twelve hexadecimal digits that change with code, tables and libraries.

    Parameters
    ----------
    *parts : str
        Modules and packages of `vae`, such as ``spectra`` or ``encode.py``; of packages every module counts.
    tables : iterable of Path
        Files the code reads.
    libraries : iterable of str
        Distributions whose numbers or files may differ from one version to the next.
    """
    code = [path for part in parts for path in _modules(_PACKAGE / part)]
    digest = hashlib.sha256()
    for path in (*sorted(code), *sorted(tables)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for library in sorted(libraries):
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()[:12]


def file_identity(path: Path) -> str:
    """Return the SHA-256 of a file's contents."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_READ):
            digest.update(block)
    return digest.hexdigest()


def folder_identity(folder: Path) -> str:
    """Return a name for what is in a folder: names, sizes and dates of its files, of which there may be many."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        status = path.stat()
        digest.update(f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _modules(place: Path) -> Iterable[Path]:
    return place.rglob("*.py") if place.is_dir() else (place,)
