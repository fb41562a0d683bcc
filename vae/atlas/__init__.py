"""The atlas, the contract between vae and explorer: each detection with its latent position, spectrum and fit."""

from vae.atlas.columns import ATLAS_COLUMNS, atlas_columns
from vae.atlas.contents import FORMAT, VERSION, Atlas
from vae.atlas.similarity import METRICS, Metric
from vae.atlas.spectrum import Spectrum

__all__ = ["ATLAS_COLUMNS", "FORMAT", "METRICS", "VERSION", "Atlas", "Metric", "Spectrum", "atlas_columns"]
