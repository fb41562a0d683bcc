"""Averages, priors, clusters and halves: what a recipe may add."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from vae.network.autoencoder import Autoencoder
from vae.network.scaling import scale_input
from vae.spectra.store import SpectraStore
from vae.training.averaging import Averaging
from vae.training.clusters import SoftClusters
from vae.training.data import load
from vae.training.distributed import Ranks
from vae.training.objective import Objective
from vae.training.priors import GaussianPrior, VampPrior
from vae.training.recipes import RECIPES
from vae.training.step import compiled
from vae.training.thinning import Exposures, posterior_distance


def same(values: torch.Tensor) -> torch.Tensor:
    return values


def posteriors(n: int, d: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator), 0.5 * torch.randn(n, d, generator=generator) - 1.0


def gaussian(mu: torch.Tensor, logvar: torch.Tensor) -> Independent:
    return Independent(Normal(mu, torch.exp(0.5 * logvar)), 1)


def test_average_weighs_by_age_and_forgets_the_start() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    average = Averaging(layer, 0.9)
    seen = [3.0, 5.0, 11.0]
    for count, value in enumerate(seen, 1):
        torch.nn.init.constant_(layer.weight, value)
        average.update(count)
    ages = 0.9 ** np.arange(2, -1, -1)
    with average.applied():
        assert layer.weight.item() == pytest.approx(float(ages @ seen / ages.sum()), rel=1e-6)
    assert layer.weight.item() == 11.0


def test_free_bits_make_the_mean_divergence_no_smaller_than_they_are() -> None:
    mu, logvar = posteriors(500, 3)
    mu[:, 2], logvar[:, 2] = 1e-3, 0.0  # carries nothing
    by_dimension = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean(0)
    resisted = GaussianPrior(0.05).resisted(mu, logvar, same).mean()
    assert float(resisted) == pytest.approx(float(by_dimension.clamp(min=0.05).sum()), rel=1e-5)
    mu.requires_grad_()
    torch.autograd.backward(GaussianPrior(0.05).resisted(mu, logvar, same).mean())
    assert mu.grad is not None
    assert not mu.grad[:, 2].any()
    assert mu.grad[:, 0].any()


def test_mixture_prior_of_one_posterior_is_that_posterior() -> None:
    mu, logvar = posteriors(40_000, 2)
    generator = torch.Generator().manual_seed(3)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape, generator=generator)
    there = torch.tensor([[0.5, -0.2]]), torch.tensor([[0.1, 0.3]])
    prior = VampPrior(torch.zeros(4, 238))  # four times the same
    divergence = prior(mu, logvar, z, lambda x: tuple(part.expand(len(x), 2) for part in there))
    exact = kl_divergence(gaussian(mu, logvar), gaussian(*there))
    assert float(divergence.mean()) == pytest.approx(float(exact.mean()), rel=0.02)


def test_distance_of_posteriors_is_the_symmetric_divergence() -> None:
    first, second = posteriors(50, 3), posteriors(50, 3, seed=2)
    one, other = gaussian(*first), gaussian(*second)
    exact = 0.5 * (kl_divergence(one, other) + kl_divergence(other, one))
    mu, logvar = torch.stack([first[0], second[0]]), torch.stack([first[1], second[1]])
    torch.testing.assert_close(posterior_distance(mu, logvar), exact)


def test_clusters_sharpen() -> None:
    generator = torch.Generator().manual_seed(2)
    mu = torch.cat([torch.randn(200, 2, generator=generator) + shift for shift in (-2.5, 2.5)]).requires_grad_()
    clusters = SoftClusters(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
    torch.testing.assert_close(clusters.assignment(mu).sum(1), torch.ones(400))
    optimizer = torch.optim.SGD([mu, *clusters.parameters()], lr=20.0)
    before = clusters.assignment(mu).amax(1).mean().item()
    for _ in range(30):
        optimizer.zero_grad()
        torch.autograd.backward(clusters(mu, same).mean())
        optimizer.step()
    assert clusters.assignment(mu).amax(1).mean().item() > before + 0.02


def test_halves_are_independent_halves_of_the_exposure(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    training, _ = load(store, "cpu", "response")
    exposures = Exposures.load(store, training)
    rows = torch.tensor([5, 900, 17])
    counts = training.batch(rows).counts
    place = np.searchsorted(store.detections["detection_id"], training.detection_id[rows.numpy()])
    np.testing.assert_array_equal(exposures.background_counts[rows], store.read("background_counts")[place])
    np.testing.assert_allclose(exposures.background_ratio[rows], store.read("background_ratio")[place], rtol=1e-6)
    exact = scale_input(
        counts,
        exposures.background_counts[rows],
        exposures.background_ratio[rows],
        exposures.sensitivity[rows],
        xp=torch,
    )
    torch.testing.assert_close(exact, training.batch(rows).x, rtol=1e-4, atol=1e-5)
    generator = torch.Generator().manual_seed(8)
    bright = torch.full((3, 238), 400.0)
    halves = torch.stack([exposures.halves(rows, bright, generator) for _ in range(20)])
    one, two = halves[:, 0] - halves[:, 0].mean(0), halves[:, 1] - halves[:, 1].mean(0)
    assert halves.shape == (20, 2, 3, 238)
    assert torch.isfinite(halves).all()
    assert float((one * two).mean()) < 0  # the counts of one are missing in the other
    assert float(halves.std(0).max()) > 0


def test_without_a_compiler_a_run_goes_on_uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = torch.nn.Linear(2, 2)
    asked: list[str] = []
    monkeypatch.setattr("vae.training.step.shutil.which", lambda name: asked.append(name))
    assert compiled(layer, torch.device("cpu")) is layer
    assert "g++" in asked
    monkeypatch.setattr("vae.training.step.shutil.which", lambda name: name)
    monkeypatch.setattr(torch, "compile", lambda module, **_: ("compiled", module))
    assert compiled(layer, torch.device("cpu")) == ("compiled", layer)


def test_autocast_leaves_the_likelihood_in_float32(tiny_store: Path) -> None:
    training, _ = load(SpectraStore.open(tiny_store), "cpu", "response")
    network = Autoencoder()
    batch = training.batch(torch.arange(32))
    noise = torch.zeros(32, 2)
    terms = {}
    for precision in ("float32", "bfloat16"):
        recipe = RECIPES["default"].with_settings((f"precision={precision}",))
        terms[precision] = Objective.of(network, recipe, training, 0, Ranks())(batch, noise)
    assert terms["bfloat16"].deviance.dtype is torch.float32
    assert not torch.equal(terms["bfloat16"].deviance, terms["float32"].deviance)
    torch.testing.assert_close(terms["bfloat16"].deviance, terms["float32"].deviance, rtol=0.02, atol=0.5)
