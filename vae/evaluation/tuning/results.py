"""What a study has found so far, as one document: trials, the best among them, and which settings mattered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial

from vae.evaluation.tuning.objectives import OBJECTIVES
from vae.evaluation.tuning.space import SETTINGS, settings
from vae.evaluation.tuning.storage import StudyFolder
from vae.spectra.store import SpectraStore

FORMAT: Final = "xmm-latent-explorer study"
VERSION: Final = 1
#: Trials with a result below which importances are noise.
LEAST_TRIALS: Final = 12

Document = dict[str, Any]


def document(folder: StudyFolder, store: Path) -> Document:
    """Return everything that `study.json` says; JSON values.

    Parameters
    ----------
    folder : StudyFolder
    store : Path
        The spectra it was made with.
    """
    spectra = SpectraStore.open(store)
    best = {trial.number for trial in folder.study.best_trials}
    options = folder.options
    return {
        "format": FORMAT,
        "version": VERSION,
        "store": {
            "path": str(store.resolve()),
            "name": store.resolve().name,
            "detections": len(spectra),
            "simulated": spectra.simulated,
        },
        "options": {**options.identity(), "trials": options.trials},
        "objectives": {name: "more is better" if more else "less is better" for name, more in OBJECTIVES.items()},
        "searched": [{"name": row.name, "values": row.values, "why": row.why} for row in settings(options)],
        "trials": [_trial(trial, trial.number in best) for trial in folder.done()],
        "importances": importances(folder.study, len([t for t in folder.done() if t.values]), options.seed),
    }


def _trial(trial: FrozenTrial, pareto: bool) -> Document:
    values = None if trial.values is None else dict(zip(OBJECTIVES, trial.values, strict=True))
    return {
        "number": trial.number,
        "baseline": bool(trial.user_attrs.get("baseline")),
        "pareto": pareto,
        "values": values,
        "settings": _in_order(trial.params),
        "scores": trial.user_attrs.get("scores"),
        "error": trial.user_attrs.get("error"),
    }


def _in_order(values: Mapping[str, Any]) -> dict[str, Any]:
    """Sort settings as the table does."""
    known = [row.name for row in SETTINGS]
    return {name: values[name] for name in sorted(values, key=lambda n: known.index(n) if n in known else len(known))}


def importances(study: Study, n_trials: int, seed: int) -> Document:
    """Return the share of each objective's variance that each setting explains, or why not.

    Parameters
    ----------
    study : Study
    n_trials : int
        With a result.
    seed : int

    Returns
    -------
    dict
        For each objective that varies a dict of setting to share, summing to 1; or `left_out`, a sentence.

    References
    ----------
    Functional ANOVA: Hutter, Hoos & Leyton-Brown 2014, ICML.
    """
    if n_trials < LEAST_TRIALS:
        return {"left_out": f"{n_trials} trials have a result, importances of settings need {LEAST_TRIALS}"}
    out: Document = {}
    for index, name in enumerate(OBJECTIVES):
        values = np.array([trial.values[index] for trial in study.get_trials(deepcopy=False) if trial.values])
        if np.ptp(values) == 0:  # nothing to explain
            continue

        def target(trial: FrozenTrial, index: int = index) -> float:
            return float(trial.values[index])

        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed), target=target)
        out[name] = {key: float(value) for key, value in found.items()}
    return out or {"left_out": "all trials are the same in everything"}


def changes(trial: Document, baseline: Document | None) -> dict[str, Any]:
    """Return the settings in which a trial differs from the default recipe."""
    if baseline is None:
        return dict(trial["settings"])
    return {
        name: value for name, value in trial["settings"].items() if baseline["settings"].get(name, object()) != value
    }
