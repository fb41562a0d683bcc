"""Exponential moving average of the weights, without the bias towards the first ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Averaging:
    """Average of a module's parameters over updates, newer ones weighing more (Polyak & Juditsky 1992).

    After t updates the average is sum d^(t-i) w_i / sum d^(t-i): corrected for its start as Adam's moments are
    (Kingma & Ba 2015, arXiv 1412.6980), so that initial weights never enter.

    Parameters
    ----------
    module : torch.nn.Module
        Whose trained parameters are averaged.
    decay : float
        d, 0...1.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.values = [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def update(self, count: int) -> None:
        """Take in the weights after update `count`, 1, 2, ..."""
        share = (1.0 - self.decay) / (1.0 - self.decay**count)  # 1 at the first
        torch._foreach_lerp_(self.values, [parameter.detach() for parameter in self._parameters], share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average in place of the weights, for evaluation or saving."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, value in zip(self._parameters, self.values, strict=True):
            held: Tensor = parameter.detach().clone()
            parameter.copy_(value)
            value.copy_(held)
