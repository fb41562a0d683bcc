"""Counterparts in SIMBAD: candidates fetched, placed, weighed; the best chosen, ambiguous ones marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.progress import Progress

from vae.archive.simbad import Asker, CdsXMatch, Manners, ObjectTypes, Service, SimbadTap, SimbadTypes
from vae.archive.simbad.asking import ROW
from vae.crossmatch.likelihood import Matches, chance_matches, local_density, match
from vae.crossmatch.options import CrossmatchOptions
from vae.crossmatch.sources import place_candidates, search_radius

#: Value of `class_origin` and of the column ``catalogue`` of candidates.
SIMBAD = "simbad"


@dataclass(frozen=True)
class Counterparts:
    """What SIMBAD has near the sources.

    Parameters
    ----------
    candidates : DataFrame
        One row an object near a source, ``chosen`` where it is taken for the counterpart.
    looked_up : array of bool, shape (n_sources,)
    prior : float
    false_matches : float
        Expected from the density.
    false_matches_shifted : float or None
    """

    candidates: pd.DataFrame
    looked_up: np.ndarray
    prior: float
    false_matches: float
    false_matches_shifted: float | None


def manners_of(options: CrossmatchOptions) -> Manners:
    """How services are to be treated."""
    return Manners(
        pause_s=options.pause, timeout_s=options.timeout, tries=options.tries, backoff_s=options.backoff
    )  # fmt: skip


def find_counterparts(
    sources: pd.DataFrame, options: CrossmatchOptions, asker: Asker, progress: Progress
) -> Counterparts | None:
    """Ask SIMBAD about sources and decide; None where answers are missing and nobody may be asked.

    Parameters
    ----------
    sources : DataFrame
        From `vae.crossmatch.sources.unique_sources`.
    """
    placed = np.flatnonzero(sources["ra_deg"].notna().to_numpy())
    looked_up = sources["ra_deg"].notna().to_numpy()
    if not placed.size:
        return Counterparts(_empty(), looked_up, 0.0, 0.0, None)
    manners = manners_of(options)
    service: Service
    if options.service == "tap":
        service = SimbadTap(options.density_radius, manners, url=options.tap_url)
    else:
        service = CdsXMatch(options.density_radius, manners, url=options.xmatch_url)
    asked = sources.iloc[placed].reset_index(drop=True)
    found = _candidates(asked, service, options, asker, progress, "Asking for SIMBAD objects")
    if found is None:
        return None
    types = ObjectTypes.shipped()
    # Before the decision is made: an interruption from here on costs no request.
    codes = None if options.service == "tap" or options.no_otypes else _types(found, options, asker, progress)
    if options.service != "tap" and not options.no_otypes and codes is None:
        return None
    matches, density = _weigh(asked, found, options)
    found = _decide(found, matches, density, options)
    found["otype"] = [types.code(label) for label in found["otype_label"].tolist()]
    if codes is not None:
        found = found.merge(codes, on="main_id", how="left", suffixes=("", "_tap"))
        for name in ("otype", "otypes"):
            found[name] = found.pop(f"{name}_tap").fillna(found[name])
    found["otype"] = found["otype"].astype("str")
    found["class_label"] = pd.Series([types.display_class(code) for code in found["otype"]], dtype="str")
    found["otype"] = found["otype"].fillna(found["otype_label"])  # a type that this version does not know
    found["class_is_candidate"] = np.array([types.is_candidate(code) for code in found["otype"]], bool)
    sigma = np.hypot(asked["sigma_arcsec"].to_numpy(), options.catalogue_error)
    chance = chance_matches(
        sigma, density, search_radius(sigma, options), prior=matches.prior, threshold=options.match_probability
    )  # fmt: skip
    shifted = _by_shifting(asked, service, matches.prior, options, asker, progress)
    found["source"] = placed[found["source"].to_numpy()]
    # Sources with a true counterpart, a share Q of them, mostly keep it.
    free = 1.0 - matches.prior
    return Counterparts(
        found, looked_up, matches.prior, free * float(chance.sum()), None if shifted is None else free * shifted
    )


def _candidates(
    sources: pd.DataFrame, service: Service, options: CrossmatchOptions, asker: Asker, progress: Progress, title: str
) -> pd.DataFrame | None:
    answers = asker.ask(
        service, sources[["ra_deg", "dec_deg"]], chunk_rows=options.chunk_rows, progress=progress, title=title
    )
    if answers is None:
        return None
    return place_candidates(sources, answers.rename(columns={ROW: "source"}), options)


def _types(found: pd.DataFrame, options: CrossmatchOptions, asker: Asker, progress: Progress) -> pd.DataFrame | None:
    """Codes and all types of the objects within search radii, by main identifier; None where nobody may be asked."""
    names = found.loc[found["within_radius"] & found["main_id"].notna(), "main_id"].drop_duplicates()
    question = pd.DataFrame({"main_id": names.sort_values().to_numpy()})
    question["main_id"] = question["main_id"].astype("str")
    if question.empty:
        return pd.DataFrame({name: pd.Series([], dtype="str") for name in ("main_id", "otype", "otypes")})
    service = SimbadTypes(manners_of(options), url=options.tap_url)
    answers = asker.ask(
        service, question, chunk_rows=options.chunk_rows, progress=progress, title="Asking for object types"
    )
    if answers is None:
        return None
    answers = answers.assign(main_id=question["main_id"].to_numpy()[answers[ROW].to_numpy()])
    return answers.drop(columns=ROW).drop_duplicates("main_id")


def _weigh(
    sources: pd.DataFrame, found: pd.DataFrame, options: CrossmatchOptions, prior: float | None = None
) -> tuple[Matches, np.ndarray]:
    """Probabilities of candidates (0 for those beyond their search radius), and the density at each source."""
    source, within = found["source"].to_numpy(), found["within_radius"].to_numpy()
    sigma = np.hypot(sources["sigma_arcsec"].to_numpy(), options.catalogue_error)
    radius = search_radius(sigma, options)
    outside = np.bincount(source[~within], minlength=len(sources))
    area = np.pi * (options.density_radius**2 - radius**2)
    density = local_density(sources["ra_deg"].to_numpy(), sources["dec_deg"].to_numpy(), outside, area)
    separation, error = (found[name].to_numpy() for name in ("separation_arcsec", "sigma_arcsec"))
    inside = match(
        source[within], separation[within], error[within], density[source[within]], n_sources=len(sources),
        prior=options.prior if prior is None else prior,
    )  # fmt: skip
    ratio, probability = np.zeros(len(found)), np.zeros(len(found))
    ratio[within], probability[within] = inside.ratio, inside.probability
    return Matches(ratio, probability, inside.any, inside.prior), density


def _decide(found: pd.DataFrame, matches: Matches, density: np.ndarray, options: CrossmatchOptions) -> pd.DataFrame:
    """Choose the most probable candidate of each source that probably has one."""
    found = found.assign(
        density_per_arcsec2=density[found["source"].to_numpy()],
        likelihood_ratio=matches.ratio,
        probability=matches.probability,
    )
    found = found.sort_values(
        ["source", "probability", "separation_arcsec", "main_id"], ascending=[True, False, True, True], kind="stable"
    ).reset_index(drop=True)
    chance = matches.any[found["source"].to_numpy()]
    first = ~found["source"].duplicated().to_numpy()
    chosen = first & found["within_radius"].to_numpy() & (chance >= options.match_probability)
    with np.errstate(invalid="ignore", divide="ignore"):
        others = 1.0 - found["probability"].to_numpy() / chance
    return found.assign(chosen=chosen, ambiguous=chosen & (others >= options.ambiguous_share))


def _by_shifting(
    sources: pd.DataFrame, service: Service, prior: float, options: CrossmatchOptions, asker: Asker, progress: Progress
) -> float | None:
    """Count what is matched at positions shifted in declination, by the same rules and the same prior."""
    if not options.control_shift:
        return None
    step = options.control_shift / 3600.0 * np.where(sources["dec_deg"] > 0, -1.0, 1.0)
    shifted = sources.assign(dec_deg=sources["dec_deg"] + step)
    found = _candidates(shifted, service, options, asker, progress, "Asking beside the sources")
    if found is None:
        return None
    matches, density = _weigh(shifted, found, options, prior)
    return float(_decide(found, matches, density, options)["chosen"].sum())


def _empty() -> pd.DataFrame:
    columns = {"source": "int64", "main_id": "str", "chosen": "bool", "ambiguous": "bool", "otype": "str"}
    numbers = ("separation_arcsec", "sigma_arcsec", "probability")
    return pd.DataFrame(
        {name: pd.Series([], dtype=kind) for name, kind in {**columns, **dict.fromkeys(numbers, "float64")}.items()}
    )
