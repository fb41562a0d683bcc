"""From archive files to a spectra store: finds triples, picks responses, bins, joins sources, says what it left."""

from vae.preprocess.options import PreprocessOptions, PreprocessSummary
from vae.preprocess.run import preprocess

__all__ = ["PreprocessOptions", "PreprocessSummary", "preprocess"]
