"""Residuals of many spectra stacked against energy: what all reconstructions get wrong alike."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from vae.spectra import grid
from vae.spectra.store import Block

#: Edges of the groups by net counts.
_DECADES: Final = (300.0, 1000.0, 10_000.0, 100_000.0, np.inf)
#: Groups with fewer spectra are left out, except that all spectra together always are one.
_LEAST_ROWS: Final = 20
#: Bands of the summary [keV].
BANDS: Final = ((0.3, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 4.5), (4.5, 7.0), (7.0, 10.0))
_PERIOD: Final = re.compile(r"epn_e(\d)")

Array = NDArray[Any]


def usual_groups(
    net_counts: Array, labels: Array, response_index: Array, responses: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Return the groups that residuals are stacked in: all, by class, by net counts, by period of the response.

    Parameters
    ----------
    net_counts : array, shape (n,)
    labels : array of str, shape (n,)
        "" where the class is not known.
    response_index : array of int, shape (n,)
    responses : sequence of str
        Names of the responses; canned ones tell their period.

    Returns
    -------
    dict of array of bool, shape (n,)
        Named ``all``, ``class: Star``, ``net counts: 300-1000``, ``response: e3``.
    """
    groups = {"all": np.ones(len(net_counts), bool)}
    for name in np.unique(labels[labels != ""]):
        groups[f"class: {name}"] = labels == name
    for low, high in itertools.pairwise(_DECADES):
        text = f"{low:.0f}-{high:.0f}" if np.isfinite(high) else f"above {low:.0f}"
        groups[f"net counts: {text}"] = (net_counts > low) & (net_counts <= high)
    found = [_PERIOD.search(name) for name in responses]
    periods = np.array([f"e{match[1]}" if match else "not canned" for match in found])[response_index]
    for name in np.unique(periods):
        groups[f"response: {name}"] = periods == name
    return {name: rows for name, rows in groups.items() if name == "all" or rows.sum() >= _LEAST_ROWS}


def stacked(
    block: Block, expected: Array, groups: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Sum observed and expected counts over groups of spectra and compare them bin by bin.

    Parameters
    ----------
    block : Block
        n spectra.
    expected : array, shape (n, 238)
        Expected counts, background included.
    groups : mapping of array of bool, shape (n,)

    Returns
    -------
    metrics : dict
        For each group: `spectra`, `counts`; `chi` (root of the mean squared pull: 1 for a right model, a little less as
        every spectrum's amplitude is its own best) and `p_value` of its square against Poisson; `excess` (rms of
        ratio - 1 over the bins beyond what counting gives); `worst_kev`, `worst_ratio`, `worst_pull`; `bands`, for each
        band its `ratio`, `ratio_error` and `pull`; and `even`, the same `chi` with every spectrum weighing the same
        (below), so that a few bright ones do not decide.
    arrays : dict of array
        `energies`, `energy_edges` [keV], and for each group, shape (n_groups, 238) in the order of `metrics`: `ratio`,
        `ratio_error`, `pull` (sum C - sum lambda over the root of sum lambda) and `even_pull` (the sum of each
        spectrum's (C - lambda) / sqrt(lambda), over the root of their number).
    """
    metrics: dict[str, Any] = {}
    rows: dict[str, list[Array]] = {name: [] for name in ("ratio", "ratio_error", "pull", "even_pull")}
    counts = np.asarray(block.counts, np.float64)
    expected = np.asarray(expected, np.float64)
    each = (counts - expected) / np.sqrt(np.maximum(expected, 1e-12))
    for name, members in groups.items():
        observed, predicted = counts[members].sum(axis=0), expected[members].sum(axis=0)
        ratio, error, pull = _compared(observed, predicted)
        # Bins that hardly expect a count are no Gaussian: they would add a few huge pulls for one stray count.
        sure = np.where(expected[members] > 0.1, each[members], 0.0)
        even = sure.sum(axis=0) / np.sqrt(np.maximum((expected[members] > 0.1).sum(axis=0), 1))
        worst = int(np.argmax(np.abs(pull)))
        square = float(np.sum(pull**2))
        metrics[name] = {
            "spectra": int(members.sum()),
            "counts": float(observed.sum()),
            "chi": float(np.sqrt(square / pull.size)),
            "p_value": float(chi2.sf(square, pull.size)),
            "excess": float(np.sqrt(max(np.mean((ratio - 1.0) ** 2 - error**2), 0.0))),
            "worst_kev": float(grid.BIN_CENTRES[worst]),
            "worst_ratio": float(ratio[worst]),
            "worst_pull": float(pull[worst]),
            "even": float(np.sqrt(np.mean(even**2))),
            "bands": {f"{low:g}-{high:g}": _band(observed, predicted, low, high) for low, high in BANDS},
        }
        for key, values in zip(rows, (ratio, error, pull, even), strict=True):
            rows[key].append(values)
    arrays = {key: np.array(values) for key, values in rows.items()}
    return metrics, {"energies": grid.BIN_CENTRES, "energy_edges": grid.BIN_EDGES, **arrays}


def _compared(observed: Array, predicted: Array) -> tuple[Array, Array, Array]:
    """Ratio, its error and pull of summed counts."""
    safe = np.maximum(predicted, 1e-12)
    return observed / safe, np.sqrt(np.maximum(predicted, 1.0)) / safe, (observed - predicted) / np.sqrt(safe)


def _band(observed: Array, predicted: Array, low: float, high: float) -> dict[str, float]:
    inside = (grid.BIN_CENTRES >= low) & (grid.BIN_CENTRES < high)
    values = _compared(observed[inside].sum(), predicted[inside].sum())
    return dict(zip(("ratio", "ratio_error", "pull"), (float(value) for value in values), strict=True))
