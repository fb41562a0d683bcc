from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vae.network.likelihood import profiled_deviance
from vae.spectra import grid
from vae.spectra.store import SpectraStore
from vae.training.data import ResidentSpectra, load


@pytest.fixture(scope="module")
def store(tiny_store: Path) -> SpectraStore:
    return SpectraStore.open(tiny_store)


@pytest.fixture(scope="module")
def training(store: SpectraStore) -> ResidentSpectra:
    return load(store, "cpu", "response")[0]


def toy(response_index: list[int], n_responses: int = 3) -> ResidentSpectra:
    """Rows that hold their own number as counts; matrices that only differ by a factor."""
    n = len(response_index)
    values = torch.zeros(n, 3 * grid.N_BINS + grid.N_TRUE)
    values[:, grid.N_BINS : 2 * grid.N_BINS] = torch.arange(n)[:, None]
    values[:, 3 * grid.N_BINS :] = 1.0
    matrices = torch.arange(1.0, n_responses + 1)[:, None, None].expand(n_responses, grid.N_TRUE, grid.N_BINS)
    return ResidentSpectra(values, 100 + np.arange(n), "response", matrices, np.array(response_index))


def plain_fold(store: SpectraStore, detection_id: np.ndarray, shape: torch.Tensor) -> torch.Tensor:
    """Fold every spectrum alone, in double precision, straight from the store's arrays."""
    known, area = store.detections["detection_id"].to_numpy(), store.read("area").astype(np.float64)
    index, matrices = store.read("response_index"), torch.from_numpy(store.redistribution).double()
    folded = []
    for number, line in zip(detection_id, shape, strict=True):
        row = int(np.flatnonzero(known == number)[0])
        weight = torch.from_numpy(area[row] * grid.TRUE_WIDTHS)
        folded.append(matrices[index[row]] @ (line * weight / weight.sum()))
    return torch.stack(folded)


@pytest.mark.parametrize("way", ["groups", "any", "in order"])
def test_fold_and_its_gradient_are_those_of_every_row_alone(
    store: SpectraStore, training: ResidentSpectra, way: str
) -> None:
    rows = training.draw(64, torch.Generator().manual_seed(1))
    if way == "any":
        rows = rows.flatten()[torch.randperm(64, generator=torch.Generator().manual_seed(2))]
    elif way == "in order":
        rows = torch.arange(300)
    batch = next(training.batches(300)) if way == "in order" else training.batch(rows)
    assert len(torch.unique(training._index[rows])) > 1
    detections = training.detection_id[rows.flatten().numpy()]
    rng = np.random.default_rng(3)
    shapes = rng.uniform(0.5, 2.0, (len(batch), grid.N_TRUE)) * grid.TRUE_CENTRES**-1.8
    single = torch.tensor(shapes, dtype=torch.float32, requires_grad=True)
    exact = torch.tensor(shapes, requires_grad=True)
    folded, expected = batch.fold(single), plain_fold(store, detections, exact)
    torch.testing.assert_close(folded.double(), expected, rtol=2e-5, atol=1e-9)
    counts, background = batch.counts.double(), batch.background.double()
    torch.autograd.backward(profiled_deviance(batch.counts, folded, batch.background, steps=10).sum())
    torch.autograd.backward(profiled_deviance(counts, expected, background, steps=10).sum())
    assert single.grad is not None
    assert exact.grad is not None
    largest = exact.grad.abs().amax(1, keepdim=True)
    assert float(((single.grad - exact.grad).abs() / largest).max()) < 1e-3


@pytest.mark.parametrize("size", [64, 63, 7, 1])
def test_lines_of_a_draw_share_their_response(size: int) -> None:
    spectra = toy([0] * 5 + [2] * 90)
    rows = spectra.draw(size, torch.Generator().manual_seed(0))
    assert rows.numel() == size
    assert size % len(rows) == 0
    index = torch.tensor([0] * 5 + [2] * 90)[rows]
    assert (index == index[:, :1]).all()
    folded = spectra.batch(rows).fold(torch.ones(size, grid.N_TRUE))
    assert torch.equal(folded[:, 0], grid.N_TRUE * (index.flatten() + 1.0))


def test_every_row_is_drawn_equally_often() -> None:
    spectra = toy([0] * 3 + [1] * 40 + [2] * 7)
    generator = torch.Generator().manual_seed(5)
    rows = torch.cat([spectra.draw(80, generator).flatten() for _ in range(2000)])
    expected = len(rows) / len(spectra)
    number = torch.bincount(rows, minlength=len(spectra)).numpy()
    # Groups of ten share a response, so that its number scatters by the groups, not by the rows.
    np.testing.assert_allclose(number, expected, rtol=0.1)


def test_a_walk_covers_all_rows_once_and_the_first_are_the_lowest_detections(training: ResidentSpectra) -> None:
    for spectra in (training, toy([0, 0, 1, 1, 1, 2])):
        batches = list(spectra.batches(4 if len(spectra) < 10 else 512))
        assert torch.equal(torch.cat([batch.counts for batch in batches]), spectra.values[:, 238:476])
    part = training.first(100)
    np.testing.assert_array_equal(np.sort(part.detection_id), np.sort(training.detection_id)[:100])
    shape = torch.ones(100, grid.N_TRUE)
    rows = torch.from_numpy(np.flatnonzero(np.isin(training.detection_id, part.detection_id)))
    torch.testing.assert_close(next(part.batches(100)).fold(shape), training.batch(rows).fold(shape))


def test_both_likelihoods_hold_the_same_spectra(store: SpectraStore, training: ResidentSpectra) -> None:
    other = load(store, "cpu", "sensitivity")[0]
    order = np.argsort(training.detection_id)
    np.testing.assert_array_equal(other.detection_id, training.detection_id[order])
    part = 3 * grid.N_BINS
    assert torch.equal(other.values[:, :part], training.values[torch.from_numpy(order), :part])
    batch = other.batch(torch.arange(4))
    sensitivity = store.read("sensitivity")[np.isin(store.detections["detection_id"], other.detection_id[:4])]
    folded = batch.fold(torch.ones(4, grid.N_BINS)).numpy()
    np.testing.assert_allclose(folded, sensitivity / sensitivity.sum(1, keepdims=True), rtol=1e-5)
