"""The atlas: every detection with its latent position, its spectrum and its fit. The contract between vae and explorer."""

from vae.atlas.columns import ATLAS_COLUMNS, atlas_columns
from vae.atlas.contents import FORMAT, VERSION, Atlas
from vae.atlas.similarity import METRICS, Metric
from vae.atlas.spectrum import Spectrum

__all__ = ["ATLAS_COLUMNS", "FORMAT", "METRICS", "VERSION", "Atlas", "Metric", "Spectrum", "atlas_columns"]
