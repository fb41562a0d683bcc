"""Sizes of a network, and the named ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vae.errors import ModelError
from vae.spectra import grid

#: How the decoded spectrum meets the counts. ``sensitivity``: decoded on the 238 bins, multiplied by the sensitivity,
#: and so smeared as the detector smears. ``response``: the photon spectrum, decoded on the true-energy grid and
#: folded through the detection's own area and redistribution.
Likelihood = Literal["sensitivity", "response"]
#: What gives the templates over energy. ``network``: a network of log energy. ``fourier``: the same over Fourier
#: features of log energy. ``table``: a free value at every energy of the grid, which makes the decoder a plain network
#: from latent position to spectrum. ``svd``: fixed templates, found in the training data beforehand.
Trunk = Literal["network", "fourier", "table", "svd"]

#: Bounds of log sigma^2: beyond them a posterior is a point or the whole prior many times over, and exp() overflows.
LOGVAR_MIN: Final = -12.0
LOGVAR_MAX: Final = 4.0
#: Bounds of the log of the decoded shape (before normalisation): exp() stays within float32.
LOG_SHAPE_MIN: Final = -25.0
LOG_SHAPE_MAX: Final = 12.0


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and kinds of the encoder, branch and trunk networks.

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
    output : {"exp", "softplus"}
        How the combined templates become positive.
    likelihood : {"sensitivity", "response"}
        How the decoded spectrum meets the counts, which decides the energies it is decoded at.
    trunk : {"network", "fourier", "table", "svd"}
        What gives the templates.
    branch_hidden : tuple of int
        Widths of the hidden layers of the branch; empty: as `hidden`.
    trunk_gain : float
        Factor on the standardised log energy that enters the trunk network: a larger one lets it bend sooner.
    """

    latent_dim: int = 2
    hidden: tuple[int, ...] = (256, 256, 256)
    n_templates: int = 33
    n_bins: int = grid.N_BINS
    output: Literal["exp", "softplus"] = "exp"
    likelihood: Likelihood = "response"
    trunk: Trunk = "network"
    branch_hidden: tuple[int, ...] = ()
    trunk_gain: float = 1.0

    def __post_init__(self) -> None:
        sizes = (self.latent_dim, *self.hidden, *self.branch_hidden, self.n_templates, self.n_bins)
        if not self.hidden or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ModelError(f"sizes of a network must be positive whole numbers, not {sizes}")
        if not self.trunk_gain > 0:
            raise ModelError(f"trunk_gain is {self.trunk_gain}, not a positive number")
        for name, choices in (
            ("output", ("exp", "softplus")),
            ("likelihood", get_args(Likelihood)),
            ("trunk", get_args(Trunk)),
        ):
            if getattr(self, name) not in choices:
                raise ModelError(f"{name} {getattr(self, name)!r} is none of {', '.join(choices)}")

    @property
    def energies(self) -> NDArray[np.float64]:
        """Energies [keV] the decoder is trained at: centres of the 238 bins or of the 336 true-energy bins."""
        return grid.BIN_CENTRES if self.likelihood == "sensitivity" else grid.TRUE_CENTRES

    @property
    def photon_widths(self) -> NDArray[np.float64]:
        """Part of each of `energies`' bins within 0.3-10 keV [keV]: weights that sum a decoded shape to photons."""
        if self.likelihood == "sensitivity":
            return grid.BIN_WIDTHS
        return grid.overlap_matrix(grid.TRUE_EDGES, grid.BIN_EDGES[[0, -1]])[:, 0]

    @property
    def encoder_widths(self) -> tuple[int, ...]:
        """Layer widths of the encoder, input and output included."""
        return (self.n_bins, *self.hidden, 2 * self.latent_dim)

    @property
    def branch_widths(self) -> tuple[int, ...]:
        """Layer widths of the branch network."""
        return (self.latent_dim, *(self.branch_hidden or self.hidden), self.n_templates)

    @property
    def trunk_widths(self) -> tuple[int, ...]:
        """Layer widths of the trunk network; a single one where there is a table of templates instead."""
        if self.trunk in ("table", "svd"):
            return (self.n_templates,)
        return (1 + 2 * self.n_frequencies, *self.hidden, self.n_templates)

    @property
    def n_frequencies(self) -> int:
        """Fourier frequencies of log energy, each twice the one before.

        The longest wavelength is the range of the bins, the shortest no shorter than the detector's resolution (full
        width at half maximum) at 10 keV, where it is finest: what is finer is noise.
        """
        if self.trunk != "fourier":
            return 0
        high = float(grid.BIN_EDGES[-1])
        finest = float(grid.fwhm_kev(high)) / high
        return 1 + int(np.log2(np.log(high / grid.BIN_EDGES[0]) / finest))

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters, biases included."""
        networks = (self.encoder_widths, self.branch_widths, self.trunk_widths)
        layers = sum((n_in + 1) * n_out for widths in networks for n_in, n_out in pairwise(widths))
        return layers + (self.n_templates * len(self.energies) if self.trunk == "table" else 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `model.toml`."""
        return {**asdict(self), "hidden": list(self.hidden), "branch_hidden": list(self.branch_hidden)}

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
            raise ModelError(
                f"unknown or missing architecture keys: {', '.join(odd)}",
                todo="It is of another version of this project: train the model again",
            )
        lists = {name: tuple(values[name]) for name in ("hidden", "branch_hidden")}
        return cls(**{**values, **lists})


_REFERENCE: Final = NetworkConfig()
#: Networks that `--network` offers. ``reference`` has exactly 475,206 parameters (FACTS 1).
NETWORKS: Final = MappingProxyType(
    {
        "reference": _REFERENCE,
        "fourier": replace(_REFERENCE, trunk="fourier"),
        "wide-branch": replace(_REFERENCE, branch_hidden=(512, 512, 512)),
        "table": replace(_REFERENCE, trunk="table"),
        "svd": replace(_REFERENCE, trunk="svd"),
        "softplus": replace(_REFERENCE, output="softplus"),
    }
)
