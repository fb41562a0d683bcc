"""The whole evaluation on tiny atlases: simulated, and real ones labelled in part or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vae.atlas import Atlas
from vae.errors import ExplorerError, OptionError
from vae.evaluation import run
from vae.evaluation.inputs import QUICK, Inputs
from vae.evaluation.parts import PARTS, Part, compute
from vae.evaluation.run import EvaluateOptions, Evaluation, evaluate, plain, write
from vae.files import link_or_copy
from vae.resources import asset
from vae.spectra.store import SpectraStore

KEYS = {key for part in PARTS for key in part.keys}
#: Parts that every archive allows, if it has bright spectra.
CHEAP = ("stacked residuals", "rare classes", "latent space", "real spectra")
SLOWER = ("fit", "calibration of sigma", "fidelity", "nuisance")


@pytest.fixture(scope="module")
def real_like(tiny_atlas: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny atlas as if it were real: no true class, few labels, some of them candidates'."""
    out = tmp_path_factory.mktemp("real") / "atlas"
    link_or_copy(tiny_atlas, out)
    meta = json.loads((out / "atlas.json").read_text()) | {"simulated": False, "provenance": {"made_by": "a test"}}
    table = pd.read_parquet(out / "catalogue.parquet")
    table["true_class"] = pd.Series([None] * len(table), dtype="str").astype("category")
    for name in ("atlas.json", "catalogue.parquet"):
        (out / name).unlink()  # the files are shared with the tiny atlas
    (out / "atlas.json").write_text(json.dumps(meta))
    table.to_parquet(out / "catalogue.parquet", index=False)
    return out


def _parts(path: Path, names: tuple[str, ...]) -> Evaluation:
    atlas = Atlas.open(path)
    sizes = replace(
        QUICK, fit=60, rare=1000, residuals=200, units=300, real=3, ranks=60, pulls=80, sources=20, leakage=220
    )
    inputs = Inputs(atlas, SpectraStore.open(path), sizes=sizes)
    metrics: dict[str, Any] = {"atlas": atlas.name, "simulated": atlas.simulated, "detections": len(atlas)}
    plots = {}
    for part in PARTS:
        if part.name in names:
            found, plots[part.name] = compute(part, inputs)
            metrics |= found
    return Evaluation(metrics, plots, run._about(atlas, EvaluateOptions()))


def test_parts_of_a_simulated_atlas_become_three_files(tiny_atlas: Path, tmp_path: Path) -> None:
    found = _parts(tiny_atlas, (*CHEAP, *SLOWER))
    files = write(found, tmp_path / "report", found.metrics)
    assert sorted(path.name for path in files) == ["metrics.json", "report.html", "table.md"]
    assert {path.name for path in (tmp_path / "report").iterdir()} == {path.name for path in files}
    metrics = json.loads(files[0].read_text())
    assert metrics["residuals"]["all"]["spectra"] == 200
    assert metrics["units"]["dimensions"] == 2
    assert sum(metrics["units"]["templates"]["share_of_variance"]) == pytest.approx(1)
    page = files[2].read_text()
    assert page.count("<svg ") >= 14
    assert "no real spectra were given" in page
    assert "Simulated archive" in page
    assert "this evaluation did not ask for it" in page
    assert "| before | after |" in files[1].read_text()


def test_a_real_atlas_says_what_it_cannot_know(real_like: Path, tmp_path: Path) -> None:
    found = _parts(real_like, CHEAP)
    assert found.metrics["simulated"] is False
    assert found.metrics["real"]["rows"] == 3
    assert "left_out" not in found.metrics["residuals"]
    page = write(found, tmp_path, None)[2].read_text()
    assert "Real archive" in page
    assert 'class="pill simulated"' not in page


def test_a_part_that_cannot_be_had_is_left_out_with_its_reason(tiny_atlas: Path, monkeypatch: Any) -> None:
    def fails(_: Inputs) -> Any:
        raise ExplorerError("too dark", todo="Switch on the light")

    parts = (Part("night", fails, ("knn", "probe")), Part("day", lambda _: ({"value": math.nan}, None), ("fit",)))
    monkeypatch.setattr(run, "PARTS", parts)
    metrics = evaluate(tiny_atlas, quiet=True).metrics
    assert metrics["knn"] == metrics["probe"] == {"left_out": "too dark. Switch on the light."}
    assert plain(metrics)["fit"] == {"value": None}


def test_options_that_make_no_sense_are_refused(tiny_atlas: Path) -> None:
    with pytest.raises(OptionError, match="--per-class"):
        evaluate(tiny_atlas, EvaluateOptions(per_class=3), quiet=True)
    with pytest.raises(OptionError, match="--rows"):
        evaluate(tiny_atlas, EvaluateOptions(rows=3), quiet=True)
    model = asset("models", "reference")
    with pytest.raises(OptionError, match="one name"):
        evaluate(tiny_atlas, EvaluateOptions(models=(model, model)), quiet=True)


def test_rows_cap_every_part() -> None:
    sizes = EvaluateOptions(rows=120, per_class=50).sizes()
    assert {value for name, value in vars(sizes).items() if name not in ("per_class", "umap")} <= set(range(121))
    assert sizes.per_class == 50
    assert sizes.umap


def test_metrics_have_the_keys_that_others_read() -> None:
    wanted = "fit residuals knn probe rare calibration fidelity nuisance units real models"
    assert set(wanted.split()) == KEYS
    assert isinstance(plain({"a": (1, 2)}), Mapping)
