"""Search over names, identifiers and positions: what to suggest for what a person has typed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice, takewhile
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from explorer.search import places
from explorer.search.hits import Hits, Shown
from explorer.search.names import COUNTED, SIMBAD_MARK, Found, NameIndex, mark, plain
from explorer.search.places import Place, Sky
from explorer.services import Services
from explorer.tools import words
from explorer.tools.masks import Mask
from vae.errors import ExplorerError

#: Suggestions listed.
LISTED: Final = 8
#: Of them, identifiers that only begin with what was typed, of each kind.
_BEGINNINGS: Final = 2
#: Characters of a query that are read.
LONGEST: Final = 200
#: An int64 has no more digits.
_DIGITS: Final = 18


class Search:
    """Indices over one atlas, shared by all tabs; see `search_of`.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        catalogue = services.atlas.catalogue
        self._names = NameIndex(catalogue["name"])
        self._simbad = NameIndex(catalogue["simbad_main_id"].astype("str"), drop=SIMBAD_MARK)
        self._detection_ids = catalogue["detection_id"].to_numpy()
        self._source_ids = np.unique(catalogue["source_id"].to_numpy())
        self._observations = catalogue["obs_id"].astype("category").cat
        names = self._observations.categories.to_numpy(str)
        self._obs_order = np.argsort(names)
        self._obs_ids = names[self._obs_order]
        pa.default_memory_pool().release_unused()  # what building took

    @cached_property
    def _sky(self) -> Sky:
        catalogue = self._services.atlas.catalogue
        return Sky(catalogue["ra_deg"], catalogue["dec_deg"])

    def suggest(self, text: str, shown: Shown | None = None) -> Hits:
        """Suggest detections for a text.

        Parameters
        ----------
        text : str
            A name or a part of one, DETID, SRCID, OBS_ID, SIMBAD identifier, or a position with or without a radius.
        shown : Shown, optional
            What is on the map: what is not is found all the same, and says so.
        """
        text, shown = text.strip()[:LONGEST], shown or Shown()
        if not plain(text):
            return Hits()
        observation = self._observation(text, shown)
        if observation is not None:
            return observation
        place, why = places.read(text)
        names, simbad = self._names.search(text, LISTED), self._simbad.search(text, LISTED)
        if place is not None and not names.total and not simbad.total:
            hits = self.around(place, shown)
            if hits.all is None:
                hits.said.insert(0, _no_name(text))
            return hits
        hits = Hits(items=list(islice(self._by_identifier(text, names, simbad, shown), LISTED)))
        if len(hits.items) == 1 and "row" in hits.items[0]:
            hits.items = self._observations_of(hits.items[0], text, shown)
        hits.certain = (
            names.begin
            or simbad.begin
            or any("fill" in item or item["matched"].startswith(("DETID", "SRCID")) for item in hits.items)
        )
        total = names.total + simbad.total
        if total > LISTED:
            hits.said = [f"{LISTED} of {'more than ' if total > COUNTED else ''}{min(total, COUNTED):,} names"]
        if not hits.items:
            hits.said = [_no_name(text), f"As coordinates: {why}." if why else ""]
        return hits

    def around(self, place: Place, shown: Shown | None = None) -> Hits:
        """Suggest what lies around a position, nearest first."""
        shown = shown or Shown()
        rows, apart = self._sky.within(place)
        radius = places.radius_in_words(place.radius_arcsec)
        hits = Hits(place=place)
        if not rows.size:
            hits.said = [f"As coordinates, {place.words}: no detection within {radius}."]
            nearest = self._sky.nearest(place)
            if nearest is not None:
                row, away = nearest
                hits.said.append(f"The nearest detection is {places.in_words(away)} away:")
                hits.items = [{**self._item(row, f"{places.in_words(away)} away", "", shown), "far": True}]
            return hits
        sources = self._services.atlas.catalogue["source_id"].to_numpy()[rows]
        _, first = np.unique(sources, return_index=True)
        first.sort()
        for at in first[:LISTED]:
            of_source = rows[sources == sources[at]]
            row = self._best(of_source, shown)
            hits.items.append(self._item(row, f"{places.in_words(float(apart[at]))} away", "", shown))
        hits.said = [
            f"Within {radius} of {place.words}: {_counted(rows.size, 'detection')} of {_counted(first.size, 'source')}"
        ]
        hits.all, hits.offer = rows, f"Select all {_counted(rows.size, 'detection')} within {radius}"
        hits.query = f"separation({place.ra_deg:.6f}, {place.dec_deg:.6f}) <= {place.radius_arcsec:.6g}"
        return hits

    def _observation(self, text: str, shown: Shown) -> Hits | None:
        """All detections of an observation, where the text is its whole OBS_ID."""
        if not text.isascii() or not text.isdigit():
            return None
        rows = np.flatnonzero(self._in_observation(text))
        if not rows.size:
            return None
        bright = rows[np.argsort(-self._net(rows), kind="stable")]
        items = [self._item(int(row), "", text, shown, alone=True) for row in bright[:LISTED]]
        return Hits(
            items=[*self._exact(text, shown), *items][:LISTED],
            all=rows,
            query=f'obs_id == "{text}"',
            offer=f"Select all {_counted(rows.size, 'detection')} of this observation",
            said=[f"OBS_ID {text}: {_counted(rows.size, 'detection')}, those with most counts first"],
        )

    def _in_observation(self, obs_id: str) -> Mask:
        """Which detections are of an observation; none for an unknown one."""
        at = int(np.searchsorted(self._obs_ids, obs_id))
        code = self._obs_order[at] if at < self._obs_ids.size and self._obs_ids[at] == obs_id else -2
        mask: Mask = self._observations.codes.to_numpy() == code
        return mask

    def _exact(self, text: str, shown: Shown) -> Iterator[dict[str, Any]]:
        """Yield the detection and the source of this number."""
        if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
            number = int(text)
            at = int(np.searchsorted(self._detection_ids, number))
            if at < self._detection_ids.size and self._detection_ids[at] == number:
                yield self._item(at, f"DETID {number}", text, shown, alone=True)
            at = int(np.searchsorted(self._source_ids, number))
            if at < self._source_ids.size and self._source_ids[at] == number:
                row = self._best(self._services.atlas.source_rows(number), shown)
                yield self._item(row, f"SRCID {number}", text, shown)

    def _by_identifier(self, text: str, names: Found, simbad: Found, shown: Shown) -> Iterator[dict[str, Any]]:
        yield from self._exact(text, shown)
        if text.isascii() and text.isdigit():
            for detection_id in _beginning(self._detection_ids, text):
                row = int(np.searchsorted(self._detection_ids, detection_id))
                yield self._item(row, f"DETID {detection_id}", text, shown, alone=True)
            at = int(np.searchsorted(self._obs_ids, text))
            for obs_id in takewhile(lambda each: each.startswith(text), self._obs_ids[at : at + _BEGINNINGS]):
                n = int(np.count_nonzero(self._in_observation(str(obs_id))))
                title, marks = f"OBS_ID {obs_id}", [7, 7 + len(text)]
                yield {"fill": str(obs_id), "title": title, "marks": marks, "matched": _counted(n, "detection")}
        seen = set()
        for index, found in ((self._names, names), (self._simbad, simbad)):
            for entry in found.entries:
                row = self._best(index.rows(entry), shown)
                source = self._services.atlas.catalogue["source_id"].iat[row]
                if source not in seen:
                    seen.add(source)
                    yield self._item(row, self._other_name(row, text), text, shown)

    def _observations_of(self, item: dict[str, Any], text: str, shown: Shown) -> list[dict[str, Any]]:
        """List the only source found, then each of its observations."""
        row = int(item["row"])
        rows = self._services.atlas.source_rows(int(self._services.atlas.catalogue["source_id"].iat[row]))
        if len(rows) < 2 or item["matched"].startswith("DETID"):
            return [item]
        dates = self._services.atlas.catalogue["mjd_start"]
        return [item] + [
            {
                **self._item(int(each), "", "", shown, alone=True),
                "title": words.date(float(dates.iat[each])),
                "observation": True,
            }
            for each in rows[: LISTED - 1]
        ]

    def _item(self, row: int, matched: str, text: str, shown: Shown, *, alone: bool = False) -> dict[str, Any]:
        """One suggestion, for a source or, where `alone`, for one detection of it."""
        services, catalogue = self._services, self._services.atlas.catalogue
        name, detection_id = catalogue["name"].iat[row], int(catalogue["detection_id"].iat[row])
        title = f"Detection {detection_id}" if pd.isna(name) else str(name)
        label = services.class_of(row)
        n = len(services.atlas.source_rows(int(catalogue["source_id"].iat[row])))
        net = f"{words.whole(float(self._net(np.array([row]))[0]))} net counts"
        where = mark(title, text) if text else None
        return {
            "row": int(row),
            "title": title,
            "marks": list(where) if where else [],
            "label": label,
            "token": words.class_token(services.class_names, label),
            "detail": net if alone or n == 1 else f"{n} observations, up to {net}",
            "matched": matched,
            "hidden": self._why_hidden(row, shown),
        }

    def _other_name(self, row: int, text: str) -> str:
        """SIMBAD's name of a detection, where that is what the text was found in."""
        catalogue = self._services.atlas.catalogue
        name, simbad = catalogue["name"].iat[row], catalogue["simbad_main_id"].iat[row]
        if pd.isna(simbad) or (not pd.isna(name) and mark(str(name), text)):
            return ""
        return str(simbad)

    def _why_hidden(self, row: int, shown: Shown) -> str:
        if shown.passing is not None and not shown.passing[row]:
            return "hidden by filters"
        return "its class is hidden" if self._services.class_of(row) in shown.hidden_classes else ""

    def _best(self, rows: Iterable[int], shown: Shown) -> int:
        """Choose the detection with most net counts, of those on the map if there are any."""
        rows = np.asarray(list(rows), np.int64)
        on_map = np.array([not self._why_hidden(int(row), shown) for row in rows])
        rows = rows[on_map] if on_map.any() else rows
        return int(rows[np.argmax(self._net(rows))])

    def _net(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        net: NDArray[np.float64] = self._services.atlas.catalogue["net_counts"].to_numpy()[rows].astype(np.float64)
        return np.nan_to_num(net)


def _beginning(ids: NDArray[np.int64], digits: str) -> Iterator[int]:
    """Yield a few of the sorted identifiers that begin with these digits, but not they themselves."""
    found = 0
    for more in range(1, _DIGITS - len(digits) + 1):
        low, high = np.searchsorted(ids, [int(digits) * 10**more, (int(digits) + 1) * 10**more])
        for identifier in ids[low : min(high, low + _BEGINNINGS - found)]:
            found += 1
            yield int(identifier)
        if found >= _BEGINNINGS or digits.startswith("0"):
            return


def _no_name(text: str) -> str:
    return f"No name, DETID, SRCID, OBS_ID or SIMBAD identifier holds “{text}”."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_LOG = logging.getLogger(__name__)
_LOCK = threading.Lock()
_BUILDER = ThreadPoolExecutor(1, thread_name_prefix="search")
_SEARCHES: dict[int, tuple[Services, Future[Search]]] = {}


def _built(services: Services) -> Search:
    try:
        return Search(services)
    except Exception as error:  # a fault of ours: told where somebody searches; the map does without
        _LOG.exception("the index of names could not be made")
        raise ExplorerError(
            "the names of this archive could not be indexed", todo="The server's log says more: please report it"
        ) from error


def search_of(services: Services) -> Future[Search]:
    """Return the one search of these services; the first call begins to build it, off the caller's thread."""
    with _LOCK:
        if id(services) not in _SEARCHES:  # the services are kept beside it, so that an id is never used again
            _SEARCHES[id(services)] = services, _BUILDER.submit(_built, services)
        return _SEARCHES[id(services)][1]
