"""What a study searches, and for how long."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from vae.errors import OptionError
from vae.network.config import Likelihood
from vae.training import TrainOptions

#: What is searched: settings of the recipe, the kind of network, or both.
SpaceName = Literal["recipe", "network", "all"]


@dataclass(frozen=True)
class TuneOptions:
    """Options of one study.

    Parameters
    ----------
    trials : int
        Runs in all, the default recipe's included; more can be added later.
    updates : int
        Length of each run at the default batch; a run of other batches sees as many spectra.
    space : {"recipe", "network", "all"}
        What is searched.
    network : str
        The network where it is not searched; the baseline's in any case.
    likelihood : {"response", "sensitivity"}
        As in `TrainOptions`.
    latent_dim : tuple of int
        One: fixed. Several: searched; the first is the baseline's.
    seed : int
        Of the search, of every run, and of samples and bootstraps.
    device : str
        auto, cpu, cuda or cuda:N.
    workers : int
        Processes, each with one run at a time on one core.
    """

    trials: int = 20
    updates: int = 1500
    space: SpaceName = "recipe"
    network: str = TrainOptions.network
    likelihood: Likelihood = TrainOptions.likelihood
    latent_dim: tuple[int, ...] = (2,)
    seed: int = 0
    device: str = "auto"
    workers: int = 1

    def check(self) -> None:
        """Raise OptionError where the options make no sense."""
        for name in ("trials", "updates", "workers"):
            if getattr(self, name) < 1:
                raise OptionError(f"--{name} is {getattr(self, name)}", todo="Give a positive number")
        dims = self.latent_dim
        if not dims or min(dims) < 1 or len(set(dims)) < len(dims):
            raise OptionError(
                f"--latent-dim is {' '.join(map(str, dims)) or 'empty'}",
                todo="Give one dimension, or several different ones to search among them",
            )
        self.baseline().check()

    def baseline(self) -> TrainOptions:
        """Return the options of the run that all others are held against: the default recipe."""
        return TrainOptions(
            network=self.network,
            likelihood=self.likelihood,
            latent_dim=self.latent_dim[0],
            device=self.device,
            seed=self.seed,
            updates=self.updates,
            # Short runs: what a checkpoint or a look at the held-out spectra costs is better spent on updates.
            held_out_every=max(self.updates, 1),
            checkpoint_every=max(self.updates, 1),
        )

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for trials to stand in one study; its length and workers may change."""
        known = asdict(self)
        del known["trials"], known["workers"]
        return {**known, "latent_dim": list(self.latent_dim), "device": self.device.split(":")[0]}
