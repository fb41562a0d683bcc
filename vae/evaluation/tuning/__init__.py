"""Search over training recipes and networks for several aims at once: held-out loss, latent quality, leakage."""

from vae.evaluation.tuning.options import TuneOptions
from vae.evaluation.tuning.run import TuneSummary, tune

__all__ = ["TuneOptions", "TuneSummary", "tune"]
