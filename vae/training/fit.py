"""One training run, from a store to a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from vae.errors import ExplorerError, TrainingError
from vae.files import new_file
from vae.network.autoencoder import Autoencoder
from vae.network.config import NETWORKS
from vae.network.devices import pick_device
from vae.network.trained import TrainedModel
from vae.training.averaging import Averaging
from vae.training.checkpoint import RunState
from vae.training.description import describe
from vae.training.distributed import Ranks, process_group
from vae.training.interrupts import interrupts_held
from vae.training.monitor import Monitor, monitor
from vae.training.objective import Objective, held_out_loss
from vae.training.options import TrainOptions
from vae.training.prepared import Prepared, prepare
from vae.training.recipes import Recipe
from vae.training.step import Updater, products
from vae.training.summary import TrainSummary
from vae.training.templates import fill_templates
from vae.training.thinning import Exposures


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
    prepared: Prepared | None = None,
    on_update: Callable[[int], None] | None = None,
) -> TrainSummary:
    """Train a model on a spectra store (or an atlas) and write it.

    Where torchrun started several processes, each calls this with the same arguments; the first one writes.

    Parameters
    ----------
    store, out : str or Path
        The spectra and the model folder to make.
    options : TrainOptions, optional
    resume : bool
        Go on from the checkpoint beside `out`, exactly as if there had been no break (to the bit on one CPU).
    quiet : bool
        No progress display.
    overwrite : bool
        Replace an existing model.
    prepared : Prepared, optional
        The store made ready by `vae.training.prepared.prepare`, where many runs use the same.
    on_update : callable, optional
        Called with the number of updates done after each. An exception it raises ends the run; KeyboardInterrupt like
        Ctrl-C.

    Returns
    -------
    TrainSummary

    Raises
    ------
    OptionError
        When the options make no sense.
    TrainingError
        When the loss is not finite (the update and the spectra are named), or there is nothing to resume.
    KeyboardInterrupt
        After Ctrl-C; a checkpoint is written first.
    """
    options, out = options or TrainOptions(), Path(out)
    options.check()
    checkpoint = checkpoint_path(out)
    _check_outputs(out, checkpoint, resume=resume, overwrite=overwrite)
    recipe = options.resolved_recipe()
    with process_group(pick_device(options.device)) as (ranks, device), products(recipe.precision):
        quiet = quiet or not ranks.writes
        if prepared is None:
            prepared = prepare(store, options.likelihood, device, quiet=quiet)
        prepared.check(options.likelihood, device)
        total = options.length(len(prepared.training))
        run, updater = new_run(options, recipe, total, prepared, ranks)
        # A GPU draws other random numbers, and so would another share of the work.
        identity = {**options.identity(), "device": device.split(":")[0], "total": total, "data": prepared.content_hash}
        plan = _Plan(options, total, prepared, ranks, checkpoint, identity)
        if resume:
            run.restore(checkpoint, identity)
        try:
            _fit(run, updater, plan, quiet=quiet, on_update=on_update)
        except KeyboardInterrupt:
            plan.save(run)
            raise
        summary = TrainSummary(
            model=out,
            updates=total,
            training_spectra=len(prepared.training),
            held_out_spectra=prepared.held_out_spectra,
            held_out={name: value for name, value in run.history[-1].items() if name not in ("update", "training")},
            seconds=run.seconds,
            spectra_per_second=total * recipe.batch_size / max(run.seconds, 1e-9),
            device=device,
            processes=ranks.size,
        )
        if ranks.writes:
            _save(run, out, describe(options, prepared, summary, run.history), overwrite=overwrite)
            checkpoint.unlink(missing_ok=True)
    return summary


def _check_outputs(out: Path, checkpoint: Path, *, resume: bool, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise ExplorerError("the output exists already", where=out, todo="Choose another --out or remove it first")
    if resume and not checkpoint.exists():
        raise TrainingError("there is no checkpoint to resume", where=checkpoint, todo="Start without --resume")
    if checkpoint.exists() and not (resume or overwrite):
        raise TrainingError(
            "the checkpoint of an unfinished run lies there",
            where=checkpoint,
            todo="Go on with --resume, start anew with --overwrite, or choose another --out",
        )


@dataclass(frozen=True)
class _Plan:
    """What a run is to do, and with what."""

    options: TrainOptions
    total: int
    prepared: Prepared
    ranks: Ranks
    checkpoint: Path
    identity: dict[str, Any]

    def save(self, run: RunState) -> None:
        """Write the checkpoint."""
        if self.ranks.writes:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            run.save(self.checkpoint, self.identity)


def new_run(
    options: TrainOptions, recipe: Recipe, total: int, prepared: Prepared, ranks: Ranks
) -> tuple[RunState, Updater]:
    """Set everything up at update 0."""
    config = replace(NETWORKS[options.network], latent_dim=options.latent_dim, likelihood=options.likelihood)
    with torch.random.fork_rng(devices=[]):  # initial weights depend on the seed alone; the caller's state stays
        torch.manual_seed(options.seed)
        network = Autoencoder(config)
    spectra = prepared.training
    fill_templates(network, spectra)  # only where they are not trained
    objective = Objective.of(network.to(spectra.device), recipe, spectra, options.seed, ranks)
    parameters = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    generator = torch.Generator(spectra.device).manual_seed(options.seed)
    averaging = None if recipe.averaging is None else Averaging(objective, recipe.averaging)
    exposures = Exposures.load(prepared.store, spectra) if recipe.consistency or recipe.sleep else None
    updater = Updater(objective, optimizer, generator, recipe, total, spectra, exposures, averaging, ranks)
    return RunState(objective, optimizer, generator, averaging), updater


def _fit(run: RunState, updater: Updater, plan: _Plan, *, quiet: bool, on_update: Callable[[int], None] | None) -> None:
    """Update, evaluate and save until the plan is done; `run` is where it stands, also when an exception ends it."""
    options = plan.options
    tensorboard = options.tensorboard if plan.ranks.writes else None
    with monitor(plan.total, quiet=quiet, tensorboard=tensorboard) as display, interrupts_held() as asked:
        display.start(run.update, run.history)
        before = time.perf_counter() - run.seconds
        while run.update < plan.total:
            loss, stop = updater(run.update, bool(asked))
            run.update += 1
            run.seconds = time.perf_counter() - before
            run.recent = [run.recent[0] + loss, run.recent[1] + 1]
            display.trained(run.update, loss)
            unfinished = run.update < plan.total
            if not unfinished or run.update % options.held_out_every == 0:
                _evaluate(run, plan, display)
            if unfinished and run.update % options.checkpoint_every == 0:
                plan.save(run)
            if on_update is not None:
                on_update(run.update)
            if stop or (asked and plan.ranks.size == 1):
                raise KeyboardInterrupt(f"after update {run.update}")
        run.seconds = time.perf_counter() - before


def _evaluate(run: RunState, plan: _Plan, display: Monitor) -> None:
    """Add an entry to the history: the losses since the last one, and the held-out loss."""
    training = run.recent[0] / max(run.recent[1], 1.0)
    run.recent = [0.0, 0.0]
    objective = _objective(run)
    held_out: dict[str, float] = {}
    if plan.ranks.writes:
        with _averaged(run):
            held_out = held_out_loss(objective.network, plan.prepared.held_out, objective.prior)
    run.history.append({"update": run.update, "training": training, **held_out})
    if plan.ranks.writes:
        display.evaluated(run.history[-1])


def _save(run: RunState, out: Path, meta: dict[str, Any], *, overwrite: bool) -> None:
    """Write the model, and beside its weights what else was trained."""
    with _averaged(run):
        TrainedModel.from_network(_objective(run).network, meta).save(out, overwrite=overwrite)
        state = run.objective.state_dict()
        rest = {name: values.cpu() for name, values in state.items() if not name.startswith("network.")}
    if rest:
        with new_file(out / "objective.safetensors") as work:
            save_file(rest, work)


def _objective(run: RunState) -> Objective:
    assert isinstance(run.objective, Objective)
    return run.objective


@contextmanager
def _averaged(run: RunState) -> Iterator[None]:
    """Put averaged weights in place, where the recipe asks for them."""
    with nullcontext() if run.averaging is None else run.averaging.applied():
        yield
