"""Writes small archives of pipeline products."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ogip_files import N_CHANNELS, write_arf, write_pha, write_rmf

CANNED = "epn_e3_ff20_sdY7.rmf"


def counts(seed: int = 0, mean: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, N_CHANNELS)


def write_triple(
    folder: Path,
    obs: str = "0123456789",
    source: int = 1,
    *,
    exposure: str = "S003",
    seed: int = 0,
    mean: float = 2.0,
    position: tuple[float, float] | None = (10.0, 20.0),
    response_file: str = CANNED,
    **keywords: object,
) -> Path:
    """A PPS triple: spectrum, background and area by product name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"P{obs}PN{exposure}{{}}0{source:03X}.FTZ"
    where = {} if position is None else {"SRC_CRA": position[0], "SRC_CDEC": position[1]}
    write_pha(
        folder / name.format("BGSPEC"), counts(seed + 1000), packed=True, OBS_ID=obs, EXPIDSTR=exposure, BACKSCAL=10.0
    )
    write_arf(folder / name.format("SRCARF"), packed=True)
    return write_pha(
        folder / name.format("SRSPEC"), counts(seed, mean), packed=True, OBS_ID=obs, EXPIDSTR=exposure, SRCNUM=source,
        RESPFILE=response_file, **where, **keywords,
    )  # fmt: skip


def write_archive(root: Path, n: int = 5) -> Path:
    """An archive of `n` detections of as many sources, and their one matrix."""
    for i in range(n):
        write_triple(root / f"o{i}", f"{9 - i:010d}", position=(10.0 + i, 0.0), seed=i)
    (root / "r").mkdir()
    write_rmf(root / "r" / CANNED)
    return root
