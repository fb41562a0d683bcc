"""Which sources a catalogue of labels is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from vae.archive.simbad.sphere import chord, separation_arcsec, unit_vectors
from vae.crossmatch.labels import LabelCatalogue
from vae.crossmatch.options import CrossmatchOptions
from vae.crossmatch.sources import search_radius


@dataclass(frozen=True)
class Labelled:
    """Sources that a catalogue labels.

    Parameters
    ----------
    matches : DataFrame
        One row a source: ``source`` (row of the sources), ``separation_arcsec``, ``ambiguous`` and the catalogue's
        columns; and all candidates of all sources in ``candidates``.
    candidates : DataFrame
    """

    matches: pd.DataFrame
    candidates: pd.DataFrame


def match_labels(sources: pd.DataFrame, catalogue: LabelCatalogue, options: CrossmatchOptions) -> Labelled:
    """Find the sources that a catalogue labels.

    Each source takes the nearest labelled position within the radius, in units of its error; each labelled object
    belongs to one source, the nearest in those units. A source with objects of more than one class in reach is
    ambiguous.
    """
    placed = np.flatnonzero(sources["ra_deg"].notna().to_numpy())
    at, labels = sources.iloc[placed], catalogue.table
    sigma = np.hypot(at["sigma_arcsec"].to_numpy(), options.catalogue_error)
    if options.label_radius is None:
        radius = search_radius(sigma, options)
    else:
        radius = np.full(len(at), options.label_radius)
    found: list[list[int]] = [[] for _ in range(len(at))]
    if len(labels) and len(at):
        tree = cKDTree(unit_vectors(labels["ra_deg"], labels["dec_deg"]))
        vectors = unit_vectors(at["ra_deg"], at["dec_deg"])
        found = tree.query_ball_point(vectors, chord(radius * (1 + 1e-9)), return_sorted=True).tolist()
    row = np.repeat(np.arange(len(at)), [len(rows) for rows in found])
    label = np.array([one for rows in found for one in rows], np.int64)
    pairs = labels.iloc[label].reset_index(drop=True).assign(
        source=placed[row],
        label=label,
        separation_arcsec=separation_arcsec(
            at["ra_deg"].to_numpy()[row], at["dec_deg"].to_numpy()[row], labels["ra_deg"].to_numpy()[label],
            labels["dec_deg"].to_numpy()[label],
        ),
        sigma_arcsec=sigma[row],
        radius_arcsec=radius[row],
    )  # fmt: skip
    pairs["pull"] = pairs["separation_arcsec"] / pairs["sigma_arcsec"]
    pairs = pairs.sort_values(["pull", "source", "label"], kind="stable")
    pairs = pairs[~_taken(pairs)]
    several = pairs.groupby("source")["class_label"].nunique()
    best = pairs.drop_duplicates("source").sort_values("source").reset_index(drop=True)
    best["ambiguous"] = (best["source"].map(several) > 1).to_numpy(bool)
    pairs = pairs.sort_values(["source", "pull"], kind="stable").reset_index(drop=True)
    pairs["chosen"] = ~pairs["source"].duplicated()
    return Labelled(best, pairs)


def _taken(pairs: pd.DataFrame) -> np.ndarray:
    """Pairs whose object belongs to a source nearer to it; pairs come nearest first."""
    return pairs["label"].duplicated().to_numpy()
