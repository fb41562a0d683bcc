"""Where products come from: HEASARC's bucket, the same over HTTPS, the XMM-Newton Science Archive, a folder."""

from vae.archive.download.backends.choose import choose_backend
from vae.archive.download.backends.common import Backend, Looked

__all__ = ["Backend", "Looked", "choose_backend"]
