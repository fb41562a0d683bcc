"""Encoding and decoding in bulk, with torch, for callers that hold numpy arrays and must not know of torch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import ModelError
from vae.network.scaling import scale_input
from vae.network.trained import TrainedModel
from vae.spectra import grid
from vae.spectra.store import Block

Array = NDArray[Any]


@dataclass(frozen=True)
class Encoded:
    """What the network says about a block of spectra.

    Parameters
    ----------
    mu, sigma : array of float32, shape (n, d)
        Posterior means and standard deviations.
    folded : array of float32, shape (n, 238)
        Expected source counts at amplitude 1 (1 photon/cm2/s in 0.3-10 keV).
    mean_energy : array of float32, shape (n,)
        Energy per photon of the decoded shape, 0.3-10 keV [keV].
    """

    mu: Array
    sigma: Array
    folded: Array
    mean_energy: Array


class BulkEncoder:
    """A network on a device, fed with blocks of a store from any number of threads.

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
        self._by_response = model.likelihood == "response"
        self._photon_widths = self._tensor(model.config.photon_widths)
        self._true_widths = self._tensor(grid.TRUE_WIDTHS)
        with torch.inference_mode():  # latent positions change, templates do not
            self._templates = self._network.decoder.templates().contiguous()
        self._matrices: tuple[Any, Any, Any] | None = None

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

    def __call__(self, block: Block, redistribution: ArrayLike | None = None) -> Encoded:
        """Encode spectra, decode their means and fold them.

        Parameters
        ----------
        block : Block
            With `area` where the model's likelihood is ``response``. Rows of one response are folded together: the more
            of them a block has side by side or apart, the fewer and larger the products.
        redistribution : array, shape (n_responses, 238, 336), optional
            The store's, for the ``response`` likelihood.

        Raises
        ------
        ModelError
            When a ``response`` model is given no area or no redistribution.
        """
        torch, network = self._torch, self._network
        arrays = (block.counts, block.background_counts, block.background_ratio, block.sensitivity)
        if self._device == "cpu":  # compiled for numpy: a third of the time
            sensitivity, scaled = self._tensor(block.sensitivity), torch.from_numpy(scale_input(*arrays))
        else:
            tensors = [self._tensor(values) for values in arrays]
            sensitivity, scaled = tensors[3], scale_input(*tensors, xp=torch)
        with torch.inference_mode():
            mu, logvar = network.encode(scaled)
            shape = network.decoder.combine(mu, self._templates)
            shape /= (shape @ self._photon_widths)[:, None]
            mean_energy = shape @ (self._photon_widths * network.energies)
            folded = self._fold(shape, block, redistribution, sensitivity) if self._by_response else shape * sensitivity
            results = (mu, torch.exp(0.5 * logvar), folded, mean_energy)
        return Encoded(*(tensor.cpu().numpy() for tensor in results))

    def _tensor(self, values: ArrayLike) -> Any:
        return self._torch.from_numpy(np.array(values, np.float32)).to(self._device)

    def _fold(self, shape: Any, block: Block, redistribution: ArrayLike | None, sensitivity: Any) -> Any:
        """Fold shapes (n, 336) in place through their rows' areas and matrices; (n, 238)."""
        torch = self._torch
        if redistribution is None or block.area.shape[1:] != (grid.N_TRUE,):
            raise ModelError("a model of likelihood response encodes blocks with area, and their redistribution")
        matrices, caught = self._kept(redistribution)
        area = self._tensor(block.area).mul_(self._true_widths)
        index = np.asarray(block.response_index)
        order = np.argsort(index, kind="stable")
        used, starts = np.unique(index[order], return_index=True)
        rows = torch.from_numpy(order).to(self._device)
        # Sorted by response, so that every product takes rows that lie side by side.
        area = area.index_select(0, rows)
        weighted = shape.index_select(0, rows).mul_(area)
        sorted_folded = torch.empty((len(weighted), grid.N_BINS), device=self._device)
        per_second = torch.empty(len(weighted), device=self._device)
        for response, low, high in zip(used.tolist(), starts, [*starts[1:], len(order)], strict=True):
            torch.mm(weighted[low:high], matrices[response], out=sorted_folded[low:high])
            torch.mv(area[low:high], caught[response], out=per_second[low:high])
        exposure = sensitivity.sum(1).index_select(0, rows) / per_second.clamp_(min=1e-30)
        return torch.empty_like(sorted_folded).index_copy_(0, rows, sorted_folded.mul_(exposure[:, None]))

    def _kept(self, redistribution: ArrayLike) -> tuple[Any, Any]:
        """Transposed matrices (n_responses, 336, 238) on the device, and their sums over bins; those of the last call.

        One tuple is read and written whole, so that threads cannot mix the parts of two stores.
        """
        kept = self._matrices
        if kept is None or kept[0] is not redistribution:
            matrices = self._tensor(redistribution)
            kept = self._matrices = (redistribution, matrices.transpose(1, 2).contiguous(), matrices.sum(1))
        return kept[1], kept[2]
