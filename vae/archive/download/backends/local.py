"""A folder that is there already: a mirror of the archive, or what somebody fetched by other means."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vae.archive.download.arrivals import Archive, Arrived, looked_at, sha256
from vae.archive.download.backends.common import Backend, Looked
from vae.archive.download.gate import Gate, RefusedError, TroubleError
from vae.archive.download.names import product
from vae.archive.download.options import DownloadOptions, Placing
from vae.archive.download.records import Listed, Outcome, Pending
from vae.archive.download.web import CHUNK
from vae.errors import OptionError


class LocalBackend(Backend):
    """Products under ``--source``, at any depth, known by their names; see `Backend`."""

    def __init__(self, options: DownloadOptions, gate: Gate, archive: Archive) -> None:
        super().__init__(options, gate, archive)
        assert options.source is not None, "checked with the options"
        source = options.source.absolute()
        if not source.is_dir():
            raise OptionError(f"--source {options.source} is no folder", todo="Give the folder with the products")
        if source.resolve() == archive.out.resolve():
            raise OptionError("--source and --out are the same folder", todo="Choose another --out")
        self._found: dict[str, dict[str, Path]] = {}
        for folder, names, files in os.walk(source):
            names.sort()
            for file in sorted(files):
                named = product(file)
                if named is not None:  # of several copies the first
                    self._found.setdefault(named.obs_id, {}).setdefault(named.name, Path(folder, file))

    def look(self, obs_id: str, src_nums: Sequence[int]) -> Looked:
        """Look the products up; see `Backend.look`."""
        if obs_id not in self._found:
            return Looked(absent=f"{self.options.source} has no pn spectral product of it")
        wanted, listed = set(src_nums), []
        for name, path in self._found[obs_id].items():
            named = product(name)
            if named is not None and named.src_num in wanted:
                listed.append(Listed(named, str(path), path.stat().st_size, True))
        return Looked(tuple(listed))

    def fetch(self, batch: Sequence[Pending]) -> list[Outcome]:
        """Link, copy or list files; see `Backend.fetch`."""
        return [self._fetch(one) for one in batch]

    def _fetch(self, one: Pending) -> Outcome:
        named = product(one.name)
        assert named is not None, "the journal holds names of parsed products only"
        placing = self.options.placing
        place = one.url if placing == "list" else named.place
        try:
            return Outcome(one.name, "there", place, place_local(Path(one.url), self.archive, place, one.kind, placing))
        except (TroubleError, RefusedError) as error:
            # A file does not mend itself: it is missing, not failed.
            return Outcome(one.name, "missing", missing="damaged", reason=error.what)
        except OSError as error:
            return Outcome(one.name, "missing", missing="damaged", reason=f"cannot be read ({error.strerror})")


def place_local(path: Path, archive: Archive, place: str, kind: str, placing: Placing) -> Arrived:
    """Bring a file of this machine to its place.

    Parameters
    ----------
    path : Path
        Where it lies.
    archive : Archive
    place, kind : str
        See `Archive.receive`.
    placing : str
        As in the options: ``link``, ``symlink``, ``copy`` or ``list``.
    """
    if placing == "copy":
        return archive.receive(_chunks(path), place, kind)
    response = looked_at(path, kind)
    arrived = Arrived(path.stat().st_size, sha256(path), response)
    if placing == "list":
        return arrived
    target = archive.out / place
    with archive.temporary() as temporary:
        if placing == "symlink":
            temporary.symlink_to(path.resolve())
        else:
            try:
                os.link(path.resolve(), temporary)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                return archive.receive(_chunks(path), place, kind)  # another disk, or one without links
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)
    return arrived


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
