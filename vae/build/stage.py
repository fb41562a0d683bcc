"""What a stage of a build is: what it depends on, whether what it makes is there, how it makes it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vae.build.ledger import Record
from vae.build.options import BuildOptions
from vae.identity import file_identity, folder_identity
from vae.resources import asset


@dataclass(frozen=True)
class Site:
    """Where a build works, and on what.

    Parameters
    ----------
    catalogue, out, work : Path
    options : BuildOptions
    quiet : bool
        No progress bars.
    """

    catalogue: Path
    out: Path
    work: Path
    options: BuildOptions
    quiet: bool

    @property
    def selection(self) -> Path:
        """Rows of the catalogue that are wanted."""
        return self.work / "selection.parquet"

    @property
    def archive(self) -> Path:
        """Their products."""
        return self.work / "archive"

    @property
    def store(self) -> Path:
        """Their spectra."""
        return self.work / "store"

    @property
    def model(self) -> Path:
        """What encodes them."""
        if self.options.training is not None:
            return self.work / "model"
        return self.options.model or asset("models", "reference")

    @property
    def encoded(self) -> Path:
        """The atlas before anyone knows who the sources are."""
        return self.work / "encoded"


@dataclass(frozen=True)
class Made:
    """What a stage has made: a name for it, its rows, what the stage tells."""

    output: str
    rows: int
    detail: dict[str, Any]


class Stage(ABC):
    """One stage of a build.

    Parameters
    ----------
    site : Site
    """

    name: str
    #: What is made, within the work folder.
    made: str

    def __init__(self, site: Site) -> None:
        self.site, self.options = site, site.options

    @abstractmethod
    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return everything that the stage depends on, as JSON knows it; `before` names what earlier stages made."""

    @abstractmethod
    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Make it.

        Parameters
        ----------
        told : dict of str to Record
            The stages before.
        resume : bool
            An attempt at the very same may have left something.
        earlier : Record or None
            Of what was made last, of whatever ingredients; it may be there still.
        """

    def is_there(self, record: Record) -> bool:
        """Whether what a finished stage made is still there."""
        return (self.site.work / self.made).exists()

    @property
    def is_wanted_anew(self) -> bool:
        """Whether the options ask for it to be made again."""
        return self.name in self.options.redo

    def found(self, ingredients: Mapping[str, Any]) -> Made | None:
        """Return what was made of these ingredients without being noted: its maker died just then."""
        return None


def name_of_rows(table: pd.DataFrame) -> str:
    """Return a name that stands for the rows of a table."""
    return hashlib.sha256(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()).hexdigest()[:24]


def contents(path: Path) -> str:
    """Return a name for what is in a file or a folder."""
    return folder_identity(path) if path.is_dir() else file_identity(path)
