"""How to train: named recipes, and the single settings of one that a run may change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_type_hints

from vae.errors import OptionError

#: OneCycle (Smith & Topin 2019, arXiv 1708.07120): share of the run spent rising, and the start and end learning
#: rates as fractions of the peak; the defaults of torch.optim.lr_scheduler.OneCycleLR.
_RISE: Final = 0.3
_START: Final = 1.0 / 25.0
_END: Final = 1e-4 / 25.0


@dataclass(frozen=True)
class Recipe:
    """Optimiser, schedule, and what is added to the loss; everything after `weight_decay` is off by default.

    Parameters
    ----------
    learning_rate : float
        Of AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101); the peak where it is scheduled.
    schedule : {"constant", "one_cycle"}
    batch_size : int
        Spectra an update.
    training_epochs, updates : int, optional
        Length of a run unless the options say otherwise; exactly one is set. A training epoch is as many updates as
        make up the number of training spectra; batches are drawn at random.
    warm_up_fraction : float
        Share of the run over which the weight of the KL term grows from 0 to 1.
    clip_norm : float, optional
        Largest gradient norm: bright spectra with a misfit would else drown all others.
    misfit_limit : float, optional
        Loss of a spectrum [nats, relative to a saturated model] from which on it counts for less: its weight is
        misfit_limit / loss. Counting noise alone is worth about half a nat a bin; the few bright spectra that the
        network cannot fit yet would else steer every update.
    weight_decay : float
    averaging : float, optional
        Decay of an exponential moving average of the weights, such as 0.999; the average is what is evaluated and
        saved. See `vae.training.averaging`.
    precision : {"float32", "tf32", "bfloat16"}
        Of the network's products: tf32 on CUDA only; bfloat16 by autocast, the likelihood stays in float32.
    compile : bool
        torch.compile, with CUDA graphs on a GPU. Where no C++ compiler is found the run goes on without.
    free_bits : float
        Nats a latent dimension may carry on average over a batch before the KL term resists (Kingma et al. 2016,
        arXiv 1606.04934).
    prior : {"gaussian", "vamp"}
        Density that the KL term compares posteriors with: the unit Gaussian, or a trained mixture of posteriors; see
        `vae.training.priors`.
    pseudo_inputs : int
        Components of the ``vamp`` prior.
    consistency : float
        Weight of the distance between the posteriors of two thinned halves of one exposure; see
        `vae.training.thinning`.
    sleep : float
        Weight of the fit of posteriors to positions known because the model made the spectra up; see
        `vae.training.sleep`.
    awaken_at : float, optional
        Share of the run after which latent dimensions that carry nothing start anew from what the others leave
        unexplained; see `vae.training.growth`. Where none sleeps, as hardly ever in 2-D, nothing happens.
    cluster : float
        Weight of the sharpening of soft clusters in latent space; see `vae.training.clusters`.
    clusters : int
        Their number.
    """

    learning_rate: float
    schedule: Literal["constant", "one_cycle"]
    batch_size: int = 1024
    training_epochs: int | None = None
    updates: int | None = None
    warm_up_fraction: float = 0.0
    clip_norm: float | None = None
    misfit_limit: float | None = None
    weight_decay: float = 0.01
    averaging: float | None = None
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    compile: bool = False
    free_bits: float = 0.0
    prior: Literal["gaussian", "vamp"] = "gaussian"
    pseudo_inputs: int = 64
    consistency: float = 0.0
    sleep: float = 0.0
    awaken_at: float | None = None
    cluster: float = 0.0
    clusters: int = 12

    def __post_init__(self) -> None:
        above_zero = ("learning_rate", "batch_size", "training_epochs", "updates", "clip_norm", "misfit_limit")
        for name in (*above_zero, "pseudo_inputs", "clusters"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise OptionError(f"{name} is {value}", todo="Give a number above 0")
        for name in ("weight_decay", "free_bits", "consistency", "sleep", "cluster"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(f"{name} is {getattr(self, name)}", todo="Give 0 or a number above it")
        if not 0 <= self.warm_up_fraction <= 1:
            raise OptionError(f"warm_up_fraction is {self.warm_up_fraction}", todo="Give a share, 0...1")
        if self.averaging is not None and not 0 < self.averaging < 1:
            raise OptionError(f"averaging is {self.averaging}", todo="Give a decay between 0 and 1, such as 0.999")
        if self.awaken_at is not None and not 0 < self.awaken_at < 1:
            raise OptionError(f"awaken_at is {self.awaken_at}", todo="Give a share of the run between 0 and 1, or none")
        if self.free_bits and self.prior != "gaussian":
            raise OptionError(
                "free_bits counts nats by latent dimension, which a mixture prior does not have",
                todo="Use free_bits with prior=gaussian",
            )

    def length(self, n_spectra: int) -> int:
        """Return the updates of a full run over `n_spectra` training spectra."""
        if self.updates is not None:
            return self.updates
        return updates_of(self.training_epochs or 1, n_spectra, self.batch_size)

    def learning_rate_at(self, update: int, total: int) -> float:
        """Learning rate of an update, 0...total - 1."""
        if self.schedule == "constant":
            return self.learning_rate
        rise = max(_RISE * total - 1.0, 1.0)
        if update <= rise:
            return self.learning_rate * _cosine(_START, 1.0, update / rise)
        return self.learning_rate * _cosine(1.0, _END, (update - rise) / max(total - 1.0 - rise, 1.0))

    def kl_weight_at(self, update: int, total: int) -> float:
        """Weight of the KL term at an update: 1 after warm-up."""
        warm_up = self.warm_up_fraction * total
        return 1.0 if update >= warm_up else update / warm_up

    def awakens_at(self, update: int, total: int) -> bool:
        """Whether sleeping latent dimensions start anew before an update."""
        return self.awaken_at is not None and update == round(self.awaken_at * total)

    def with_settings(self, settings: Iterable[str]) -> Recipe:
        """Return a recipe with single fields changed.

        Parameters
        ----------
        settings : iterable of str
            ``name=value`` each; ``none`` empties an optional field.

        Raises
        ------
        OptionError
            For a name that is no field or a value that is not of its kind; the choices are named.
        """
        types = get_type_hints(Recipe)
        values: dict[str, Any] = {}
        for setting in settings:
            name, equals, text = setting.partition("=")
            if not equals or name not in types:
                raise OptionError(f"--set {setting!r} changes nothing", todo=f"Give NAME=VALUE; names: {_NAMES}")
            values[name] = _value(name, text, types[name])
        if {"updates", "training_epochs"} & values.keys():
            values = {"updates": None, "training_epochs": None, **values}
        return replace(self, **values)


_NAMES: Final = ", ".join(field.name for field in fields(Recipe))
_SWITCH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _value(name: str, text: str, kind: Any) -> Any:
    """Read the value of a field of some type from text."""
    choices = get_args(kind)
    if type(None) in choices:
        if text.lower() == "none":
            return None
        kind = next(choice for choice in choices if choice is not type(None))
    elif choices:
        if text not in choices:
            raise OptionError(f"--set {name}={text}", todo=f"{name} is one of {', '.join(choices)}")
        return text
    if kind is bool:
        if text.lower() not in _SWITCH:
            raise OptionError(f"--set {name}={text}", todo=f"{name} is true or false")
        return _SWITCH[text.lower()]
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise OptionError(f"--set {name}={text}", todo=f"{name} is {what}") from None


def updates_of(training_epochs: int, n_spectra: int, batch_size: int) -> int:
    """Return the updates that see `n_spectra` spectra `training_epochs` times."""
    return max(1, math.ceil(training_epochs * n_spectra / batch_size))


def _cosine(start: float, end: float, part: float) -> float:
    return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * min(part, 1.0)))


#: ``seed`` is the talk's (FACTS 1); ``default`` reaches a lower held-out loss in a small fraction of the updates.
RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "seed": Recipe(learning_rate=1e-4, schedule="constant", training_epochs=25_000),
        "default": Recipe(
            learning_rate=2e-3,
            schedule="one_cycle",
            updates=8_000,
            warm_up_fraction=0.3,
            clip_norm=100.0,
            misfit_limit=300.0,
            sleep=1.0,
            awaken_at=0.2,
        ),
    }
)
