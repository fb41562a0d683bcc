"""One run in several processes: who they are, which share of a batch each takes, and how they hear of each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from vae.errors import OptionError


@dataclass(frozen=True)
class Ranks:
    """The processes of a run, as torchrun started them.

    Every process draws the same batch and the same noise from the same generator and takes its share, so that any
    number of them computes what one would.

    Parameters
    ----------
    rank, size : int
        Which process this is, and of how many.
    """

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and talks to the person."""
        return self.rank == 0

    def share(self, rows: Tensor) -> slice:
        """Return what this process takes of the last axis of drawn rows (lines of one response each, or one line).

        Raises
        ------
        OptionError
            When the processes cannot have equal shares.
        """
        length = rows.shape[-1]
        if length % self.size:
            raise OptionError(
                f"{rows.numel()} spectra a batch cannot be shared by {self.size} processes",
                todo=f"Set --batch-size to a multiple of {rows.numel() // length * self.size}",
            )
        part = length // self.size
        return slice(self.rank * part, (self.rank + 1) * part)

    def collect(self, values: Tensor, rows: Tensor, asked: bool) -> tuple[Tensor, bool]:
        """Bring together the values of all processes' rows, and whether any of them was asked to stop.

        Parameters
        ----------
        values : Tensor, shape (n / size,)
            Of this process's share of the rows.
        rows : Tensor
            All rows of the batch, as drawn.
        asked : bool

        Returns
        -------
        values : Tensor, shape (n,)
            In the order of ``rows.reshape(-1)``.
        asked : bool
        """
        if self.size == 1:
            return values, asked
        message = torch.zeros(rows.numel() + 1, dtype=values.dtype, device=values.device)
        everyone = message[:-1].view(rows.shape)
        everyone[..., self.share(rows)] = values.view(*rows.shape[:-1], -1)
        message[-1] = float(asked)
        dist.all_reduce(message)
        return message[:-1], bool(message[-1] > 0)

    def joined(self, values: Tensor, dim: int) -> Tensor:
        """Join the equal parts of all processes along an axis."""
        if self.size == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.size)]
        dist.all_gather(parts, values.contiguous())
        return torch.cat(parts, dim)

    def own(self, values: Tensor, dim: int) -> Tensor:
        """Return this process's part of what `joined` returned."""
        return values.chunk(self.size, dim)[self.rank]

    def mean(self, values: Tensor) -> Tensor:
        """Average the values of all processes."""
        if self.size == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total / self.size


def speaks() -> bool:
    """Whether this process talks to the person: the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def process_group(device: str) -> Iterator[tuple[Ranks, str]]:
    """Join the other processes of a run where torchrun started several.

    Parameters
    ----------
    device : str
        As picked; on GPUs each process takes the one of its local number.

    Yields
    ------
    ranks : Ranks
    device : str
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Ranks(), device
        return
    on_gpu = device.startswith("cuda")
    if on_gpu:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Ranks(dist.get_rank(), size), device
    finally:
        dist.destroy_process_group()
