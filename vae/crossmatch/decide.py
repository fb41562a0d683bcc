"""Class columns of sources: from SIMBAD's counterparts, and label catalogues above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from vae.archive.simbad import UNKNOWN_NATURE
from vae.crossmatch.counterparts import SIMBAD
from vae.crossmatch.labelled import Labelled
from vae.crossmatch.labels import LabelCatalogue

#: Class of sources that were looked for in vain. Null class_origin and "Unclassified" mean that nobody looked.
NO_MATCH: Final = "No match"
#: Columns decided here, with the types they have while sources are decided about.
DECIDED: Final = {
    "class_label": "str",
    "class_origin": "str",
    "class_is_candidate": "boolean",
    "match_ambiguous": "boolean",
    "simbad_otype": "str",
    "simbad_main_id": "str",
    "match_separation_arcsec": "float32",
}


def nothing_known(n_sources: int) -> pd.DataFrame:
    """Columns of sources that nobody looked for: "Unclassified", everything else null."""
    frame = pd.DataFrame({name: pd.Series([None] * n_sources, dtype=kind) for name, kind in DECIDED.items()})
    frame["class_label"] = pd.Series([UNKNOWN_NATURE] * n_sources, dtype="str")
    return frame


def by_simbad(candidates: pd.DataFrame, looked_up: np.ndarray) -> pd.DataFrame:
    """Columns by SIMBAD alone.

    Parameters
    ----------
    candidates : DataFrame
        ``source chosen ambiguous class_label class_is_candidate otype main_id separation_arcsec``.
    looked_up : array of bool, shape (n_sources,)
    """
    frame = nothing_known(len(looked_up))
    frame.loc[looked_up, "class_label"] = NO_MATCH
    frame.loc[looked_up, "class_origin"] = SIMBAD
    chosen = candidates[candidates["chosen"].to_numpy(bool)].set_index("source")
    for column, name in (
        ("class_label", "class_label"), ("class_is_candidate", "class_is_candidate"), ("match_ambiguous", "ambiguous"),
        ("simbad_otype", "otype"), ("simbad_main_id", "main_id"), ("match_separation_arcsec", "separation_arcsec"),
    ):  # fmt: skip
        if len(chosen):
            frame.loc[chosen.index, column] = chosen[name].astype(DECIDED[column])
    return frame


def by_labels(frame: pd.DataFrame, labelled: Sequence[tuple[LabelCatalogue, Labelled]]) -> pd.DataFrame:
    """Put label catalogues above what is decided, the first above the next.

    Class, its origin and whether it is a candidate's, ambiguity and separation are then of the labelled object;
    ``simbad_otype`` and ``simbad_main_id`` keep saying what SIMBAD has there.
    """
    frame = frame.copy()
    for catalogue, found in reversed(labelled):
        rows = found.matches["source"].to_numpy()
        if not rows.size:
            continue
        frame.loc[rows, "class_label"] = found.matches["class_label"].to_numpy()
        frame.loc[rows, "class_origin"] = catalogue.name
        for column, name in (("class_is_candidate", "class_is_candidate"), ("match_ambiguous", "ambiguous")):
            frame.loc[rows, column] = pd.array(found.matches[name].to_numpy(bool), dtype="boolean")
        frame.loc[rows, "match_separation_arcsec"] = found.matches["separation_arcsec"].to_numpy(np.float32)
    return frame


def all_candidates(
    sources: pd.DataFrame, simbad: pd.DataFrame | None, labelled: Sequence[tuple[LabelCatalogue, Labelled]]
) -> pd.DataFrame:
    """Every object near a source, of SIMBAD and label catalogues, as it is kept in ``candidates.parquet``."""
    source_id = sources["source_id"].to_numpy()
    parts = []
    if simbad is not None and len(simbad):
        told = simbad.assign(
            source_id=source_id[simbad["source"].to_numpy()], catalogue=SIMBAD, error_arcsec=1e-3 * simbad["error_mas"]
        )
        parts.append(told)
    for catalogue, found in labelled:
        pairs = found.candidates
        parts.append(
            pairs.assign(
                source_id=source_id[pairs["source"].to_numpy()],
                catalogue=catalogue.name,
                main_id=pairs["name"],
                within_radius=True,
                ambiguous=pairs["chosen"]
                & pairs["source"].isin(found.matches.loc[found.matches["ambiguous"], "source"]),
            )
        )
    columns: dict[str, pd.Series] = {}
    for name, kind in CANDIDATE_COLUMNS.items():
        series = [part[name].astype(kind) if name in part else _nulls(len(part), kind) for part in parts]
        columns[name] = pd.concat(series, ignore_index=True) if series else pd.Series([], dtype=kind)
    table = pd.DataFrame(columns)
    return table.sort_values(["source_id", "catalogue"], kind="stable").reset_index(drop=True)


#: Columns of ``candidates.parquet``.
CANDIDATE_COLUMNS: Final = {
    "source_id": "int64",
    "catalogue": "str",
    "main_id": "str",
    "ra_deg": "float64",
    "dec_deg": "float64",
    "error_arcsec": "float64",
    "pm_ra_mas": "float64",
    "pm_dec_mas": "float64",
    "separation_arcsec": "float64",
    "sigma_arcsec": "float64",
    "radius_arcsec": "float64",
    "within_radius": "bool",
    "density_per_arcsec2": "float64",
    "likelihood_ratio": "float64",
    "probability": "float64",
    "chosen": "bool",
    "ambiguous": "bool",
    "otype": "str",
    "otype_label": "str",
    "otypes": "str",
    "references": "float64",
    "class_label": "str",
    "class_is_candidate": "boolean",
}


def _nulls(n: int, kind: str) -> pd.Series:
    return pd.Series([None] * n, dtype=kind)
