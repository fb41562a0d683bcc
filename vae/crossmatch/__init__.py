"""Who the sources of an atlas are: counterparts in SIMBAD and in catalogues of labels, and their classes."""

from vae.crossmatch.options import CrossmatchOptions, CrossmatchSummary
from vae.crossmatch.run import crossmatch

__all__ = ["CrossmatchOptions", "CrossmatchSummary", "crossmatch"]
