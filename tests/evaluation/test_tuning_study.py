from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from vae.errors import ExplorerError, OptionError, TrainingError
from vae.evaluation.tuning import TuneOptions, tune, worker
from vae.evaluation.tuning.objectives import OBJECTIVES, HeldOut
from vae.evaluation.tuning.report import page
from vae.evaluation.tuning.storage import StudyFolder
from vae.network import TrainedModel
from vae.spectra.store import SpectraStore

SHORT = TuneOptions(trials=3, updates=2, device="cpu", seed=4)


@pytest.fixture(scope="module", autouse=True)
def _held_out_once(tiny_store: Path) -> Iterator[None]:
    """Seven studies judge by the same spectra."""
    spectra = HeldOut.read(SpectraStore.open(tiny_store), seed=SHORT.seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeldOut, "read", lambda store, seed: spectra)
        yield


def record(study: Path) -> dict[str, Any]:
    return dict(json.loads((study / "study.json").read_text()))


def asked(study: Path) -> list[tuple[dict[str, Any], dict[str, float]]]:
    """What was tried and how it did, in order, whatever the trials' numbers."""
    return [(trial["settings"], trial["values"]) for trial in record(study)["trials"]]


def stop_at(trial: int, update: int, error: type[BaseException]) -> Callable[[int, int, int], None]:
    def check(number: int, done: int, total: int) -> None:
        if (number, done) == (trial, update):
            raise error

    return check


@pytest.fixture(scope="module")
def short(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("short") / "study"
    tune(tiny_store, out, SHORT)
    return out


def test_a_study_tries_the_default_recipe_first(short: Path) -> None:
    trials = record(short)["trials"]
    assert [trial["baseline"] for trial in trials] == [True, False, False]
    assert trials[0]["scores"]["train_options"]["set"] == []
    assert trials[1]["settings"] != trials[2]["settings"]
    for trial in trials:
        assert list(trial["values"]) == list(OBJECTIVES)
        assert trial["scores"]["quality"]["low"] <= trial["values"]["quality"] <= trial["scores"]["quality"]["high"]


def test_only_models_that_none_beats_are_kept(short: Path) -> None:
    trials = record(short)["trials"]

    def beaten(trial: dict[str, Any], other: dict[str, Any]) -> bool:
        signs = [-1 if more else 1 for more in OBJECTIVES.values()]
        pairs = [
            (s * a, s * b) for s, a, b in zip(signs, trial["values"].values(), other["values"].values(), strict=True)
        ]
        return all(b <= a for a, b in pairs) and any(b < a for a, b in pairs)

    best = {str(t["number"]) for t in trials if not any(beaten(t, other) for other in trials)}
    assert {path.name for path in (short / "models").iterdir()} == best
    assert {str(t["number"]) for t in trials if t["pareto"]} == best
    for name in best:
        found = TrainedModel.load(short / "models" / name).meta["metrics"]["held_out_loss"]["trimmed_mean"]
        assert found == trials[int(name)]["values"]["held_out_loss"]


def test_report_needs_nothing_else(short: Path) -> None:
    text = (short / "report.html").read_text()
    assert "the default recipe" in text
    assert "<svg" in text
    for outside in ("http://", "https://", "<script", "src="):
        assert outside not in text.replace("http://www.w3.org", "")
    # Importances of three trials would be noise, and the page says so.
    assert "importances of settings need" in text


def test_report_of_many_trials_has_importances(short: Path) -> None:
    study = record(short)
    names = [row["name"] for row in study["searched"]]
    study["importances"] = {name: dict.fromkeys(names, 1 / len(names)) for name in OBJECTIVES}
    section = next(section for section in page(study).sections if section.name == "importances")
    assert section.plates[0].drawing.startswith("<svg")
    assert not section.left_out


def test_report_of_nothing_says_so(short: Path) -> None:
    study = {**record(short), "trials": [], "importances": {"left_out": "0 trials have a result"}}
    assert [bool(section.left_out) for section in page(study).sections] == [True] * 4


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_studies_go_on_as_if_nothing_had_been(
    short: Path, tiny_store: Path, tmp_path: Path, error: type[BaseException]
) -> None:
    out = tmp_path / "study"
    with pytest.raises(error):
        tune(tiny_store, out, SHORT, on_update=stop_at(1, 1, error))
    if error is KeyboardInterrupt:
        assert len(asked(out)) == 1  # what is done is reported
    else:  # as a killed process leaves it: a line that was not finished, a lock, an unfinished model
        with (out / "journal.jsonl").open("a") as journal:
            journal.write('{"op_code": 5, "wor')
        (out / "models" / ".1.partial-77-abc").mkdir(parents=True, exist_ok=True)
    tune(tiny_store, out, SHORT, resume=True)
    assert asked(out) == asked(short)
    assert [path.name for path in (out / "models").iterdir() if path.name.startswith(".")] == []


def test_more_trials_can_be_added_but_no_other_options(short: Path, tiny_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    tune(tiny_store, out, replace(SHORT, trials=2))
    tune(tiny_store, out, SHORT, resume=True)
    assert asked(out) == asked(short)
    with pytest.raises(OptionError, match=r"seed, updates"):
        tune(tiny_store, out, replace(SHORT, seed=5, updates=4), resume=True)
    with pytest.raises(ExplorerError, match="exists"):
        tune(tiny_store, out, SHORT)
    with pytest.raises(ExplorerError, match="no study"):
        tune(tiny_store, tmp_path / "nowhere", SHORT, resume=True)


def test_a_trial_that_fails_is_an_answer(tiny_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, calls = worker.train, []

    def train(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise TrainingError("the loss is nan at update 2")
        return honest(*args, **options)

    monkeypatch.setattr(worker, "train", train)
    summary = tune(tiny_store, tmp_path / "study", replace(SHORT, trials=2))
    assert (summary.trials, summary.failed) == (1, 1)
    failed = record(tmp_path / "study")["trials"][1]
    assert failed["values"] is None
    assert "loss is nan" in failed["error"]
    assert "loss is nan" in (tmp_path / "study" / "report.html").read_text()


def test_a_trial_that_kills_its_process_is_given_up(tmp_path: Path) -> None:
    for attempt in range(4):
        folder = StudyFolder.start(tmp_path, SHORT, {})
        if attempt < 3:
            trial = folder.ask(0)
            assert trial is not None
            assert trial.user_attrs["baseline"]
    trials = folder.done()
    assert [trial.state for trial in trials] == [TrialState.FAIL]
    assert "died 3 times" in trials[0].user_attrs["error"]


def test_workers_never_ask_for_more_than_there_is(tmp_path: Path) -> None:
    one, other = StudyFolder.start(tmp_path, SHORT, {}), StudyFolder(tmp_path, SHORT)
    trials = [one.ask(0), other.ask(1), one.ask(0), other.ask(1)]
    assert trials[3] is None
    drawn = [trial.params for trial in trials if trial is not None]
    assert drawn[1] != drawn[2]
