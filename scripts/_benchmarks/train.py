"""Training: spectra a second, beside the rate of matrix products and beside a plain loop; updates to a given loss."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from _benchmarks.plain_loop import PlainLoop
from vae.errors import OptionError
from vae.network import TrainedModel
from vae.simulate import SimulateOptions, build_store
from vae.training import TrainOptions, train
from vae.training.distributed import Ranks
from vae.training.fit import new_run
from vae.training.prepared import Prepared, prepare

#: Largest product of the reference network: a hidden layer on a batch; and a square one, where libraries are best.
_OWN: Final = (1024, 256, 256)
_SQUARE: Final = (2048, 2048, 2048)
#: Rounds a repeat; in each, every way takes its turn, so that whatever else the machine does meets all of them.
_ROUNDS: Final = 10
_STEPS: Final = 4
#: Lengths [updates] that the default recipe is tried at.
_LENGTHS: Final = (2_500, 5_000, 8_000, 10_000)


def measure(
    detections: int,
    seed: int,
    repeat: int,
    scratch: Path | None,
    *,
    store: Path | None = None,
    seed_run: Path | None = None,
    lengths: tuple[int, ...] = _LENGTHS,
) -> dict[str, Any]:
    """Measure the step of the default recipe.

    Parameters
    ----------
    detections, seed : int
        Of the store to simulate.
    repeat : int
        Times ten rounds; medians are reported.
    scratch : Path, optional
        Where the store is built, and removed.
    store : Path, optional
        A store to use instead.
    seed_run : Path, optional
        A model that the seed recipe made from `store`: also find the shortest of `lengths` at which the default recipe
        reaches its held-out loss.
    lengths : tuple of int

    Returns
    -------
    dict
        Rates, ratios, and what they refer to.
    """
    if seed_run is not None and store is None:
        raise OptionError("--seed-run needs the store it was trained on", todo="Name it with --store")
    with tempfile.TemporaryDirectory(dir=scratch, prefix="benchmark-") as folder:
        if store is None:
            store = Path(folder) / "store"
            build_store(SimulateOptions(detections=detections, seed=seed), store, quiet=True)
        options = TrainOptions(device="cpu", seed=seed)
        figures = _step(options, prepare(store, options.likelihood, "cpu"), repeat)
        if seed_run is not None:
            figures["updates_to_reach_the_seed"] = _reach(seed_run, store, Path(folder), seed, lengths)
    return figures


def _step(options: TrainOptions, prepared: Prepared, repeat: int) -> dict[str, Any]:
    """Let every way take its turns."""
    recipe, spectra = options.resolved_recipe(), prepared.training
    _, updater = new_run(options, recipe, options.length(len(spectra)), prepared, Ranks())
    config = updater.objective.network.config
    plain = [PlainLoop(spectra, config, recipe.batch_size, options.seed, by_response=way) for way in (False, True)]
    own, square = _product(_OWN), _product(_SQUARE)
    ways: dict[str, tuple[Callable[[], Any], int]] = {
        "step": (lambda: updater(0), _STEPS),
        "own_product": (own, 10 * _STEPS),
        "square_product": (square, 1),
        "plain": (plain[0].step, 1),
        "plain_by_response": (plain[1].step, 1),
    }
    for call, _ in ways.values():
        call()
    with FlopCounterMode(display=False) as counter:
        updater(0)
    flops = counter.get_total_flops()
    wall: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat * _ROUNDS):
        for name, (call, times) in ways.items():
            start = time.perf_counter(), time.process_time()
            for _ in range(times):
                call()
            wall[name].append((time.perf_counter() - start[0]) / times)
            busy[name].append((time.process_time() - start[1]) / times)
    return {
        "spectra": len(spectra),
        "batch_size": recipe.batch_size,
        "likelihood": options.likelihood,
        "threads": torch.get_num_threads(),
        "flops_per_spectrum": round(flops / recipe.batch_size),
        "rounds": repeat * _ROUNDS,
        **_ratios(wall, flops, recipe.batch_size),
        "by_processor_time": _ratios(busy, flops, recipe.batch_size),
    }


def _ratios(seconds: dict[str, list[float]], flops: int, batch_size: int) -> dict[str, Any]:
    """Turn times into rates, and those into ratios."""
    median = {name: statistics.median(values) for name, values in seconds.items()}
    gflops = {
        "step": flops / median["step"] / 1e9,
        "own": 2e-9 * _OWN[0] * _OWN[1] * _OWN[2] / median["own_product"],
        "square": 2e-9 * _SQUARE[0] * _SQUARE[1] * _SQUARE[2] / median["square_product"],
    }
    return {
        "spectra_per_s": round(batch_size / median["step"], 1),
        "ms_per_update": round(1e3 * median["step"], 2),
        "step_gflop_per_s": round(gflops["step"], 1),
        f"matmul_{'x'.join(map(str, _OWN))}_gflop_per_s": round(gflops["own"], 1),
        f"matmul_{'x'.join(map(str, _SQUARE))}_gflop_per_s": round(gflops["square"], 1),
        "ratio_to_matmul": round(gflops["step"] / gflops["own"], 3),
        "ratio_to_square_matmul": round(gflops["step"] / gflops["square"], 3),
        "plain_loop_spectra_per_s": round(batch_size / median["plain"], 1),
        "plain_loop_by_response_spectra_per_s": round(batch_size / median["plain_by_response"], 1),
        "ratio_to_plain_loop": round(median["plain"] / median["step"], 2),
        "ratio_to_plain_loop_by_response": round(median["plain_by_response"] / median["step"], 2),
    }


def _product(shape: tuple[int, int, int]) -> Callable[[], Any]:
    n, inner, m = shape
    generator = torch.Generator().manual_seed(1)
    left, right = torch.rand(n, inner, generator=generator), torch.rand(inner, m, generator=generator)
    out = torch.empty(n, m)
    return lambda: torch.mm(left, right, out=out)


def _reach(seed_run: Path, store: Path, folder: Path, seed: int, lengths: tuple[int, ...]) -> dict[str, Any]:
    """Train the default recipe at growing lengths until it is as good as the seed's run at its end."""
    model = TrainedModel.load(seed_run)
    meta = model.meta
    training, goal = meta["training"], meta["metrics"]["held_out_loss"]
    likelihood = training["likelihood"]
    prepared = prepare(store, likelihood, "cpu")
    if prepared.content_hash != meta["data"]["content_sha256"]:
        raise OptionError(f"{seed_run} was trained on another store than {store}", todo="Name its store with --store")
    tried, reached = [], None
    for length in lengths:
        options = TrainOptions(
            updates=length,
            likelihood=likelihood,
            network=training["network"],
            latent_dim=model.config.latent_dim,
            seed=seed,
            device="cpu",
            held_out_every=length,
        )
        done = train(store, folder / f"default-{length}", options, prepared=prepared)
        tried.append({"updates": length, **done.held_out, "seconds": round(done.seconds, 1)})
        if all(done.held_out[name] <= goal[name] for name in ("median", "trimmed_mean")):
            reached = length
            break
    seen = training["updates"] * training["batch_size"]
    return {
        "seed": {"updates": training["updates"], "spectra_seen": seen, **goal},
        "default": tried,
        "reached_after_updates": reached,
        "spectra_seen": None if reached is None else reached * options.resolved_recipe().batch_size,
        "times_fewer": None if reached is None else round(seen / (reached * options.resolved_recipe().batch_size), 2),
    }
