"""Training data, whole on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae.errors import TrainingError
from vae.network.scaling import scale_input
from vae.progress import progress_bar
from vae.spectra import grid
from vae.spectra.statistics import background_template, expected_background
from vae.spectra.store import SpectraStore
from vae.training.split import is_held_out

#: What is kept of each spectrum, in this order: one gather a batch fetches all four.
_PARTS: Final = 4


@dataclass(frozen=True)
class Batch:
    """Spectra of one update; every tensor has shape (n, 238).

    Parameters
    ----------
    x : Tensor
        Scaled for the encoder.
    counts : Tensor
        Gross counts.
    sensitivity : Tensor
        Share of each bin, summing to 1: the amplitude is profiled, so the scale does not matter.
    background : Tensor
        Expected background counts.
    """

    x: Tensor
    counts: Tensor
    sensitivity: Tensor
    background: Tensor


class ResidentSpectra:
    """Spectra on one device, 3.8 kB each, fetched by row number.

    Parameters
    ----------
    values : Tensor, shape (n, 4, 238)
        Scaled input, counts, sensitivity share, expected background.
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, rows: Tensor) -> Batch:
        """Fetch the spectra of some rows (int64 on the same device)."""
        return Batch(*self.values.index_select(0, rows).unbind(1))

    def batches(self, size: int) -> Iterator[Batch]:
        """All spectra in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield Batch(*self.values[start : start + size].unbind(1))


def load(store: SpectraStore, device: str, *, quiet: bool = True) -> tuple[ResidentSpectra, ResidentSpectra]:
    """Read a store, split it by source and put both parts on a device.

    Returns
    -------
    training, held_out : ResidentSpectra

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
    host = {side: torch.empty((size, _PARTS, grid.N_BINS)) for side, size in sizes.items()}
    filled = {False: 0, True: 0}
    keys = store.detections[["mode", "filter"]].astype("str")
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task("Reading spectra", total=len(store))
        for start, block in store.blocks():
            stop = start + len(block)
            ready = torch.from_numpy(_prepare(vars(block), keys.iloc[start:stop]))
            for side in (False, True):
                rows = torch.from_numpy(np.flatnonzero(held_out[start:stop] == side))
                host[side][filled[side] : filled[side] + len(rows)] = ready[rows]
                filled[side] += len(rows)
            progress.update(task, advance=len(block))
    return ResidentSpectra(host[False].to(device)), ResidentSpectra(host[True].to(device))


def _prepare(block: dict[str, NDArray[Any]], keys: Any) -> NDArray[np.float32]:
    out = np.empty((len(block["counts"]), _PARTS, grid.N_BINS), np.float32)
    counts, background_counts, ratio = block["counts"], block["background_counts"], block["background_ratio"]
    out[:, 0] = scale_input(counts, background_counts, ratio, block["sensitivity"])
    out[:, 1] = counts
    total = block["sensitivity"].sum(axis=1, keepdims=True, dtype=np.float64)
    out[:, 2] = block["sensitivity"] / np.maximum(total, 1e-30)
    for (mode, filter_), rows in keys.groupby(["mode", "filter"], dropna=False, observed=True).indices.items():
        template = background_template(*(None if name != name or name == "nan" else name for name in (mode, filter_)))
        out[rows, 3] = expected_background(background_counts[rows], ratio[rows], template)
    return out
