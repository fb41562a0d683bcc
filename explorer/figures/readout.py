"""What the inspector shows of a detection or a decoded position, as a figure for a paper."""

from __future__ import annotations

from typing import Any, Final

from explorer.figures import sheet as figures
from explorer.figures.spectrum import Drawn, Heading, draw_spectrum, spectrum_height
from explorer.figures.templates import draw_templates, energies_of, templates_height
from vae.atlas import Atlas

#: What a figure shows, for its metadata.
_TITLES: Final = {
    "counts": "counts and folded reconstruction",
    "unfolded": "unfolded spectrum, not deconvolved",
    "templates": "templates of the decoded spectrum",
    "decoded": "decoded spectrum",
}
_BUILT_FROM: Final = "ln F(E) = mean of the archive + weights × templates"


def readout_picture(
    atlas: Atlas, content: dict[str, Any], mode: str, snr: str, shown: Drawn | list[dict[str, Any]]
) -> figures.Picture:
    """Return a figure of the plot in the inspector.

    Parameters
    ----------
    atlas : Atlas
    content : dict
        Of the readout: who is picked, or where is decoded.
    mode : {"counts", "unfolded", "templates"}
    snr : str
        Least signal-to-noise ratio of a point.
    shown : Drawn or list of dict
        The spectrum as it is drawn, or the rows of the templates.
    """
    picked = content["state"] == "picked"
    what = mode if picked else "decoded"
    heading, facts = heading_of(content), []
    if picked:
        entry = atlas.catalogue.iloc[content["row"]]
        facts = [f"detection {entry['detection_id']}", f"OBS_ID {entry['obs_id']}"]
    if picked and what != "templates" and snr != "0":
        facts.append(f"bins joined to S/N ≥ {snr}")
    name = figures.stem(heading.name, "spectrum" if what == "counts" else what)
    about = figures.origin(atlas, f"{heading.name}: {_TITLES[what]}", *facts)
    if isinstance(shown, Drawn):
        return figures.Picture(
            name,
            about,
            lambda width: spectrum_height(width, heading),
            lambda sheet: draw_spectrum(sheet, shown, heading),
        )
    with_formula = Heading(heading.name, heading.label, heading.colour, (*heading.lines, _BUILT_FROM))
    energies = energies_of(len(shown[0]["curve"]))
    return figures.Picture(
        name,
        about,
        lambda width: templates_height(width, len(shown), with_formula),
        lambda sheet: draw_templates(sheet, shown, energies, with_formula),
    )


def heading_of(content: dict[str, Any]) -> Heading:
    """Say who is shown, from the readout's content."""
    if content["state"] == "decoded":
        nearest = content["nearest"]
        line = f"No detection: what the decoder expects here. Nearest: {nearest['name']}, {nearest['distance']}."
        return Heading(content["name"], lines=(line,))
    verdict = content["verdict"]
    alone = content["place"].endswith(" of 1")
    lines = (" · ".join([*content["facts"], *([] if alone else [f"observation {content['place']}"])]),)
    fit = f"{verdict['words']}: {verdict['numbers']}"
    return Heading(content["name"], f"{content['class_label']}, {content['origin']}", content["token"], (*lines, fit))
