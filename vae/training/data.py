"""Training data, whole on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae.errors import TrainingError
from vae.network.config import Likelihood
from vae.network.scaling import scale_input
from vae.progress import progress_bar
from vae.spectra import grid
from vae.spectra.statistics import background_template, expected_background
from vae.spectra.store import Block, SpectraStore
from vae.training.split import is_held_out

#: Columns of a spectrum in memory: scaled input, counts, expected background, and what its shape is multiplied with
#: (share of sensitivity, or of area times width of the true-energy bin). One gather a batch fetches all of them.
_COLUMNS: Final[dict[str, tuple[int, ...]]] = {
    "sensitivity": (grid.N_BINS, grid.N_BINS, grid.N_BINS, grid.N_BINS),
    "response": (grid.N_BINS, grid.N_BINS, grid.N_BINS, grid.N_TRUE),
}
#: Groups of a batch that share a redistribution matrix each: enough that a batch mixes instruments, few enough that the
#: products stay large.
GROUPS: Final = 8


@dataclass(frozen=True)
class Batch:
    """Spectra of one update.

    Parameters
    ----------
    x : Tensor, shape (n, 238)
        Scaled for the encoder.
    counts : Tensor, shape (n, 238)
        Gross counts.
    background : Tensor, shape (n, 238)
        Expected background counts.
    weight : Tensor, shape (n, 238) or (n, 336)
        Share of sensitivity in each bin, or of area times width in each true-energy bin, summing to 1: the amplitude is
        profiled, so the scale does not matter.
    matrices : Tensor, shape (groups, 336, 240), optional
        Redistribution of equal groups of consecutive rows, with two columns of zeros.
    runs : list of (Tensor of shape (336, 238), slice)
        Redistribution of runs of consecutive rows, where they are not equal groups.
    order : Tensor, shape (n,), optional
        Row of each row of `runs`, where they are not in this order.
    """

    x: Tensor
    counts: Tensor
    background: Tensor
    weight: Tensor
    matrices: Tensor | None = None
    runs: list[tuple[Tensor, slice]] = field(default_factory=list)
    order: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def fold(self, shape: Tensor) -> Tensor:
        """Return what the detector makes of decoded shapes, (n, 238) in any unit; differentiable."""
        weighted = shape * self.weight
        if self.matrices is not None:
            grouped = weighted.view(len(self.matrices), -1, weighted.shape[1])
            return torch.bmm(grouped, self.matrices).view(len(weighted), -1)[:, : grid.N_BINS]
        if not self.runs:
            return weighted
        ordered = weighted if self.order is None else weighted.index_select(0, self.order)
        folded = torch.cat([torch.mm(ordered[rows], matrix) for matrix, rows in self.runs])
        return folded if self.order is None else torch.empty_like(folded).index_copy(0, self.order, folded)


class ResidentSpectra:
    """Spectra on one device, about 4 kB each, fetched by row number.

    Parameters
    ----------
    values : Tensor, shape (n, 952) or (n, 1050)
        Scaled input, counts, expected background, weight (see `Batch`).
    detection_id : array of int64, shape (n,)
        Which detections they are.
    likelihood : {"sensitivity", "response"}
    redistribution : Tensor, shape (n_responses, 336, 238), optional
        For the ``response`` likelihood.
    response_index : array of int, shape (n,), optional
        Matrix of each row, ascending: rows of one response lie together.
    """

    def __init__(
        self,
        values: Tensor,
        detection_id: NDArray[np.int64],
        likelihood: Likelihood = "sensitivity",
        redistribution: Tensor | None = None,
        response_index: NDArray[Any] | None = None,
    ) -> None:
        self.values, self.detection_id, self.likelihood = values, detection_id, likelihood
        self._redistribution = redistribution
        if redistribution is not None:
            index = np.zeros(len(values), np.int64) if response_index is None else np.asarray(response_index, np.int64)
            self._host_index = index
            used, starts, sizes = np.unique(index, return_index=True, return_counts=True)
            self._runs = [(int(i), int(start), int(start + n)) for i, start, n in zip(used, starts, sizes, strict=True)]
            self._index = torch.from_numpy(index).to(values.device)
            first, number = np.zeros((2, len(redistribution)), np.int64)
            first[used], number[used] = starts, sizes
            self._first, self._number = (torch.from_numpy(part).to(values.device) for part in (first, number))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def device(self) -> torch.device:
        """Where the spectra are."""
        return self.values.device

    @cached_property
    def _padded(self) -> Tensor:
        """Matrices with rows of a multiple of 32 bytes: products with them take three quarters of the time."""
        assert self._redistribution is not None
        return torch.nn.functional.pad(self._redistribution, (0, -grid.N_BINS % 8))

    @property
    def redistribution(self) -> Tensor | None:
        """Matrices, (n_responses, 336, 238), for the ``response`` likelihood."""
        return self._redistribution

    @property
    def response_index(self) -> Tensor:
        """Matrix of each row, (n,); zeros where there are none."""
        if self._redistribution is None:
            return torch.zeros(len(self), dtype=torch.int64, device=self.device)
        return self._index

    def draw(self, size: int, generator: torch.Generator) -> Tensor:
        """Draw row numbers at random, with replacement, every row equally likely.

        Parameters
        ----------
        size : int
            Number of rows.
        generator : torch.Generator
            On the same device.

        Returns
        -------
        Tensor of int64, shape (size,) or, for the ``response`` likelihood, (groups, size / groups)
            The rows of a line share their response; the lines' responses are chosen by their share of the rows, spread
            evenly over the archive. There are eight lines, or as many as divide `size`.
        """
        n = len(self)
        if self._redistribution is None:
            return torch.randint(n, (size,), generator=generator, device=self.device)
        groups = next(number for number in range(GROUPS, 0, -1) if size % number == 0)
        random = torch.rand(1 + size, generator=generator, device=self.device, dtype=torch.float64)
        steps = torch.arange(groups, device=self.device) + random[0]
        response = self._index[(steps * (n / groups)).long().clamp_(max=n - 1)]
        first, number = self._first[response, None], self._number[response, None]
        return first + (random[1:].view(groups, -1) * number).long().minimum(number - 1)

    def batch(self, rows: Tensor) -> Batch:
        """Fetch the spectra of some rows (int64 on the same device): a line of them, or lines as `draw` gives them."""
        flat = self.values.index_select(0, rows.reshape(-1))
        if self._redistribution is None:
            return self._cut(flat)
        if rows.ndim == 2:
            return self._cut(flat, matrices=self._padded.index_select(0, self._index[rows[:, 0]]))
        index = self._index[rows]
        order = torch.argsort(index, stable=True)
        used, numbers = torch.unique_consecutive(index[order], return_counts=True)
        stops = np.cumsum(numbers.tolist()).tolist()
        slices = [slice(stop - size, stop) for stop, size in zip(stops, numbers.tolist(), strict=True)]
        runs = [(self._redistribution[i], part) for i, part in zip(used.tolist(), slices, strict=True)]
        return self._cut(flat, runs=runs, order=order)

    def batches(self, size: int) -> Iterator[Batch]:
        """All spectra once, in the order of the rows, `size` at a time."""
        for start in range(0, len(self), size):
            part = self.values[start : start + size]
            if self._redistribution is None:
                yield self._cut(part)
                continue
            stop = start + len(part)
            yield self._cut(
                part,
                runs=[
                    (self._redistribution[index], slice(max(low, start) - start, min(high, stop) - start))
                    for index, low, high in self._runs
                    if low < stop and high > start
                ],
            )

    def first(self, maximum: int) -> ResidentSpectra:
        """At most `maximum` of the spectra: those of the lowest detection numbers, whatever the likelihood."""
        rows = np.sort(np.argsort(self.detection_id, kind="stable")[:maximum])
        index = None if self._redistribution is None else self._host_index[rows]
        values = self.values.index_select(0, torch.from_numpy(rows).to(self.device))
        return ResidentSpectra(values, self.detection_id[rows], self.likelihood, self._redistribution, index)

    def _cut(self, flat: Tensor, **folding: Any) -> Batch:
        x, counts, background, weight = torch.split_with_sizes(flat, _COLUMNS[self.likelihood], dim=1)
        return Batch(x, counts, background, weight, **folding)


def load(
    store: SpectraStore, device: str, likelihood: Likelihood = "sensitivity", *, quiet: bool = True
) -> tuple[ResidentSpectra, ResidentSpectra]:
    """Read a store, split it by source and put both parts on a device.

    Returns
    -------
    training, held_out : ResidentSpectra
        For the ``response`` likelihood the rows are sorted by response, else in the order of the store.

    Raises
    ------
    TrainingError
        When one of the parts would be empty.
    """
    held_out = is_held_out(store.detections["source_id"].to_numpy())
    sizes = {side: int((held_out == side).sum()) for side in (False, True)}
    if not all(sizes.values()):
        raise TrainingError(
            f"{len(store)} spectra leave {sizes[False]} to train on and {sizes[True]} held out",
            where=store.path,
            todo="Train on a larger store",
        )
    by_response = likelihood == "response"
    index = store.read("response_index").astype(np.int64) if by_response else np.zeros(len(store), np.int64)
    order = {side: _order(held_out == side, index) for side in (False, True)}
    place = np.empty(len(store), np.int64)  # of each row of the store among those of its side
    for rows in order.values():
        place[rows] = np.arange(len(rows))
    host = {side: torch.empty((size, sum(_COLUMNS[likelihood]))) for side, size in sizes.items()}
    keys = store.detections[["mode", "filter"]].astype("str")
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task("Reading spectra", total=len(store))
        for start, block in store.blocks(area=by_response):
            stop = start + len(block)
            ready = torch.from_numpy(_prepare(block, keys.iloc[start:stop], likelihood))
            for side in (False, True):
                rows = np.flatnonzero(held_out[start:stop] == side)
                host[side][torch.from_numpy(place[start + rows])] = ready[torch.from_numpy(rows)]
            progress.update(task, advance=len(block))
    matrices = torch.from_numpy(store.redistribution.transpose(0, 2, 1).copy()).to(device) if by_response else None
    detection_id = store.detections["detection_id"].to_numpy(np.int64)
    training, test = (
        ResidentSpectra(host.pop(side).to(device), detection_id[rows], likelihood, matrices, index[rows])
        for side, rows in order.items()
    )
    return training, test


def _order(chosen: NDArray[np.bool_], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of one side, sorted by response and else in the order of the store."""
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(index[rows], kind="stable")]


def _prepare(block: Block, keys: Any, likelihood: Likelihood) -> NDArray[np.float32]:
    columns = _COLUMNS[likelihood]
    out = np.empty((len(block), sum(columns)), np.float32)
    stops = np.cumsum(columns)
    x, counts, background, weight = (out[:, stop - n : stop] for stop, n in zip(stops, columns, strict=True))
    x[:] = scale_input(block.counts, block.background_counts, block.background_ratio, block.sensitivity)
    counts[:] = block.counts
    seen = block.sensitivity if likelihood == "sensitivity" else block.area * grid.TRUE_WIDTHS
    weight[:] = seen / np.maximum(seen.sum(axis=1, keepdims=True, dtype=np.float64), 1e-30)
    for (mode, filter_), rows in keys.groupby(["mode", "filter"], dropna=False, observed=True).indices.items():
        template = background_template(*(None if name != name or name == "nan" else name for name in (mode, filter_)))
        background[rows] = expected_background(block.background_counts[rows], block.background_ratio[rows], template)
    return out
