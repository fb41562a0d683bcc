"""Ask a classifier to tell real spectra from simulated ones, and say what gives the simulation away."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import tyro
from _command import run

from vae.errors import OptionError
from vae.evaluation import domain
from vae.evaluation.draws import Draw, population
from vae.evaluation.likeness import candidates, likest
from vae.evaluation.two_sample import METHODS, mean_shifts, two_sample
from vae.simulate import instrument
from vae.simulate.kinds.recipe import blank
from vae.spectra.store import SpectraStore

#: Galactic column of the field of RXC J2359.3-6042 [1e22 cm-2] (HI4PI Collaboration 2016, A&A 594, A116: some 1.5e20).
FIELD_NH: Final = 0.015
#: True classes of the first population: what most faint sources of a high-latitude field are.
ACTIVE: Final = frozenset({"AGN", "Quasar"})
#: Those of the second: everything seen away from the plane.
EXTRAGALACTIC: Final = ACTIVE | {"Blazar", "Galaxy", "Galaxy cluster", "Star"}
#: Net counts over their error above which a spectrum has a shape to speak of.
CLEAR_SNR: Final = 5.0
#: Sets of features beside the net shares: gross counts of both regions too, and all relative to the sample's mean.
EVERYTHING, WITHIN = "net, gross and background region", "the same, relative to the mean of the observation"


@dataclass(frozen=True)
class Options:
    """Ask a classifier to tell real pipeline spectra from simulated partners matched in counts, place and background.

    AUC 0.5 means that it cannot. Beside each AUC stands that of simulated copies posing as the real sample, and a crude
    simulation that must be found out. Then what gives the simulation away, feature by feature, and what the other
    (bright) spectra of the store look like among the simulated.
    """

    real: Annotated[Path, tyro.conf.Positional]
    """Store of real spectra, pipeline products of one field among them."""
    copies: int = 24
    """Simulated partners of each real spectrum."""
    nulls: int = 8
    """Simulated copies that pose as the real sample, for each figure."""
    avoid: tuple[float, float, float] | None = None
    """Right ascension, declination [deg] and radius [arcmin] of a piece of sky to leave out: a cluster, for instance,
    whose light lies under its neighbours."""
    likeness: int = 20_000
    """Simulated sources among which bright spectra look for their like; 0 leaves it out."""
    seed: int = 0
    """Of everything that is drawn."""
    json: bool = False
    """Print the figures as JSON."""


def main(options: Options) -> dict[str, Any]:
    """Run the check and return its figures."""
    if options.copies < 4 or not 0 <= options.nulls <= options.copies:
        raise OptionError(
            f"--copies {options.copies} --nulls {options.nulls}", todo="Give 4 copies or more, and no more nulls"
        )
    store = SpectraStore.open(options.real)
    rng = np.random.default_rng(options.seed)
    real = domain.real_sample(store)
    if options.avoid is not None:
        ra, dec, radius = options.avoid
        real = real.part(np.flatnonzero(real.distance_arcmin(ra, dec) > radius))
    active, mixed = population(ACTIVE, nh_galactic=FIELD_NH), population(EXTRAGALACTIC, nh_galactic=FIELD_NH)
    out: dict[str, Any] = {"spectra": len(real), "copies": options.copies}
    out["active nuclei"] = _compared(rng, real, active, options)
    out["extragalactic mix"] = _compared(rng, real, mixed, options)
    clear = real.part(np.flatnonzero(real.net_snr > CLEAR_SNR))
    out[f"active nuclei, S/N above {CLEAR_SNR:g} ({len(clear)} spectra)"] = _compared(rng, clear, active, options)
    crude = dataclasses.replace(options, nulls=0)
    out["control: one power law, flat background"] = _compared(rng, real, _power_law, crude, domain.flat_background)
    out["control: no scatter of the background"] = _compared(rng, real, active, crude, domain.usual_background)
    if options.likeness:
        out["nearest simulated neighbours"] = _neighbours(rng, store, options.likeness)
    return out


def _power_law(_: np.random.Generator, n: int) -> np.ndarray:
    models = blank(n)
    models["flux_powerlaw"], models["photon_index"] = 1.0, 1.9
    return models


def _compared(
    rng: np.random.Generator,
    real: domain.RealSample,
    draw: Draw,
    options: Options,
    background: domain.BackgroundDraw = instrument.background_rates,
) -> dict[str, Any]:
    """Verdicts on the net shares alone, on everything, and on everything but the means of the sample."""
    partners = domain.draw_partners(rng, real, options.copies, draw, background)
    net_names, all_names = domain.share_names()
    parts = {
        title: (
            names,
            shares(real.block.counts, real.block.background_counts, real.block.background_ratio),
            shares(partners.counts, partners.background_counts, partners.background_ratio[:, None]),
        )
        for title, names, shares in (
            ("net", net_names, domain.net_shares),
            (EVERYTHING, all_names, domain.all_shares),
        )
    }
    # Spectra of one observation share its background, which marks any copy, real or not. What is left is the field.
    _, of_real, of_partners = parts[EVERYTHING]
    parts[WITHIN] = (
        all_names,
        domain.within_observations(of_real, real.observation),
        domain.within_observations(of_partners, real.observation),
    )
    out: dict[str, Any] = {}
    for title, (names, of_real, of_partners) in parts.items():
        out[title] = {
            method: two_sample(of_real, of_partners, real.source_id, names, rng, method=method, n_null=options.nulls)
            # Means taken out over all spectra turn a linear classifier against those held out.
            for method in METHODS[: 1 if title == WITHIN else None]
        }
        out[title]["real minus simulated, in standard errors"] = mean_shifts(of_real, of_partners, names)
        out[title]["mean of real and of simulated"] = {
            name: [float(a), float(b)]
            for name, a, b in zip(names, of_real.mean(axis=0), of_partners.mean(axis=(0, 1)), strict=True)
        }
    return out


def _neighbours(rng: np.random.Generator, store: SpectraStore, n_sources: int) -> dict[str, Any]:
    """Tell what the likest simulated sources of every spectrum are that is no pipeline product."""
    table = store.detections
    shares: dict[str, Any] = {}
    for row in np.flatnonzero(table["src_num"].isna().to_numpy()):
        made = candidates(
            rng, n_sources, filter_=str(table["filter"].iloc[row]), mjd=float(table["mjd_start"].iloc[row])
        )
        found = likest(
            store.read("counts", int(row)),
            store.read("background_counts", int(row)),
            float(store.read("background_ratio", int(row))),
            made.shapes,
        )
        names, sizes = np.unique(made.true_class[found.order[:25]], return_counts=True)
        shares[f"{table['name'].iloc[row]}, {table['obs_id'].iloc[row]}"] = {
            "C-stat over twice the net counts of the nearest": float(found.divergence[0]),
            "nearest": str(made.true_class[found.order[0]]),
            "classes of the 25 nearest": {str(names[i]): int(sizes[i]) for i in np.argsort(-sizes)},
        }
    return shares


if __name__ == "__main__":
    run(main, Options)
