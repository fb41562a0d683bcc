"""Training: data resident on the device, random batches, recipes, checkpoints that resume exactly."""

from vae.training.fit import checkpoint_path, train
from vae.training.options import TrainOptions
from vae.training.recipes import RECIPES, Recipe
from vae.training.split import is_held_out
from vae.training.summary import TrainSummary

__all__ = ["RECIPES", "Recipe", "TrainOptions", "TrainSummary", "checkpoint_path", "is_held_out", "train"]
