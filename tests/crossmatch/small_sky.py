"""An atlas of real-looking sources and the SIMBAD around them, with the truth known."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

from simbad_sky import SimbadSky

from vae.atlas import ATLAS_COLUMNS, FORMAT, VERSION
from vae.spectra.columns import STORE_COLUMNS, conform

#: Types that true counterparts have, and those of unrelated objects.
TYPES = ("Sy1", "QSO", "AG?", "XB*", "CV*", "X", "Y*O", "BLL", "Psr")
STRANGERS = ("*", "G", "*", "IR", "PM*", "GlC")


@dataclass
class Truth:
    """What was put where.

    Parameters
    ----------
    sources : DataFrame
        ``source_id ra dec sigma`` (along one axis), ``counterpart``: main_id or null.
    sky : SimbadSky
    """

    sources: pd.DataFrame
    sky: SimbadSky


def offset(ra: np.ndarray, dec: np.ndarray, east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions moved by small angles [arcsec]."""
    return (ra + east / 3600 / np.cos(np.radians(dec))) % 360, dec + north / 3600


def make_truth(n: int = 300, *, share: float = 0.6, density: float = 2e-4, seed: int = 1) -> Truth:
    """Sources of which a share has a counterpart, amid unrelated objects of a density [arcsec^-2] within 45 arcsec."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-0.95, 0.95, n)))
    sigma = rng.uniform(0.4, 2.0, n)
    has = rng.random(n) < share
    names = np.array([f"TRUE {i}" for i in range(n)])
    measured = offset(ra, dec, *rng.normal(0, np.hypot(sigma, 0.3), (2, n)))
    strangers = rng.poisson(density * np.pi * 45**2, n)
    owner = np.repeat(np.arange(n), strangers)
    r, angle = 45 * np.sqrt(rng.random(owner.size)), rng.uniform(0, 2 * np.pi, owner.size)
    other = offset(measured[0][owner], measured[1][owner], r * np.cos(angle), r * np.sin(angle))
    objects = pd.DataFrame(
        {
            "main_id": [*names[has], *(f"CHANCE {i}" for i in range(owner.size))],
            "ra": [*ra[has], *other[0]],
            "dec": [*dec[has], *other[1]],
            "otype": [*rng.choice(TYPES, has.sum()), *rng.choice(STRANGERS, owner.size)],
        }
    )
    objects["otypes"] = objects["otype"] + "|X"
    sources = pd.DataFrame(
        {
            "source_id": 200000000000000 + np.arange(n),
            "ra": measured[0],
            "dec": measured[1],
            "sigma": sigma,
            "counterpart": pd.Series(np.where(has, names, None), dtype="str"),
        }
    )
    return Truth(sources, SimbadSky(objects))


def make_atlas(path: Path, sources: pd.DataFrame, *, twice: int = 20, simulated: bool = False) -> Path:
    """An atlas of detections: one a source, two of the first `twice`."""
    first = pd.DataFrame(
        {
            "source_id": sources["source_id"],
            "ra_deg": sources["ra"],
            "dec_deg": sources["dec"],
            "position_error_arcsec": np.sqrt(2) * sources["sigma"],
            "mjd_start": 55000.0,
        }
    )
    second = first.iloc[:twice].assign(position_error_arcsec=lambda t: 3 * t["position_error_arcsec"], dec_deg=0.0)
    table = pd.concat([second, first], ignore_index=True)  # the better position comes later
    table["detection_id"] = 1 + np.arange(len(table))
    table["response_is_standin"], table["counts"], table["class_label"] = False, 400, "Unclassified"
    for name in ("mu_1", "mu_2", "sigma_1", "sigma_2"):
        table[name] = np.float32(0.5)
    path.mkdir(parents=True)
    conform(table, STORE_COLUMNS + ATLAS_COLUMNS).to_parquet(path / "catalogue.parquet", index=False)
    meta = {"format": FORMAT, "version": VERSION, "simulated": simulated, "provenance": {"made_by": "a test"}}
    (path / "atlas.json").write_text(json.dumps(meta))
    return path
