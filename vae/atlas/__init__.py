"""The atlas, the contract between vae and explorer: each detection with its latent position, spectrum and fit."""

from vae.atlas.columns import ATLAS_COLUMNS, atlas_columns
from vae.atlas.contents import FORMAT, VERSION, Atlas
from vae.atlas.decoded import Decoded
from vae.atlas.similarity import METRICS, Metric
from vae.atlas.spectrum import Spectrum
from vae.atlas.templates import Templates

__all__ = [
    "ATLAS_COLUMNS",
    "FORMAT",
    "METRICS",
    "VERSION",
    "Atlas",
    "Decoded",
    "Metric",
    "Spectrum",
    "Templates",
    "atlas_columns",
]
