from __future__ import annotations

import signal
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import trim_mean

from vae.errors import ExplorerError, StoreError, TrainingError
from vae.network import TrainedModel
from vae.network.likelihood import expected_counts, poisson_deviance, profile_amplitude
from vae.spectra import grid
from vae.spectra.store import SpectraStore
from vae.training import TrainOptions, checkpoint_path, is_held_out, train
from vae.training.data import load
from vae.training.objective import held_out_loss
from vae.training.prepared import prepare

SHORT = TrainOptions(updates=40, batch_size=128, checkpoint_every=15, held_out_every=16, device="cpu", seed=4)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


def stop_at(last: int, error: type[BaseException] | None = None) -> Callable[[int], None]:
    """Raise an error after an update, or press Ctrl-C during the next one."""

    def check(update: int) -> None:
        if update == last:
            if error is not None:
                raise error
            signal.raise_signal(signal.SIGINT)

    return check


@pytest.fixture(scope="module")
def short(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("short") / "model"
    train(tiny_store, out, SHORT)
    return out


def test_same_seed_same_model(short: Path, tiny_store: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)  # the caller's random state is of no account
    train(tiny_store, tmp_path / "again", SHORT)
    assert weights(tmp_path / "again") == weights(short)


@pytest.mark.parametrize("last", [20, 31])
def test_resuming_is_exact_to_the_bit(short: Path, tiny_store: Path, tmp_path: Path, last: int) -> None:
    assert_resuming_is_exact(tiny_store, tmp_path / "model", SHORT, last, short)


@pytest.mark.parametrize(
    "settings",
    [
        ("averaging=0.9", "consistency=0.1", "free_bits=0.2"),
        ("averaging=0.99", "sleep=1"),
        ("averaging=0.9", "awaken_at=0.5"),
        ("prior=vamp", "pseudo_inputs=5", "cluster=0.5", "clusters=3"),
    ],
    ids=["consistency", "sleep", "awaken", "vamp"],
)
def test_resuming_is_exact_whatever_the_recipe_adds(
    tiny_store: Path, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    options = replace(SHORT, set=settings, updates=12, batch_size=64, checkpoint_every=5, held_out_every=4)
    train(tiny_store, tmp_path / "whole", options)
    assert_resuming_is_exact(tiny_store, tmp_path / "model", options, 7, tmp_path / "whole")


def assert_resuming_is_exact(store: Path, out: Path, options: TrainOptions, last: int, whole: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(store, out, options, on_update=stop_at(last))
    assert not out.exists()
    assert train(store, out, options, resume=True).updates == options.updates
    files = sorted(path.name for path in whole.glob("*.safetensors"))
    for name in files:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    histories = [tomllib.loads((path / "model.toml").read_text())["metrics"] for path in (out, whole)]
    assert histories[0] == histories[1]
    assert not checkpoint_path(out).exists()


def test_the_average_is_saved_and_judged(short: Path, tiny_store: Path, tmp_path: Path) -> None:
    summary = train(tiny_store, tmp_path / "model", replace(SHORT, set=("averaging=0.9",)))
    assert weights(tmp_path / "model") != weights(short)
    network = TrainedModel.load(tmp_path / "model").network("cpu")
    _, held_out = load(SpectraStore.open(tiny_store), "cpu", "response")
    assert held_out_loss(network, held_out) == pytest.approx(summary.held_out, rel=1e-6)


def test_a_crash_falls_back_to_the_last_regular_checkpoint(short: Path, tiny_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    with pytest.raises(RuntimeError):
        train(tiny_store, out, SHORT, on_update=stop_at(29, RuntimeError))
    done: list[int] = []
    train(tiny_store, out, SHORT, resume=True, on_update=done.append)
    assert done[0] == 16
    assert weights(out) == weights(short)


def test_resuming_another_run_is_refused(tiny_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    with pytest.raises(TrainingError, match="no checkpoint"):
        train(tiny_store, out, SHORT, resume=True)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_store, out, SHORT, on_update=stop_at(2))
    other = TrainOptions(updates=40, batch_size=128, held_out_every=16, device="cpu", seed=5)
    with pytest.raises(TrainingError, match="seed"):
        train(tiny_store, out, other, resume=True)
    with pytest.raises(TrainingError, match="unfinished"):
        train(tiny_store, out, SHORT)
    checkpoint_path(out).write_bytes(b"torn")
    with pytest.raises(TrainingError, match="unreadable"):
        train(tiny_store, out, SHORT, resume=True)


def test_a_loss_that_is_not_finite_stops_with_update_and_spectra_named(tiny_store: Path, tmp_path: Path) -> None:
    prepared = prepare(tiny_store, "response", "cpu")
    honest = prepared.training.values.clone()

    def spoil(update: int) -> None:
        if update == 17:
            prepared.training.values[::40, 300] = float("nan")

    out = tmp_path / "model"
    with pytest.raises(TrainingError, match=r"at update (1[89]|2\d); loss not finite: detection_id") as caught:
        train(tiny_store, out, SHORT, prepared=prepared, on_update=spoil)
    named = str(caught.value).split("detection_id ")[1].split(" and ")[0].split(".")[0]
    assert {int(name) for name in named.split(",")} <= set(prepared.training.detection_id[::40].tolist())
    assert not out.exists()
    prepared.training.values.copy_(honest)
    done: list[int] = []
    train(tiny_store, out, SHORT, resume=True, prepared=prepared, on_update=done.append)
    assert done[0] == 16  # from update 15, before the trouble


def test_nothing_is_overwritten_by_accident(short: Path, tiny_store: Path, tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="exists"):
        train(tiny_store, short, SHORT)
    with pytest.raises(StoreError):
        train(tmp_path / "nowhere", tmp_path / "model", SHORT)


def test_training_beats_the_nulls_on_held_out_sources(tiny_store: Path, tmp_path: Path) -> None:
    options = TrainOptions(updates=250, batch_size=256, device="cpu", held_out_every=50)
    summary = train(tiny_store, tmp_path / "model", options)
    meta = tomllib.loads((tmp_path / "model" / "model.toml").read_text())
    assert summary.held_out["median"] < meta["metrics"]["history"][0]["median"]
    training, held_out = load(SpectraStore.open(tiny_store), "cpu")
    everything = next(training.batches(len(training)))
    net = (everything.counts - everything.background).sum(0) / everything.weight.sum(0)
    mean_shape = net.clamp(min=float(net.max()) * 1e-4)
    power_law = torch.tensor(grid.BIN_CENTRES**-1.9, dtype=torch.float32)
    for shape in (mean_shape, power_law):
        batch = next(held_out.batches(len(held_out)))
        folded = batch.fold(shape)
        amplitude = profile_amplitude(batch.counts, folded, batch.background)
        null = poisson_deviance(batch.counts, expected_counts(folded, amplitude, batch.background)).double().numpy()
        assert summary.held_out["median"] < np.median(null)
        assert summary.held_out["trimmed_mean"] < trim_mean(null, 0.05)


def test_no_source_is_on_both_sides(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    training, held_out = load(store, "cpu")
    source = store.detections["source_id"].to_numpy()
    side = is_held_out(source)
    assert len(training) == (~side).sum()
    assert len(held_out) == side.sum()
    assert not set(source[side]) & set(source[~side])
    counts = store.read("counts")
    np.testing.assert_array_equal(held_out.values[:, 238:476].numpy(), counts[side])
    np.testing.assert_array_equal(training.values[:, 238:476].numpy(), counts[~side])


def test_model_says_how_it_was_made(short: Path, tiny_store: Path) -> None:
    meta = TrainedModel.load(short).meta
    assert meta["architecture"]["parameters"] == 475_206
    assert meta["training"]["recipe"] == "default"
    assert meta["training"]["updates"] == 40
    assert meta["data"]["content_sha256"] == SpectraStore.open(tiny_store).content_hash()
    assert meta["data"]["simulated"]
    assert {"median", "trimmed_mean", "mean"} <= set(meta["metrics"]["held_out_loss"])
    assert meta["libraries"]["torch"]
    assert meta["command"]


def test_other_latent_dimensions_train(tiny_store: Path, tmp_path: Path) -> None:
    options = TrainOptions(updates=3, batch_size=32, latent_dim=5, device="cpu")
    train(tiny_store, tmp_path / "model", options)
    assert TrainedModel.load(tmp_path / "model").config.latent_dim == 5


@pytest.mark.gpu
def test_training_and_resuming_on_a_gpu(tiny_store: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    options = TrainOptions(updates=60, batch_size=128, device="cuda", checkpoint_every=15)
    out = tmp_path / "model"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_store, out, options, on_update=stop_at(20))
    summary = train(tiny_store, out, options, resume=True)
    assert summary.device == "cuda"
    assert np.isfinite(summary.held_out["median"])
