"""Section on real spectra: where the model fails on them, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vae.evaluation.bright import MISFIT
from vae.evaluation.report.fit_figures import misfits
from vae.evaluation.report.page import Plate, Section, Table
from vae.evaluation.report.style import drawing
from vae.evaluation.report.words import left_out, number, share, text
from vae.palette import Palette

#: Spectra drawn.
_DRAWN: Final = 6


def real_section(figures: Mapping[str, Any] | None, plots: Mapping[str, Any] | None, colours: Palette) -> Section:
    """List real spectra beside a physical fit of the same counts."""
    title = "Real spectra, one by one"
    lead = (
        "Real spectra above 300 net counts, beside an absorbed power law fitted to the same counts through the same "
        "response, which has as many free numbers as a plane. Where the model misses, the best position of the plane "
        "tells whether the encoder missed it or the decoder has no such spectrum."
    )
    if figures is None or plots is None or left_out(figures):
        return Section("real", title, lead, left_out=left_out(figures))
    spectra = figures["spectra"]
    rows = [
        [
            one["name"] + (" (stand-in response)" if one["response_is_standin"] else ""),
            f"{one['net_counts']:,.0f}",
            text(one["model_z"], "+.1f"),
            text(one.get("best_latent_z"), "+.1f"),
            text(one["fit_z"], "+.1f"),
            f"{text(one['fit_index'], '.2f')}, {text(10 * number(one['fit_nh_1e22']), '.2g')}",
            text(one["null_z"], "+.1f"),
        ]
        for one in spectra
    ]
    columns = ["spectrum", "net counts", "z, model", "z, best position", "z, fit", "index, N_H/10²¹", "z, best null"]
    mine, fit = figures["model_z"], figures["fit_z"]
    plates = [
        Plate(
            "real-table",
            "All of them",
            f"{share(mine['fraction_within_3'])} fit within 3σ, median z {text(mine['median_z'], '+.2f')}; of the "
            f"absorbed power laws {share(fit['fraction_within_3'])}, median {text(fit['median_z'], '+.2f')}.",
            f"{figures['rows']} spectra of {figures['archive']}, brightest first. Best position: C-stat z where the "
            "decoder fits best, looked for directly; only for misfits and spectra above 10,000 net counts. Nulls: "
            "background only, a fixed power law, the best of a grid of absorbed power laws. N_H in 10²¹ cm⁻².",
            table=Table(columns, rows, frozenset(range(1, 7))),
        )
    ]
    judged = [one for one in spectra if "why" in one]
    missed = [one for one in judged if number(one["model_z"]) > MISFIT]
    fits = sum(number(one["best_latent_z"]) <= MISFIT for one in missed)
    if judged:
        names = [f"{one['name']}, {one['net_counts']:,.0f} net counts" for one in judged]
        drawn = {name: np.asarray(plots[name])[:_DRAWN] for name in ("counts", "model", "best_latent", "fit")}
        plates += [
            Plate(
                "real-misfits",
                "Where the bright ones are missed",
                f"{len(missed)} of {len(spectra)} are missed; {fits} of these would fit at another latent position, so "
                "that the encoder missed them; for the others the decoder has no such spectrum.",
                f"{min(len(judged), _DRAWN)} brightest of {len(judged)} misfits and spectra above 10,000 net counts. "
                "Counts less expected over the root of expected, in joined bins.",
                drawing(misfits(names[:_DRAWN], drawn, colours), "real-misfits", "Residuals of bright real spectra"),
            ),
            Plate(
                "real-why",
                "And why",
                "",
                "Bands: C-stat above its expectation, in its standard deviations; + where there are more counts than "
                "expected, − where there are fewer.",
                table=Table(
                    ["spectrum", "bands missed (keV)", "why"],
                    [[one["name"], _bands(one["bands"]), one["why"]] for one in judged],
                ),
            ),
        ]
    return Section("real", title, lead, plates)


def _bands(bands: Mapping[str, Mapping[str, float]]) -> str:
    missed = sorted((name for name in bands if number(bands[name]["z"]) > 3), key=lambda name: -bands[name]["z"])
    if not missed:
        return "none beyond 3σ"
    return ", ".join(
        f"{name.replace('-', '–')}: {bands[name]['z']:.0f}σ{'+' if bands[name]['ratio'] > 1 else '−'}"
        for name in missed[:3]
    )
