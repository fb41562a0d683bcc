from __future__ import annotations

import pytest
import torch

from vae.network import likelihood
from vae.network.likelihood import profiled_deviance


def spectra(n: int = 300) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Counts, folded shapes and backgrounds of all brightnesses, also with nothing above the background."""
    generator = torch.Generator().manual_seed(1)
    truth = torch.rand(n, 238, generator=generator) ** 3
    background = 0.3 * torch.rand(n, 238, generator=generator)
    amplitude = torch.exp(3 * torch.randn(n, 1, generator=generator)) * (torch.arange(n)[:, None] % 7 > 0)
    counts = torch.poisson(amplitude * truth + background, generator=generator)
    folded = truth * torch.exp(0.3 * torch.randn(n, 238, generator=generator))
    return counts, folded * torch.exp(5 * torch.randn(n, 1, generator=generator)), background


def loss_and_gradient(
    counts: torch.Tensor, folded: torch.Tensor, background: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = folded.clone().requires_grad_()
    loss = profiled_deviance(counts, leaf, background)
    torch.autograd.backward(loss.sum())
    assert leaf.grad is not None
    return loss.detach().double(), leaf.grad.double()


@pytest.mark.parametrize("threads", [1, 2])
def test_kernel_agrees_with_double_precision(threads: int) -> None:
    parts = spectra()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        loss, gradient = loss_and_gradient(*parts)
    finally:
        torch.set_num_threads(before)
    exact, exact_gradient = loss_and_gradient(*(part.double() for part in parts))  # by tensors: not float32
    torch.testing.assert_close(loss, exact, rtol=1e-5, atol=1e-3)
    scale = exact_gradient.abs().amax(1, keepdim=True).clamp(min=1e-30)
    assert float(((gradient - exact_gradient).abs() / scale).max()) < 1e-4


def test_kernel_takes_rows_with_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, folded, background = spectra(16)
    wide = torch.cat([counts, background], 1)
    apart = loss_and_gradient(wide[:, :238], folded, wide[:, 238:])
    together = loss_and_gradient(counts, folded, background)
    assert torch.equal(apart[0], together[0])
    assert torch.equal(apart[1], together[1])
    monkeypatch.setattr(likelihood, "applies", lambda *_: False)
    torch.testing.assert_close(loss_and_gradient(counts, folded, background)[0], apart[0], rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("where", [0, 1, 2])
def test_what_is_not_a_number_stays_so(where: int) -> None:
    parts = spectra(8)
    parts[where][5, 100] = float("nan")
    loss = profiled_deviance(*parts)
    assert torch.nonzero(~torch.isfinite(loss)).ravel().tolist() == [5]
