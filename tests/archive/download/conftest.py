"""A small archive, served in all the ways that the real one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from field import small_tree
from servers.https_index import HttpsIndexServer
from servers.loopback import LoopbackServer
from servers.s3 import S3Server
from servers.tree import Tree
from servers.xsa import XsaServer

from vae.archive.download import DownloadOptions

#: Backends that speak a protocol.
REMOTE = ("heasarc-s3", "heasarc-https", "xsa")


class Served:
    """A tree, served by one protocol, its matrices by HTTPS; and the options to fetch it with, in a hurry."""

    def __init__(self, backend: str, tree: Tree, stack: ExitStack, **server: Any) -> None:
        self.tree = tree
        self.web = stack.enter_context(HttpsIndexServer(tree))
        kinds = {"heasarc-s3": S3Server, "heasarc-https": HttpsIndexServer, "xsa": XsaServer}
        self.server: LoopbackServer = stack.enter_context(kinds[backend](tree, **server))
        endpoint = {
            S3Server: self.server.url,
            HttpsIndexServer: getattr(self.server, "root", ""),
            XsaServer: getattr(self.server, "aio_url", ""),
        }[kinds[backend]]
        self._options: dict[str, Any] = {
            "backend": backend, "endpoint": endpoint, "responses_url": self.web.responses_url, "rate": 1e4,
            "backoff": 1e-6, "retries": 3, "timeout": 20.0, "connections": 4,
        }  # fmt: skip

    def options(self, **changes: Any) -> DownloadOptions:
        return DownloadOptions(**{**self._options, **changes})

    @property
    def faults(self):
        return self.server.faults

    def gets(self, text: str = "") -> int:
        """Requests for something that brought bytes."""
        return len(self.server.asked(text))


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def make(backend: str = "heasarc-s3", tree: Tree | None = None, **server: Any) -> Served:
            return Served(backend, tree or small_tree(), stack, **server)

        yield make
