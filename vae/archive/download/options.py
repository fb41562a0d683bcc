"""What a download is told, and what it tells afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from vae.errors import OptionError

Backend = Literal["heasarc-s3", "heasarc-https", "xsa", "local"]
Placing = Literal["link", "symlink", "copy", "list"]

#: Canned matrices of EPIC-pn at the XMM-Newton Science Operations Centre: the folder that astroquery 0.4.11 and the
#: threads of the SOC name. It cannot be reached from where this was written; where it has moved, say --responses-url.
#: HEASARC mirrors the same files (https://heasarc.gsfc.nasa.gov/docs/xmm/xmmhp_caldb_mirror.html).
RESPONSES_URL: Final = "https://sasdev-xmm.esac.esa.int/pub/ccf/constituents/extras/responses/PN/"
#: Where each backend asks unless told otherwise. S3: None lets boto3 choose.
ENDPOINTS: Final[dict[str, str | None]] = {
    "heasarc-s3": None,
    "heasarc-https": "https://heasarc.gsfc.nasa.gov/FTP/xmm/data/rev0/",
    "xsa": "https://nxsa.esac.esa.int/nxsa-sl/servlet/data-action-aio?",
    "local": None,
}
#: Connections at a time and requests a second that each host is asked to bear: the bucket is made for crowds, the
#: other two are single services that ban those who press them.
MANNERS: Final[dict[str, tuple[int, float]]] = {
    "heasarc-s3": (16, 100.0),
    "heasarc-https": (4, 10.0),
    "xsa": (2, 2.0),
    "local": (2, 100_000.0),
}
#: Mean size of the three products of a detection, where a backend tells no sizes (rxcj2359: 58 detections) [bytes].
BYTES_PER_DETECTION: Final = 55_000


@dataclass(frozen=True)
class DownloadOptions:
    """Where products come from, and how gently they are fetched."""

    backend: Backend = "heasarc-s3"
    """heasarc-s3: HEASARC's public bucket, without an account. heasarc-https: the same tree over HTTPS, slower.
    xsa: the XMM-Newton Science Archive, by astroquery; slowest. local: a folder already there (--source)."""
    source: Path | None = None
    """With local: the folder to look in, at any depth. Products are known by their names."""
    placing: Placing = "link"
    """With local: hard links (copies where the disks differ), symbolic links, copies, or nothing but a list of where
    the products are."""
    endpoint: str | None = None
    """Address of the server instead of the usual one: the S3 endpoint; the folder of observations over HTTPS; the
    archive's data-action-aio."""
    bucket: str = "nasa-heasarc"
    """S3 bucket."""
    prefix: str = "xmm/data/rev0/"
    """Folder of observations within the bucket."""
    responses_url: str | None = None
    """Where the canned redistribution matrices lie: a web page that lists them, or a folder. ESA's page by default,
    with local the --source. The newest version of each one that a spectrum names in RESPFILE is fetched once."""
    responses: bool = True
    """Fetch redistribution matrices."""
    connections: int = 0
    """Connections at a time; 0 takes what the backend bears (S3 16, HTTPS 4, XSA 2)."""
    rate: float = 0.0
    """Most requests a second; 0 takes what the backend bears (S3 100, HTTPS 10, XSA 2)."""
    retries: int = 6
    """How often one file is tried again, at growing intervals, before it is given up for this run."""
    backoff: float = 1.0
    """Seconds before the first of these; twice as many before each next, up to a minute."""
    patience: float = 900.0
    """Longest that a server may ask us to wait (Retry-After) before this run stops, in seconds."""
    timeout: float = 60.0
    """Longest silence of a server before a request is tried again, in seconds."""
    ask_again: bool = False
    """Ask once more for what the archive did not have last time."""

    def __post_init__(self) -> None:
        for value, flag, low in (
            (self.connections, "connections", 0),
            (self.rate, "rate", 0),
            (self.retries, "retries", 0),
            (self.backoff, "backoff", 0),
            (self.patience, "patience", 0),
            (self.timeout, "timeout", 0.01),
        ):
            if not value >= low:
                raise OptionError(f"--{flag} {value} is too small", todo=f"Give {low} or more")
        if (self.backend == "local") != (self.source is not None):
            raise OptionError(
                "--source FOLDER and --backend local belong together", todo="Give both of them, or none of them"
            )

    @property
    def manners(self) -> tuple[int, float]:
        """Connections at a time and requests a second, as asked for or as the backend bears."""
        connections, rate = MANNERS[self.backend]
        return self.connections or connections, self.rate or rate


@dataclass(frozen=True)
class DownloadSummary:
    """What came of a download.

    Parameters
    ----------
    out : Path
        The archive.
    backend : str
    dry_run : bool
        Nothing was fetched; the figures are what there would be.
    detections, observations : int
        Asked for.
    complete : int
        Detections with spectrum, background, area and, where these were asked for, matrix.
    products, responses : int
        Files in the archive, by kind; with `dry_run`, files to fetch (how many matrices, only spectra tell).
    gib : float
        Size of these files [GiB].
    size_is : str
        ``exact``; or ``rounded`` (as an index page shows) or ``estimated`` (a mean per detection) before a download.
    fetched, adopted, already : int
        Files that came in this run; that an interrupted run had left whole but not noted; that were there before.
    missing : dict of str to int
        What the archive does not have, by reason. Each is listed in ``missing.csv``.
    failed : int
        Files given up after all tries. The same command tries them again.
    requests : int
        Sent to servers in this run.
    manifest : Path or None
    seconds : float
        Wall-clock time.
    """

    out: Path
    backend: str
    dry_run: bool
    detections: int
    observations: int
    complete: int
    products: int
    responses: int
    gib: float
    size_is: str
    fetched: int = 0
    adopted: int = 0
    already: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    requests: int = 0
    manifest: Path | None = None
    seconds: float = 0.0
