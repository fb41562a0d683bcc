from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from vae.errors import ExplorerError, OptionError
from vae.evaluation.tuning import TuneOptions
from vae.evaluation.tuning.objectives import HeldOut, judge, leakage, shared_neighbours
from vae.evaluation.tuning.space import SETTINGS, baseline_values, settings, train_options
from vae.network import TrainedModel
from vae.resources import asset
from vae.spectra.store import SpectraStore
from vae.training import RECIPES, Recipe, TrainOptions, is_held_out


@pytest.fixture(scope="module")
def held_out(tiny_store: Path) -> HeldOut:
    return HeldOut.read(SpectraStore.open(tiny_store))


def test_the_table_names_what_exists_and_holds_the_default_recipe() -> None:
    of_recipe, of_run = ({field.name for field in fields(kind)} for kind in (Recipe, TrainOptions))
    options = TuneOptions(space="all", latent_dim=(2, 8))
    values = baseline_values(options)
    for row in settings(options):
        if row.means is None:
            assert row.name in (of_recipe if row.group == "recipe" else of_run)
        assert row.distribution._contains(row.distribution.to_internal_repr(values[row.name])), row.name
        assert row.why
    assert train_options(values, options).resolved_recipe() == RECIPES["default"]
    assert {row.name for row in settings(TuneOptions(space="network"))} == {"network"}
    assert len(settings(TuneOptions(space="recipe"))) + 1 == len(SETTINGS)


def test_every_value_of_the_table_makes_a_recipe() -> None:
    options = TuneOptions(space="all", latent_dim=(2, 8), updates=400)
    plain = baseline_values(options)
    for row in settings(options):
        low_high = (getattr(row.distribution, "low", None), getattr(row.distribution, "high", None))
        for value in getattr(row.distribution, "choices", low_high):
            run = train_options({**plain, row.name: value}, options)
            run.check()
            recipe = run.resolved_recipe()
            if row.means is None:
                assert getattr(recipe if row.group == "recipe" else run, row.name) == value
            assert (run.updates or 0) * recipe.batch_size == 400 * RECIPES["default"].batch_size  # as many spectra
    assert train_options({**plain, "kl_term": "vamp"}, options).resolved_recipe().prior == "vamp"


@pytest.mark.parametrize(
    "odd", [{"trials": 0}, {"workers": 0}, {"latent_dim": ()}, {"latent_dim": (2, 2)}, {"updates": 0}, {"seed": -1}]
)
def test_senseless_options_are_refused(odd: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        replace(TuneOptions(), **odd).check()  # type: ignore[arg-type]


def test_leakage_is_the_share_that_latents_explain() -> None:
    rng = np.random.default_rng(1)
    latents, noise = rng.normal(size=(3000, 2)), rng.normal(size=3000)
    source = np.arange(3000) // 2
    half = latents[:, 0] + noise  # half of its variance is told by the first latent
    found = leakage(latents, {"half": half, "none": noise}, source)
    assert found["nuisances"]["half"]["value"] == pytest.approx(0.5, abs=0.04)
    assert found["nuisances"]["none"]["value"] == pytest.approx(0.0, abs=0.01)
    assert found["value"] == pytest.approx(0.25, abs=0.03)
    assert found["low"] < found["value"] < found["high"]


def test_sources_are_not_split_between_folds() -> None:
    # Each source has a value of its own, which has nothing to do with where it lies: only its other half could tell.
    rng = np.random.default_rng(2)
    place, value, source = rng.normal(size=(400, 2)), rng.normal(size=400), np.repeat(np.arange(400), 30)
    latents = place[source] + 1e-4 * rng.normal(size=(len(source), 2))
    found = leakage(latents, {"own": value[source]}, source)
    assert found["value"] < 0.05


def test_shared_neighbours_from_none_to_all() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(2, 1200, 2))
    source = np.arange(1200)
    assert shared_neighbours(one, 7 * one, source)["value"] == 1.0
    blind = shared_neighbours(one, other, source)
    assert blind["value"] == pytest.approx(blind["chance"], abs=0.01)
    near = shared_neighbours(one, one + 0.05 * other, source)
    assert blind["high"] < near["low"] < near["high"] < 1.0
    still = np.zeros((1200, 2))  # a collapsed network keeps nothing, though both halves lie at one place
    assert shared_neighbours(still, still, source)["value"] <= 1.0


def test_only_held_out_sources_are_judged(tiny_store: Path, held_out: HeldOut) -> None:
    table = SpectraStore.open(tiny_store).detections
    assert is_held_out(held_out.source_id).all()
    assert len(held_out) == (is_held_out(table["source_id"]) & (table["net_counts"] > 300)).sum()
    assert set(held_out.nuisances) == {"log_net_counts", "offaxis_arcmin"}


def test_halves_make_up_the_whole(held_out: HeldOut) -> None:
    first, second = held_out.halves
    np.testing.assert_array_equal(first.counts + second.counts, held_out.block.counts[held_out.few])
    np.testing.assert_array_equal(
        first.background_counts + second.background_counts, held_out.block.background_counts[held_out.few]
    )
    assert first.counts.sum() == pytest.approx(second.counts.sum(), rel=0.01)


def test_hardness_leaves_what_it_cannot_explain(held_out: HeldOut) -> None:
    for name, values in held_out.nuisances.items():
        rest = held_out.unexplained[name]
        assert rest.shape == held_out.few.shape
        assert 0 < rest.std() < 1.3 * values[held_out.few].std()


def test_a_store_without_classes_is_judged_by_neighbours(held_out: HeldOut) -> None:
    assert held_out.split is None
    assert held_out.why_not
    found = judge(TrainedModel.load(asset("models", "reference")), held_out, 150.0)
    assert found["held_out_loss"]["value"] == 150.0
    quality = found["quality"]
    assert "halves" in quality["is"]
    assert quality["chance"] < quality["low"] < quality["value"] < quality["high"] < 1
    assert 0 <= found["leakage"]["value"] < 1


def test_classes_are_told_apart_where_there_are_some(held_out: HeldOut) -> None:
    # Half the sources shine below 1 keV only, and are called so.
    model = TrainedModel.load(asset("models", "reference"))
    block = held_out.block
    soft = held_out.source_id % 2 == 0
    counts = np.where(soft[:, None], block.counts * (np.arange(238) < 60), block.counts)
    from vae.evaluation.separation import Split

    rows = np.arange(len(held_out))
    sources = np.unique(held_out.source_id)
    query = np.isin(held_out.source_id, sources[: len(sources) // 3])
    spectra = replace(
        held_out,
        block=replace(block, counts=counts),
        labels=np.where(soft, "soft", "other"),
        split=Split(rows[~query], rows[query], np.array(["other", "soft"])),
    )
    quality = judge(model, spectra, 1.0)["quality"]
    assert quality["is"] == "kNN balanced accuracy"
    assert quality["chance"] == 0.5
    assert quality["value"] > 0.8
    assert quality["hardness_ratios"]["value"] > 0.8


def test_too_few_spectra_are_refused(tiny_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.evaluation.tuning.objectives._LEAST_ROWS", 10_000)
    with pytest.raises(ExplorerError, match="held-out spectra"):
        HeldOut.read(SpectraStore.open(tiny_store))
