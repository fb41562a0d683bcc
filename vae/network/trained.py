"""A trained model on disk, `model.toml` + `weights.safetensors`, and its use from numpy without torch."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import tomli_w
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from vae.errors import ModelError
from vae.files import new_folder
from vae.network.arithmetic import fold_by_response, mlp, weight_shapes
from vae.network.config import LOG_SHAPE_MAX, LOG_SHAPE_MIN, LOGVAR_MAX, LOGVAR_MIN, Likelihood, NetworkConfig
from vae.network.scaling import INPUT_SCALING, interpolation, scale_input, trunk_input
from vae.spectra import grid

if TYPE_CHECKING:
    from vae.network.autoencoder import Autoencoder

FORMAT: Final = "xmm-latent-explorer model"
VERSION: Final = 1
_CONFIG_FILE: Final = "model.toml"
_WEIGHTS_FILE: Final = "weights.safetensors"
#: Libraries whose versions are written into `model.toml`.
_LIBRARIES: Final = ("numpy", "safetensors", "torch", "zarr")

#: OpenBLAS splits products above 2^18 multiplications between threads that wait for each other by spinning: on a busy
#: server a decode of 64 rows then costs thirty times its arithmetic. Few rows are decoded four at a time, below that.
_SINGLE_THREAD_ROWS: Final = 4
_FEW_ROWS: Final = 256

Array = NDArray[np.float32]


@dataclass(frozen=True)
class TrainedModel:
    """Weights, architecture and history of a network. Immutable and safe to use from many threads.

    Parameters
    ----------
    config : NetworkConfig
    weights : mapping of str to array of float32
        Named as in `Autoencoder.state_dict`.
    meta : mapping
        Everything else in `model.toml`: recipe, data, metrics, versions, command.
    """

    config: NetworkConfig
    weights: Mapping[str, Array] = field(repr=False)
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        expected = weight_shapes(self.config)
        shapes = {name: tuple(values.shape) for name, values in self.weights.items()}
        if shapes != expected:
            odd = sorted(name for name in shapes.keys() | expected.keys() if shapes.get(name) != expected.get(name))
            raise ModelError(f"weights do not fit the architecture: {', '.join(odd[:4])}", todo="Train the model again")

    @classmethod
    def from_network(cls, network: Autoencoder, meta: Mapping[str, Any]) -> TrainedModel:
        """Take the weights out of a torch module."""
        weights = {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
        return cls(network.config, weights, meta)

    @classmethod
    def load(cls, folder: str | Path) -> TrainedModel:
        """Read a model folder.

        Raises
        ------
        ModelError
            When it is missing, damaged, of another version, or made for other energy bins or another input scaling.
        """
        folder = Path(folder)
        config_file, weights_file = folder / _CONFIG_FILE, folder / _WEIGHTS_FILE
        try:
            meta = tomllib.loads(config_file.read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(
                f"not a model (no {_CONFIG_FILE})", where=folder, todo="Train one with scripts/train.py"
            ) from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ModelError(f"unreadable: {error}", where=config_file, todo="Use a complete copy") from error
        if (meta.get("format"), meta.get("version")) != (FORMAT, VERSION):
            raise ModelError(
                f"format {meta.get('format')!r} version {meta.get('version')!r} is not {FORMAT!r} version {VERSION}",
                where=config_file,
                todo="Train the model again with this version",
            )
        if meta.get("grid", {}).get("edges_sha256") != edges_hash():
            raise ModelError("it was trained on other energy bins", where=config_file, todo="Train the model again")
        if meta.get("input", {}).get("scaling") != INPUT_SCALING:
            raise ModelError("it was trained on other inputs", where=config_file, todo="Train the model again")
        config = NetworkConfig.from_dict(meta.get("architecture", {}).get("sizes", {}))
        try:
            weights = load_file(weights_file)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"unreadable: {error}", where=weights_file, todo="Use a complete copy") from error
        return cls(config, weights, meta)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write `model.toml` and `weights.safetensors` into a new folder, whole or not at all."""
        with new_folder(folder, overwrite=overwrite) as work:
            self.write_into(work)
        return Path(folder)

    def write_into(self, folder: Path) -> None:
        """Write the two files into an existing folder (an atlas under construction)."""
        architecture = {"parameters": self.config.n_parameters, "sizes": self.config.to_dict()}
        fixed = {
            "format": FORMAT,
            "version": VERSION,
            "architecture": architecture,
            "grid": {"bins": grid.N_BINS, "edges_sha256": edges_hash()},
            "input": {"scaling": INPUT_SCALING},
        }
        document = {**self.meta, **fixed}
        document.setdefault("libraries", {name: version(name) for name in _LIBRARIES})
        (folder / _CONFIG_FILE).write_text(tomli_w.dumps(_without_none({**fixed, **document})))
        save_file({name: np.ascontiguousarray(values) for name, values in self.weights.items()}, folder / _WEIGHTS_FILE)

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights: which model an atlas was made with."""
        digest = hashlib.sha256()
        for name in sorted(self.weights):
            digest.update(name.encode() + np.ascontiguousarray(self.weights[name]).tobytes())
        return digest.hexdigest()

    def network(self, device: str = "cpu") -> Autoencoder:
        """Return the torch module in evaluation mode, for work in bulk."""
        import torch  # the server decodes with numpy and need not pay for torch

        from vae.network.autoencoder import Autoencoder

        module = Autoencoder(self.config)
        module.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in self.weights.items()})
        return module.eval().requires_grad_(False).to(device)

    def encode_arrays(
        self, counts: ArrayLike, background_counts: ArrayLike, background_ratio: ArrayLike, sensitivity: ArrayLike
    ) -> tuple[Array, Array]:
        """Posterior mean and sigma of spectra.

        Parameters
        ----------
        counts, background_counts, sensitivity : array, shape (n, 238)
        background_ratio : array, shape (n,)

        Returns
        -------
        mu, sigma : array of float32, shape (n, d)
        """
        x = scale_input(counts, background_counts, background_ratio, sensitivity)
        mu, logvar = np.split(mlp(x, self._layers("encoder.layers", len(self.config.encoder_widths) - 1)), 2, axis=1)
        return mu, np.exp(0.5 * np.clip(logvar, LOGVAR_MIN, LOGVAR_MAX))

    def decode(self, z: ArrayLike, energies_keV: ArrayLike | None = None) -> Array:
        """Decode photon spectrum shapes, normalised to 1 photon between 0.3 and 10 keV.

        Parameters
        ----------
        z : array, shape (d,) or (n, d)
            Latent positions.
        energies_keV : array, shape (n_energies,), optional
            The 238 bin centres by default.

        Returns
        -------
        array of float32, shape (n_energies,) or (n, n_energies)
            Photons per keV, per photon in 0.3-10 keV.
        """
        rows = self._rows(z)
        if energies_keV is None:
            templates = self._bin_templates
        else:
            templates = self._own_templates if energies_keV is self.energies else self._scaled(energies_keV)
        size = _SINGLE_THREAD_ROWS if len(rows) <= _FEW_ROWS else len(rows)
        parts = [self._decode_rows(rows[start : start + size], templates) for start in range(0, len(rows), size)]
        shape = np.concatenate(parts) if parts else np.empty((0, templates.shape[1]), np.float32)
        return shape[0] if np.ndim(z) == 1 else shape

    @property
    def likelihood(self) -> Likelihood:
        """How decoded spectra met the counts in training: what a decoded spectrum is."""
        return self.config.likelihood

    @property
    def energies(self) -> NDArray[np.float64]:
        """Energies that `fold` expects shapes at [keV], shape (238,) or (336,)."""
        return self.config.energies

    def templates(self, energies_keV: ArrayLike) -> Array:
        """Return the trunk's templates at some energies [keV], as they are, shape (n_templates, n_energies).

        A decoded shape before normalisation is exp (or softplus) of mixing @ templates / sqrt(n_templates).
        """
        energies = np.atleast_1d(np.asarray(energies_keV, np.float64))
        if energies.ndim != 1 or not np.all(energies > 0):
            raise ModelError("energies must be one row of positive numbers [keV]")
        if self.config.trunk in ("table", "svd"):
            lower, share = interpolation(energies, self.config)
            table = self.weights["decoder.trunk.table"]
            below, above = table[:, lower], table[:, lower + 1]
            return np.ascontiguousarray(below + share * (above - below))
        layers = self._layers("decoder.trunk", len(self.config.trunk_widths) - 1)
        return np.ascontiguousarray(mlp(trunk_input(energies, self.config), layers).T)

    def mixing(self, z: ArrayLike) -> Array:
        """Return how the branch combines the templates at latent positions (d,) or (n, d): (n, n_templates)."""
        return mlp(self._rows(z), self._layers("decoder.branch", len(self.config.branch_widths) - 1))

    def fold(
        self,
        shape: ArrayLike,
        *,
        sensitivity: ArrayLike | None = None,
        area: ArrayLike | None = None,
        response_index: ArrayLike | None = None,
        redistribution: ArrayLike | None = None,
        exposure_s: ArrayLike | None = None,
    ) -> Array:
        """Return the expected source counts of decoded shapes at amplitude 1 (photon/cm2/s in 0.3-10 keV).

        Parameters
        ----------
        shape : array, shape (n_energies,) or (n, n_energies)
            From ``decode(z, model.energies)``.
        sensitivity : array, shape (238,) or (n, 238), optional
            [cm2 s keV]. All that a ``sensitivity`` model needs; a ``response`` model takes the exposure from it.
        area : array, shape (336,) or (n, 336), optional
            Effective area on the true-energy grid [cm2]. This and the next two: for a ``response`` model.
        response_index : int or array of int, shape (n,), optional
        redistribution : array, shape (n_responses, 238, 336), optional
        exposure_s : float or array, shape (n,), optional
            [s]. Without it: what makes area and redistribution agree with the sensitivity.

        Returns
        -------
        array of float32, shape (238,) or (n, 238)

        Raises
        ------
        ModelError
            When what the likelihood needs is not given.
        """
        by_response = self.likelihood == "response"
        if by_response and (area is None or response_index is None or redistribution is None):
            raise ModelError("a model of likelihood response folds with area, response_index and redistribution")
        if sensitivity is None and (not by_response or exposure_s is None):
            raise ModelError(f"a model of likelihood {self.likelihood} cannot fold without a sensitivity")
        shapes = np.atleast_2d(np.asarray(shape, np.float32))
        if shapes.shape[1] != len(self.energies):
            raise ModelError(f"shapes to fold have {shapes.shape[1]} energies, not the model's {len(self.energies)}")
        if not by_response:
            folded = shapes * np.asarray(sensitivity, np.float32)
        else:
            folded = fold_by_response(shapes, area, response_index, redistribution, sensitivity, exposure_s)
        return folded[0] if np.ndim(shape) == 1 and len(folded) == 1 else folded

    def _rows(self, z: ArrayLike) -> Array:
        rows = np.asarray(z, np.float32)
        if rows.shape[-1:] != (self.config.latent_dim,) or rows.ndim > 2:
            raise ModelError(f"latent positions have shape {rows.shape}, not (n, {self.config.latent_dim})")
        return np.atleast_2d(rows)

    def _decode_rows(self, z: Array, templates: Array) -> Array:
        mixing = self.mixing(z)
        own = self._positive(mixing @ self._own_templates)
        norm = (own @ self._photon_widths)[:, None]
        return (own if templates is self._own_templates else self._positive(mixing @ templates)) / norm

    @cached_property
    def _photon_widths(self) -> Array:
        return self.config.photon_widths.astype(np.float32)

    @cached_property
    def _own_templates(self) -> Array:
        return self._scaled(self.energies)

    @cached_property
    def _bin_templates(self) -> Array:
        return self._own_templates if self.likelihood == "sensitivity" else self._scaled(grid.BIN_CENTRES)

    def _scaled(self, energies_keV: ArrayLike) -> Array:
        """Templates as the decoder combines them; those of the model's own energies are kept."""
        return self.templates(energies_keV) / np.float32(np.sqrt(self.config.n_templates))

    def _positive(self, combined: Array) -> Array:
        combined = np.clip(combined, LOG_SHAPE_MIN, LOG_SHAPE_MAX)
        return np.exp(combined) if self.config.output == "exp" else np.logaddexp(np.float32(0), combined)

    def _layers(self, prefix: str, number: int) -> list[tuple[Array, Array]]:
        return [
            (self.weights[f"{prefix}.{2 * index}.weight"], self.weights[f"{prefix}.{2 * index}.bias"])
            for index in range(number)
        ]


def edges_hash() -> str:
    """SHA-256 of the bin edges in eV: a model fits a store only where these agree."""
    return hashlib.sha256(np.ascontiguousarray(grid.BIN_EDGES_EV, dtype="<i8").tobytes()).hexdigest()


def _without_none(value: Any) -> Any:
    """TOML has no null: leave such keys out."""
    if isinstance(value, Mapping):
        return {str(key): _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    return value
