"""Is a latent position the source's, or the instrument's? One spectrum and one level of counts, other ARFs and RMFs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.encoding import Encodes
from vae.evaluation.paired import Setups, Sources, amplitudes, draw_sources
from vae.evaluation.shifts import Shift, shift, shift_figures
from vae.simulate import instrument

Array = NDArray[Any]

#: Levels of net counts at which spectra are compared.
NET_COUNTS: Final = (1000.0, 10_000.0)
#: The reference: thin filter, on axis, full frame of the second period on the row of the axis.
_FILTER, _OFFAXIS, _EXPOSURE_S = 0, 0.0, 3e4
_RESPONSE: Final = "epn_e2_ff20_sdY9_v0.1.rmf"
#: Off-axis angles compared with the reference's [arcmin].
_ANGLES: Final = (5.4, 10.8)
#: Other matrices compared with the reference's: the sharpest, the broadest, and those between.
_RESPONSES: Final = (
    "epn_e1_ff20_sdY0_v0.1.rmf",
    "epn_e1_ff20_sdY9_v0.1.rmf",
    "epn_e3_ff20_sdY6_v0.1.rmf",
    "epn_e4_ff20_sdY9_v0.1.rmf",
)
#: Region of a clean spectrum: a percent or so of background.
_BACKSCAL, _RATIO = 3e5, 0.04


def changes() -> dict[str, tuple[dict[str, Any], ...]]:
    """Return the families of changes, each a tuple of fields of `Setups` that differ from the reference."""
    index = instrument.RESPONSE_NAMES.index
    return {
        "filter": tuple({"filter_index": number} for number in range(1, len(instrument.FILTERS))),
        "off-axis angle": tuple({"offaxis_arcmin": angle} for angle in _ANGLES),
        "redistribution": tuple({"response_index": index(name)} for name in _RESPONSES),
        "all at once": ({"filter_index": 2, "offaxis_arcmin": _ANGLES[-1], "response_index": index(_RESPONSES[0])},),
    }


def reference(n: int) -> Setups:
    """Return the reference setup, n times."""
    ones = np.ones(n)
    return Setups(
        filter_index=np.full(n, _FILTER, np.int64),
        offaxis_arcmin=_OFFAXIS * ones,
        response_index=np.full(n, instrument.RESPONSE_NAMES.index(_RESPONSE), np.int32),
        exposure_s=_EXPOSURE_S * ones,
        area_scale=ones,
        backscal=_BACKSCAL * ones,
        background_ratio=_RATIO * ones,
        background_factor=ones,
    )


def invariance(
    model: Encodes,
    *,
    n: int = 1000,
    seed: int = 0,
    sources: Sources | None = None,
    net_counts: tuple[float, ...] = NET_COUNTS,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Fold the same sources through other instruments, at the same expected counts, and see how far they move.

    Parameters
    ----------
    model : Encodes
    n : int
        Sources.
    seed : int
    sources : Sources, optional
        From `draw_sources`; drawn here if not given.
    net_counts : tuple of float
        Levels of counts at which they are compared.

    Returns
    -------
    figures : dict
        `sources`, and by net counts, then by family of changes, what `shift_figures` returns. In latent space a model
        that knew the instrument would move by nothing without noise, and have the width of the null with it.
    arrays : dict of array
        Histograms of |shift| / sigma, named ``<net counts> <family>``; `edges`.
    """
    drawn = draw_sources(n, seed) if sources is None else sources
    plain = reference(len(drawn))
    figures: dict[str, Any] = {"sources": len(drawn)}
    arrays: dict[str, Array] = {}
    for net in net_counts:
        level: dict[str, Any] = {}
        for family, variants in changes().items():
            moved: list[Shift] = []
            for number, variant in enumerate(variants):
                setups = [plain, plain.changed(**variant)]
                pair = [(setup, amplitudes(drawn.photons, setup, net)) for setup in setups]
                moved.append(shift(model, drawn.photons, *pair, seed=seed + number))
            level[family], plot = shift_figures(moved, seed=seed)
            arrays[f"{net:.0f} {family}"] = plot["histogram"]
            arrays["edges"] = plot["edges"]
        figures[f"{net:.0f}"] = level
    return figures, arrays
