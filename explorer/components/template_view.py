"""Which templates a decoded spectrum is built from, and how much of each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.components.inspector import Part, part_script
from explorer.tools import words
from vae.atlas import Atlas, Templates

#: Templates shown: beyond them a few thousandths of the variance are left.
SHOWN: Final = 6
#: Energies at which the small curves are drawn.
_POINTS: Final = 60
#: Room beyond the population's range or the weight, whichever reaches further, as a share of it.
_MARGIN: Final = 0.08


class TemplateView(Part):
    """Leading templates as small curves; the spectrum's weight of each before the population's range."""

    _esm = part_script(__file__, "template_view.js")


def small_templates(atlas: Atlas) -> Templates:
    """Return the templates of an atlas at as many energies as a small curve needs."""
    return atlas.templates(np.geomspace(0.3, 10.0, _POINTS))


def content(templates: Templates, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Say what to draw for the weights of one spectrum.

    Parameters
    ----------
    templates : Templates
        From `small_templates`.
    weights : array, shape (K,)

    Returns
    -------
    dict
        ``rows``, one a template: ``curve``, heights within -1...1; ``at``, ``zero``, ``low`` and ``high``, places of
        the weight, of 0 and of the population's ends along a scale of 0...1 of its own; texts.
    """
    rows = []
    for number in range(min(SHOWN, len(weights))):
        curve, weight = templates.values[number], float(weights[number])
        low, high = float(templates.low[number]), float(templates.high[number])
        reach = (1.0 + _MARGIN) * max(abs(weight), abs(low), abs(high), 1e-12)
        share = 100.0 * float(templates.share_of_variance[number])
        rows.append(
            {
                "curve": np.round(curve / np.abs(curve).max(), 3).tolist(),
                **{
                    name: round(0.5 + 0.5 * value / reach, 4)
                    for name, value in (("at", weight), ("zero", 0.0), ("low", low), ("high", high))
                },
                "weight": f"{'+' if weight > 0 else ''}{words.fixed(weight)}",
                "share": "< 0.1 %" if share < 0.1 else f"{words.fixed(share, 0 if share >= 10 else 1)} %",
                "title": (
                    f"Template {number + 1}: weight {words.fixed(weight, 3)}; 5 % of the atlas lie below "
                    f"{words.fixed(low, 2)}, 5 % above {words.fixed(high, 2)}"
                ),
            }
        )
    return {"rows": rows}
