"""A simulated archive: a believable population, observed with a model of EPIC-pn, written as a spectra store."""

from vae.simulate.archive import SimulateOptions, build_store
from vae.simulate.observe import simulate_chunk

__all__ = ["SimulateOptions", "build_store", "simulate_chunk"]
