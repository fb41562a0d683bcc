from __future__ import annotations

import numpy as np
import pytest
import torch

from vae.errors import OptionError
from vae.training import RECIPES, TrainOptions


@pytest.mark.parametrize("total", [10, 137, 8000])
def test_default_schedule_is_one_cycle(total: int) -> None:
    recipe = RECIPES["default"]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=total)
    oracle = []
    for _ in range(total):
        oracle.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(oracle) < total:
            schedule.step()
    got = [recipe.learning_rate_at(update, total) for update in range(total)]
    np.testing.assert_allclose(got, oracle, rtol=1e-6, atol=1e-12)


def test_seed_recipe_is_the_talks() -> None:
    recipe = RECIPES["seed"]
    assert {recipe.learning_rate_at(update, 1000) for update in (0, 500, 999)} == {1e-4}
    assert recipe.training_epochs == 25_000
    assert recipe.length(1024) == 25_000
    assert recipe.kl_weight_at(0, 1000) == 1.0


def test_kl_weight_warms_up_over_the_first_30_percent() -> None:
    recipe = RECIPES["default"]
    weights = [recipe.kl_weight_at(update, 1000) for update in (0, 150, 300, 999)]
    assert weights == pytest.approx([0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize(
    "odd",
    [{"training_epochs": 3, "updates": 4}, {"updates": 0}, {"batch_size": -1}, {"latent_dim": 0}, {"seed": -1}],
)
def test_options_that_make_no_sense_are_refused(odd: dict[str, int]) -> None:
    with pytest.raises(OptionError):
        TrainOptions(**odd).check()  # type: ignore[arg-type]


def test_single_settings_change_a_recipe_by_their_kind() -> None:
    recipe = RECIPES["default"].with_settings(
        (
            "averaging=0.999",
            "precision=bfloat16",
            "compile=true",
            "clusters=7",
            "misfit_limit=none",
            "training_epochs=3",
        )
    )
    assert (recipe.averaging, recipe.precision, recipe.compile, recipe.clusters) == (0.999, "bfloat16", True, 7)
    assert recipe.misfit_limit is None
    assert recipe.length(1024 * 5) == 15
    options = TrainOptions(set=("batch_size=512", "updates=9"))
    assert options.resolved_recipe().batch_size == 512
    assert options.length(10_000) == 9


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("averages=0.9", "averaging, precision"),
        ("averaging", "NAME=VALUE"),
        ("averaging=much", "a number"),
        ("averaging=1.5", "between 0 and 1"),
        ("clusters=2.5", "whole number"),
        ("compile=perhaps", "true or false"),
        ("precision=float16", "float32, tf32, bfloat16"),
        ("consistency=-1", "0 or a number above"),
        ("learning_rate=nan", "above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_the_choices(setting: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        TrainOptions(set=(setting,)).check()


def test_unknown_networks_are_refused_with_the_choices() -> None:
    with pytest.raises(OptionError, match="reference"):
        TrainOptions(network="rococo").check()
    with pytest.raises(OptionError, match="prior=gaussian"):
        TrainOptions(set=("prior=vamp", "free_bits=0.1")).check()
