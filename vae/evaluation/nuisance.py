"""One source under changed circumstances: exposure, off-axis angle, filter, background; mu should stay within sigma."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.encoding import Encodes
from vae.evaluation.paired import Setups, Sources, amplitudes, draw_sources, log_uniform
from vae.evaluation.shifts import shift, shift_figures

Array = NDArray[Any]

#: Net counts of the sources in the archive's own setups, log-uniform.
NET_COUNTS: Final = (600.0, 10_000.0)
#: What changes: factors on a field, or a new value of it; the flux of the source stays.
_FACTORS: Final[dict[str, dict[str, float]]] = {
    "exposure halved": {"exposure_s": 0.5},
    "exposure four times": {"exposure_s": 4.0},
    "background three times": {"background_factor": 3.0},
}
_VALUES: Final[dict[str, tuple[dict[str, float], dict[str, float]]]] = {
    "on axis to 10 arcmin": ({"offaxis_arcmin": 0.0}, {"offaxis_arcmin": 9.9}),
    "thin to medium filter": ({"filter_index": 0}, {"filter_index": 1}),
    "thin to thick filter": ({"filter_index": 0}, {"filter_index": 2}),
}


def pairs(setups: Setups) -> dict[str, tuple[Setups, Setups]]:
    """Return for each change the setups before and after it."""
    out = {
        name: (setups, setups.changed(**{field: getattr(setups, field) * by for field, by in factors.items()}))
        for name, factors in _FACTORS.items()
    }
    return out | {name: (setups.changed(**old), setups.changed(**new)) for name, (old, new) in _VALUES.items()}


def nuisance_shifts(
    model: Encodes, *, n: int = 1000, seed: int = 0, sources: Sources | None = None
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Change one circumstance of simulated detections, the source and its flux as they are.

    Parameters
    ----------
    model : Encodes
    n : int
        Sources.
    seed : int
    sources : Sources, optional
        From `draw_sources`; drawn here if not given.

    Returns
    -------
    figures : dict
        `sources`, and by change what `shift_figures` returns; the must is that `within_sigma` holds for most:
        `median_in_sigma` below 1.
    arrays : dict of array
        Histograms of |shift| / sigma by change; `edges`.
    """
    drawn = draw_sources(n, seed) if sources is None else sources
    net = log_uniform(np.random.default_rng(seed), NET_COUNTS, len(drawn))
    figures: dict[str, Any] = {"sources": len(drawn), "net_counts": list(NET_COUNTS)}
    arrays: dict[str, Array] = {}
    for name, (before, after) in pairs(drawn.setups).items():
        amplitude = amplitudes(drawn.photons, before, net)
        moved = shift(model, drawn.photons, (before, amplitude), (after, amplitude), seed=seed)
        figures[name], plot = shift_figures([moved], seed=seed)
        arrays[name], arrays["edges"] = plot["histogram"], plot["edges"]
    return figures, arrays
