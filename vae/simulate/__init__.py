"""The simulated archive: a population of sources, their spectra through EPIC-pn, and what SIMBAD would know."""

from vae.simulate.archive import Simulated, SimulateOptions, build_store, count_kept, simulate_store, work_identity
from vae.simulate.observe import simulate_chunk

__all__ = [
    "SimulateOptions",
    "Simulated",
    "build_store",
    "count_kept",
    "simulate_chunk",
    "simulate_store",
    "work_identity",
]
