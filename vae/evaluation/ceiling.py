"""What a plane could keep at best: a bottleneck taught with the true classes, a ceiling for any that was not."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vae.errors import ExplorerError
from vae.evaluation.paired import log_uniform
from vae.evaluation.rows import take
from vae.network.scaling import scale_input
from vae.spectra import grid
from vae.spectra.statistics import net_summary
from vae.spectra.store import Block

Array = NDArray[Any]

#: Hidden layers, spectra of an update, and the learning rate at its highest.
_HIDDEN: Final = (256, 256)
_BATCH: Final = 512
_RATE: Final = 1e-3
#: Share of the sources that are watched; updates between looks; looks without gain after which it stops.
_WATCHED: Final = 0.15
_LOOK_EVERY: Final = 50
_PATIENCE: Final = 10
#: Gaussian noise on the standardised bottleneck while it is taught: classes must lie apart, not on a hair's breadth.
_NOISE: Final = 0.1
#: Dropout between layers, and how far labels are from certain.
_DROPOUT: Final = 0.25
_SMOOTHING: Final = 0.1
#: Net counts of the test of classes (DESIGN).
NET_COUNTS: Final = (300.0, 1000.0)


def supervised_embedding(
    training: Block,
    labels: Array,
    source_id: Array,
    test: Block,
    *,
    dimension: int = 2,
    classes: Collection[str] | None = None,
    net_counts: tuple[float, float] = NET_COUNTS,
    updates: int = 1000,
    seed: int = 0,
) -> tuple[Array, dict[str, Any]]:
    """Teach a network 238-256-256-d-classes the classes of some sources, and return the bottleneck of others.

    Every class is drawn equally often, each spectrum every time with other counts left out; what is kept is the state
    that told the classes of watched sources, never taught, apart best.

    Parameters
    ----------
    training : Block
        Spectra of training sources, as bright as those of the test or brighter.
    labels, source_id : array, shape (n_training,)
    test : Block
    dimension : int
        Of the bottleneck.
    classes : collection of str, optional
        Those that the test asks about; all if not given.
    net_counts : tuple of float
        Range of the test's: brighter spectra are thinned to it, log-uniform.
    updates : int
        At most.
    seed : int

    Returns
    -------
    embedding : array of float64, shape (n_test, dimension)
    about : dict
        `classes`, `taught`, `watched` (spectra), `updates` (where the best was) and `watched_accuracy`, the balanced
        accuracy of its own classification there.

    Raises
    ------
    ExplorerError
        When there are fewer than two classes on either side.
    """
    chosen = np.flatnonzero(np.isin(labels.astype(str), list(labels.astype(str) if classes is None else classes)))
    training, source_id = take(training, chosen), source_id[chosen]
    names, code = np.unique(labels[chosen].astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    sources = np.unique(source_id)
    watched = np.isin(source_id, rng.permutation(sources)[: max(int(_WATCHED * sources.size), 1)])
    sides = [np.unique(code[side]).size for side in (watched, ~watched)]
    if min(sides) < 2:
        raise ExplorerError(
            f"{names.size} classes among {len(code)} spectra cannot be taught and watched",
            todo="Evaluate a larger atlas",
        )
    taught_block = take(training, ~watched)
    net = _net(taught_block)
    watched_inputs = _inputs(_thinned(take(training, watched), _net(take(training, watched)), net_counts, rng))
    taught = code[~watched]
    share = 1.0 / np.bincount(taught, minlength=names.size).clip(1)[taught]
    cumulative = np.cumsum(share) / share.sum()
    cumulative[-1] = 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _Bottleneck(dimension, names.size)
        optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=updates)
        best, kept, kept_at = -1.0, network.state_dict(), 0
        y = torch.from_numpy(taught)
        for update in range(1, updates + 1):
            rows = np.searchsorted(cumulative, rng.random(_BATCH))
            x = _inputs(_thinned(take(taught_block, rows), net[rows], net_counts, rng))
            loss = nn.functional.cross_entropy(network(x), y[torch.from_numpy(rows)], label_smoothing=_SMOOTHING)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
            optimiser.step()
            schedule.step()
            if update % _LOOK_EVERY == 0 or update == updates:
                accuracy = _accuracy(network, watched_inputs, code[watched])
                if accuracy > best:
                    best, kept, kept_at = accuracy, deepcopy(network.state_dict()), update
                elif update - kept_at >= _PATIENCE * _LOOK_EVERY:
                    break
        network.load_state_dict(kept)
    network.eval()
    with torch.inference_mode():
        embedding = network.embed(_inputs(test)).double().numpy()
    about = {
        "classes": names.tolist(),
        "taught": len(taught),
        "watched": int(watched.sum()),
        "updates": kept_at,
        "watched_accuracy": best,
    }
    return embedding, about


class _Bottleneck(nn.Module):
    def __init__(self, dimension: int, n_classes: int) -> None:
        super().__init__()
        width, inner = grid.N_BINS, []
        for hidden in _HIDDEN:
            inner += [nn.Linear(width, hidden), nn.SiLU(), nn.Dropout(_DROPOUT)]
            width = hidden
        self.layers = nn.Sequential(*inner, nn.Linear(width, dimension))
        self.scale = nn.BatchNorm1d(dimension, affine=False)
        # A plane cannot be cut into more than a few classes by straight lines: the classes are read off by a network.
        self.head = nn.Sequential(nn.Linear(dimension, 64), nn.SiLU(), nn.Linear(64, n_classes))

    def embed(self, x: Tensor) -> Tensor:
        """Return the standardised bottleneck, (n, dimension)."""
        out: Tensor = self.scale(self.layers(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of the classes, (n, n_classes)."""
        z = self.embed(x)
        if self.training:
            z = z + _NOISE * torch.randn_like(z)
        out: Tensor = self.head(z)
        return out


def _net(block: Block) -> Array:
    summary = net_summary(block.counts, block.background_counts, block.background_ratio)
    return np.asarray(summary["net_counts"], np.float64)


def _inputs(block: Block) -> Tensor:
    arrays = (block.counts, block.background_counts, block.background_ratio, block.sensitivity)
    return torch.from_numpy(np.ascontiguousarray(scale_input(*arrays), np.float32))


def _thinned(block: Block, net: Array, net_counts: tuple[float, float], rng: np.random.Generator) -> Block:
    """Leave counts out until about as many are left as a spectrum of the test has: none is learnt by heart."""
    wanted = log_uniform(rng, net_counts, len(block))
    kept = np.clip(wanted / np.maximum(net, 1.0), 0.0, 1.0)[:, None]
    whole = (np.rint(values).astype(np.int64) for values in (block.counts, block.background_counts))
    counts, under = (rng.binomial(values, kept) for values in whole)
    return replace(block, counts=counts, background_counts=under)


def _accuracy(network: _Bottleneck, x: Tensor, code: NDArray[np.int64]) -> float:
    """Balanced accuracy of the network's own classification."""
    network.eval()
    with torch.inference_mode():
        right = network(x).argmax(1).numpy() == code
    network.train()
    totals = np.bincount(code)
    hits = np.bincount(code, right)
    return float(np.mean(hits[totals > 0] / totals[totals > 0]))
