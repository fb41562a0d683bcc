"""What a trial is judged by: held-out loss, how well its latents keep spectra apart, and what leaks into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsRegressor

from vae.errors import ExplorerError
from vae.evaluation.intervals import scores
from vae.evaluation.leakage import corrected_hardness
from vae.evaluation.pulls import halves
from vae.evaluation.representations import hardness_ratios
from vae.evaluation.rows import read_rows, take
from vae.evaluation.separation import LEAST_ROWS, NEIGHBOURS, Split, balanced_split, separation
from vae.network import TrainedModel
from vae.spectra.store import Block, SpectraStore
from vae.training import is_held_out

Array = NDArray[Any]
Score = dict[str, Any]

#: Objectives in the order of a trial's values, and whether more is better.
OBJECTIVES: Final = {"held_out_loss": False, "quality": True, "leakage": False}

#: Net counts between which classes are told apart (DESIGN); fainter spectra judge nothing here.
_BAND: Final = (300.0, 1000.0)
#: Rows used at most: for classes (before they are evened out) and for the other figures.
_CLASS_ROWS, _ROWS = 20_000, 6000
_PER_CLASS: Final = 900
#: Rows of a class in the test of classes: few well-known classes are a steadier judge than many with a handful each, so
#: the second is tried only where the first leaves fewer than two classes.
_LEAST_PER_CLASS: Final = (200, LEAST_ROWS)
#: Rows without which the figures would be noise.
_LEAST_ROWS: Final = 40
#: Share of the rows whose mean predicts a nuisance. Of 6000 rows it is 200: 0.5 % more variance than that of the true
#: mean, so that a leak of a percent is seen, and local enough for what latents carry.
_REGRESSION_SHARE: Final = 1 / 30
_FOLDS: Final = 5


@dataclass(frozen=True)
class HeldOut:
    """Held-out spectra above 300 net counts, and what is known of them.

    Parameters
    ----------
    block : Block
        n spectra.
    source_id : array of int64, shape (n,)
    nuisances : dict of array, shape (n,)
        Log of the net counts, and off-axis angle [arcmin] where the store knows it.
    labels : array of str, shape (n,), optional
        True classes; None where there are none to be told apart.
    split : Split, optional
        Rows of the test of classes, where there is one.
    why_not : str, optional
        Why classes are not asked about.
    seed : int
    """

    block: Block
    source_id: Array
    nuisances: Mapping[str, Array]
    labels: Array | None = None
    split: Split | None = None
    why_not: str | None = None
    seed: int = 0

    @classmethod
    def read(cls, store: SpectraStore, *, seed: int = 0) -> HeldOut:
        """Read them from a store.

        Raises
        ------
        ExplorerError
            When there are too few.
        """
        table = store.detections
        net = table["net_counts"].to_numpy(np.float64)
        rows = np.flatnonzero(is_held_out(table["source_id"].to_numpy()) & (net > _BAND[0]))
        if rows.size < _LEAST_ROWS:
            raise ExplorerError(
                f"only {rows.size} held-out spectra have more than {_BAND[0]:.0f} net counts, {_LEAST_ROWS} are needed",
                where=store.path,
                todo="Tune on a larger store",
            )
        if rows.size > _CLASS_ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _CLASS_ROWS, replace=False))
        table, net = table.iloc[rows], net[rows]
        nuisances = {"log_net_counts": np.log10(net)}
        offaxis = table["offaxis_arcmin"].to_numpy(np.float64, na_value=np.nan)
        if np.isfinite(offaxis).all() and np.ptp(offaxis) > 0:
            nuisances["offaxis_arcmin"] = offaxis
        source_id = table["source_id"].to_numpy()
        spectra = cls(read_rows(store, rows), source_id, nuisances, seed=seed)
        if table["true_class"].isna().any():
            return replace(spectra, why_not="the store has no true classes")
        labels = table["true_class"].astype("str").to_numpy(dtype=str)
        band = np.flatnonzero(net <= _BAND[1])
        why_not = ""
        for least in _LEAST_PER_CLASS:
            try:
                split = balanced_split(labels, source_id, band, most=_PER_CLASS, least=least, seed=seed)
            except ExplorerError as error:
                why_not = error.what
            else:
                return replace(spectra, labels=labels, split=split)
        return replace(spectra, why_not=why_not)

    def __len__(self) -> int:
        return len(self.block)

    @cached_property
    def hardness(self) -> Array:
        """Four hardness ratios, shape (n, 4)."""
        return hardness_ratios(self.block)

    @cached_property
    def few(self) -> NDArray[np.int64]:
        """Rows for the figures that need no classes."""
        if len(self) <= _ROWS:
            return np.arange(len(self))
        return np.sort(np.random.default_rng(self.seed).choice(len(self), _ROWS, replace=False))

    @cached_property
    def halves(self) -> tuple[Block, Block]:
        """The rows `few`, each exposure split into two at random, source and background alike."""
        return halves(take(self.block, self.few), np.random.default_rng(self.seed))

    @cached_property
    def unexplained(self) -> dict[str, Array]:
        """What hardness ratios do not tell of each nuisance, over the rows `few`: residuals of other folds' fits.

        Ratios free of the instrument, as the latents mean to be: from raw ones and the latents together anything could
        tell the instrument.
        """
        ratios = corrected_hardness(take(self.block, self.few))
        out = {}
        for name, values in self.nuisances.items():
            regressor = HistGradientBoostingRegressor(max_iter=60, random_state=0)
            out[name] = values[self.few] - _predicted(regressor, ratios, values[self.few], self.source_id[self.few])
        return out


def judge(model: TrainedModel, spectra: HeldOut, held_out_loss: float) -> dict[str, Score]:
    """Return the objectives of a trained model, name to score.

    Parameters
    ----------
    model : TrainedModel
    spectra : HeldOut
    held_out_loss : float
        The 5 %-trimmed mean over the held-out spectra [nats].

    Returns
    -------
    dict
        Each of `OBJECTIVES` with `value`, and `low` and `high` (95 %, sources resampled) where it is a score; `is`
        says what `quality` is; `hardness_ratios` has the same figure for four hardness ratios.
    """
    latents = _encode(model, spectra.block)
    return {
        "held_out_loss": {"value": held_out_loss},
        "quality": _apart(latents, spectra) if spectra.split is not None else _consistency(model, spectra),
        "leakage": leakage(latents[spectra.few], spectra.unexplained, spectra.source_id[spectra.few], spectra.seed),
    }


def leakage(latents: Array, unexplained: Mapping[str, Array], source_id: Array, seed: int = 0) -> Score:
    """Return how much of the nuisances the latents predict beyond what is already accounted for.

    Parameters
    ----------
    latents : array, shape (n, d)
    unexplained : mapping of array, shape (n,)
        Nuisances less what hardness ratios tell of them.
    source_id : array, shape (n,)
        No source is in two folds.

    Returns
    -------
    dict
        `value`: the mean over the nuisances of R^2 = 1 - sum (v - prediction)^2 / sum (v - mean)^2 of predictions from
        other folds by the nearest neighbours in latent space; below zero counts as zero. `low`, `high`, and
        `nuisances`, R^2 of each.
    """
    scaled = latents / np.maximum(latents.std(0), 1e-12)
    size = max(round(_REGRESSION_SHARE * len(latents)), min(10, len(latents) // 2))
    truth = np.stack(list(unexplained.values()), axis=1)
    predicted = _predicted(KNeighborsRegressor(size), scaled, truth, source_id)

    def explained(rows: NDArray[np.int64]) -> Array:
        values, errors = truth[rows], truth[rows] - predicted[rows]
        spread = ((values - values.mean(0)) ** 2).sum(0)
        single = np.maximum(1.0 - (errors**2).sum(0) / np.maximum(spread, 1e-30), 0.0)
        return np.append(single.mean(), single)

    found = scores(("all", *unexplained), explained, source_id, seed=seed)
    return {**found.pop("all"), "nuisances": found}


def shared_neighbours(first: Array, second: Array, source_id: Array, seed: int = 0) -> Score:
    """Return which share of the nearest neighbours two sets of positions have in common.

    Parameters
    ----------
    first, second : array, shape (n, d)
        Positions of the same spectra.
    source_id : array, shape (n,)

    Returns
    -------
    dict
        `value` (1: the same neighbours), `low`, `high`, `chance`, `neighbours`.
    """
    size = min(NEIGHBOURS, max(len(first) // 10, 1))
    near = []
    for positions in (first, second):
        scaled = positions / np.maximum(positions.std(0), 1e-12)
        near.append(cKDTree(scaled).query(scaled, k=size + 1)[1])
    own = np.arange(len(first))[:, None]
    # A row is its own nearest neighbour, or one of several at the same position: it counts for nothing.
    common = np.array([np.intersect1d(a[a != i], b[b != i]).size for i, a, b in zip(own[:, 0], *near, strict=True)])
    share = np.minimum(common / size, 1.0)
    found = scores(("value",), lambda rows: np.array([share[rows].mean()]), source_id, seed=seed)["value"]
    return {**found, "chance": size / max(len(first) - 1, 1), "neighbours": size}


def _apart(latents: Array, spectra: HeldOut) -> Score:
    assert spectra.split is not None
    assert spectra.labels is not None
    known = {"latents": latents.astype(np.float64), "hardness_ratios": spectra.hardness}
    found = separation(known, spectra.labels, spectra.source_id, spectra.split, against="latents", seed=spectra.seed)
    plain = {
        name: {"value": score["balanced_accuracy"], "low": score["low"], "high": score["high"]}
        for name, score in found.items()
    }
    return {
        **plain["latents"],
        "is": "kNN balanced accuracy",
        "chance": 1.0 / len(spectra.split.classes),
        "classes": spectra.split.classes.tolist(),
        "hardness_ratios": plain["hardness_ratios"],
    }


def _consistency(model: TrainedModel, spectra: HeldOut) -> Score:
    source_id = spectra.source_id[spectra.few]
    first, second = (_encode(model, half) for half in spectra.halves)
    ratios, other_ratios = (hardness_ratios(half) for half in spectra.halves)
    return {
        **shared_neighbours(first, second, source_id, spectra.seed),
        "is": "neighbours shared by two halves of each exposure",
        "hardness_ratios": shared_neighbours(ratios, other_ratios, source_id, spectra.seed),
    }


def _predicted(regressor: Any, inputs: Array, values: Array, source_id: Array) -> Array:
    """Predict each row from the other folds."""
    out = np.empty(values.shape)
    for fit, test in GroupKFold(_FOLDS).split(inputs, values, source_id):
        out[test] = regressor.fit(inputs[fit], values[fit]).predict(inputs[test])
    return out


def _encode(model: TrainedModel, block: Block) -> Array:
    return model.encode_arrays(block.counts, block.background_counts, block.background_ratio, block.sensitivity)[0]
