"""Draw the README's figure: simulated spectra of every class, real ones beside their nearest simulated neighbours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import tyro
from _class_panels import ClassCell, Curve, RealCell, Spectrum, draw
from _command import run
from _figure_style import save
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.evaluation.domain import NET_BANDS, band_sums
from vae.evaluation.likeness import candidates, likest
from vae.evaluation.report.style import themed
from vae.palette import CLASS_GROUPS, THEMES
from vae.simulate import instrument
from vae.simulate.observe import expose
from vae.simulate.population import ODDITIES
from vae.simulate.spectral_model import FINE_EDGES, FINE_WIDTHS, photon_flux
from vae.spectra import grid
from vae.spectra.background import background_template
from vae.spectra.store import SpectraStore

ROOT = Path(__file__).resolve().parent.parent
Array = NDArray[Any]
#: Every class at these net counts, in an exposure of 25 ks: so fluxes differ, and curves do not lie on each other.
NET_COUNTS: Final = (300, 1000, 10_000)
EXPOSURE_S: Final = 25e3
#: Background in the source region [counts / s], and the ratio of the regions: medians (FACTS 4).
BACKGROUND: Final = (0.0079, 0.04)
#: The real spectra shown: a word of their name, what to call them.
SHOWN: Final = {"MCG-6-30-15": "MCG-6-30-15", "CXOU J235750": "NGC 7793 ULX4"}
#: All panels are seen through this filter, in the middle of the archive.
FILTER, MJD = "thin", 55_500.0
#: Sources of a class among which the most typical is looked for, at most.
MOST_COMPARED: Final = 1500


@dataclass(frozen=True)
class Options:
    """Draw spectra of every simulated class, folded and unfolded, and two real ones beside their simulated like."""

    real: Annotated[Path, tyro.conf.Positional]
    """Store of real spectra: MCG-6-30-15 and NGC 7793 ULX4 (CXOU J235750.9-3237) among them."""
    out: Path = ROOT / "assets" / "figures"
    """Folder for the pictures."""
    seed: int = 1
    """Of everything that is drawn."""
    sources: int = 40_000
    """Simulated sources: the typical ones of each class, and the neighbours of the real ones, are found among them."""
    json: bool = False
    """Print the summary as JSON."""


def main(options: Options) -> Mapping[str, Any]:
    """Simulate, find the neighbours, draw both themes."""
    rng = np.random.default_rng(options.seed)
    store = SpectraStore.open(options.real)
    real = [_real_cell(rng, store, word, title, options.sources) for word, title in SHOWN.items()]
    made = candidates(rng, options.sources, filter_=FILTER, mjd=MJD)
    classes = []
    known = [name for group in CLASS_GROUPS for name, _ in group if name not in ("Unclassified", "No match")]
    for name in [*known, *ODDITIES]:
        rows = np.flatnonzero(made.true_class == name)
        if rows.size:
            typical = rows[_medoid(made.shapes[rows])]
            classes.append(_class_cell(rng, name, made.models[typical : typical + 1], made.shapes[typical]))
    pictures = []
    for theme in THEMES:
        with themed(theme) as colours:
            figure = draw(real, classes, colours, options.sources)
            suffix = "" if theme == "dark" else f"-{theme}"
            pictures.append(save(figure, options.out / f"simulated-classes{suffix}.png"))
    return {"pictures": pictures, "classes": len(classes)}


def _medoid(shapes: Array) -> int:
    """Return the shape nearest to all others in its band shares (least sum of absolute differences)."""
    shares = band_sums(shapes[:MOST_COMPARED], NET_BANDS)
    distance = np.abs(shares[:, None] - shares[None]).sum(axis=2).sum(axis=1)
    return int(distance.argmin())


def _class_cell(rng: np.random.Generator, name: str, model: NDArray[np.void], shape: Array) -> ClassCell:
    filter_index = np.array([instrument.FILTERS.index(FILTER)])
    response = np.asarray(instrument.response_index(MJD, 0, 0.0)).reshape(1)
    unit = instrument.fold(photon_flux(model), filter_index, np.zeros(1, np.int64), response.astype(np.int32))[0]
    # At the detector's own binning: the lines of a thermal plasma on the fine grid would fill the panel.
    sent = (photon_flux(model)[0] / FINE_WIDTHS) @ grid.overlap_matrix(FINE_EDGES, grid.BIN_EDGES) / grid.BIN_WIDTHS
    template = background_template()
    background = template / template.sum() * BACKGROUND[0] * EXPOSURE_S
    sensitivity = _sensitivity(filter_index[0], response[0]) * EXPOSURE_S
    spectra, curves = [], []
    for net in NET_COUNTS:
        expected = shape * net
        counts, background_counts = expose(rng, expected[None], background[None], np.array([BACKGROUND[1]]))
        spectra.append(Spectrum(counts[0], background_counts[0], BACKGROUND[1], sensitivity, EXPOSURE_S))
        curves.append(Curve.of(expected, sensitivity, EXPOSURE_S))
    scale = NET_COUNTS[-1] / (float(unit.sum()) * EXPOSURE_S)
    return ClassCell(name, NET_COUNTS, spectra, curves, grid.BIN_CENTRES**2 * sent * scale)


def _real_cell(rng: np.random.Generator, store: SpectraStore, word: str, title: str, n_sources: int) -> RealCell:
    table = store.detections
    rows = np.flatnonzero(table["name"].astype("str").str.contains(re.escape(word)).to_numpy())
    if rows.size == 0:
        raise ExplorerError(
            f"no spectrum is named {word}", where=store.path, todo="Preprocess the folder of real OGIP files whole"
        )
    row = int(rows[0])
    filter_, mjd = str(table["filter"].iloc[row]), float(table["mjd_start"].iloc[row])
    made = candidates(rng, n_sources, filter_=filter_, mjd=mjd)
    counts, background_counts = store.read("counts", row), store.read("background_counts", row)
    ratio, sensitivity = float(store.read("background_ratio", row)), store.read("sensitivity", row)
    exposure_s = float(table["exposure_s"].iloc[row])
    found = likest(counts, background_counts, ratio, made.shapes)
    nearest = int(found.order[0])
    expected = made.shapes[nearest] * found.amplitude[0]
    tabulated = _sensitivity(instrument.FILTERS.index(filter_), int(instrument.response_index(mjd, 0, 0.0)))
    # The tabulated area is that of a whole mirror; the real one lacks what falls outside the region.
    tabulated *= np.median(sensitivity / tabulated)
    return RealCell(
        title,
        Spectrum(counts, background_counts, ratio, sensitivity, exposure_s),
        str(made.true_class[nearest]),
        Curve.of(expected, tabulated, exposure_s),
    )


def _sensitivity(filter_index: int, response: int) -> Array:
    """Sensitivity of one second on axis [cm2 s keV], shape (238,)."""
    return np.asarray(instrument.sensitivity_table()[filter_index, 0, response], np.float64)


if __name__ == "__main__":
    run(main, Options)
