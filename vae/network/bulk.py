"""Encoding and decoding in bulk, with torch, for callers that hold numpy arrays and must not know of torch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.network.scaling import scale_input
from vae.network.trained import TrainedModel
from vae.spectra import grid

Array = NDArray[Any]


@dataclass(frozen=True)
class Encoded:
    """What the network says about a block of spectra.

    Parameters
    ----------
    mu, sigma : array of float32, shape (n, d)
        Posterior means and standard deviations.
    folded : array of float32, shape (n, 238)
        Expected source counts at amplitude 1: decoded shape (1 photon/cm2/s in 0.3-10 keV) times sensitivity.
    mean_energy : array of float32, shape (n,)
        Energy per photon of the decoded shape, 0.3-10 keV [keV].
    """

    mu: Array
    sigma: Array
    folded: Array
    mean_energy: Array


class BulkEncoder:
    """A network on a device, fed with blocks of numpy arrays from any number of threads.

    Parameters
    ----------
    model : TrainedModel
    device : str
        From `vae.network.devices.pick_device`.
    """

    def __init__(self, model: TrainedModel, device: str) -> None:
        import torch  # the explorer imports this module and encodes only when a demo is built

        self._torch = torch
        self._network = model.network(device)
        self._device = device
        self._widths = torch.tensor(grid.BIN_WIDTHS.tolist(), dtype=torch.float32, device=device)

    @contextmanager
    def threads(self) -> Iterator[ThreadPoolExecutor]:
        """Pool of worker threads, as many as torch would use, each of which computes on its own.

        Whole blocks side by side keep two cores busier than splitting every small operation between them.
        """
        before = self._torch.get_num_threads()
        self._torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(before) as pool:
                yield pool
        finally:
            self._torch.set_num_threads(before)

    def __call__(
        self, counts: ArrayLike, background_counts: ArrayLike, background_ratio: ArrayLike, sensitivity: ArrayLike
    ) -> Encoded:
        """Encode spectra, decode their means and fold them; arguments as `TrainedModel.encode_arrays`."""
        torch, network = self._torch, self._network
        arrays = (counts, background_counts, background_ratio, sensitivity)
        tensors = [torch.from_numpy(np.array(values, np.float32)).to(self._device) for values in arrays]
        with torch.inference_mode():
            mu, logvar = network.encode(scale_input(*tensors, xp=torch))
            shape = network.decode_shape(mu)
            shape /= (shape @ self._widths)[:, None]
            mean_energy = shape @ (self._widths * network.energies)
            results = (mu, torch.exp(0.5 * logvar), shape * tensors[3], mean_energy)
        return Encoded(*(tensor.cpu().numpy() for tensor in results))
