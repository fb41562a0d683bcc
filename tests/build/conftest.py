"""A small archive of pipeline products with its catalogue, and the build of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spectra"))

from ogip_files import N_CHANNELS, write_arf, write_pha, write_rmf

CANNED = "epn_e3_ff20_sdY7.rmf"
DETECTIONS = 12


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve detections of six sources in two observations, their matrix, and ``4XMM_TINYcat_v1.0.fits``."""
    root = tmp_path_factory.mktemp("products")
    rng = np.random.default_rng(5)
    number = np.arange(DETECTIONS)
    obs_ids = [f"{i // 6 + 1:010d}" for i in number]
    write_rmf(root / CANNED)
    for i in number:
        folder = root / obs_ids[i] / "pps"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"P{obs_ids[i]}PNS003{{}}0{i % 6 + 1:03X}.FTZ"
        usual = {"OBS_ID": obs_ids[i], "EXPIDSTR": "S003", "packed": True}
        write_pha(folder / name.format("BGSPEC"), rng.poisson(2.0, N_CHANNELS), BACKSCAL=10.0, **usual)
        write_arf(folder / name.format("SRCARF"), packed=True)
        counts = rng.poisson(2.0 + i, N_CHANNELS)
        write_pha(
            folder / name.format("SRSPEC"), counts, SRCNUM=int(i % 6 + 1), RESPFILE=CANNED,
            DATE_OBS=f"201{i // 6}-01-01T00:00:00", DATE_END=f"201{i // 6}-01-01T06:00:00", **usual,
        )  # fmt: skip
    Table(
        {
            "DETID": 10**14 + number, "SRCID": 2 * 10**14 + number % 6,
            "IAUNAME": np.array([f"4XMM J{i % 6:06d}.0+000000" for i in number], "S"),
            "SC_RA": 10.0 + number % 6, "SC_DEC": -5.0 - number % 6, "SC_POSERR": np.full(DETECTIONS, 0.5, "f4"),
            "OBS_ID": np.array(obs_ids, "S"), "SRC_NUM": (number % 6 + 1).astype("i4"),
            "PN_8_CTS": 1000.0 + number, "EP_EXTENT": np.zeros(DETECTIONS), "SUM_FLAG": np.zeros(DETECTIONS, "i4"),
            "SPECTRA": np.ones(DETECTIONS, bool),
        }
    ).write(root / "4XMM_TINYcat_v1.0.fits")  # fmt: skip
    return root
