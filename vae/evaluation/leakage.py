"""What latents say about how a source was seen: shares of variance of counts, place, filter, background, exposure.

Counts and background go with the kind of source, so that a share alone is no leak: it stands beside the share that
hardness ratios explain, and what the latents add to these. What they add is asked of hardness ratios free of the
instrument, as the latents mean to be: beside raw ones, any description free of it tells what the raw ones carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold

from vae.evaluation.intervals import scores
from vae.evaluation.representations import hardness_ratios
from vae.simulate import instrument
from vae.spectra.store import Block

Array = NDArray[Any]

#: Rows used at most, and at least; folds of the cross-validation, parted by source.
MOST_ROWS: Final = 8000
_LEAST_ROWS: Final = 200
_FOLDS: Final = 3


def nuisances(table: pd.DataFrame) -> dict[str, Array]:
    """Take what a spectrum should not tell from a catalogue; NaN where it is unknown.

    Returns
    -------
    dict of array, shape (n,)
        `log net counts`, `off-axis angle` [arcmin], `filter` (0 thin, 1 medium, 2 thick), `background fraction` and
        `log exposure`.
    """
    names = table["filter"].astype("str").str.lower()
    index = {name: float(number) for number, name in enumerate(instrument.FILTERS)}
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "log net counts": np.log10(table["net_counts"].to_numpy(np.float64, na_value=np.nan)),
            "off-axis angle": table["offaxis_arcmin"].to_numpy(np.float64, na_value=np.nan),
            "filter": names.map(index).to_numpy(np.float64, na_value=np.nan),
            "background fraction": table["background_fraction"].to_numpy(np.float64, na_value=np.nan),
            "log exposure": np.log10(table["exposure_s"].to_numpy(np.float64, na_value=np.nan)),
        }


def corrected_hardness(block: Block) -> Array:
    """Return the four hardness ratios that the mean instrument of the block would have seen, shape (n, 4)."""
    sensitivity = np.asarray(block.sensitivity, np.float64)
    net = block.counts - np.asarray(block.background_ratio, np.float64)[:, None] * block.background_counts
    unfolded = np.divide(net, sensitivity, out=np.zeros(sensitivity.shape), where=sensitivity > 0)
    corrected = unfolded * sensitivity.mean(axis=0)
    return hardness_ratios(replace(block, counts=corrected, background_counts=np.zeros_like(corrected)))


def leakage(
    latents: Array,
    block: Block,
    targets: Mapping[str, Array],
    source_id: Array,
    *,
    most: int = MOST_ROWS,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Cross-validated R^2 of each nuisance, given the latents, hardness ratios, or both.

    Gradient-boosted trees, fitted without the sources that they predict.

    Parameters
    ----------
    latents : array, shape (n, d)
    block : Block
        The n spectra.
    targets : mapping of array, shape (n,)
        From `nuisances`; rows where one is not finite are left out of it.
    source_id : array, shape (n,)
    most : int
        Rows drawn where there are more.
    seed : int

    Returns
    -------
    figures : dict
        For each nuisance `rows`, and each with `value`, `low`, `high`: R^2 given `latents`, `hardness_ratios`,
        `corrected_hardness`, `both` (latents and the latter), `shuffled_latents`; and
        `beyond_hardness`, that of both less that of corrected hardness. A nuisance that is unknown or the same almost
        everywhere has `left_out`, the reason.
    arrays : dict
        Empty: a bar chart needs the figures only.
    """
    raw, corrected = hardness_ratios(block), corrected_hardness(block)
    rng = np.random.default_rng(seed)
    figures: dict[str, Any] = {}
    for name, values in targets.items():
        rows = np.flatnonzero(np.isfinite(values))
        if rows.size > most:
            rows = np.sort(rng.choice(rows, most, replace=False))
        if rows.size < _LEAST_ROWS or np.unique(source_id[rows]).size < 2 * _FOLDS:
            figures[name] = {
                "rows": int(rows.size),
                "left_out": f"known for {rows.size} rows; {_LEAST_ROWS} are needed",
            }
            continue
        if np.ptp(np.percentile(values[rows], [1, 99])) == 0:
            figures[name] = {"rows": int(rows.size), "left_out": "the same for nearly all rows"}
            continue
        figures[name] = {"rows": int(rows.size)} | _shares(
            latents[rows], raw[rows], corrected[rows], values[rows], source_id[rows], rng, seed
        )
    return figures, {}


def _shares(
    latents: Array,
    raw: Array,
    corrected: Array,
    target: Array,
    source_id: Array,
    rng: np.random.Generator,
    seed: int,
) -> dict[str, Any]:
    features = {
        "latents": latents,
        "hardness_ratios": raw,
        "corrected_hardness": corrected,
        "both": np.hstack([latents, corrected]),
        "shuffled_latents": rng.permutation(latents),
    }
    predicted = {name: _predict(values, target, source_id, seed) for name, values in features.items()}

    def statistic(rows: NDArray[np.int64]) -> list[float]:
        variance = max(float(np.var(target[rows])), 1e-300)
        shares = [1.0 - float(np.mean((target[rows] - values[rows]) ** 2)) / variance for values in predicted.values()]
        return [*shares, shares[3] - shares[2]]

    return scores((*features, "beyond_hardness"), statistic, source_id, seed=seed)


def _predict(features: Array, target: Array, source_id: Array, seed: int) -> Array:
    """Predict each row from rows of other sources."""
    out = np.empty(len(target))
    for fit, rest in GroupKFold(_FOLDS).split(features, groups=source_id):
        model = HistGradientBoostingRegressor(
            max_iter=60, max_leaf_nodes=15, min_samples_leaf=30, early_stopping=False, random_state=seed
        )
        out[rest] = model.fit(features[fit], target[fit]).predict(features[rest])
    return out
