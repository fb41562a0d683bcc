"""What preprocessing is told, and what it tells afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class PreprocessOptions:
    """How to turn an archive into a store."""

    catalogue: Path | None = None
    """Catalogue of detections (FITS, columns of 4XMM): gives identifiers, names and positions by OBS_ID and SRC_NUM.
    Spectra that it does not list are left out, and listed with that reason. Without it, identifiers are derived."""
    responses: tuple[Path, ...] = ()
    """Folders with redistribution matrices, searched after the archive's own."""
    standin_response: Path | None = None
    """RMF to use where the right one is missing: an approximation, flagged in the row."""
    arf: Path | None = None
    """Effective area, for a single spectrum."""
    rmf: Path | None = None
    """Redistribution matrix, for a single spectrum."""
    background: Path | None = None
    """Background spectrum, for a single spectrum."""
    workers: int = 0
    """Processes; 0 takes one a core, and one alone for a small archive. The store is the same for any number."""
    scheduler: str | None = None
    """Address of a Dask scheduler (tcp://HOST:8786), whose workers read the archive by the same paths and do the work
    instead of processes of this machine; `local` starts such a cluster here. The store is the same."""


@dataclass(frozen=True)
class Update:
    """What had become of an archive's source spectra since the store was made.

    Parameters
    ----------
    unchanged : int
        Of the same names, sizes and times of change, with all that belongs to them.
    added : int
        New ones.
    changed : int
        Themselves, their companions, or what was found first; read again.
    removed : int
        No longer there.
    names : dict of str to list of str
        The first few of those changed and removed.
    """

    unchanged: int
    added: int
    changed: int
    removed: int
    names: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class PreprocessSummary:
    """What became of an archive.

    Parameters
    ----------
    store : Path
    files : int
        Files looked at.
    detections, sources : int
        Rows of the store, and the sky objects they belong to.
    standin_responses : int
        Rows for which another matrix stands in.
    responses : int
        Distinct redistribution matrices.
    rejected : dict of str to int
        Files not used, by kind; each is listed with its reason in ``rejected.parquet``.
    examples : dict of str to str
        Of each kind one file, and its reason.
    update : Update or None
        What had changed since the store was made; None where it was made from nothing.
    seconds : float
        Wall-clock time.
    """

    store: Path
    files: int
    detections: int
    sources: int
    standin_responses: int
    responses: int
    rejected: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    update: Update | None = None
    seconds: float = 0.0
