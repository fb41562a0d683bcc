"""The options of one training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from vae.errors import OptionError
from vae.network.config import NETWORKS, Likelihood
from vae.training.recipes import RECIPES, Recipe, updates_of

#: Options that do not change what is computed: a run may be resumed with others.
_OF_NO_ACCOUNT: Final = ("checkpoint_every", "tensorboard")


@dataclass(frozen=True)
class TrainOptions:
    """Options of one training run.

    Parameters
    ----------
    recipe : {"default", "seed"}
        Optimiser, schedule and length: seed is the talk's, default much faster.
    network : str
        Sizes of the network, by name: reference has 475,206 parameters.
    likelihood : {"sensitivity", "response"}
        How decoded spectra meet the counts: multiplied by the sensitivity of the 238 bins (the talk's), or folded
        through each detection's own response.
    latent_dim : int
        Dimension of the latent space.
    device : str
        auto, cpu, cuda or cuda:N.
    seed : int
        Of initial weights, batches and latent samples.
    set : tuple of str
        Single settings of the recipe changed, NAME=VALUE, such as averaging=0.999 or free_bits=0.1.
    training_epochs : int, optional
        Length of the run instead of the recipe's, in passes over the training spectra.
    updates : int, optional
        Length of the run instead of the recipe's, in updates.
    batch_size : int, optional
        Spectra an update instead of the recipe's.
    held_out_every : int
        Updates between evaluations of the held-out loss.
    checkpoint_every : int
        Updates between checkpoints.
    tensorboard : Path, optional
        Folder to write the losses to for TensorBoard (needs the extra of that name).
    """

    recipe: Literal["default", "seed"] = "default"
    network: str = "reference"
    likelihood: Likelihood = "response"
    latent_dim: int = 2
    device: str = "auto"
    seed: int = 0
    set: tuple[str, ...] = ()
    training_epochs: int | None = None
    updates: int | None = None
    batch_size: int | None = None
    held_out_every: int = 1000
    checkpoint_every: int = 500
    tensorboard: Path | None = None

    def check(self) -> None:
        """Raise OptionError where the options make no sense together."""
        if self.training_epochs is not None and self.updates is not None:
            raise OptionError("--training-epochs and --updates both set the length of the run", todo="Give one of them")
        for name in ("training_epochs", "updates", "batch_size", "latent_dim", "held_out_every", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"--{name.replace('_', '-')} is {value}", todo="Give a positive number")
        if not 0 <= self.seed < 2**63:
            raise OptionError(f"--seed is {self.seed}", todo="Give a whole number from 0 on")
        for name, choices in (("network", NETWORKS), ("recipe", RECIPES)):
            if getattr(self, name) not in choices:
                raise OptionError(f"--{name} {getattr(self, name)}", todo=f"Choose one of {', '.join(choices)}")
        self.resolved_recipe()

    def resolved_recipe(self) -> Recipe:
        """Return the recipe with everything that the options change."""
        recipe = RECIPES[self.recipe].with_settings(self.set)
        return recipe if self.batch_size is None else replace(recipe, batch_size=self.batch_size)

    def length(self, n_training: int) -> int:
        """Return the number of updates over `n_training` training spectra."""
        recipe = self.resolved_recipe()
        if self.updates is not None:
            return self.updates
        if self.training_epochs is not None:
            return updates_of(self.training_epochs, n_training, recipe.batch_size)
        return recipe.length(n_training)

    def identity(self) -> dict[str, Any]:
        """Return what tells one run from another, as JSON knows it."""
        return {name: value for name, value in asdict(self).items() if name not in _OF_NO_ACCOUNT}
