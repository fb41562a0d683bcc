"""Sizes of a network, and the named ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, Literal

from vae.errors import ModelError
from vae.spectra import grid

#: How the decoded spectrum meets the counts. ``sensitivity``: decode on the 238 bins, multiply by the sensitivity.
Likelihood = Literal["sensitivity"]

#: Bounds of log sigma^2: beyond them a posterior is a point or the whole prior many times over, and exp() overflows.
LOGVAR_MIN: Final = -12.0
LOGVAR_MAX: Final = 4.0
#: Bounds of the log of the decoded shape (before normalisation): exp() stays within float32.
LOG_SHAPE_MIN: Final = -25.0
LOG_SHAPE_MAX: Final = 12.0


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the encoder, branch and trunk networks.

    Parameters
    ----------
    latent_dim : int
        Dimension d of the latent space.
    hidden : tuple of int
        Widths of the hidden layers, the same for encoder, branch and trunk.
    n_templates : int
        Template spectra the trunk learns and the branch combines.
    n_bins : int
        Detector bins, the encoder's input.
    output : str
        How the combined templates become positive: ``exp`` or ``softplus``.
    """

    latent_dim: int = 2
    hidden: tuple[int, ...] = (256, 256, 256)
    n_templates: int = 33
    n_bins: int = grid.N_BINS
    output: Literal["exp", "softplus"] = "exp"

    def __post_init__(self) -> None:
        sizes = (self.latent_dim, *self.hidden, self.n_templates, self.n_bins)
        if not self.hidden or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ModelError(f"sizes of a network must be positive whole numbers, not {sizes}")
        if self.output not in ("exp", "softplus"):
            raise ModelError(f"output {self.output!r} is neither 'exp' nor 'softplus'")

    @property
    def encoder_widths(self) -> tuple[int, ...]:
        """Layer widths of the encoder, input and output included."""
        return (self.n_bins, *self.hidden, 2 * self.latent_dim)

    @property
    def branch_widths(self) -> tuple[int, ...]:
        """Layer widths of the branch network."""
        return (self.latent_dim, *self.hidden, self.n_templates)

    @property
    def trunk_widths(self) -> tuple[int, ...]:
        """Layer widths of the trunk network."""
        return (1, *self.hidden, self.n_templates)

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters, biases included."""
        networks = (self.encoder_widths, self.branch_widths, self.trunk_widths)
        return sum((n_in + 1) * n_out for widths in networks for n_in, n_out in pairwise(widths))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `model.toml`."""
        return {**asdict(self), "hidden": list(self.hidden)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            For unknown or missing keys: an architecture is never guessed.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            odd = sorted(set(values) ^ names)
            raise ModelError(f"unknown or missing architecture keys: {', '.join(odd)}")
        return cls(**{**values, "hidden": tuple(values["hidden"])})


#: Networks that `--network` offers. ``reference`` has exactly 475,206 parameters (FACTS 1).
NETWORKS: Final = MappingProxyType({"reference": NetworkConfig()})
