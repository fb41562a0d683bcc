"""Probabilities against limits that can be written down, and against simulated skies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from vae.crossmatch.likelihood import chance_matches, local_density, match


def one(separation, sigma, density, *, prior=0.5, n_sources=1):
    n = len(separation)
    return match(
        np.zeros(n, np.int64), np.array(separation, float), np.full(n, sigma), np.full(n, density), n_sources=n_sources,
        prior=prior,
    )  # fmt: skip


def test_a_lone_candidate_by_hand():
    q, r, s, n = 0.4, 1.3, 0.9, 1e-3
    odds = q / (1 - q) * np.exp(-(r**2) / (2 * s**2)) / (2 * np.pi * s**2 * n)
    found = one([r], s, n, prior=q)
    assert found.probability[0] == pytest.approx(odds / (1 + odds), rel=1e-12)
    assert found.any[0] == pytest.approx(found.probability[0])


def test_limits():
    assert one([1.0], 1.0, 1e-12).any[0] == pytest.approx(1, abs=1e-9)  # an empty sky
    assert one([1.0], 1.0, 1e12).any[0] == pytest.approx(0, abs=1e-9)  # a full one
    twins = one([0.7, 0.7], 1.0, 1e-12)
    assert twins.probability.tolist() == pytest.approx([0.5, 0.5])
    near, far = one([0.0, 2.0], 1.0, 1e-3).probability
    assert near / far == pytest.approx(np.exp(2.0))
    none = match(np.empty(0, np.int64), *np.empty((3, 0)), n_sources=3, prior=0.5)
    assert none.any.tolist() == [0, 0, 0]


@pytest.fixture(scope="module")
def world():
    """30,000 sources, 35 % with a counterpart, unrelated objects at densities over a decade."""
    rng = np.random.default_rng(2)
    n, radius = 30_000, 12.0
    sigma, density = rng.uniform(0.5, 2.5, n), 10 ** rng.uniform(-3.3, -2.3, n)
    has = rng.random(n) < 0.35
    own = np.flatnonzero(has)
    strangers = np.repeat(np.arange(n), rng.poisson(density * np.pi * radius**2))
    source = np.concatenate([own, strangers])
    separation = np.concatenate([rng.rayleigh(sigma[own]), radius * np.sqrt(rng.random(strangers.size))])
    is_true = np.arange(source.size) < own.size
    kept = separation <= radius
    return {"n": n, "sigma": sigma, "density": density, "has": has, "radius": radius,
            "source": source[kept], "separation": separation[kept], "true": is_true[kept]}  # fmt: skip


def matched(world, **settings):
    s = world["source"]
    return match(s, world["separation"], world["sigma"][s], world["density"][s], n_sources=world["n"], **settings)


def test_the_prior_is_found(world):
    found = matched(world)
    assert found.prior == pytest.approx(world["has"].mean(), abs=0.005)
    # It is self-consistent, and the maximum of the likelihood it claims to be.
    assert found.prior == pytest.approx(found.any.mean(), abs=1e-4)
    total = np.bincount(world["source"], found.ratio, minlength=world["n"])
    at = [np.log(1 - q + q * total).sum() for q in (found.prior - 0.01, found.prior, found.prior + 0.01)]
    assert at[1] > max(at[0], at[2])


def test_few_sources_make_no_certainty():
    sure = one([0.0], 1.0, 1e-9, prior=None)
    assert sure.prior == pytest.approx(2 / 3, abs=1e-4)
    lonely = match(np.empty(0, np.int64), *np.empty((3, 0)), n_sources=1)
    assert lonely.prior == pytest.approx(1 / 3, abs=1e-4)


def test_probabilities_are_frequencies(world):
    found = matched(world)
    for low in np.arange(0, 1, 0.1):
        chosen = (found.probability >= low) & (found.probability < low + 0.1)
        share, n = world["true"][chosen].mean(), chosen.sum()
        expected = found.probability[chosen].mean()
        assert n > 200
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n) + 0.002)


def test_chance_matches_are_as_many_as_said(world):
    """Among the sources without counterpart, those that are given one."""
    found = matched(world)
    said = chance_matches(
        world["sigma"], world["density"], np.full(world["n"], world["radius"]), prior=found.prior, threshold=0.5
    )
    lonely = ~world["has"]
    expected, got = said[lonely].sum(), (found.any[lonely] >= 0.5).sum()
    # Two that are too far alone may reach the threshold together: a few per cent more.
    assert got == pytest.approx(expected, rel=0.12)
    assert said.sum() * (1 - found.prior) == pytest.approx(expected, rel=0.03)


def test_a_threshold_that_cannot_be_reached_has_no_chance_matches():
    few = chance_matches(np.ones(1), np.full(1, 10.0), np.full(1, 5.0), prior=0.1, threshold=0.9)
    assert few.tolist() == [0.0]
    # And where everything is accepted, it is the search circle.
    all_of_it = chance_matches(np.ones(1), np.full(1, 1e-9), np.full(1, 5.0), prior=0.9, threshold=0.1)
    assert all_of_it[0] == pytest.approx(1e-9 * np.pi * 25)


def test_density_follows_the_sky_and_is_never_zero():
    rng = np.random.default_rng(4)
    n = 4000
    crowded = np.arange(n) < n // 2
    ra, dec = np.where(crowded, 80.0, 200.0) + rng.uniform(-2, 2, n), rng.uniform(-2, 2, n)
    area = np.full(n, 2000.0)
    truth = np.where(crowded, 3e-3, 5e-5)
    outside = rng.poisson(truth * area)
    density = local_density(ra, dec, outside, area)
    assert density[crowded].mean() == pytest.approx(3e-3, rel=0.1)
    # Where there is little, the mean of all pulls a little.
    assert 5e-5 < density[~crowded].mean() < 2e-4
    lonely = local_density(np.array([10.0]), np.array([-20.0]), np.array([0]), np.array([2000.0]))
    assert 0 < lonely[0] < 1e-3
    nothing = local_density(ra[:5], dec[:5], np.zeros(5, int), area[:5])
    assert np.all(nothing > 0)
