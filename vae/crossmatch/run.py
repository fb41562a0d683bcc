"""The whole of a cross-match: sources, SIMBAD, label catalogues, decisions, the atlas."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import vae
from vae.archive.simbad import UNKNOWN_NATURE, AnswerCache, Asker, Asking, ObjectTypes
from vae.crossmatch.counterparts import SIMBAD, Counterparts, find_counterparts, manners_of
from vae.crossmatch.decide import all_candidates, by_labels, by_simbad, nothing_known
from vae.crossmatch.labelled import Labelled, match_labels
from vae.crossmatch.labels import LabelCatalogue, distinct_names, read_labels, summary_of
from vae.crossmatch.options import CrossmatchOptions, CrossmatchSummary
from vae.crossmatch.sources import unique_sources
from vae.crossmatch.update import SIMULATED, AtlasTable
from vae.errors import AtlasError
from vae.files import only_one
from vae.progress import progress_bar

#: Settings that decide about matches, kept in the provenance.
_SETTINGS = (
    "radius_sigmas", "radius_floor", "radius_cap", "density_radius", "error_per_axis", "default_error",
    "catalogue_error", "no_proper_motions", "match_probability", "ambiguous_share", "label_radius",
)  # fmt: skip


def crossmatch(
    atlas: str | Path, options: CrossmatchOptions | None = None, *, quiet: bool = False
) -> CrossmatchSummary:
    """Find out who the sources of an atlas are, and write it into the atlas.

    Parameters
    ----------
    atlas : str or Path
        Gets the columns ``class_label class_origin class_is_candidate match_ambiguous simbad_otype simbad_main_id
        match_separation_arcsec``, a file ``candidates.parquet`` with everything found near the sources, and a note in
        its provenance. Sources looked for in vain are "No match", with SIMBAD as their origin; sources that nobody
        looked for are "Unclassified", without origin; counterparts of unknown nature are "Unclassified", by SIMBAD.
    options : CrossmatchOptions
    quiet : bool
        No progress bars.

    Returns
    -------
    CrossmatchSummary

    Raises
    ------
    OptionError
        When options do not go together.
    AtlasError
        When it is no atlas, or a simulated one and options do not say what to do with that.
    LabelError
        When a label catalogue cannot be used.
    ServiceError
        When a service does not answer. What it has answered is kept, and the atlas stays as it was.
    """
    started = time.perf_counter()
    options = options or CrossmatchOptions()
    options.check()
    distinct_names(options.labels)
    path = Path(atlas)
    if not path.is_dir():
        raise AtlasError("no such atlas", where=path, todo="Make one with scripts/encode.py")
    with only_one(path):
        table = AtlasTable(path)
        if table.is_simulated and options.simulated == "refuse":
            raise AtlasError(
                "it is simulated: its positions are fictitious, so what SIMBAD or a label catalogue has there is not "
                "what was simulated",
                where=path,
                todo="Give an atlas of real observations; --simulated keep matches rows without a simulated class all "
                "the same, --simulated replace all rows",
            )
        catalogues = [read_labels(file, options) for file in options.labels]
        return _Job(table, catalogues, options).run(started, quiet=quiet)


class _Job:
    """One cross-match of an atlas that has been read."""

    def __init__(self, table: AtlasTable, catalogues: Sequence[LabelCatalogue], options: CrossmatchOptions) -> None:
        self.table, self.catalogues, self.options = table, catalogues, options
        self.replaced = self.kept = 0
        self.sources = unique_sources(table.table, options)
        self.now = table.of_sources(self.sources["source_id"])
        self.asker = Asker(
            AnswerCache(options.cache, max_age_days=options.max_age_days), manners_of(options), offline=options.offline
        )

    def run(self, started: float, *, quiet: bool) -> CrossmatchSummary:
        with progress_bar(quiet=quiet) as progress:
            found = find_counterparts(self.sources, self.options, self.asker, progress)
        labelled = [(catalogue, match_labels(self.sources, catalogue, self.options)) for catalogue in self.catalogues]
        simbad, base = (found.candidates, by_simbad(found.candidates, found.looked_up)) if found else self._as_before()
        decided = by_labels(self._with_earlier_labels(base), labelled)
        candidates = all_candidates(self.sources, simbad, labelled)
        if found is not None or labelled or self.options.forget_labels:
            by_simulation, replace = self.table.from_simulation, self.options.simulated == "replace"
            self.replaced, self.kept = (int(by_simulation.sum()) * flag for flag in (replace, not replace))
            keep = by_simulation & (not replace)
            self.table.set_classes(self.sources["source_id"], decided, keep=keep)
            self.table.write(candidates, self._provenance(found, labelled))
        return self._summary(found, labelled, len(candidates), time.perf_counter() - started)

    def _as_before(self) -> tuple[pd.DataFrame | None, pd.DataFrame]:
        """Return what an earlier cross-match said of SIMBAD: its candidates where it kept them, else its columns."""
        kept = self.table.candidates()
        if kept is not None and "simbad" in self.table.earlier:
            kept = kept[kept["catalogue"] == SIMBAD]
            place = pd.Index(self.sources["source_id"]).get_indexer(kept["source_id"])
            kept = kept.assign(source=place, error_mas=1e3 * kept["error_arcsec"])[place >= 0]
            return kept, by_simbad(kept, self.sources["ra_deg"].notna().to_numpy())
        by_them = (self.now["class_origin"] == SIMBAD).fillna(False)
        frame = nothing_known(len(self.sources))
        for name in frame.columns:
            frame[name] = frame[name].where(~by_them, self.now[name])
        return None, frame

    def _with_earlier_labels(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put classes of label catalogues that only earlier runs were given above SIMBAD's."""
        if self.options.forget_labels:
            return frame
        given = [catalogue.name for catalogue in self.catalogues]
        earlier = ~self.now["class_origin"].isin([SIMBAD, SIMULATED, *given]) & self.now["class_origin"].notna()
        frame = frame.copy()
        for name in ("class_label", "class_origin", "class_is_candidate", "match_ambiguous", "match_separation_arcsec"):
            frame[name] = frame[name].where(~earlier, self.now[name])
        return frame

    def _provenance(
        self, found: Counterparts | None, labelled: Sequence[tuple[LabelCatalogue, Labelled]]
    ) -> dict[str, Any]:
        tally, options = self.asker.tally, self.options
        told: dict[str, Any] = {"made_by": "vae.crossmatch", "version": vae.__version__}
        told["settings"] = {name: getattr(options, name) for name in _SETTINGS}
        if found is not None:
            told["simbad"] = {
                "service": options.service,
                "url": options.xmatch_url if options.service == "xmatch" else options.tap_url,
                "answered": _dates(tally),
                "positions": int(found.looked_up.sum()),
                "candidates": len(found.candidates),
                "prior": round(found.prior, 6),
            }
        elif "simbad" in self.table.earlier:
            told["simbad"] = self.table.earlier["simbad"]
        told["labels"] = {
            catalogue.name: {"rows": catalogue.rows, "sources_labelled": len(one.matches)}
            for catalogue, one in labelled
        }
        return told

    def _summary(
        self,
        found: Counterparts | None,
        labelled: Sequence[tuple[LabelCatalogue, Labelled]],
        n_candidates: int,
        seconds: float,
    ) -> CrossmatchSummary:
        by_source = self.table.table.drop_duplicates("source_id")
        tally = asdict(self.asker.tally)
        told: dict[str, Any] = {name: tally[name] for name in ("requests", "from_cache", "split")}
        if found is not None:
            told |= _of_matches(found)
        return CrossmatchSummary(
            atlas=self.table.path,
            detections=len(self.table.table),
            sources=len(self.sources),
            candidates=n_candidates,
            classes=_counts(by_source["class_label"]),
            origins=_counts(by_source["class_origin"].astype("str").fillna("nobody")),
            labels={catalogue.name: summary_of(catalogue, len(one.matches)) for catalogue, one in labelled},
            default_errors=int(self.sources["error_is_default"].sum()),
            answered=_dates(self.asker.tally),
            simulated_kept=self.kept,
            simulated_replaced=self.replaced,
            missing=self._missing(found),
            seconds=round(seconds, 2),
            **told,
        )

    def _missing(self, found: Counterparts | None) -> list[str]:
        missing = []
        if found is None:
            before = "as an earlier cross-match left them" if "simbad" in self.table.earlier else "not there"
            missing.append(
                f"SIMBAD was not asked (--offline), and {self.asker.tally.missing} of the questions have no kept "
                f"answer: its classes are {before}. Run the command again without --offline"
            )
        placeless = int(self.sources["ra_deg"].isna().sum())
        if placeless:
            missing.append(f"{placeless} sources have no position: nobody can be asked about them")
        for catalogue in self.catalogues:
            if catalogue.placeless:
                missing.append(
                    f"{len(catalogue.placeless)} rows of {catalogue.name} have no position, at most a name: left out"
                )
        if self.table.is_simulated:
            missing.append("The archive is simulated: what SIMBAD has at its positions is chance")
        return missing


def _of_matches(found: Counterparts) -> dict[str, Any]:
    """Figures about SIMBAD's counterparts."""
    chosen = found.candidates[found.candidates["chosen"].to_numpy(bool)]
    pull = chosen["separation_arcsec"] / chosen["sigma_arcsec"]
    unknown = chosen.loc[~chosen["otype"].isin(ObjectTypes.shipped().codes) & chosen["otype"].notna(), "otype"]
    return {
        "looked_up": int(found.looked_up.sum()),
        "matched": len(chosen),
        "ambiguous": int(chosen["ambiguous"].sum()),
        "median_separation_arcsec": _median(chosen["separation_arcsec"]),
        "median_separation_sigma": _median(pull),
        "prior": round(found.prior, 4),
        "false_matches": round(found.false_matches, 1),
        "false_matches_shifted": None if found.false_matches_shifted is None else round(found.false_matches_shifted, 1),
        "shared_objects": int((chosen["main_id"].value_counts() > 1).sum()),
        "unclassified_with_rivals": _with_rivals(found.candidates),
        "unknown_otypes": _counts(unknown),
    }


def _with_rivals(candidates: pd.DataFrame) -> int:
    """Count ambiguous sources of unknown nature beside whose counterpart lies an object with a class."""
    if candidates.empty:
        return 0
    best = candidates[candidates["chosen"] & candidates["ambiguous"] & (candidates["class_label"] == UNKNOWN_NATURE)]
    rivals = candidates["within_radius"] & ~candidates["chosen"] & (candidates["class_label"] != UNKNOWN_NATURE)
    return int(best["source"].isin(candidates.loc[rivals, "source"]).sum())


def _median(values: pd.Series) -> float | None:
    return round(float(np.median(values)), 3) if len(values) else None


def _counts(values: pd.Series) -> dict[str, int]:
    counts = values.astype("str").value_counts()
    return {str(name): int(number) for name, number in counts.items() if number}


def _dates(tally: Asking) -> str:
    if tally.first is None or tally.last is None:
        return ""
    return tally.first.isoformat() if tally.first == tally.last else f"{tally.first} to {tally.last}"
