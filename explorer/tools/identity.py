"""Who a detection is, in the words and numbers of the inspector."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from explorer.services import Services
from explorer.tools import observations, words
from vae.atlas import Spectrum

_COLUMNS: Final = (
    "detection_id",
    "name",
    "obs_id",
    "ra_deg",
    "dec_deg",
    "mjd_start",
    "exposure_s",
    "filter",
    "class_origin",
    "class_is_candidate",
    "match_ambiguous",
    "match_separation_arcsec",
    "simbad_main_id",
    "simbad_otype",
)
#: Detections whose classes are counted around the picked one.
_NEAREST: Final = 25


def facts(services: Services, row: int) -> dict[str, Any]:
    """Return what the readout says of a detection, in words: name, class and its origin, place, facts, links."""
    catalogue = services.atlas.catalogue
    entry = {name: catalogue[name].iat[row] for name in _COLUMNS}  # a whole row of this table takes 20 times as long
    label = services.class_of(row)
    place = observations.place(services.atlas, row)
    simulated = services.atlas.simulated
    filter_ = _text(entry["filter"])
    mjd, ra, dec = float(entry["mjd_start"]), float(entry["ra_deg"]), float(entry["dec_deg"])
    class_from = _text(entry["class_origin"])
    origin = words.class_origin(
        class_from or None,
        matched=label != "No match" and bool(class_from or label != "Unclassified"),
        candidate=_is_true(entry["class_is_candidate"]),
    )
    ambiguous = _is_true(entry["match_ambiguous"])
    apart, counterpart = words.counterpart(
        _text(entry["simbad_main_id"]), _text(entry["simbad_otype"]), entry["match_separation_arcsec"],
        ambiguous=ambiguous,
    )  # fmt: skip
    facts = [words.sexagesimal(ra, dec), words.date(mjd), words.exposure(float(entry["exposure_s"]))]
    links = [] if simulated else words.deep_links(_text(entry["obs_id"]), ra, dec)
    return {
        "row": row,
        "name": _text(entry["name"]) or f"Detection {entry['detection_id']}",
        "class_label": label,
        "token": words.class_token(services.class_names, label),
        "origin": f"{origin} {apart}" if apart else origin,
        "counterpart": counterpart,
        "ambiguous": ambiguous,
        "place": f"{place.position} of {place.total}",
        "previous": place.previous,
        "next": place.following,
        "facts": facts + ([f"{filter_} filter"] if filter_ else []),
        "links": [{"label": link.label, "url": link.url, "title": link.title} for link in links],
        "simulated": simulated,
    }


def _is_true(value: Any) -> bool:
    return value is not pd.NA and bool(value)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def numbers(services: Services, row: int, spectrum: Spectrum) -> list[dict[str, str]]:
    """Return the numbers below the plot: label, value, note, and what they mean."""
    gross = float(np.sum(spectrum.counts))
    background = float(np.sum(spectrum.expected_background))
    mu, sigma = services.atlas.latents[row], services.atlas.sigmas[row]
    items = [
        ("Gross counts", words.whole(gross), "", "Counts in the source region, 0.3–10 keV"),
        (
            "Background",
            words.whole(background),
            f"{words.fixed(100 * background / gross, 1)} %" if gross > 0 else "",
            "Expected background counts in the source region, and their share of the gross counts",
        ),
    ]
    for axis in range(2):
        value, error = words.with_error(float(mu[axis]), float(sigma[axis]))
        items.append((f"μ{'₁₂'[axis]}", value, error, "Latent position and its 1 σ error"))
    rarity = float(services.atlas.catalogue["rarity"].iat[row])
    items.append(
        (
            "Rarity",
            words.fixed(rarity, 1),
            "percentile" if np.isfinite(rarity) else "",
            "Share of the archive that lies where the map is denser than here",
        )
    )
    return [
        {"label": label, "value": value, "note": note, "title": title}
        for label, value, note, title in [*items, _company(services, row)]
    ]


def _company(services: Services, row: int) -> tuple[str, str, str, str]:
    """Find the most frequent known class among the nearest detections of other sources."""
    source_id = services.atlas.catalogue["source_id"].to_numpy()
    _, found = services.tree.query((services.x[row], services.y[row]), k=min(len(services), 4 * _NEAREST))
    others = [int(other) for other in np.atleast_1d(found) if source_id[other] != source_id[row]][:_NEAREST]
    labels = [services.class_of(other) for other in others]
    known = [label for label in labels if label not in ("Unclassified", "No match")]
    title = f"Of the {len(labels)} nearest detections of other sources {len(known)} have a class"
    if not known:
        return f"Nearest {len(labels)}", "unclassified", "", title
    label = max(set(known), key=lambda name: (known.count(name), name))
    return f"Nearest {len(labels)}", words.short_class(label), f"{known.count(label)} of {len(known)}", title
