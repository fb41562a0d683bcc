"""What SIMBAD's object types mean: display classes, by code (TAP) and by label (CDS XMatch)."""

from __future__ import annotations

from functools import cache
from typing import Final

import pandas as pd

from vae.resources import asset

#: Display class of types that say how an object was seen, not what it is: "X" is an X-ray source and no more.
UNKNOWN_NATURE: Final = "Unclassified"
#: Ends of the labels of candidates: today's, and one that older copies put in front.
_CANDIDATE: Final = "_Candidate"
_CANDIDATE_BEFORE: Final = "Candidate_"


class ObjectTypes:
    """SIMBAD's object types and the display classes they stand for. Use `ObjectTypes.shipped`.

    Parameters
    ----------
    classes : DataFrame
        ``otype display_class candidate``: one row a code.
    labels : DataFrame
        ``otype label``: one row a label.
    """

    def __init__(self, classes: pd.DataFrame, labels: pd.DataFrame) -> None:
        self._class = dict(zip(classes["otype"], classes["display_class"], strict=True))
        self._candidates = frozenset(classes.loc[classes["candidate"] == 1, "otype"])
        self._label = dict(zip(labels["label"], labels["otype"], strict=True))
        self._squeezed: dict[str, str] = {}
        for label, code in self._label.items():
            self._squeezed.setdefault(_squeeze(label), code)

    @classmethod
    @cache
    def shipped(cls) -> ObjectTypes:
        """Those of `assets/reference/simbad_otypes.csv` and `simbad_otype_labels.csv`."""
        classes, labels = (
            pd.read_csv(asset("reference", name), comment="#", keep_default_na=False)
            for name in ("simbad_otypes.csv", "simbad_otype_labels.csv")
        )
        return cls(classes, labels)

    @property
    def codes(self) -> frozenset[str]:
        """All codes."""
        return frozenset(self._class)

    def code(self, name: str | None) -> str | None:
        """Code of a type by its code or label, None where it has none.

        Codes are taken as they are (case matters: ``Sy*`` is symbiotic, ``SY*`` nothing). Labels may differ in case,
        blanks, underscores and hyphens, and in where "Candidate" stands.
        """
        if name is None or pd.isna(name):
            return None
        text = str(name).strip()
        if text in self._class:
            return text
        if text.startswith(_CANDIDATE_BEFORE):
            text = text.removeprefix(_CANDIDATE_BEFORE) + _CANDIDATE
        return self._label.get(text) or self._squeezed.get(_squeeze(text))

    def display_class(self, code: str | None) -> str:
        """Display class of a code; of an unknown one, or none, "Unclassified": nothing is ever guessed."""
        return self._class.get(code, UNKNOWN_NATURE) if code is not None and not pd.isna(code) else UNKNOWN_NATURE

    def is_candidate(self, code: str | None) -> bool:
        """Whether a code is that of a candidate."""
        return code is not None and not pd.isna(code) and code in self._candidates


def _squeeze(label: str) -> str:
    return "".join(letter for letter in label.lower() if letter not in "_- ")
