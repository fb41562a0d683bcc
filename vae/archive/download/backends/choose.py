"""Picks the backend that the options name. Each one's library is loaded only when it is used."""

from __future__ import annotations

from vae.archive.download.arrivals import Archive
from vae.archive.download.backends.common import Backend
from vae.archive.download.gate import Gate
from vae.archive.download.options import DownloadOptions


def choose_backend(options: DownloadOptions, gate: Gate, archive: Archive) -> Backend:
    """Return the backend of a download.

    Parameters
    ----------
    options : DownloadOptions
    gate : Gate
        Of its host.
    archive : Archive
        What it fills.
    """
    if options.backend == "heasarc-s3":
        from vae.archive.download.backends.s3 import S3Backend

        return S3Backend(options, gate, archive)
    if options.backend == "heasarc-https":
        from vae.archive.download.backends.https import HttpsBackend

        return HttpsBackend(options, gate, archive)
    if options.backend == "xsa":
        from vae.archive.download.backends.xsa import XsaBackend

        return XsaBackend(options, gate, archive)
    from vae.archive.download.backends.local import LocalBackend

    return LocalBackend(options, gate, archive)
