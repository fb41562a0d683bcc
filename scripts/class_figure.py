"""Draw the README's figure: simulated spectra of every class, real ones beside their nearest simulated neighbours."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import tyro
from _chart import Chart, page
from _command import run
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import sync_playwright

from explorer.palette import CLASS_GROUPS, class_token
from vae.errors import ExplorerError
from vae.evaluation.domain import NET_BANDS, band_sums
from vae.evaluation.likeness import candidates, likest
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
#: Bins are joined until they hold so many sigma: at least two bins, and never so many that the group has no energy.
SIGMA, LEAST_BINS, MOST_BINS = 3.5, 2, 30
WIDTH: Final = 880
#: Plotting areas [px]: of a class, and of a real spectrum.
SMALL, LARGE = (108.0, 92.0), (174.0, 128.0)
X_RANGE, X_TICKS = (0.28, 10.5), (0.5, 1.0, 2.0, 5.0)
FOLDED_RANGE, FOLDED_TICKS = (7e-5, 3.0), (1e-4, 1e-2, 1.0)
UNFOLDED_RANGE, UNFOLDED_TICKS = (5e-7, 4e-3), (1e-6, 1e-5, 1e-4, 1e-3)
#: Labels of the three brightnesses in the first panel: their style, height above the curve [px], bins they stand at.
LABEL: Final = "fill:var(--text);font-size:8.5px;paint-order:stroke;stroke:var(--panel);stroke-width:3px;"
LIFT: Final = (-12.0, 6.0, 6.0)
NEAR_LEFT: Final = slice(2, 20)
#: Sources of a class among which the most typical is looked for, at most.
MOST_COMPARED: Final = 1500
#: How strongly the three brightnesses are drawn.
STRENGTH: Final = (0.62, 0.8, 1.0)
CSS: Final = """
body { padding: 26px 24px 22px; }
h1 { font-size: 15px; font-weight: 600; letter-spacing: -.005em; }
p { color: var(--text-2); font-size: 11.5px; line-height: 1.5; margin-top: 5px; }
section { display: grid; margin-top: 20px; }
.real { grid-template-columns: 1fr 1fr; column-gap: 20px; }
.classes { grid-template-columns: 1fr 1fr 1fr; column-gap: 10px; row-gap: 14px; align-items: end; }
h2 { font-size: 11.5px; font-weight: 600; margin: 0 0 5px 27px; display: flex; align-items: center; gap: 6px; }
h2 i { width: 8px; height: 8px; border-radius: 4px; flex: none; }
h2 span { font-weight: 400; color: var(--text-3); }
.pair { display: flex; }
svg { overflow: visible; }
.panel { fill: var(--panel); }
.grid line { stroke: var(--line); stroke-width: 1; shape-rendering: crispEdges; }
.ticks text { fill: var(--text-3); font-size: 9px; }
"""


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
    chromium: Path = Path("/usr/bin/chromium")
    """Chromium that draws."""
    json: bool = False
    """Print the summary as JSON."""


@dataclass(frozen=True)
class Spectrum:
    """What one curve needs: counts and their expectation, shape (238,) each, sensitivity included."""

    counts: Array
    background_counts: Array
    background_ratio: float
    expected_net: Array
    sensitivity: Array
    exposure_s: float


def main(options: Options) -> Mapping[str, Any]:
    """Simulate, find the neighbours, draw both themes."""
    rng = np.random.default_rng(options.seed)
    store = SpectraStore.open(options.real)
    real = [_real_cell(rng, store, word, title, options.sources) for word, title in SHOWN.items()]
    made = candidates(rng, options.sources, filter_=FILTER, mjd=MJD)
    cells = []
    known = [name for group in CLASS_GROUPS for name, _ in group if name not in ("Unclassified", "No match")]
    for position, name in enumerate([*known, *ODDITIES]):
        rows = np.flatnonzero(made.true_class == name)
        if rows.size:
            typical = rows[_medoid(made.shapes[rows])]
            cells.append(_class_cell(rng, name, made.models[typical : typical + 1], made.shapes[typical], position))
    body = (
        "<h1>What the simulated archive looks like</h1><p>Top: two real sources (crosses) and the nearest of "
        f"{options.sources:,} simulated ones (line): least C-stat per count, amplitude free, through the simulated "
        "instrument. Below: the most typical source of every class, and four oddities, at 300, 1,000 and 10,000 net "
        "counts in 25 ks (crosses), what was expected (lines), what was sent (dots). Left: folded, counts s⁻¹ keV⁻¹. "
        "Right: E F(E), keV cm⁻² s⁻¹, unfolded, not deconvolved.</p>"
        f'<section class="real">{"".join(real)}</section><section class="classes">{"".join(cells)}</section>'
    )
    pictures = _draw(body, options)
    return {"pictures": pictures, "classes": len(cells)}


def _medoid(shapes: Array) -> int:
    """Return the shape nearest to all others in its band shares (least sum of absolute differences)."""
    shares = band_sums(shapes[:MOST_COMPARED], NET_BANDS)
    distance = np.abs(shares[:, None] - shares[None]).sum(axis=2).sum(axis=1)
    return int(distance.argmin())


def _class_cell(rng: np.random.Generator, name: str, model: NDArray[np.void], shape: Array, position: int) -> str:
    colour = f"var(--c-{class_token('Unclassified' if name in ODDITIES else name)})"
    filter_index = np.array([instrument.FILTERS.index(FILTER)])
    response = np.asarray(instrument.response_index(MJD, 0, 0.0)).reshape(1)
    unit = instrument.fold(photon_flux(model), filter_index, np.zeros(1, np.int64), response.astype(np.int32))[0]
    # At the detector's own binning: the lines of a thermal plasma on the fine grid would fill the panel.
    sent = (photon_flux(model)[0] / FINE_WIDTHS) @ grid.overlap_matrix(FINE_EDGES, grid.BIN_EDGES) / grid.BIN_WIDTHS
    template = background_template()
    background = template / template.sum() * BACKGROUND[0] * EXPOSURE_S
    sensitivity = _sensitivity(filter_index[0], response[0]) * EXPOSURE_S
    folded, unfolded = (Chart(*SMALL, X_RANGE, limits) for limits in (FOLDED_RANGE, UNFOLDED_RANGE))
    for net, strength in zip(NET_COUNTS, STRENGTH, strict=True):
        expected = shape * net
        counts, background_counts = expose(rng, expected[None], background[None], np.array([BACKGROUND[1]]))
        spectrum = Spectrum(counts[0], background_counts[0], BACKGROUND[1], expected, sensitivity, EXPOSURE_S)
        _curve(folded, unfolded, spectrum, f"stroke:{colour};stroke-opacity:{strength};")
    scale = NET_COUNTS[-1] / (float(unit.sum()) * EXPOSURE_S)
    unfolded.line(
        grid.BIN_CENTRES,
        grid.BIN_CENTRES**2 * sent * scale,
        "stroke:var(--text-3);stroke-width:1;stroke-dasharray:1 2;",
    )
    if position == 0:
        for net, lift in zip(NET_COUNTS, LIFT, strict=True):
            level = np.median((grid.BIN_CENTRES**2 * shape * net / sensitivity)[NEAR_LEFT])
            unfolded.label(6.0, unfolded.y(float(level)) - lift, f"{net:,}", LABEL)
    odd = " <span>oddity</span>" if name in ODDITIES else ""
    heading = f'<i style="background:{colour}"></i>{name}{odd}'
    return _cell(heading, folded, unfolded, FOLDED_TICKS, UNFOLDED_TICKS)


def _real_cell(rng: np.random.Generator, store: SpectraStore, word: str, title: str, n_sources: int) -> str:
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
    name = str(made.true_class[nearest])
    expected = made.shapes[nearest] * found.amplitude[0]
    spectrum = Spectrum(counts, background_counts, ratio, np.full(grid.N_BINS, np.nan), sensitivity, exposure_s)
    top = np.percentile(expected / exposure_s / grid.BIN_WIDTHS, 99)
    low, high = top / 3000, 5 * top
    flux = grid.BIN_CENTRES**2 * expected / sensitivity
    middle = float(np.median(flux))
    limits = middle / 12, middle * 5
    folded = Chart(*LARGE, X_RANGE, (low, high))
    unfolded = Chart(*LARGE, X_RANGE, limits)
    style = f"stroke:var(--c-{class_token(name)});stroke-width:1.5;"
    folded.line(grid.BIN_CENTRES, expected / exposure_s / grid.BIN_WIDTHS, style)
    filter_index = instrument.FILTERS.index(filter_)
    simulated = expected / _sensitivity(filter_index, int(instrument.response_index(mjd, 0, 0.0)))
    # The tabulated area is that of a whole mirror; the real one lacks what falls outside the region.
    simulated *= np.median(flux / (grid.BIN_CENTRES**2 * simulated))
    unfolded.line(grid.BIN_CENTRES, grid.BIN_CENTRES**2 * simulated, style)
    _curve(folded, unfolded, spectrum, "stroke:var(--data);stroke-opacity:.9;")
    heading = (
        f'<i style="background:var(--data)"></i>{title} <span>real</span>'
        f'<i style="background:var(--c-{class_token(name)})"></i><span>simulated: {name}</span>'
    )
    return _cell(heading, folded, unfolded, _decades(low, high), _decades(*limits))


def _sensitivity(filter_index: int, response: int) -> Array:
    """Sensitivity of one second on axis [cm2 s keV], shape (238,)."""
    return np.asarray(instrument.sensitivity_table()[filter_index, 0, response], np.float64)


def _decades(low: float, high: float) -> tuple[float, ...]:
    return tuple(10.0**power for power in range(int(np.ceil(np.log10(low))), int(np.floor(np.log10(high))) + 1))


def _curve(folded: Chart, unfolded: Chart, spectrum: Spectrum, style: str) -> None:
    """Add the crosses of one spectrum to both panels, and the line of what was expected where that is known."""
    ratio = spectrum.background_ratio
    net = spectrum.counts - ratio * np.asarray(spectrum.background_counts, np.float64)
    variance = spectrum.counts + ratio**2 * np.asarray(spectrum.background_counts, np.float64)
    parts = _joined(net, variance)
    spans = [(float(grid.BIN_EDGES[a]), float(grid.BIN_EDGES[b])) for a, b in parts]
    total = np.array([net[a:b].sum() for a, b in parts])
    error = np.sqrt([variance[a:b].sum() for a, b in parts])
    width = np.array([high - low for low, high in spans])
    area = np.array([spectrum.sensitivity[a:b].sum() for a, b in parts])
    middle = np.array([low * high for low, high in spans])  # geometric mean squared
    rate, flux = 1.0 / (spectrum.exposure_s * width), middle / area
    if np.isfinite(spectrum.expected_net).all():
        line = style.replace("stroke-opacity", "--unused") + "stroke-width:1;stroke-opacity:.5;"
        expected = spectrum.expected_net
        folded.line(grid.BIN_CENTRES, expected / grid.BIN_WIDTHS / spectrum.exposure_s, line)
        unfolded.line(grid.BIN_CENTRES, grid.BIN_CENTRES**2 * expected / spectrum.sensitivity, line)
    folded.points(spans, total * rate, error * rate, style + "stroke-width:1;")
    unfolded.points(spans, total * flux, error * flux, style + "stroke-width:1;")


def _joined(net: Array, variance: Array) -> list[tuple[int, int]]:
    """Join neighbouring bins until each group is significant; what never is stays out."""
    groups, first = [], 0
    for last in range(1, grid.N_BINS + 1):
        total, error = net[first:last].sum(), np.sqrt(variance[first:last].sum())
        if last - first >= LEAST_BINS and total >= SIGMA * error > 0:
            groups.append((first, last))
            first = last
        elif last - first >= MOST_BINS:
            first += 1
    return groups


def _cell(
    heading: str,
    folded: Chart,
    unfolded: Chart,
    folded_ticks: tuple[float, ...],
    unfolded_ticks: tuple[float, ...],
) -> str:
    left = folded.svg(X_TICKS, folded_ticks, x_labels=True, y_labels=True)
    right = unfolded.svg(X_TICKS, unfolded_ticks, x_labels=True, y_labels=True)
    return f'<article><h2>{heading}</h2><div class="pair">{left}{right}</div></article>'


def _draw(body: str, options: Options) -> list[Path]:
    """Let a browser draw both themes, at twice the size it is shown at."""
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(options.chromium), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        for theme, suffix in (("dark", ""), ("light", "-light")):
            view = browser.new_page(viewport={"width": WIDTH, "height": 600}, device_scale_factor=2)
            view.set_content(page(body, theme=theme, width=WIDTH, css=CSS))
            view.evaluate("document.fonts.ready")
            pictures.append(options.out / f"simulated-classes{suffix}.png")
            picture = Image.open(io.BytesIO(view.screenshot(full_page=True))).convert("RGB")
            # 256 colours are enough for these, and take a third of the space.
            picture.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(pictures[-1], optimize=True)
            view.close()
        browser.close()
    return pictures


if __name__ == "__main__":
    run(main, Options)
