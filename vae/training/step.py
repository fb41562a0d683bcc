"""One update of the weights."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from vae.errors import TrainingError
from vae.training.averaging import Averaging
from vae.training.data import ResidentSpectra
from vae.training.distributed import Ranks
from vae.training.growth import awaken
from vae.training.objective import Objective, Terms
from vae.training.recipes import Recipe
from vae.training.sleep import Sleep
from vae.training.thinning import Exposures

#: Spectra that an error about a batch names, at most.
_NAMED: Final = 5


@dataclass
class Updater:
    """Takes the steps of a run.

    Parameters
    ----------
    objective : Objective
        What is minimised, with everything that is trained.
    optimizer : torch.optim.Optimizer
    generator : torch.Generator
        Of batches, latent samples and halves.
    recipe : Recipe
    total : int
        Updates of the whole run.
    spectra : ResidentSpectra
    exposures : Exposures, optional
        Of the same spectra; for recipes with a consistency or a sleep term.
    averaging : Averaging, optional
    ranks : Ranks
        Processes that share each batch.
    """

    objective: Objective
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    recipe: Recipe
    total: int
    spectra: ResidentSpectra
    exposures: Exposures | None = None
    averaging: Averaging | None = None
    ranks: Ranks = field(default_factory=Ranks)
    _terms: Callable[..., Terms] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        module: Any = self.objective
        if self.ranks.size > 1:
            module = DistributedDataParallel(module, gradient_as_bucket_view=True)
        self._parameters = [parameter for parameter in self.objective.parameters() if parameter.requires_grad]
        self._terms = compiled(module, self.spectra.device) if self.recipe.compile else module

    def __call__(self, update: int, asked: bool = False) -> tuple[float, bool]:
        """Take a step.

        Parameters
        ----------
        update : int
            Updates done before this one.
        asked : bool
            Whether this process was asked to stop.

        Returns
        -------
        loss : float
            Median over the batch of the loss of a spectrum [nats], before this step.
        asked : bool
            Whether any process was asked to stop.

        Raises
        ------
        TrainingError
            When the loss or its gradient is not finite. The weights are as they were.
        """
        recipe = self.recipe
        if recipe.awakens_at(update, self.total):
            self._awaken()
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(update, self.total)
        drawn = self.spectra.draw(recipe.batch_size, self.generator)
        share = self.ranks.share(drawn)
        rows = drawn[..., share]
        batch = self.spectra.batch(rows)
        noise = self._noise(drawn, share)
        halves = self._halves(drawn, share) if recipe.consistency else None
        terms = self._terms(batch, noise, halves, self._sleep(rows) if recipe.sleep else None)
        losses = terms.deviance + recipe.kl_weight_at(update, self.total) * terms.resisted
        if recipe.misfit_limit is not None:
            losses = losses * (recipe.misfit_limit / terms.deviance.detach()).clamp(max=1.0)
        loss = (losses + terms.extra).mean()
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        limit = math.inf if recipe.clip_norm is None else recipe.clip_norm
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, limit, foreach=True)
        own = (terms.deviance + terms.divergence + 0.0 * terms.extra).detach()
        values, asked = self.ranks.collect(own, drawn, asked)
        if not math.isfinite(float(values.sum() + norm)):  # before the weights are touched
            raise self._trouble(update, drawn, values, norm)
        self.optimizer.step()
        if self.averaging is not None:
            self.averaging.update(update + 1)
        return float(values.median()), asked

    def _awaken(self) -> None:
        """Start sleeping latent dimensions anew; what the optimiser remembers of the layers concerned is void."""
        network = self.objective.network
        if awaken(network, self.spectra):
            for layer in (network.encoder.layers[-1], network.decoder.branch[0]):
                for parameter in layer.parameters():
                    self.optimizer.state.pop(parameter, None)

    def _noise(self, drawn: Tensor, share: slice) -> Tensor:
        """Draw the noise of all rows and return that of this process's, (n, d)."""
        shape = (drawn.numel(), self.objective.network.config.latent_dim)
        noise = torch.randn(shape, generator=self.generator, device=drawn.device)
        if self.ranks.size == 1:
            return noise
        return noise.view(*drawn.shape, -1)[..., share, :].reshape(-1, shape[1])

    def _halves(self, drawn: Tensor, share: slice) -> Tensor:
        """Split the exposures of all rows and return those of this process's, (2, n, 238)."""
        assert self.exposures is not None
        flat = drawn.reshape(-1)
        halves = self.exposures.halves(flat, self.spectra.batch(drawn).counts, self.generator)
        if self.ranks.size == 1:
            return halves
        return halves.view(2, *drawn.shape, -1)[..., share, :].reshape(2, -1, halves.shape[2])

    def _sleep(self, rows: Tensor) -> Sleep:
        assert self.exposures is not None
        return Sleep(self.exposures, rows, self.generator, self.ranks)

    def _trouble(self, update: int, drawn: Tensor, losses: Tensor, norm: Tensor) -> TrainingError:
        """Say which spectra made a loss or a gradient that is not finite."""
        bad = torch.nonzero(~torch.isfinite(losses)).ravel().cpu()
        what = "loss not finite"
        if not len(bad):
            bad, what = torch.argsort(losses, descending=True)[:_NAMED].cpu(), "largest losses"
        ids = self.spectra.detection_id[drawn.cpu().reshape(-1)[bad].numpy()].tolist()
        names = ", ".join(map(str, ids[:_NAMED])) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
        return TrainingError(
            f"the loss is {float(losses.mean()):g} and its gradient {float(norm):g} at update {update + 1}; "
            f"{what}: detection_id {names}",
            todo="Look for impossible values in these spectra, or start again with another --seed",
        )


def compiled(module: Any, device: torch.device) -> Any:
    """Compile a module where that can be done: on a GPU, and on a CPU with a C++ compiler.

    On a GPU the whole step forward is one CUDA graph: its kernels are too short to be launched one by one.
    """
    if device.type == "cuda":
        return torch.compile(module, mode="reduce-overhead", dynamic=False)
    return torch.compile(module, dynamic=False) if can_compile() else module


def can_compile() -> bool:
    """Whether torch.compile finds a C++ compiler for code on the CPU."""
    return any(shutil.which(name) for name in ("g++", "clang++", "c++"))


@contextmanager
def products(precision: str) -> Iterator[None]:
    """Let float32 products on a GPU use TF32 while this lasts, unless full float32 is asked for."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
