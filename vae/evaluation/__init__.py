"""How good a latent space is, beside baselines, on sources it was never trained on."""

from vae.evaluation.calibration import calibration
from vae.evaluation.separation import SeparationOptions, separation

__all__ = ["SeparationOptions", "calibration", "separation"]
