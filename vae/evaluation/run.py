"""The whole evaluation of an atlas: parts in order, then `metrics.json`, `table.md` and `report.html`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vae.atlas import Atlas
from vae.errors import OptionError
from vae.evaluation import models_table
from vae.evaluation.inputs import QUICK, Inputs, Sizes
from vae.evaluation.parts import PARTS, compute
from vae.evaluation.report.compose import About, report
from vae.evaluation.table import markdown
from vae.files import new_file
from vae.network import TrainedModel
from vae.progress import progress_bar
from vae.spectra.store import SpectraStore


@dataclass(frozen=True)
class EvaluateOptions:
    """What to evaluate, and how much of it.

    Parameters
    ----------
    rows : int, optional
        Most rows and sources of any one part; the parts' own sizes if not given.
    per_class : int, optional
        Most spectra of a class in the class tests.
    seed : int
    quick : bool
        A first look in a fraction of the time: small samples, without UMAP and exact posteriors.
    real : Path, optional
        Atlas or store of real spectra, looked at one by one.
    models : sequence of Path
        Folders of other models, compared on the atlas's held-out spectra.
    """

    rows: int | None = None
    per_class: int | None = None
    seed: int = 0
    quick: bool = False
    real: Path | None = None
    models: Sequence[Path] = field(default_factory=tuple)

    def sizes(self) -> Sizes:
        """Return how much each part draws."""
        found = dict(vars(QUICK if self.quick else Sizes()))
        if self.rows is not None:
            found = {
                name: min(value, self.rows) if name not in ("umap", "per_class") else value
                for name, value in found.items()
            }
        if self.per_class is not None:
            found["per_class"] = self.per_class
        return Sizes(**found)


@dataclass(frozen=True)
class Evaluation:
    """Figures of an evaluation, what its plots need, and what it is of."""

    metrics: dict[str, Any]
    plots: dict[str, Any]
    about: About


def evaluate(path: str | Path, options: EvaluateOptions | None = None, *, quiet: bool = False) -> Evaluation:
    """Evaluate an atlas part by part.

    Parameters
    ----------
    path : str or Path
        Simulated, or real and labelled in part or not at all: what cannot be had says so in its place.
    options : EvaluateOptions, optional
    quiet : bool
        No progress bar.

    Raises
    ------
    ExplorerError
        When the atlas, the real spectra or a model cannot be opened, or the options make no sense.
    """
    options = options or EvaluateOptions()
    if options.per_class is not None and options.per_class < 30:
        raise OptionError(f"--per-class is {options.per_class}", todo="Give 30 or more")
    if options.rows is not None and options.rows < 100:
        raise OptionError(f"--rows is {options.rows}", todo="Give 100 or more")
    atlas = Atlas.open(path)
    inputs = Inputs(
        atlas,
        SpectraStore.open(path),
        sizes=options.sizes(),
        seed=options.seed,
        real=None if options.real is None else SpectraStore.open(options.real),
        models=[(folder.resolve().name, TrainedModel.load(folder)) for folder in options.models],
    )
    names = [name for name, _ in inputs.models]
    if len({atlas.name, *names}) <= len(names):
        raise OptionError("two models have one name", where=", ".join(names), todo="Rename their folders")
    metrics: dict[str, Any] = {"atlas": atlas.name, "simulated": atlas.simulated, "detections": len(atlas)}
    metrics["model"] = _model_facts(atlas.model)
    plots: dict[str, Any] = {}
    with progress_bar(quiet=quiet) as bar:
        task = bar.add_task("evaluate", total=len(PARTS))
        for part in PARTS:
            bar.update(task, description=part.name)
            figures, plots[part.name] = compute(part, inputs)
            metrics |= figures
            bar.advance(task)
    return Evaluation(metrics, plots, _about(atlas, options))


def write(found: Evaluation, out: Path, before: Mapping[str, Any] | None = None) -> list[Path]:
    """Write `metrics.json`, `table.md` and `report.html` into a folder, each whole or not at all.

    Parameters
    ----------
    found : Evaluation
    out : Path
        Made where it is not there; the three files are replaced.
    before : mapping, optional
        Metrics of an earlier evaluation, for the tables.

    Returns
    -------
    list of Path
    """
    texts = {
        "metrics.json": json.dumps(plain(found.metrics), indent=2, allow_nan=False) + "\n",
        "table.md": tables(found.metrics, before),
        "report.html": report(found.metrics, found.plots, found.about, before),
    }
    for name, text in texts.items():
        with new_file(out / name) as path:
            path.write_text(text, encoding="utf-8")
    return [out / name for name in texts]


def tables(metrics: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """Return every figure as Markdown, and the comparison of models below where one was made."""
    models = metrics.get("models") or {}
    below = f"\n## Models\n\n{models_table.markdown(models)}" if models.get("rows") else ""
    return markdown(metrics, before) + below


def plain(value: Any) -> Any:
    """Turn numpy values into what JSON knows; NaN and infinities become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _model_facts(model: TrainedModel) -> dict[str, Any]:
    training, data = model.meta.get("training", {}), model.meta.get("data", {})
    return {
        "weights_sha256": model.weights_sha256,
        "parameters": model.config.n_parameters,
        "latent_dim": model.config.latent_dim,
        "likelihood": model.likelihood,
        "network": training.get("network"),
        "recipe": training.get("recipe"),
        "updates": training.get("updates"),
        "training_spectra": data.get("training_spectra"),
        "trained_on_simulated": data.get("simulated"),
        "held_out_loss": model.meta.get("metrics", {}).get("held_out_loss", {}).get("median"),
    }


def _about(atlas: Atlas, options: EvaluateOptions) -> About:
    facts = _model_facts(atlas.model)
    loss, trained = facts["held_out_loss"], facts["training_spectra"]
    lines = [
        ("Network", f"{facts['network'] or 'unnamed'}, {facts['parameters']:,} parameters"),
        ("Likelihood", str(facts["likelihood"])),
        ("Latent dimensions", str(facts["latent_dim"])),
        ("Recipe", f"{facts['recipe'] or 'unknown'}" + (f", {facts['updates']:,} updates" if facts["updates"] else "")),
        ("Trained on", (f"{trained:,} " if trained else "") + _kind(facts["trained_on_simulated"])),
        ("Held-out loss, median", "unknown" if loss is None else f"{loss:.1f} nats"),
        ("Weights", str(facts["weights_sha256"])[:12]),
        ("Seed", f"{options.seed}" + (", quick" if options.quick else "")),
    ]
    made = f"scripts/evaluate.py, version {version('xmm-latent-explorer')}, {datetime.now(UTC):%d %b %Y}"
    return About(atlas.name, len(atlas), atlas.simulated, lines, made)


def _kind(simulated: bool | None) -> str:
    return {True: "simulated spectra", False: "real spectra", None: "spectra"}[simulated]
