"""The expected background under a source: the region's own counts, steadied by the instrument's usual shape.

Raw scaled counts a B are far too noisy to stand as the known background, and a fixed smoothing is biased at the
detector's fluorescence lines. The template carries the lines; a running scale carries the level (FACTS 3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numba
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vae.resources import asset
from vae.spectra._rows import over_rows

#: Half width, in bins, of the running sums that scale the template.
_HALF_WINDOW: Final = 12
#: Counts of the template that steady each running scale.
_PRIOR_COUNTS: Final = 10.0
#: Shares of two parts in the usual spectrum: what vignetting leaves of the cosmic one at a usual place in the field,
#: and copper lines between none (the middle of the field) and all.
_COSMIC_LEFT: Final = 0.65
_COPPER_USUAL: Final = 0.75


@lru_cache(maxsize=1)
def background_components() -> dict[str, NDArray[np.float64]]:
    """Return the parts of the EPIC-pn background: soft_protons, cosmic, particles, copper.

    Returns
    -------
    dict of array of float64, shape (238,)
        Counts / s for a region of BACKSCAL 1e6; read-only. Source:
        ``assets/reference/epic_pn_background_components.csv``, which says what each part is.
    """
    table = pd.read_csv(asset("reference", "epic_pn_background_components.csv"), comment="#")
    parts = {str(name): table[name].to_numpy(np.float64, copy=True) for name in table.columns}
    for part in parts.values():
        part.setflags(write=False)
    return parts


@lru_cache(maxsize=64)
def background_template(mode: str | None = None, filter_: str | None = None) -> NDArray[np.float64]:
    """Return the usual EPIC-pn background spectrum on the 238 bins.

    Parameters
    ----------
    mode, filter_ : str, optional
        Data mode (ff, ef, ...) and blocking filter (thin, ...). One shape serves all of them for now.

    Returns
    -------
    array of float64, shape (238,)
        Counts / s for a region of BACKSCAL 1e6; read-only. From `background_components`.
    """
    parts = background_components()
    template = (
        parts["soft_protons"] + _COSMIC_LEFT * parts["cosmic"] + parts["particles"] + _COPPER_USUAL * parts["copper"]
    )
    template.setflags(write=False)
    return template


@numba.njit(cache=True, nogil=True)
def _scale_rows(
    start: int,
    stop: int,
    counts: NDArray[Any],
    ratio: NDArray[np.float64],
    template: NDArray[np.float64],
    half: int,
    prior: float,
    out: NDArray[np.float64],
) -> None:
    n_bins = template.size
    cumulative_template = np.zeros(n_bins + 1)
    for h in range(n_bins):
        cumulative_template[h + 1] = cumulative_template[h] + template[h]
    cumulative = np.zeros(n_bins + 1)
    for row in range(start, stop):
        for h in range(n_bins):
            cumulative[h + 1] = cumulative[h] + counts[row, h]
        scale = cumulative[n_bins] / cumulative_template[n_bins]
        for h in range(n_bins):
            low, high = max(0, h - half), min(n_bins, h + half + 1)
            seen = cumulative[high] - cumulative[low]
            usual = scale * (cumulative_template[high] - cumulative_template[low])
            out[row, h] = ratio[row] * scale * template[h] * (seen + prior) / (usual + prior)


def expected_background(
    background_counts: ArrayLike, background_ratio: ArrayLike, template: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the expected background counts in the source region.

    b_h = a t_h (sum B + 10) / (sum t + 10), sums over +-12 bins, with t the template scaled to the spectrum's own
    background counts B (FACTS 3).

    Parameters
    ----------
    background_counts : array, shape (n, 238) or (238,)
        Counts B in the background region.
    background_ratio : array, shape (n,) or ()
        exposure x BACKSCAL x AREASCAL, source over background region; 0 where there is no background.
    template : array, shape (238,)
        From `background_template`; only its shape matters.

    Returns
    -------
    array of float64, shape (n, 238) or (238,)
        Zero throughout for a spectrum without background counts.
    """
    values = np.asarray(background_counts)
    rows = np.ascontiguousarray(values.reshape(-1, values.shape[-1]))
    ratio = np.broadcast_to(np.asarray(background_ratio, np.float64), values.shape[:-1]).reshape(-1)
    out = np.empty(rows.shape)
    over_rows(
        _scale_rows,
        len(rows),
        rows,
        np.ascontiguousarray(ratio),
        np.array(template, np.float64),
        _HALF_WINDOW,
        _PRIOR_COUNTS,
        out,
    )
    return out.reshape(values.shape)
