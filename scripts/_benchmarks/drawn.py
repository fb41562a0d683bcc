"""An atlas' worth of positions and classes, drawn: for measurements at sizes that no atlas at hand has."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pandas as pd

from explorer.palette import CLASS_TOKENS
from explorer.services import Services

#: Clumps of the mixture; each has a main class.
_CLUMPS: Final = 40


def draw(detections: int, seed: int) -> Services:
    """Draw a mixture of clumps, filaments between them, and a thin background.

    Parameters
    ----------
    detections : int
    seed : int

    Returns
    -------
    Services
        Whose atlas has no more than a catalogue with `net_counts` and `hr2`.
    """
    rng = np.random.default_rng(seed)
    names = tuple(CLASS_TOKENS)
    share = rng.dirichlet(np.full(_CLUMPS, 0.6))
    clump = rng.choice(_CLUMPS, detections, p=share).astype(np.int8)
    centre, width = rng.normal(0, 1.6, (_CLUMPS, 2)), np.exp(rng.normal(-1.6, 0.6, (_CLUMPS, 2)))
    at = rng.standard_normal((detections, 2), dtype=np.float32)
    at *= width[clump].astype(np.float32)
    at += centre[clump].astype(np.float32)
    x, y = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    spread = rng.random(detections, dtype=np.float32) < 0.03
    x[spread], y[spread] = rng.uniform(-5, 5, (2, int(spread.sum())))
    own = rng.integers(0, len(names), _CLUMPS).astype(np.uint8)[clump]
    stray = rng.random(detections, dtype=np.float32) < 0.4
    codes = np.where(stray, rng.integers(0, len(names), detections, dtype=np.uint8), own)
    catalogue = pd.DataFrame(
        {
            "name": pd.Categorical.from_codes(np.zeros(detections, np.int8), ["XMMSIM J0000"]),
            "net_counts": np.exp(rng.standard_normal(detections, dtype=np.float32) + 6),
            "hr2": np.tanh(x / 2),
        }
    )
    ends = [float(end) for values in (x, y) for end in np.percentile(values, [0.05, 99.95])]
    known: dict[str, Any] = {
        "atlas": _Atlas(catalogue),
        "x": x,
        "y": y,
        "class_names": names,
        "class_codes": codes,
        "class_counts": np.bincount(codes, minlength=len(names)),
        "home": tuple(ends),
        "frames": ThreadPoolExecutor(max(2, os.cpu_count() or 2)),
    }
    return Services(**{each.name: known.get(each.name) for each in fields(Services)})


class _Atlas(SimpleNamespace):
    """As much of an atlas as drawing asks for; hashable, because what is derived from one is remembered."""

    def __init__(self, catalogue: pd.DataFrame) -> None:
        super().__init__(catalogue=catalogue)

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        return len(self.catalogue)
