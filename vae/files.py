"""Outputs appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae.errors import ExplorerError


@contextmanager
def new_folder(target: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Fill a folder under a temporary name beside `target`; rename it when the block ends well.

    Parameters
    ----------
    target : str or Path
        The final folder.
    overwrite : bool
        Replace an existing folder. Off by default: nothing is ever lost by accident.

    Yields
    ------
    Path
        The temporary folder to fill. It is removed when the block raises.

    Raises
    ------
    ExplorerError
        When `target` exists and `overwrite` is off.
    """
    target = Path(target)
    if target.exists() and not overwrite:
        raise ExplorerError("the output exists already", where=target, todo="Choose another --out or remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f".{target.name}.partial-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    work.mkdir()
    try:
        yield work
        if target.exists():
            old = target.with_name(f".{target.name}.old-{uuid.uuid4().hex[:6]}")
            target.rename(old)
            work.rename(target)
            shutil.rmtree(old)
        else:
            work.rename(target)
    finally:
        if work.exists():
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def new_file(target: str | Path) -> Iterator[Path]:
    """Write a file under a temporary name beside `target`; rename it (replacing) when the block ends well."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f".{target.name}.partial-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    try:
        yield work
        work.replace(target)
    finally:
        work.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a folder's files where the file system allows it, else copy them."""

    def link(src: str, dst: str) -> str:
        try:
            os.link(src, dst)
        except OSError:
            shutil.copy2(src, dst)
        return dst

    shutil.copytree(source, target, copy_function=link)
