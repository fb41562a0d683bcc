"""Section on the latent space: what its axes carry, what lies where, what spectra are built from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vae.evaluation.report.latent_figures import decoded_map, latent_map, templates, units
from vae.evaluation.report.page import Plate, Section
from vae.evaluation.report.style import drawing
from vae.evaluation.report.words import left_out, share, text
from vae.palette import Palette


def latent_section(
    figures: Mapping[str, Any] | None, plots: Mapping[str, Any] | None, colours: Palette, *, simulated: bool
) -> Section:
    """Units, the map, decoded spectra on it, templates."""
    title = "What is in the latent space?"
    lead = "What each axis carries beside the noise of counting, where kinds of sources lie, and what is decoded there."
    if figures is None or plots is None or left_out(figures):
        return Section("latent", title, lead, left_out=left_out(figures))
    view, shown = plots["view"], plots["view"].axes_shown
    pair = f"μ{shown[0]} and μ{shown[1]}"
    built = plots["templates"]
    leading = 100 * float(built.share_of_variance[:2].sum())
    total = len(figures["axes"])
    plates = [
        Plate(
            "latent-map",
            "Where the classes lie",
            f"Each hexagon has the colour of its commonest {'true ' if simulated else ''}class; most classes overlap.",
            f"{len(view.positions):,} detections along {pair}, the axes of most variance; the more opaque, the more of "
            "them. Unmatched and unclassified detections weigh little, as on the explorer's map.",
            drawing(
                latent_map(view.positions, view.labels, plots["limits"], colours, axes_shown=shown),
                "latent-map",
                "Map of the latent space coloured by class",
            ),
        ),
        Plate(
            "decoded-map",
            "What is decoded there",
            "Neighbouring positions decode to similar spectra.",
            "E F(E) from 0.3 to 10 keV, logarithmic, 2.5 decades below its peak, decoded at the median position of the "
            "detections in each cell; cells with fewer than three are empty, the lighter the more.",
            drawing(
                decoded_map(plots["cells"], plots["limits"], colours, axes_shown=shown),
                "decoded-map",
                "Decoded spectra on the latent plane",
            ),
        ),
        Plate(
            "units",
            "What the axes carry",
            f"{figures['active']} of {total} axes {'is' if figures['active'] == 1 else 'are'} active; the latents "
            f"carry {text(figures['information'])} nats of information on a spectrum (at most "
            f"{text(figures['information_limit'])} can be seen).",
            f"{figures['spectra']:,} spectra above 300 net counts. Active: var(μ) above {figures['threshold']:g} "
            "(Burda et al. 2016). Information: E log q(z|x) − E log q(z). 95 % intervals by source.",
            drawing(units(figures["axes"], colours), "units", "KL of each latent axis"),
        ),
        Plate(
            "templates",
            "Templates of the decoder",
            f"The first two of {len(built.values)} orthonormal templates make {leading:.1f} % of the variance of "
            "ln (decoded shape) over the atlas.",
            "The trunk's templates, orthonormalised over ln E and turned to the principal axes of their weights over "
            f"the atlas; at the right, the share of variance. First: {share(built.share_of_variance[0], 1)}.",
            drawing(
                templates(built.energies, built.values, built.share_of_variance, colours),
                "templates",
                "Orthonormalised templates of the trunk",
            ),
        ),
    ]
    return Section("latent", title, lead, plates)
