"""What a search found, ready for the page, and what of the archive is on the map meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.search.places import Place
from explorer.tools.masks import Mask


@dataclass(frozen=True)
class Shown:
    """What of the archive is on the map.

    Parameters
    ----------
    passing : array of bool, shape (n,), or None
        Which detections pass the filters; None for all.
    hidden_classes : frozenset of str
    """

    passing: Mask | None = None
    hidden_classes: frozenset[str] = frozenset()


@dataclass
class Hits:
    """What was found, ready for the page.

    Parameters
    ----------
    items : list of dict
        Plain JSON: row (or fill: the text to go on with), title, marks, label, token, detail, matched, hidden; far
        where it is not what was asked for, but the nearest to it.
    all : array of int, or None
        Rows that may be selected together.
    query : str
        The same as a query of the selection, where there is one.
    offer : str
        Words of that.
    said : list of str
        How many there are, or what was tried.
    place : Place or None
        Where on the sky was searched.
    certain : bool
        Whether it is what was asked for: a name that only holds the text somewhere may be another's.
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    all: NDArray[np.int64] | None = None
    query: str = ""
    offer: str = ""
    said: list[str] = field(default_factory=list)
    place: Place | None = None
    certain: bool = True
