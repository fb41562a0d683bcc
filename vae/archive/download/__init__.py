"""Fetches the pn products of a catalogue's detections: gently, resumably, checked; what is missing has a reason."""

from vae.archive.download.options import DownloadOptions, DownloadSummary
from vae.archive.download.run import download

__all__ = ["DownloadOptions", "DownloadSummary", "download"]
