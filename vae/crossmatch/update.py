"""An atlas on disk gets its class columns: read, changed, and put back whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from vae.atlas import FORMAT, VERSION
from vae.crossmatch.decide import DECIDED
from vae.errors import AtlasError
from vae.files import new_file
from vae.spectra.columns import LABEL_COLUMNS

#: `class_origin` of what the simulator wrote.
SIMULATED: Final = "simulated"
#: Not as they are read: pandas takes a category without a value for something else.
_DTYPES: Final = {column.name: column.dtype for column in LABEL_COLUMNS}
_CATALOGUE, _CANDIDATES, _META = "catalogue.parquet", "candidates.parquet", "atlas.json"


class AtlasTable:
    """The catalogue of an atlas, for changing its class columns.

    Parameters
    ----------
    path : Path

    Raises
    ------
    AtlasError
        When it is no atlas of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.meta: dict[str, Any] = json.loads((path / _META).read_text())
            self.table = pd.read_parquet(path / _CATALOGUE)
        except (FileNotFoundError, NotADirectoryError):
            raise AtlasError(
                f"not an atlas (no {_META} and {_CATALOGUE})", where=path, todo="Make one with scripts/encode.py"
            ) from None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise AtlasError(f"unreadable: {error}", where=path, todo="Make it again with scripts/encode.py") from error
        if (self.meta.get("format"), self.meta.get("version")) != (FORMAT, VERSION):
            raise AtlasError(f"not {FORMAT!r} version {VERSION}", where=path / _META, todo="Make it again")
        needed = ["detection_id", "source_id", "ra_deg", "dec_deg", "position_error_arcsec", "mjd_start", *DECIDED]
        missing = [name for name in needed if name not in self.table]
        if missing:
            raise AtlasError(f"columns missing: {', '.join(missing)}", where=path / _CATALOGUE, todo="Make it again")

    @property
    def is_simulated(self) -> bool:
        """Whether any row was simulated."""
        return bool(self.meta.get("simulated", False)) or bool(self.from_simulation.any())

    @property
    def from_simulation(self) -> np.ndarray:
        """Rows whose class comes from the simulation, shape (n,)."""
        return np.asarray((self.table["class_origin"].astype("str") == SIMULATED).fillna(False), bool)

    @property
    def earlier(self) -> dict[str, Any]:
        """What an earlier cross-match left in the provenance."""
        return dict(self.meta.get("provenance", {}).get("crossmatch", {}))

    def candidates(self) -> pd.DataFrame | None:
        """Candidates that an earlier cross-match kept."""
        try:
            return pd.read_parquet(self.path / _CANDIDATES)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise AtlasError(f"unreadable: {error}", where=self.path / _CANDIDATES, todo="Remove it") from error

    def of_sources(self, source_id: pd.Series) -> pd.DataFrame:
        """Class columns as they stand, one row a source (of its first detection)."""
        first = self.table.drop_duplicates("source_id").set_index("source_id")
        frame = first.loc[source_id.to_numpy(), list(DECIDED)].reset_index(drop=True)
        return pd.DataFrame({name: frame[name].astype(kind) for name, kind in DECIDED.items()})

    def set_classes(self, source_id: pd.Series, decided: pd.DataFrame, *, keep: np.ndarray) -> None:
        """Give every detection what is decided about its source, but for the rows to `keep`."""
        place = pd.Index(source_id).get_indexer(self.table["source_id"])
        rows = pd.Series(~keep, index=self.table.index)
        for name, kind in DECIDED.items():
            new = decided[name].astype(kind).iloc[place].set_axis(self.table.index)
            merged = new.where(rows, self.table[name].astype(kind)).astype(kind)
            self.table[name] = merged.astype("category") if _DTYPES[name] == "category" else merged

    def write(self, candidates: pd.DataFrame, provenance: dict[str, Any]) -> None:
        """Put candidates, catalogue and provenance in place, each whole, in this order.

        Whoever reads meanwhile sees the old table or the new one. A process killed in between leaves a table that says
        of each row where its class came from; running it again asks nobody and ends the work.
        """
        with new_file(self.path / _CANDIDATES) as work:
            candidates.to_parquet(work, index=False)
        repeated = [name for name in self.table if isinstance(self.table[name].dtype, pd.CategoricalDtype)]
        with new_file(self.path / _CATALOGUE) as work:
            self.table.to_parquet(work, index=False, use_dictionary=repeated)
        self.meta.setdefault("provenance", {})["crossmatch"] = provenance
        with new_file(self.path / _META) as work:
            work.write_text(json.dumps(self.meta, indent=2) + "\n")
