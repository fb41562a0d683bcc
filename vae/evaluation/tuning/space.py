"""What can be searched: one table of settings, with the values each may take and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from vae.evaluation.tuning.options import TuneOptions
from vae.network.config import NETWORKS
from vae.training import RECIPES, TrainOptions
from vae.training.recipes import updates_of

#: The recipe that trial 0 follows unchanged and every other trial starts from.
BASELINE: Final = "default"


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Parameters
    ----------
    name : str
        Field of `Recipe`, or of `TrainOptions` where `group` is network; any name where `means` says what is meant.
    group : str
        recipe or network: which ``--space`` it belongs to.
    distribution : BaseDistribution
        Values it may take; the default recipe's is always among them.
    why : str
        What it may change, for the report.
    means : mapping, optional
        For a choice that stands for several fields at once: the fields of each choice that it changes.
    """

    name: str
    group: str
    distribution: BaseDistribution
    why: str
    means: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def values(self) -> str:
        """What it may be, in words."""
        if isinstance(self.distribution, FloatDistribution):
            span = f"{self.distribution.low:g}–{self.distribution.high:g}"
            return f"{span}, logarithmic" if self.distribution.log else span
        if isinstance(self.distribution, CategoricalDistribution):
            return " · ".join(str(v).replace("None", "none").replace("_", " ") for v in self.distribution.choices)
        return str(self.distribution)


def _one_of(*choices: Any) -> CategoricalDistribution:
    return CategoricalDistribution(choices)


def _log(low: float, high: float) -> FloatDistribution:
    return FloatDistribution(low, high, log=True)


#: Free bits count nats by dimension, which a mixture prior does not have: one choice for both.
_KL_TERMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "gaussian": {},
    "gaussian, 0.05 free bits": {"free_bits": 0.05},
    "gaussian, 0.25 free bits": {"free_bits": 0.25},
    "vamp": {"prior": "vamp"},
}

#: Everything that can be searched.
SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("learning_rate", "recipe", _log(1e-4, 1e-2), "too small is slow, too large forgets rare spectra"),
    Setting("schedule", "recipe", _one_of("one_cycle", "constant"), "falling rates settle, constant ones keep moving"),
    Setting(
        "batch_size", "recipe", _one_of(256, 512, 1024, 2048), "more updates, or steadier ones, of as many spectra"
    ),
    Setting("warm_up_fraction", "recipe", FloatDistribution(0.0, 0.6), "a late KL term keeps dimensions from collapse"),
    Setting("misfit_limit", "recipe", _one_of(None, 100.0, 300.0, 1000.0), "how much bright misfits steer"),
    Setting("clip_norm", "recipe", _one_of(None, 10.0, 100.0, 1000.0), "how much a single batch may steer"),
    Setting("weight_decay", "recipe", _log(1e-4, 1e-1), "smoother networks"),
    Setting("averaging", "recipe", _one_of(None, 0.99, 0.999), "averaged weights are quieter than the last ones"),
    Setting("kl_term", "recipe", _one_of(*_KL_TERMS), "room for each dimension, or for the archive's shape", _KL_TERMS),
    Setting("consistency", "recipe", _one_of(0.0, 0.1, 1.0), "halves of one exposure should land together"),
    Setting("sleep", "recipe", _one_of(0.0, 0.1, 1.0), "spectra that the decoder draws teach the encoder its errors"),
    Setting("cluster", "recipe", _one_of(0.0, 0.01, 0.1), "sharper clusters, if they are there"),
    Setting("network", "network", _one_of(*NETWORKS), "kind and sizes of the network"),
)


def settings(options: TuneOptions) -> list[Setting]:
    """Return the rows of the table that a study searches, the latent dimension's included."""
    rows = [row for row in SETTINGS if options.space in ("all", row.group)]
    if len(options.latent_dim) > 1:
        dims = _one_of(*options.latent_dim)
        rows.append(Setting("latent_dim", "network", dims, "numbers that describe a spectrum"))
    return rows


def baseline_values(options: TuneOptions) -> dict[str, Any]:
    """Return what the default recipe has for each searched setting."""
    recipe, plain = RECIPES[BASELINE], options.baseline()
    values = {}
    for row in settings(options):
        if row.means is None:
            values[row.name] = getattr(recipe if row.group == "recipe" else plain, row.name)
        else:
            of_choice = {choice: replace(recipe, **fields) for choice, fields in row.means.items()}
            values[row.name] = next(choice for choice, same in of_choice.items() if same == recipe)
    return values


def train_options(values: Mapping[str, Any], options: TuneOptions) -> TrainOptions:
    """Return the options of a run with some values of the searched settings.

    Its length is such that it sees as many spectra as the baseline, whatever its batches.
    """
    default = RECIPES[BASELINE]
    recipe: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for row in settings(options):
        if row.group == "network":
            other[row.name] = values[row.name]
        else:
            recipe.update({row.name: values[row.name]} if row.means is None else row.means[values[row.name]])
    batch_size = recipe.pop("batch_size", default.batch_size)
    changed = {name: value for name, value in recipe.items() if value != getattr(default, name)}
    return replace(
        options.baseline(),
        **other,
        set=tuple(f"{name}={value}" for name, value in changed.items()),
        batch_size=batch_size,
        updates=updates_of(options.updates, default.batch_size, batch_size),
    )
