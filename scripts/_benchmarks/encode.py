"""Encoding a store: seconds, processor seconds, memory from process start to atlas, by step, and against stock tools.

The store of a million is made of a smaller simulated one, whose shards are copied (not linked) until there are enough:
encoding does the same work, and building takes seconds instead of minutes.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, TensorDataset

from _benchmarks.processes import run_script
from vae.encode import encode_store
from vae.errors import ExplorerError
from vae.network.scaling import scale_input
from vae.network.trained import TrainedModel
from vae.resources import asset
from vae.simulate import SimulateOptions, build_store
from vae.spectra import grid
from vae.spectra.background import background_template, expected_background
from vae.spectra.store import SHARD_ROWS, SpectraStore

#: Detections that are simulated; a larger store repeats them.
_SIMULATED: Final = 4 * SHARD_ROWS
#: Spectra on which our way is compared with stock tools, and the stock batch.
_STOCK_ROWS: Final = 16_384
_STOCK_BATCH: Final = 256

Array = NDArray[Any]


def measure(detections: int, seed: int, repeat: int, scratch: Path | None, store: Path | None = None) -> dict[str, Any]:
    """Encode a store in fresh processes, and compare with a stock loop on part of it.

    Parameters
    ----------
    detections : int
    seed : int
    repeat : int
        Encodings; medians are reported.
    scratch : Path, optional
        Where store and atlases are made, and removed.
    store : Path, optional
        Spectra of which the store is made, instead of simulated ones.

    Returns
    -------
    dict
        Timings, memory, and the ratio to stock.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="benchmark-") as folder:
        base = store or build_store(
            SimulateOptions(detections=min(detections, _SIMULATED), seed=seed), Path(folder) / "base", quiet=True
        )
        large = repeat_store(base, Path(folder) / "store", detections)
        runs = [_encode(large, Path(folder) / "atlas") for _ in range(repeat)]
        stock = compare(SpectraStore.open(large))
    return {
        "cpu_count": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "model_likelihood": TrainedModel.load(asset("models", "reference")).likelihood,
        "detections": detections,
        **{name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]},
        "seconds_of_each": [round(run["seconds"], 2) for run in runs],
        "against_stock": stock,
    }


def repeat_store(base: Path, out: Path, detections: int) -> Path:
    """Make a store of `detections` rows out of the shards of another one, over and over; new identifiers."""
    small = SpectraStore.open(base)
    if len(small) < min(detections, SHARD_ROWS):
        raise ExplorerError(
            f"it holds {len(small)} spectra: too few to repeat", where=base, todo="Give a larger --store"
        )
    n_whole = max(len(small) // SHARD_ROWS, 1)  # of a last shard, partly filled, nothing is repeated
    shutil.copytree(small.path / "spectra.zarr", out / "spectra.zarr")
    n_shards = -(-detections // SHARD_ROWS)
    for array in (path.parent for path in (out / "spectra.zarr").glob("*/zarr.json")):
        meta = json.loads((array / "zarr.json").read_text())
        if meta.get("shape", [0])[0] != len(small) or not (array / "c" / "0").exists():
            continue
        shards = [array / "c" / str(number) for number in range(n_whole)]
        for number in range(n_whole, n_shards):
            target = array / "c" / str(number)
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            source = shards[number % n_whole]
            shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
        meta["shape"][0] = detections
        (array / "zarr.json").write_text(json.dumps(meta))
    (out / "spectra.zarr" / "zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}})
    )
    rows = np.arange(detections) % (n_whole * SHARD_ROWS)
    table = small.detections.iloc[rows].reset_index(drop=True)
    table["detection_id"] = np.arange(detections, dtype=np.int64)
    table.to_parquet(out / "detections.parquet", index=False)
    shutil.copy2(small.path / "rejected.parquet", out)
    marker = "store.json" if (small.path / "store.json").exists() else "atlas.json"
    meta = json.loads((small.path / marker).read_text())
    (out / "store.json").write_text(json.dumps({**meta, "n_detections": detections}))
    return out


def _encode(store: Path, out: Path) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = run_script("encode", store, "--out", out, "--overwrite", "--device", "cpu")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    steps = {name: value for name, value in run.summary.items() if name.endswith("_s")}
    return {
        "seconds": run.seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "encode_seconds": run.summary["seconds"],
        **steps,
        "peak_rss_mib": run.peak_rss_mib,
    }


def compare(store: SpectraStore, rows: int = _STOCK_ROWS) -> dict[str, Any]:
    """Encode the first rows in our way and with stock tools: zarr, DataLoader, a plain module, numpy.

    Returns
    -------
    dict
        Spectra a second of both, their ratio, and the largest differences of their results.
    """
    model = TrainedModel.load(asset("models", "reference"))
    rows = min(rows, len(store))
    part = _First(store, rows)
    ways = {"ours": lambda: encode_store(part, model, device="cpu"), "stock": lambda: _stock(store, model, rows)}
    results, per_second = {}, {}
    for name, way in ways.items():
        way() if name == "ours" else None  # compiled before the clock starts
        start = time.perf_counter()
        results[name] = way()
        per_second[name] = rows / (time.perf_counter() - start)
    return {
        "rows": rows,
        **{f"{name}_per_s": round(rate) for name, rate in per_second.items()},
        "times_faster_than_stock": round(per_second["ours"] / per_second["stock"], 2),
        "largest_difference_of_mu": float(np.abs(results["ours"]["mu"] - results["stock"]["mu"]).max()),
        "largest_relative_difference_of_cstat": float(
            np.abs(results["ours"]["cstat"] / results["stock"]["cstat"] - 1).max()
        ),
    }


class _First(SpectraStore):
    """The first rows of a store."""

    def __init__(self, store: SpectraStore, rows: int) -> None:
        super().__init__(store.path, store.meta, store.root, store.table_name)
        self._n = rows
        self.detections = store.detections.iloc[:rows]

    def __len__(self) -> int:
        return self._n


def _stock(store: SpectraStore, model: TrainedModel, rows: int) -> dict[str, Array]:
    """Encode as one would without thinking of speed; fits by Newton's method in numpy, C-stat in numpy."""
    arrays = [np.asarray(store.root[name][:rows]) for name in ("counts", "background_counts", "background_ratio")]
    arrays += [np.asarray(store.root[name][:rows]) for name in ("sensitivity", "area", "response_index")]
    tensors = [torch.from_numpy(values.astype(np.float32)) for values in arrays]
    network, redistribution = model.network("cpu"), torch.from_numpy(store.redistribution)
    widths = torch.from_numpy(model.config.photon_widths.astype(np.float32))
    true_widths = torch.from_numpy(grid.TRUE_WIDTHS.astype(np.float32))
    parts: list[tuple[Array, Array]] = []
    for counts, back, ratio, sensitivity, area, index in DataLoader(TensorDataset(*tensors), _STOCK_BATCH):
        with torch.inference_mode():
            mu, _ = network.encode(scale_input(counts, back, ratio, sensitivity, xp=torch))
            shape = network.decode_shape(mu)
            shape = shape / (shape @ widths)[:, None]
            if model.likelihood == "response":
                matrices = redistribution[index.long()]
                exposure = sensitivity.sum(1) / torch.bmm(matrices, (area * true_widths)[:, :, None])[:, :, 0].sum(1)
                folded = torch.bmm(matrices, (shape * area * true_widths)[:, :, None])[:, :, 0] * exposure[:, None]
            else:
                folded = shape * sensitivity
        background = expected_background(back.numpy(), ratio.numpy(), background_template())
        parts.append((mu.numpy(), _cstat(counts.numpy().astype(float), folded.numpy().astype(float), background)))
    return {"mu": np.concatenate([mu for mu, _ in parts]), "cstat": np.concatenate([value for _, value in parts])}


def _cstat(counts: Array, folded: Array, background: Array) -> Array:
    alpha = np.maximum((counts - background).sum(1), 0.05 * counts.sum(1)) / folded.sum(1)
    for _ in range(12):
        pull = folded / (alpha[:, None] * folded + background)
        slope, curvature = (counts * pull).sum(1) - folded.sum(1), (counts * pull**2).sum(1)
        alpha = np.maximum(alpha + slope / np.maximum(curvature, 1e-30), 0.0)
    expected = alpha[:, None] * folded + background
    log = np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / expected), 0.0)
    return np.asarray(2 * (expected - counts + log).sum(1))
