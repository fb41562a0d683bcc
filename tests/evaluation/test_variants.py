"""Which models are held against which, and when a difference is one."""

from __future__ import annotations

from typing import Any

import pytest

from vae.evaluation.variants import beside, changed, settings, told, variants


def _row(name: str, *, seed: int = 0, dim: int = 2, loss: float = 100.0, network: str = "a", **said: Any) -> Any:
    sizes = {"latent_dim": dim, "likelihood": "response", "hidden": [len(network)]}
    training = {"recipe": "default", "network": network, "seed": seed, "seconds": 1.0 + seed, "awaken_at": 0.2}
    return {
        "name": name,
        "seed": seed,
        "settings": settings(sizes, training | said, "x"),
        "held_out": {"median": loss},
        "pulls": None,
        "cstat_z": {"all": {"fraction_within_3": 0.9}},
    }


def test_settings_that_mean_nothing_are_none() -> None:
    assert not changed(_row("a", pseudo_inputs=64, clusters=3, awaken_at=0.2), _row("b", seed=4, clusters=9))
    assert changed(_row("a", prior="vamp", pseudo_inputs=64), _row("b", prior="vamp", pseudo_inputs=8)) == [
        "pseudo_inputs"
    ]
    assert changed(_row("a", dim=8, awaken_at=0.1), _row("b", dim=8, awaken_at=None)) == ["awaken_at"]


def test_a_setting_that_an_older_model_does_not_name_is_off() -> None:
    assert not changed(_row("old"), _row("new", free_bits=0.0))  # a row says little more than its recipe
    assert changed(_row("old"), _row("new", free_bits=0.2)) == ["free_bits"]


def test_a_named_network_is_one_change() -> None:
    assert changed(_row("a"), _row("b", network="wide")) == ["network"]


def test_each_is_held_against_one_that_differs_in_one_thing() -> None:
    rows = [
        _row("long", updates=8000),
        _row("short, other seed", updates=2000, seed=1),
        _row("short", updates=2000),
        _row("short 8", updates=2000, dim=8),
        _row("short 8 bits", updates=2000, dim=8, free_bits=1.0),
        _row("far", updates=500, free_bits=1.0, sleep=3.0),
    ]
    assert beside(rows) == {
        "short, other seed": "long",
        "short 8": "short",  # of the same seed, not of the same length as the first
        "short 8 bits": "short 8",
        "far": None,
    }
    assert told(variants(rows)[1]["changed"]) == "latent dim 8, not 2"
    assert told(variants(rows)[0]["changed"]) == "updates 2,000, not 8,000"
    assert "loss" not in variants(rows)[3]


@pytest.mark.parametrize(("losses", "word"), [((100.0, 100.02, 99.98), "better"), ((100.0, 101.0, 99.0), "equal")])
def test_a_gain_counts_where_it_is_more_than_what_the_seed_makes(losses: tuple[float, ...], word: str) -> None:
    rows = [_row(f"seed {seed}", seed=seed, loss=loss) for seed, loss in enumerate(losses)]
    found = variants([*rows, _row("bits", free_bits=1.0, loss=99.5)])[0]
    assert found["loss"]["word"] == word
    assert found["loss"]["difference"] == pytest.approx(-0.5)
    assert found["fits"]["word"] == "equal"


def test_a_difference_of_classes_needs_its_interval() -> None:
    rows = [_row("one"), _row("bits", free_bits=1.0)]
    for low, high, word in ((0.01, 0.07, "better"), (-0.02, 0.10, "equal")):
        found = variants(rows, {"bits": {"difference": 0.04, "low": low, "high": high}})[0]
        assert found["knn"]["word"] == word
