"""One training run, from a store to a model."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from vae.errors import ExplorerError, TrainingError
from vae.network.autoencoder import Autoencoder
from vae.network.config import NETWORKS
from vae.network.devices import pick_device
from vae.network.trained import TrainedModel
from vae.progress import progress_bar
from vae.spectra.store import SpectraStore
from vae.training.checkpoint import RunState
from vae.training.data import ResidentSpectra, load
from vae.training.objective import elbo_terms, held_out_loss
from vae.training.options import TrainOptions
from vae.training.recipes import Recipe
from vae.training.split import HELD_OUT_FRACTION


@dataclass(frozen=True)
class TrainSummary:
    """What a run did.

    Parameters
    ----------
    model : Path
        The model folder.
    updates : int
    training_spectra, held_out_spectra : int
    held_out : dict
        Held-out loss at the end; see `vae.training.objective.held_out_loss`.
    seconds : float
        Time spent in updates and evaluations.
    spectra_per_second : float
    device : str
    """

    model: Path
    updates: int
    training_spectra: int
    held_out_spectra: int
    held_out: dict[str, float]
    seconds: float
    spectra_per_second: float
    device: str


def checkpoint_path(out: str | Path) -> Path:
    """Where the checkpoint of an unfinished run lies: beside the model it will become."""
    out = Path(out)
    return out.with_name(f"{out.name}.checkpoint.safetensors")


def train(
    store: str | Path,
    out: str | Path,
    options: TrainOptions | None = None,
    *,
    resume: bool = False,
    quiet: bool = True,
    overwrite: bool = False,
    on_update: Callable[[int], None] | None = None,
) -> TrainSummary:
    """Train a model on a spectra store (or an atlas) and write it.

    Parameters
    ----------
    store, out : str or Path
        The spectra and the model folder to make.
    options : TrainOptions, optional
    resume : bool
        Go on from the checkpoint beside `out`, exactly as if there had been no break (to the bit on one CPU).
    quiet : bool
        No progress bar.
    overwrite : bool
        Replace an existing model.
    on_update : callable, optional
        Called with the number of updates done after each. An exception it raises ends the run like Ctrl-C.

    Returns
    -------
    TrainSummary

    Raises
    ------
    OptionError
        When the options make no sense.
    TrainingError
        When the loss is not finite (the update is named), or there is nothing to resume.
    KeyboardInterrupt
        Passed on; a checkpoint is written first.
    """
    options, out = options or TrainOptions(), Path(out)
    options.check()
    if out.exists() and not overwrite:
        raise ExplorerError("the output exists already", where=out, todo="Choose another --out or remove it first")
    checkpoint = checkpoint_path(out)
    if resume and not checkpoint.exists():
        raise TrainingError("there is no checkpoint to resume", where=checkpoint, todo="Start without --resume")
    if checkpoint.exists() and not (resume or overwrite):
        raise TrainingError(
            "the checkpoint of an unfinished run lies there",
            where=checkpoint,
            todo="Go on with --resume, start anew with --overwrite, or choose another --out",
        )
    spectra = SpectraStore.open(store)
    device = pick_device(options.device)
    with progress_bar(quiet=quiet) as progress:
        progress.add_task("Hashing the store", total=None)
        data_hash = spectra.content_hash()
    training, held_out = load(spectra, device, options.likelihood, quiet=quiet)
    recipe, total = options.resolved_recipe(), options.length(len(training))
    run = _new_run(options, recipe, device)
    # A GPU draws other random numbers; how often a run is saved does not change it.
    identity = {**options.identity(), "device": device.split(":")[0], "total": total, "data": data_hash}
    plan = _Plan(options, recipe, total, training, held_out, checkpoint, identity)
    if resume:
        run.restore(checkpoint, identity)
    try:
        with _interrupts_between_updates() as check_interrupt:
            steps = [check_interrupt] if on_update is None else [on_update, check_interrupt]
            _fit(run, plan, quiet=quiet, after_update=steps)
    except KeyboardInterrupt:
        plan.save(run)
        raise
    metrics = held_out_loss(_network(run), held_out)
    summary = TrainSummary(
        model=out,
        updates=total,
        training_spectra=len(training),
        held_out_spectra=len(held_out),
        held_out=metrics,
        seconds=run.seconds,
        spectra_per_second=total * recipe.batch_size / max(run.seconds, 1e-9),
        device=device,
    )
    meta = _meta(options, recipe, spectra, data_hash, summary, run)
    TrainedModel.from_network(_network(run), meta).save(out, overwrite=overwrite)
    checkpoint.unlink(missing_ok=True)
    return summary


@dataclass(frozen=True)
class _Plan:
    """What a run is to do, and with what."""

    options: TrainOptions
    recipe: Recipe
    total: int
    training: ResidentSpectra
    held_out: ResidentSpectra
    checkpoint: Path
    identity: dict[str, Any]

    def save(self, run: RunState) -> None:
        """Write the checkpoint."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        run.save(self.checkpoint, self.identity)


def _new_run(options: TrainOptions, recipe: Recipe, device: str) -> RunState:
    config = replace(NETWORKS[options.network], latent_dim=options.latent_dim, likelihood=options.likelihood)
    with torch.random.fork_rng(devices=[]):  # initial weights depend on the seed alone; the caller's state stays
        torch.manual_seed(options.seed)
        network = Autoencoder(config)
    network = network.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    return RunState(network, optimizer, torch.Generator(device).manual_seed(options.seed))


@contextmanager
def _interrupts_between_updates() -> Iterator[Callable[[int], None]]:
    """Hold Ctrl-C back until the update in progress is done, so that the checkpoint it leaves resumes exactly."""
    asked: list[int] = []

    def check(update: int) -> None:
        if asked:
            raise KeyboardInterrupt(f"after update {update}")

    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield check
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def _network(run: RunState) -> Autoencoder:
    assert isinstance(run.network, Autoencoder)
    return run.network


def _fit(run: RunState, plan: _Plan, *, quiet: bool, after_update: list[Callable[[int], None]]) -> None:
    """Update, evaluate and save until the plan is done; `run` is where it stands, also when an exception ends it."""
    network = _network(run)
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task("Training", total=plan.total, completed=run.update)
        before = time.perf_counter() - run.seconds
        while run.update < plan.total:
            _update(run, network, plan)
            run.update += 1
            run.seconds = time.perf_counter() - before
            unfinished = run.update < plan.total
            if unfinished and run.update % plan.options.held_out_every == 0:
                run.history.append({"update": run.update, **held_out_loss(network, plan.held_out)})
                progress.update(task, description=f"Training (held out {run.history[-1]['median']:.1f})")
            if unfinished and run.update % plan.options.checkpoint_every == 0:
                plan.save(run)
            progress.update(task, completed=run.update)
            for call in after_update:
                call(run.update)


def _update(run: RunState, network: Autoencoder, plan: _Plan) -> None:
    """Take one step of the optimiser."""
    recipe, total, training = plan.recipe, plan.total, plan.training
    for group in run.optimizer.param_groups:
        group["lr"] = recipe.learning_rate_at(run.update, total)
    rows = training.draw(recipe.batch_size, run.generator)
    deviance, divergence = elbo_terms(network, training.batch(rows), run.generator)
    losses = deviance + recipe.kl_weight_at(run.update, total) * divergence
    if recipe.misfit_limit is not None:
        losses = losses * (recipe.misfit_limit / deviance.detach()).clamp(max=1.0)
    loss = losses.mean()
    run.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    limit = float("inf") if recipe.clip_norm is None else recipe.clip_norm
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), limit)
    if not torch.isfinite(loss.detach() + norm):  # before the weights are touched: the last checkpoint stays good
        raise TrainingError(
            f"the loss is {loss.item():g} and its gradient {norm.item():g} at update {run.update + 1}",
            todo="Look for spectra with impossible values, or start again with another --seed",
        )
    run.optimizer.step()


def _meta(
    options: TrainOptions,
    recipe: Recipe,
    spectra: SpectraStore,
    data_hash: str,
    summary: TrainSummary,
    run: RunState,
) -> dict[str, Any]:
    return {
        "command": shlex.join(["python", *sys.argv]),
        "training": {
            "recipe": options.recipe,
            "likelihood": options.likelihood,
            "network": options.network,
            "seed": options.seed,
            "device": summary.device,
            "updates": summary.updates,
            "seconds": round(summary.seconds, 1),
            **{name: value for name, value in asdict(recipe).items() if name not in ("updates", "training_epochs")},
        },
        "data": {
            "content_sha256": data_hash,
            "simulated": spectra.simulated,
            "detections": len(spectra),
            "training_spectra": summary.training_spectra,
            "held_out_spectra": summary.held_out_spectra,
            "held_out_fraction_of_sources": HELD_OUT_FRACTION,
            "provenance": spectra.meta.get("provenance", {}),
        },
        "metrics": {
            "held_out_loss": summary.held_out,
            "held_out_loss_is": "negative ELBO relative to a saturated model, nats",
            "history": run.history,
        },
        "libraries": {name: version(name) for name in ("numpy", "safetensors", "torch", "zarr")},
    }
