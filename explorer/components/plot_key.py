"""The key of the spectrum's plot: what each line and mark is, and what must be known to read it."""

from __future__ import annotations

from typing import Any, Final

from explorer.components.inspector import Part, part_script
from explorer.tools import words

_BAND: Final = ["band", "Predictive, 90 %"]


class SpectrumKey(Part):
    """The plot's key."""

    _esm = part_script(__file__, "plot_key.js")


def counts_key() -> dict[str, Any]:
    """Content of the key beside counts and folded reconstruction."""
    lines = [["counts", "Counts"], ["model", "Folded reconstruction"], _BAND, ["background", "Background"]]
    return {"lines": lines}


def unfolded_key(likelihood: str, *, limits: bool) -> dict[str, Any]:
    """Content of the key beside an unfolded spectrum; `limits`: whether there are upper limits."""
    decoding = words.decoding(likelihood)
    lines = [
        ["counts", "Net counts, unfolded"],
        *([["limit", "2 σ upper limit"]] if limits else []),
        ["model", "Reconstruction, unfolded alike"],
        _BAND,
        # Counts and reconstruction are one thing, the decoded curve may be another.
        ["decoded", f"{decoding.curve}, deconvolved" if decoding.note else decoding.curve],
    ]
    return {"lines": lines, "warning": words.NOT_DECONVOLVED}


def decoded_key(likelihood: str) -> dict[str, Any]:
    """Content of the key beside what is decoded at a position without a detection."""
    decoding = words.decoding(likelihood)
    return {"lines": [["model", decoding.curve], _BAND], "warning": decoding.warning, "note": decoding.note}
