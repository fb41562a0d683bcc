"""How good an atlas is, beside baselines: fit statistics against nulls, and classes kept apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import _command
import numpy as np
import tyro

from vae.atlas import Atlas
from vae.errors import OptionError
from vae.evaluation.nulls import null_statistics, summary
from vae.evaluation.representations import hardness_ratios, principal_components
from vae.evaluation.retrieval import rare_retrieval
from vae.evaluation.separation import NEIGHBOURS, balanced_split, separation
from vae.evaluation.table import markdown
from vae.files import new_file
from vae.spectra.store import Block, SpectraStore
from vae.training.split import is_held_out

#: Net counts between which classes are told apart; spectra for the PCA; rows whose nulls are computed; most rows among
#: which rare classes are looked for.
_BAND, _PCA_ROWS, _NULL_ROWS, _RARE_ROWS = (300.0, 1000.0), 30_000, 3_000, 150_000
_DECADES = ((300, 1000), (1000, 10_000), (10_000, np.inf))


@dataclass(frozen=True)
class Options:
    """Evaluate an atlas.

    C-stat z of the reconstructions beside three nulls, above 300 net counts and by decade of them. For a simulated
    atlas, on sources the shipped split holds out of training: kNN balanced accuracy at 300-1000 net counts of the
    latents, of principal components and of hardness ratios, with intervals; and how well rare classes are found again
    among the nearest neighbours. Classes too rare for the kNN test are named in its metrics.
    """

    atlas: Annotated[Path, tyro.conf.Positional]
    """The atlas."""
    out: Path | None = None
    """Folder for metrics.json and table.md; replaced if they are there."""
    before: Path | None = None
    """metrics.json of an earlier evaluation, to stand beside this one in table.md."""
    per_class: int = 900
    """Most detections of a class in the kNN test."""
    seed: int = 0
    """Of samples and bootstraps."""
    json: bool = False
    """Print the metrics as JSON."""


def main(options: Options) -> dict[str, Any]:
    """Run the evaluation and return its metrics."""
    if options.per_class < 30:
        raise OptionError(f"--per-class is {options.per_class}", todo="Give 30 or more")
    before = None if options.before is None else _read_metrics(options.before)
    atlas, store = Atlas.open(options.atlas), SpectraStore.open(options.atlas)
    metrics: dict[str, Any] = {"atlas": atlas.name, "simulated": atlas.simulated, "detections": len(atlas)}
    metrics["fit"] = _fit(atlas, store, options.seed)
    if atlas.simulated:
        metrics["knn"] = _knn(atlas, store, options)
        metrics["rare"] = _rare(atlas, store, options.seed)
    if options.out is not None:
        with new_file(options.out / "metrics.json") as path:
            path.write_text(json.dumps(_command.plain(metrics), indent=2) + "\n")
        with new_file(options.out / "table.md") as path:
            path.write_text(markdown(_command.plain(metrics), before))
    return metrics


def _read_metrics(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise OptionError(f"--before {path}: {error}", todo="Give the metrics.json of an earlier evaluation") from error


def _read(store: SpectraStore, rows: np.ndarray, *, area: bool = False) -> Block:
    """Rows of a store as one block, reading whole shards in order."""
    parts = []
    for start, block in store.blocks(area=area):
        local = rows[(rows >= start) & (rows < start + len(block))] - start
        parts.append({name: getattr(block, name)[local] for name in Block.__dataclass_fields__})
    return Block(**{name: np.concatenate([part[name] for part in parts]) for name in Block.__dataclass_fields__})


def _fit(atlas: Atlas, store: SpectraStore, seed: int) -> dict[str, Any]:
    table = atlas.catalogue
    net, z = table["net_counts"].to_numpy(np.float64), table["cstat_z"].to_numpy(np.float64)
    bright = np.flatnonzero(net > 300)
    if atlas.simulated:  # sources the shipped weights were never trained on
        bright = bright[is_held_out(table["source_id"].to_numpy()[bright])]
    if bright.size > _NULL_ROWS:
        bright = np.sort(np.random.default_rng(seed).choice(bright, _NULL_ROWS, replace=False))
    statistics = {"model": z[bright], **null_statistics(_read(store, bright, area=True), store.redistribution)}
    out: dict[str, Any] = {"rows": int(bright.size), "above_300_net": {k: summary(v) for k, v in statistics.items()}}
    for low, high in _DECADES:
        part = (net[bright] > low) & (net[bright] <= high)
        name = f"{low}-{high:.0f}" if np.isfinite(high) else f"above {low}"
        out[name] = {"rows": int(part.sum())} | {k: summary(v[part]) for k, v in statistics.items()}
    return out


def _knn(atlas: Atlas, store: SpectraStore, options: Options) -> dict[str, Any]:
    table = atlas.catalogue
    net, source_id = table["net_counts"].to_numpy(np.float64), table["source_id"].to_numpy()
    labels = table["true_class"].astype("str").to_numpy(dtype=str)
    held_out = is_held_out(source_id)
    rows = np.flatnonzero(held_out & (net > _BAND[0]) & (net <= _BAND[1]))
    split = balanced_split(labels, source_id, rows, most=options.per_class, seed=options.seed)
    used = np.sort(np.concatenate([split.reference, split.query]))
    training = np.flatnonzero(~held_out)
    training = np.sort(
        np.random.default_rng(options.seed).choice(training, min(_PCA_ROWS, training.size), replace=False)
    )
    test_block, training_block = _read(store, used), _read(store, training)
    small = {"latents": atlas.latents[used].astype(np.float64), "hardness_ratios_4d": hardness_ratios(test_block)}
    small |= {f"{k}_2d": v for k, v in principal_components(training_block, test_block, 2).items()}
    rng = np.random.default_rng(options.seed)
    small["shuffled_latents"] = small["latents"][rng.permutation(len(used))]
    position = {int(row): i for i, row in enumerate(used)}
    local = type(split)(
        np.array([position[int(r)] for r in split.reference]),
        np.array([position[int(r)] for r in split.query]),
        split.classes,
    )
    scores = separation(small, labels[used], source_id[used], local, against="latents", seed=options.seed)
    return {
        "neighbours": NEIGHBOURS,
        "net_counts": list(_BAND),
        "classes": split.classes.tolist(),
        "too_rare": split.left_out,
        "chance": 1.0 / len(split.classes),
        "reference_rows": len(split.reference),
        "query_rows": len(split.query),
        "balanced_accuracy": scores,
    }


def _rare(atlas: Atlas, store: SpectraStore, seed: int) -> dict[str, Any]:
    table = atlas.catalogue
    source_id = table["source_id"].to_numpy()
    rows = np.flatnonzero(is_held_out(source_id) & (table["net_counts"].to_numpy(np.float64) > _BAND[0]))
    if rows.size > _RARE_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _RARE_ROWS, replace=False))
    known = {
        "latents": atlas.latents[rows].astype(np.float64),
        "hardness_ratios_4d": hardness_ratios(_read(store, rows)),
    }
    labels = table["true_class"].astype("str").to_numpy(dtype=str)[rows]
    return rare_retrieval(known, labels, source_id[rows])


if __name__ == "__main__":
    _command.run(main, Options)
