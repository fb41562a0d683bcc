"""What a SIMBAD-like catalogue would know of the simulated sources: often nothing, sometimes the wrong thing."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.resources import asset

#: Object types that a source of each class carries, with relative frequency. SIMBAD has none for disruptions, which are
#: listed as what their host is.
_OTYPES: Final[dict[str, dict[str, float]]] = {
    "AGN": {"Sy1": 30, "AGN": 24, "Sy2": 14, "SyG": 10, "AG?": 10, "LIN": 4, "rG": 4},
    "Quasar": {"QSO": 90, "Q?": 10},
    "Blazar": {"BLL": 40, "Bla": 20, "BL?": 8, "Bz?": 6},
    "X-ray binary": {"LXB": 25, "HXB": 25, "XB*": 14, "ULX": 18, "UX?": 4, "LX?": 3, "HX?": 4, "BH": 2, "XB?": 3},
    "Neutron star": {"Psr": 60, "N*": 20, "N*?": 12},
    "CV / white dwarf": {"CV*": 62, "No*": 12, "CV?": 10, "WD*": 8, "Sy*": 5},
    "Star": {"*": 24, "PM*": 18, "BY*": 12, "RS*": 10, "SB*": 9, "V*": 6, "Ro*": 6, "LM*": 6, "**": 5, "EB*": 4},
    "Young star": {"Y*O": 30, "TT*": 28, "Or*": 22, "Y*?": 10, "TT?": 4},
    "Massive star": {"WR*": 22, "Be*": 18, "s*b": 16, "Ma*": 10, "bC*": 4},
    "Supernova / transient": {"SNR": 52, "SR?": 18, "SN*": 16, "gB": 6, "ev": 3},
    "Tidal disruption event": {"G": 30, "AGN": 12, "ev": 8},
    "Galaxy": {"G": 50, "EmG": 12, "GiG": 8, "GiP": 6, "SBG": 6, "bCG": 6, "H2G": 4},
    "Galaxy cluster": {"ClG": 60, "GrG": 14, "C?G": 8},
    "Diffuse / stellar system": {"GlC": 30, "HII": 18, "OpC": 14, "SFR": 12, "MoC": 5, "PN": 8, "Cl*": 10, "As*": 3},
}
#: The same for oddities, of which a catalogue knows no more than what they are in visible light; and how much rarer
#: than for other sources it knows that.
_ODD_OTYPES: Final[dict[str, dict[str, float]]] = {
    "Extremely soft": {"G": 5, "*": 2},
    "Compton-thick": {"Sy2": 4, "G": 6, "EmG": 2},
    "Absorbed pulsar": {"HXB": 4, "HX?": 4, "Be*": 2},
    "Line-dominated": {"Sy2": 4, "G": 4, "LIN": 2},
}
_ODD_FACTOR: Final = 0.35
#: What textbook cases are listed as.
_FAMOUS_OTYPES: Final = {"AGN": "Sy1", "X-ray binary": "LXB", "Tidal disruption event": "G"}
#: A label catalogue of its own lists disruptions (SIMBAD has no such type); this share of them is in it.
_DISRUPTIONS_LISTED: Final = 0.7
#: Share of matches with the wrong object, and what that is then.
_WRONG_SHARE: Final = 0.02
_MISTAKEN_FOR: Final = {
    "Star": 0.34,
    "Galaxy": 0.3,
    "AGN": 0.16,
    "Quasar": 0.1,
    "X-ray binary": 0.05,
    "Young star": 0.05,
}
#: Of the matched, those of which the catalogue only says that they emit X-rays.
_BARE_SHARE: Final = 0.06
#: Share matched at 700 net counts, and its rise per decade: in the end 0.45 of all sources have a class.
_MATCHED_SHARE: Final = 0.46
_MATCHED_RISE: Final = 0.22
#: Error of the catalogue's own positions, and how far a chance counterpart may lie [arcsec].
_CATALOGUE_ERROR: Final = 0.3
_MATCH_RADIUS: Final = 5.0
#: Chance counterparts a square arcsec, in ordinary fields and in the plane, nurseries of stars or Magellanic Clouds.
_COUNTERPARTS: Final = (4.0e-4, 4.0e-3)


@lru_cache(maxsize=1)
def _display_classes() -> tuple[dict[str, str], frozenset[str]]:
    table = pd.read_csv(asset("reference", "simbad_otypes.csv"), comment="#", keep_default_na=False)
    classes = dict(zip(table["otype"], table["display_class"], strict=True))
    return classes, frozenset(table.loc[table["candidate"] == 1, "otype"])


def label_sources(
    rng: np.random.Generator,
    true_class: NDArray[np.str_],
    *,
    net_counts: NDArray[np.float64],
    position_error_arcsec: NDArray[np.float64],
    crowded: NDArray[np.bool_],
    famous: NDArray[np.bool_],
) -> pd.DataFrame:
    """Draw what is known of each source.

    Parameters
    ----------
    rng : Generator
    true_class : array of str, shape (n_sources,)
        Display classes and `vae.simulate.population.ODDITIES`.
    net_counts : array, shape (n_sources,)
        Of the best observation: the bright are better known.
    position_error_arcsec : array, shape (n_sources,)
        1 sigma.
    crowded : array of bool, shape (n_sources,)
        Where counterparts are dense.
    famous : array of bool, shape (n_sources,)
        Known to everybody, and rightly.

    Returns
    -------
    DataFrame
        One row a source, the columns of `vae.spectra.columns.LABEL_COLUMNS`; main identifiers are "SIM" and the running
        number.
    """
    classes, candidates = _display_classes()
    n = len(true_class)
    chance = np.clip(_MATCHED_SHARE + _MATCHED_RISE * np.log10(np.maximum(net_counts, 1.0) / 700.0), 0.05, 0.97)
    odd = np.isin(true_class, list(_ODD_OTYPES))
    matched = (rng.random(n) < np.where(odd, _ODD_FACTOR, 1.0) * chance) | famous
    wrong = (rng.random(n) < _WRONG_SHARE) & ~famous
    bare = (rng.random(n) < _BARE_SHARE) & ~famous
    guess, second = rng.choice(np.array(list(_MISTAKEN_FOR)), (2, n), p=list(_MISTAKEN_FOR.values()))
    guess = np.where(guess == true_class, second, guess)
    wrong &= guess != true_class
    believed = np.where(wrong, guess, true_class)
    otype = np.full(n, "", object)
    for name, shares in (_OTYPES | _ODD_OTYPES).items():
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

    # The right counterpart is off by both errors, a wrong one lies anywhere within the search radius.
    near = rng.rayleigh(np.hypot(position_error_arcsec, _CATALOGUE_ERROR))
    separation = np.where(wrong, _MATCH_RADIUS * np.sqrt(rng.random(n)), np.minimum(near, _MATCH_RADIUS))
    density = np.where(crowded, _COUNTERPARTS[1], _COUNTERPARTS[0])
    rivals = -np.expm1(-density * np.pi * (3.0 * position_error_arcsec) ** 2 - 0.01)
    ambiguous = matched & ~famous & ((rng.random(n) < rivals) | (wrong & (rng.random(n) < 0.3)))
    return pd.DataFrame(
        {
            "class_label": pd.array(label.tolist(), dtype="str"),
            "class_origin": pd.array(["simulated"] * n, dtype="str"),
            "class_is_candidate": pd.array(
                [o in candidates if k else None for o, k in zip(otype.tolist(), known, strict=True)], dtype="boolean"
            ),
            "match_ambiguous": pd.array(ambiguous, dtype="boolean"),
            "true_class": pd.array(true_class.tolist(), dtype="str"),
            "simbad_otype": pd.array([o or None for o in otype.tolist()], dtype="str"),
            "simbad_main_id": pd.array(
                [f"SIM {i}" if m else None for i, m in enumerate(matched.tolist())], dtype="str"
            ),
            "match_separation_arcsec": np.where(matched, separation, np.nan).astype(np.float32),
        }
    )
