"""What a build has finished and begun, in one small file of its work folder, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from vae.errors import BuildError
from vae.files import new_file

_FILE: Final = "stages.json"
_FORMAT: Final = "xmm-latent-explorer build"
_VERSION: Final = 1


@dataclass(frozen=True)
class Record:
    """A finished stage.

    Parameters
    ----------
    ingredients : dict
        Everything that it depended on, as JSON knows it.
    output : str
        Name of what it made: the same name, the same contents.
    rows : int
    seconds : float
    detail : dict
        What the stage told.
    """

    ingredients: dict[str, Any]
    output: str
    rows: int
    seconds: float
    detail: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """The stages of a work folder.

    Parameters
    ----------
    work : Path

    Raises
    ------
    BuildError
        When the file is of another version, or no ledger.
    """

    def __init__(self, work: Path) -> None:
        self._path = work / _FILE
        self._records: dict[str, Record] = {}
        self._begun: dict[str, str] = {}
        try:
            told = json.loads(self._path.read_text())
        except FileNotFoundError:
            if work.is_dir() and any(not path.name.startswith(".") for path in work.iterdir()):
                raise BuildError(
                    "it exists, and is no build's work folder", where=work, todo="Choose another --work"
                ) from None
            return
        except (OSError, ValueError) as error:
            raise BuildError(f"unreadable ({error})", where=self._path, todo="Remove the work folder") from error
        if not isinstance(told, dict) or (told.get("format"), told.get("version")) != (_FORMAT, _VERSION):
            raise BuildError("of another version of this program", where=self._path, todo="Remove the work folder")
        self._records = {name: Record(**record) for name, record in told["stages"].items()}
        self._begun = told["begun"]

    def record(self, stage: str) -> Record | None:
        """Return what is known of a stage that is finished."""
        return None if stage in self._begun else self._records.get(stage)

    def earlier(self, stage: str) -> Record | None:
        """Return what is known of a stage when it was finished last, though it has been begun anew since."""
        return self._records.get(stage)

    def was_begun(self, stage: str, ingredients: Mapping[str, Any]) -> bool:
        """Whether the last attempt at a stage had these ingredients, so that what it left can be gone on with."""
        return self._begun.get(stage) == name_of(ingredients)

    def begin(self, stage: str, ingredients: Mapping[str, Any]) -> None:
        """Note that a stage is being made: what it made before does no longer."""
        self._begun[stage] = name_of(ingredients)
        self._write()

    def finish(self, stage: str, record: Record) -> None:
        """Note a finished stage."""
        self._records[stage] = record
        self._begun.pop(stage, None)
        self._write()

    def _write(self) -> None:
        stages = {name: asdict(record) for name, record in self._records.items()}
        told = {"format": _FORMAT, "version": _VERSION, "stages": stages, "begun": self._begun}
        with new_file(self._path) as work:
            work.write_text(json.dumps(told, indent=1) + "\n")


def name_of(value: object) -> str:
    """Return a name that stands for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:24]


def differing(before: Mapping[str, Any], now: Mapping[str, Any], within: str = "") -> list[str]:
    """Return the names of ingredients that differ, those inside others as ``cuts.min_counts``."""
    found: list[str] = []
    for name in sorted(before.keys() | now.keys()):
        one, two = before.get(name), now.get(name)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            found += differing(one, two, f"{within}{name}.")
        elif one != two:
            found.append(f"{within}{name}")
    return found
