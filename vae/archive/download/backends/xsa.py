"""The XMM-Newton Science Archive, by astroquery.

One tar file brings all spectra of an observation, one its backgrounds, one its areas; where one source alone is wanted,
products may come bare.

What astroquery 0.4.11 does, and what is done about it here: it writes to the working folder whatever path it is given,
and forgets what the server called the file (`_Client`); it has no time-out, bound or pause (an adapter of ours on its
session); a page with status 200 ends in UnboundLocalError (caught by name); it prints progress to standard output (log
level); `get_epic_spectra` hard-codes the version of matrices and keeps error pages as matrices (not used).

How the archive itself says that there is no such product could not be tried where this was written. A status 404 is
taken for it, and a text that says so.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from astroquery import log
from astroquery.esa.xmm_newton import XMMNewtonClass
from astroquery.exceptions import LoginError

from vae.archive.download.arrivals import Archive, Arrived
from vae.archive.download.backends.common import Backend, Looked, lost
from vae.archive.download.gate import Gate, RefusedError, TroubleError
from vae.archive.download.names import KINDS, Product, product
from vae.archive.download.options import DownloadOptions
from vae.archive.download.records import Listed, Outcome, Pending
from vae.archive.download.tars import products_in
from vae.archive.download.web import PoliteAdapter, fetched, mount, trouble_told

#: Largest tar: thirty times that of an observation with 500 sources [bytes].
_TAR_LIMIT: Final = 512 << 20
#: Connections that one download keeps open at a time: astroquery asks for headers twice, and reads on later.
_ANSWERS: Final = 4
_NOTHING: Final = re.compile(rb"no (?:data|files?|products?|results?|observations?)\b|not found|does not exist", re.I)
_TYPES: Final = {kind: type_ for type_, kind in KINDS.items()}


class _Client(XMMNewtonClass):
    """astroquery's client, writing where it is told and remembering what the server called the file."""

    told_name = ""
    adapter: _Adapter

    def _create_filename(self, filename: Any, observation_id: str, suffixes: Any) -> Any:
        return filename

    def _request_link(self, link: str, cache: bool) -> Any:
        told = super()._request_link(link, cache)
        self.told_name = str(told["filename"])
        return told


class _Adapter(PoliteAdapter):
    """Closes what astroquery leaves open: the answers to its HEAD requests, and to any that go wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._answers: list[Any] = []

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().send(request, *args, **kwargs)
        self._answers.append(answer)
        return answer

    def close_answers(self) -> None:
        for answer in self._answers:
            answer.close()
        self._answers.clear()


class XsaBackend(Backend):
    """See `Backend`. Looking at an observation fetches its spectra: the archive has no list of products to ask."""

    size_is = "estimated"
    can_list = False

    def __init__(self, options: DownloadOptions, gate: Gate, archive: Archive) -> None:
        super().__init__(options, gate, archive)
        self._threads = threading.local()
        self._clients: list[_Client] = []
        self._level = log.level
        log.setLevel("WARNING")  # its progress would go to standard output

    def close(self) -> None:
        """Let go of connections."""
        log.setLevel(self._level)
        for client in self._clients:
            client._session.close()

    @property
    def _client(self) -> _Client:
        """A client for each thread: astroquery changes the headers of its session as it goes."""
        client: _Client | None = getattr(self._threads, "client", None)
        if client is None:
            client = _Client()
            if self.options.endpoint is not None:
                client.data_aio_url = self.options.endpoint
            client.adapter = _Adapter(self.gate, self.options.timeout, _TAR_LIMIT, _ANSWERS)
            mount(client._session, client.data_aio_url, client.adapter)
            client._session.headers["Accept-Encoding"] = "identity"
            self._threads.client = client
            self._clients.append(client)
        return client

    def look(self, obs_id: str, src_nums: Sequence[int]) -> Looked:
        """Fetch the spectra of an observation; see `Backend.look`."""
        try:
            arrived = self.persist(lambda: self._take(obs_id, "SRSPEC", src_nums), f"spectra of {obs_id}")
        except RefusedError as error:
            if error.kind == "absent":
                return Looked(absent=f"the archive has no pn spectra of it ({error.what})")
            raise
        client = self._client
        urls = {type_: client._create_link(obs_id, **_which(type_)) for type_ in KINDS}
        listed = [Listed(one.of_type(type_), url) for one in arrived for type_, url in urls.items()]
        return Looked(tuple(listed), tuple(_there(one, file) for one, file in arrived.items()))

    def batches(self, pending: Iterable[Pending]) -> Iterator[list[Pending]]:
        """All of one kind and observation come in one tar."""
        return (list(group) for _, group in itertools.groupby(pending, key=lambda one: (one.obs_id, one.kind)))

    def fetch(self, batch: Sequence[Pending]) -> list[Outcome]:
        """Fetch backgrounds or areas of an observation; see `Backend.fetch`."""
        obs_id, kind = batch[0].obs_id, batch[0].kind
        outcomes: dict[str, Outcome] = {}
        wanted = []
        for one in batch:
            named = product(one.name)
            assert named is not None, "the journal holds names of parsed products only"
            there = self.archive.adopt(named.place, kind, None)
            if there is None:
                wanted.append(one)
            else:
                outcomes[one.name] = _there(named, there)
        if wanted:
            sources = sorted({one.src_num for one in wanted})
            try:
                arrived = self.persist(
                    lambda: self._take(obs_id, _TYPES[kind], sources), f"{kind} of {obs_id} {sources[0]}"
                )
                outcomes |= {named.name: _there(named, file) for named, file in arrived.items()}
            except RefusedError as error:
                if error.kind != "absent":
                    return [*outcomes.values(), *(lost(one.name, error, 0) for one in wanted)]
            except TroubleError as error:
                return [*outcomes.values(), *(lost(one.name, error, self.options.retries) for one in wanted)]
        missing = [one.name for one in batch if one.name not in outcomes]
        reason = f"the archive has the spectrum but not its {kind}"
        return [
            *(outcomes[one.name] for one in batch if one.name in outcomes),
            *(Outcome(name, "missing", missing=f"no-{kind}", reason=reason) for name in missing),
        ]

    def noted(self, obs_id: str, kinds: Iterable[str]) -> None:
        """Throw away tars whose products stand in the journal; see `Backend.noted`."""
        for kind in set(kinds):
            for path in self.archive.tars.glob(f"{obs_id}-{_TYPES[kind]}-*"):
                path.unlink()

    def _take(self, obs_id: str, type_: str, src_nums: Sequence[int]) -> dict[Product, Arrived]:
        """Bring the products of one type, observation and some sources to their places."""
        one_source = f"{src_nums[0]:03X}" if len(src_nums) == 1 else ""
        tar, told_name = self._tar(obs_id, type_, one_source)
        wanted, arrived = set(src_nums), {}
        try:
            for named, chunks in products_in(tar, told_name):
                if (named.obs_id, named.type) == (obs_id, type_) and named.src_num in wanted:
                    arrived[named] = self.archive.receive(chunks, named.place, named.kind)
        except (TroubleError, RefusedError):
            tar.unlink()
            raise
        return arrived

    def _tar(self, obs_id: str, type_: str, one_source: str) -> tuple[Path, str]:
        """Fetch a tar, or find the whole one that an interrupted run left; its own name is kept in that of the file."""
        start = f"{obs_id}-{type_}-{one_source or 'all'}-"
        for path in self.archive.tars.glob(f"{start}*"):
            return path, path.name.removeprefix(start)
        client = self._client
        which = _which(type_, one_source)
        with self.archive.temporary() as path:
            try:
                with trouble_told():
                    client.download_data(obs_id, filename=str(path), cache=False, **which)
            except LoginError as error:
                raise RefusedError("refused", f"the archive wants a login ({error})") from error
            except (UnboundLocalError, KeyError) as error:
                raise self._page(client, obs_id, which) from error
            finally:
                client.adapter.close_answers()
            named = product(client.told_name)
            kept = self.archive.tars / f"{start}{named.name if named else 'tar'}"
            path.replace(kept)
        return kept, kept.name.removeprefix(start)

    def _page(self, client: _Client, obs_id: str, which: dict[str, str]) -> TroubleError | RefusedError:
        """Find out what a page with status 200 says where data were asked for."""
        with fetched(client._session, client._create_link(obs_id, **which)) as body:
            start = next(body.chunks, b"")
        words = " ".join(re.sub(rb"<[^>]*>", b" ", start[:4096]).decode("utf-8", "replace").split())[:120]
        if _NOTHING.search(start[:4096]):
            return RefusedError("absent", f"it says {words!r}")
        return TroubleError(f"a page came instead of data: {words!r}")


def _which(type_: str, one_source: str = "") -> dict[str, str]:
    """Return what is asked for, in the words of the archive."""
    which = {"level": "PPS", "instname": "PN", "name": type_, "extension": "FTZ"}
    return which | {"sourceno": one_source} if one_source else which


def _there(named: Product, arrived: Arrived) -> Outcome:
    return Outcome(named.name, "there", named.place, arrived)
