"""What a SIMBAD-like catalogue would know of the simulated sources: often nothing, sometimes the wrong thing."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.resources import asset

#: Object types that a source of each true class may carry, with relative frequency. Types of another class than the
#: true one are the honest confusions of a catalogue (an active nucleus listed as a galaxy, say).
_OTYPES: Final[dict[str, dict[str, float]]] = {
    "AGN": {"Sy1": 30, "AGN": 20, "Sy2": 12, "SyG": 8, "AG?": 8, "G": 8, "LIN": 3, "rG": 3, "QSO": 5, "EmG": 1},
    "Quasar": {"QSO": 80, "Q?": 8, "AGN": 5, "Sy1": 5, "rG": 1},
    "Blazar": {"BLL": 40, "Bla": 20, "BL?": 8, "Bz?": 6, "QSO": 18, "AGN": 5},
    "X-ray binary": {"LXB": 25, "HXB": 25, "XB*": 14, "ULX": 18, "UX?": 4, "LX?": 3, "HX?": 4, "BH": 2, "XB?": 3},
    "Neutron star": {"Psr": 60, "N*": 20, "N*?": 12},
    "CV / white dwarf": {"CV*": 62, "No*": 12, "CV?": 10, "WD*": 8, "Sy*": 5},
    "Star": {"*": 24, "PM*": 18, "BY*": 12, "RS*": 10, "SB*": 9, "V*": 6, "Ro*": 6, "LM*": 6, "**": 5, "EB*": 4},
    "Young star": {"Y*O": 30, "TT*": 28, "Or*": 22, "Y*?": 10, "TT?": 4, "Em*": 4, "*": 4},
    "Massive star": {"WR*": 22, "Be*": 18, "s*b": 16, "Ma*": 10, "bC*": 4, "*": 12, "SB*": 6},
    "Supernova / transient": {"SNR": 52, "SR?": 18, "SN*": 16, "gB": 6, "ev": 3},
    "Tidal disruption event": {"G": 30, "AGN": 12, "ev": 8},
    "Galaxy": {"G": 50, "EmG": 12, "GiG": 8, "GiP": 6, "SBG": 6, "bCG": 6, "H2G": 4, "LIN": 4, "AG?": 3},
    "Galaxy cluster": {"ClG": 60, "GrG": 14, "BiC": 12, "C?G": 6, "G": 8},
    "Diffuse / stellar system": {"GlC": 30, "HII": 18, "OpC": 14, "SFR": 12, "MoC": 5, "PN": 8, "Cl*": 10, "As*": 3},
}
#: What textbook cases are listed as.
_FAMOUS_OTYPES: Final = {"AGN": "Sy1", "X-ray binary": "LXB", "Tidal disruption event": "G"}
#: A label catalogue of its own lists disruptions (SIMBAD has no such type); this share of them is in it.
_DISRUPTIONS_LISTED: Final = 0.7
_WRONG_SHARE: Final = 0.02
#: Of the matched, those of which the catalogue only says that they emit X-rays.
_BARE_SHARE: Final = 0.09
#: Share matched at 700 net counts, and its rise per decade: 0.45 of all sources in the end.
_MATCHED_SHARE: Final = 0.43
_MATCHED_RISE: Final = 0.22


@lru_cache(maxsize=1)
def _display_classes() -> tuple[dict[str, str], frozenset[str]]:
    table = pd.read_csv(asset("reference", "simbad_otypes.csv"), comment="#", keep_default_na=False)
    classes = dict(zip(table["otype"], table["display_class"], strict=True))
    return classes, frozenset(table.loc[table["candidate"] == 1, "otype"])


def label_sources(
    rng: np.random.Generator,
    true_class: NDArray[np.str_],
    net_counts: NDArray[np.float64],
    numbers: NDArray[np.int64],
    famous: NDArray[np.bool_],
) -> pd.DataFrame:
    """Draw what is known of each source.

    Parameters
    ----------
    rng : Generator
    true_class : array of str, shape (n_sources,)
        Display classes.
    net_counts : array, shape (n_sources,)
        Typical net counts: the bright are better known.
    numbers : array of int64, shape (n_sources,)
        For the main identifiers.
    famous : array of bool, shape (n_sources,)
        Known to everybody, and rightly.

    Returns
    -------
    DataFrame
        One row a source, the columns of `vae.spectra.columns.LABEL_COLUMNS`.
    """
    classes, candidates = _display_classes()
    n = len(true_class)
    chance = _MATCHED_SHARE + _MATCHED_RISE * np.log10(np.maximum(net_counts, 1.0) / 700.0)
    matched = (rng.random(n) < np.clip(chance, 0.05, 0.97)) | famous
    wrong = (rng.random(n) < _WRONG_SHARE) & ~famous
    bare = (rng.random(n) < _BARE_SHARE) & ~famous
    guess = np.array(list(_OTYPES))[rng.integers(0, len(_OTYPES), n)]
    believed = np.where(wrong, guess, true_class)
    otype = np.full(n, "", object)
    for name, shares in _OTYPES.items():
        rows = np.flatnonzero(matched & (believed == name))
        weights = np.array(list(shares.values()), np.float64)
        otype[rows] = rng.choice(np.array(list(shares)), rows.size, p=weights / weights.sum())
    otype[matched & bare] = "X"
    for row in np.flatnonzero(famous):
        otype[row] = _FAMOUS_OTYPES.get(str(true_class[row]), otype[row])
    label = np.array([classes[o] if o else "No match" for o in otype.tolist()], object)
    listed = (true_class == "Tidal disruption event") & ((rng.random(n) < _DISRUPTIONS_LISTED) | famous)
    label[listed] = "Tidal disruption event"
    known = matched | listed
    separation = np.where(matched, rng.rayleigh(0.8, n), np.nan).astype(np.float32)
    return pd.DataFrame(
        {
            "class_label": pd.array(label.tolist(), dtype="str"),
            "class_origin": pd.array(["simulated"] * n, dtype="str"),
            "class_is_candidate": pd.array(
                [o in candidates if k else None for o, k in zip(otype.tolist(), known, strict=True)], dtype="boolean"
            ),
            "match_ambiguous": pd.array(np.where(matched, rng.random(n) < 0.03, False), dtype="boolean"),
            "true_class": pd.array(true_class.tolist(), dtype="str"),
            "simbad_otype": pd.array([o or None for o in otype.tolist()], dtype="str"),
            "simbad_main_id": pd.array(
                [f"SIM {i}" if m else None for i, m in zip(numbers.tolist(), matched, strict=True)], dtype="str"
            ),
            "match_separation_arcsec": separation,
        }
    )
