"""What is passed around of a file: that an archive has it, that it is to be fetched, what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from vae.archive.download.arrivals import Arrived
from vae.archive.download.names import Product


@dataclass(frozen=True)
class Listed:
    """A product that the archive has.

    Parameters
    ----------
    product : Product
    url : str
        Where; of a bucket, its key.
    size : int or None
        [bytes]; None where the server does not tell.
    exact : bool
        The size is no rounded one.
    md5 : str or None
        Sum of its bytes, where the server tells it.
    """

    product: Product
    url: str
    size: int | None = None
    exact: bool = False
    md5: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Parameters
    ----------
    name : str
    state : str
        ``there``, ``missing`` or ``failed``.
    path : str
        Within the archive; absolute where it lies elsewhere.
    arrived : Arrived or None
    missing : str
        Why it is not there, in one word.
    reason : str
        The same in a sentence.
    """

    name: str
    state: str
    path: str = ""
    arrived: Arrived | None = None
    missing: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Pending:
    """A file to fetch; its size where that is known exactly."""

    name: str
    kind: str
    obs_id: str
    src_num: int
    url: str
    size: int | None
    md5: str | None
