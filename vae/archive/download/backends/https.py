"""The tree of observations over HTTPS: an index page a folder, a request a file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from vae.archive.download.arrivals import PRODUCT_LIMIT, Archive
from vae.archive.download.backends.common import ListingBackend, Looked
from vae.archive.download.gate import Gate, RefusedError
from vae.archive.download.names import product
from vae.archive.download.options import ENDPOINTS, DownloadOptions
from vae.archive.download.records import Listed, Pending
from vae.archive.download.web import Body, fetched, index, session


class HttpsBackend(ListingBackend):
    """``ROOT/OBS_ID/PPS/``; see `Backend`. Index pages show sizes to three digits at most."""

    size_is = "rounded"

    def __init__(self, options: DownloadOptions, gate: Gate, archive: Archive) -> None:
        super().__init__(options, gate, archive)
        self._root = f"{(options.endpoint or ENDPOINTS['heasarc-https'] or '').rstrip('/')}/"
        self._session = session(
            self._root,
            gate,
            timeout=options.timeout,
            limit=2 * PRODUCT_LIMIT,  # index pages of large observations, too
            connections=options.manners[0],
        )

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def look(self, obs_id: str, src_nums: Sequence[int]) -> Looked:
        """Read the index page of an observation's products; see `Backend.look`."""
        folder = f"{self._root}{obs_id}/PPS/"
        try:
            entries = self.persist(lambda: index(self._session, folder), folder)
        except RefusedError as error:
            if error.kind == "absent":
                return Looked(absent=f"{folder} is not there ({error.what})")
            raise
        wanted, listed = set(src_nums), []
        for entry in entries:
            named = product(entry.name)
            if named is not None and named.obs_id == obs_id and named.src_num in wanted:
                listed.append(Listed(named, folder + entry.name, entry.size))
        return Looked(tuple(listed))

    def open(self, one: Pending) -> AbstractContextManager[Body]:
        """Get a file; see `ListingBackend.open`."""
        return fetched(self._session, one.url)
