"""What a model says of how it was made."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from vae.training.options import TrainOptions
from vae.training.prepared import Prepared
from vae.training.split import HELD_OUT_FRACTION
from vae.training.summary import TrainSummary


def describe(
    options: TrainOptions, prepared: Prepared, summary: TrainSummary, history: list[dict[str, float]]
) -> dict[str, Any]:
    """Return the tables `training`, `data`, `metrics` and `libraries` of `model.toml`."""
    recipe = asdict(options.resolved_recipe())
    store = prepared.store
    return {
        "command": shlex.join(["python", *sys.argv]),
        "training": {
            "recipe": options.recipe,
            "set": list(options.set),
            "likelihood": options.likelihood,
            "network": options.network,
            "seed": options.seed,
            "device": summary.device,
            "processes": summary.processes,
            "updates": summary.updates,
            "seconds": round(summary.seconds, 1),
            **{name: value for name, value in recipe.items() if name not in ("updates", "training_epochs")},
        },
        "data": {
            "content_sha256": prepared.content_hash,
            "simulated": store.simulated,
            "detections": len(store),
            "training_spectra": summary.training_spectra,
            "held_out_spectra": summary.held_out_spectra,
            "held_out_fraction_of_sources": HELD_OUT_FRACTION,
            "provenance": store.meta.get("provenance", {}),
        },
        "metrics": {
            "held_out_loss": summary.held_out,
            "held_out_loss_is": "negative ELBO relative to a saturated model, nats",
            "history": history,
        },
        "libraries": {name: version(name) for name in ("numpy", "safetensors", "torch", "zarr")},
    }
