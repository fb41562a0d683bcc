"""Outputs appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vae.errors import ExplorerError

#: Marks the folders of `kept_folder`; other temporary folders are named alike.
_KEPT: Final = ".kept"
#: AT_FDCWD and RENAME_EXCHANGE of renameat2(2).
_HERE: Final = -100
_EXCHANGE: Final = 2


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
    if not overwrite:
        refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f".{target.name}.partial-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    work.mkdir()
    try:
        yield work
        put_in_place(work, target)
    finally:
        if work.exists():
            shutil.rmtree(work, ignore_errors=True)


def refuse_existing(target: Path) -> None:
    """Raise `ExplorerError` where an output exists."""
    if target.exists():
        raise ExplorerError("the output exists already", where=target, todo="Choose another --out or remove it first")


def put_in_place(work: Path, target: Path) -> None:
    """Rename a finished folder to its final name; what has that name already is removed after, not before.

    Where the system can exchange two names at once (Linux), there is no moment without the one or the other.
    """
    if target.exists():
        old = target.with_name(f".{target.name}.old-{uuid.uuid4().hex[:6]}")
        if _exchange(work, target):
            work.rename(old)
        else:
            target.rename(old)
            work.rename(target)
        shutil.rmtree(old)
    else:
        work.rename(target)


def remove_leftovers(target: str | Path) -> None:
    """Remove what writers of `target` left that were killed; for those who hold its lock, or one over it.

    That is what `new_folder`, `new_file` and `put_in_place` name; never the folders of `kept_folder`.
    """
    target = Path(target)
    if not target.parent.is_dir():
        return
    for path in target.parent.iterdir():
        if not path.name.startswith((f".{target.name}.partial-", f".{target.name}.old-")) or (path / _KEPT).exists():
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where system or file system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


@contextmanager
def kept_folder(target: str | Path, identity: str, *, fresh: bool = False) -> Iterator[Path]:
    """Work on `target` in a folder beside it that outlives an interruption: what is done once need not be done again.

    Only one process at a time works on a target.

    Parameters
    ----------
    target : str or Path
        What is being made; the folder's name follows from it.
    identity : str
        Letters and digits that stand for everything the contents depend on. Another identity has a folder of its own,
        so that nothing is ever mixed.
    fresh : bool
        Discard what earlier calls left, of whatever identity.

    Yields
    ------
    Path
        ``.NAME.partial-IDENTITY``, as the last call left it. Removed when the block ends well; kept, unless empty,
        when it raises or the process dies.

    Raises
    ------
    ExplorerError
        When another process works on the same target.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with only_one(target):
        work = target.with_name(f".{target.name}.partial-{identity}")
        if fresh:
            for old in kept_folders(target):
                shutil.rmtree(old)
        work.mkdir(exist_ok=True)
        (work / _KEPT).touch()
        try:
            yield work
        except BaseException:
            if [path.name for path in work.iterdir()] == [_KEPT]:
                shutil.rmtree(work)
            raise
        shutil.rmtree(work)


def kept_folders(target: str | Path) -> list[Path]:
    """Return the folders that interrupted work on `target` left, of every identity."""
    target = Path(target)
    start = f".{target.name}.partial-"
    if not target.parent.is_dir():
        return []
    return sorted(path for path in target.parent.iterdir() if path.name.startswith(start) and (path / _KEPT).exists())


@contextmanager
def only_one(target: Path) -> Iterator[None]:
    """Hold ``.NAME.lock`` while working on `target`. The system lets go of it when its holder dies, however it does.

    Raises
    ------
    ExplorerError
        When another process works on the same target.
    """
    path = target.with_name(f".{target.name}.lock")
    while True:
        # Removed when done; so whoever locks a file that has been removed meanwhile has to look for the new one.
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise ExplorerError(
                f"{holder} is making it at this moment", where=target, todo="Wait for it, or choose another --out"
            ) from None
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            break
        file.close()
    with file:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


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
