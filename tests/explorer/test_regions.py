from __future__ import annotations

import numpy as np
import pytest

from explorer.latent_map import contours
from explorer.latent_map.frame import View
from explorer.latent_map.regions import regions

VIEW = View(-4, 4, -3, 3)
NAMES = ("AGN", "Star", "Galaxy", "Blazar", "Unclassified", "No match")
CELLS = contours.CELLS


def counted(heaps: dict[str, list[tuple[int, float, float]]]) -> np.ndarray:
    """Normal heaps of width 0.3: class, and for each heap its size and middle."""
    rng = np.random.default_rng(0)
    edges = np.linspace(VIEW.y0, VIEW.y1, CELLS + 1), np.linspace(VIEW.x0, VIEW.x1, CELLS + 1)
    counts = np.zeros((len(NAMES), CELLS, CELLS), np.int64)
    for name, members in heaps.items():
        for n, x, y in members:
            at = rng.normal((x, y), 0.3, (n, 2))
            counts[NAMES.index(name)] += np.histogram2d(at[:, 1], at[:, 0], bins=edges)[0].astype(np.int64)
    return counts


def test_a_class_is_outlined_where_it_prevails_and_its_share_is_of_the_labelled() -> None:
    counts = counted(
        {
            "AGN": [(30_000, -2, 0)],
            "Star": [(9_000, 2, 1)],
            "Galaxy": [(3_000, 2, 1), (500, -2, 0)],
            "Unclassified": [(20_000, 2, 1)],
            "No match": [(50_000, 0, -1)],
        }
    )
    agn, star = regions(counts, NAMES, VIEW)
    assert (agn.name, star.name) == ("AGN", "Star")
    assert agn.share == pytest.approx(30 / 30.5, abs=0.01)
    assert star.share == pytest.approx(0.75, abs=0.02)
    assert (agn.xs.mean(), agn.ys.mean()) == (pytest.approx(-2, abs=0.05), pytest.approx(0, abs=0.05))
    radius = 0.3 * np.sqrt(-2 * np.log(0.4))  # holds 60 % of a normal heap
    around = np.hypot(star.xs - 2, star.ys - 1)
    assert around.mean() == pytest.approx(radius, rel=0.05)
    assert around.std() < 0.08 * radius
    assert star.y == star.ys.max()
    assert star.x == pytest.approx(2, abs=0.15)


def test_few_and_outnumbered_classes_have_no_outline() -> None:
    counts = counted(
        {"AGN": [(30_000, 0, 0)], "Star": [(20, 3, 2)], "Galaxy": [(9_000, 0, 0)], "Blazar": [(50, -3, 2)]}
    )
    assert [each.name for each in regions(counts, NAMES, VIEW)] == ["AGN"]


def test_each_part_of_a_class_has_its_own_outline_and_share() -> None:
    heaps = {"AGN": [(20_000, -2, 0), (15_000, 2, 0), (9_000, 0, -2)], "Star": [(5_000, -2, 0), (40_000, 0, -2)]}
    found = regions(counted(heaps), NAMES, VIEW)
    agn = [each for each in found if each.name == "AGN"]
    assert sorted(round(float(each.xs.mean())) for each in agn) == [-2, 2]  # at (0, -2) stars prevail
    assert sorted(each.share for each in agn) == [pytest.approx(0.8, abs=0.03), pytest.approx(1.0)]


def test_nothing_shown_has_no_regions() -> None:
    assert regions(np.zeros((len(NAMES), CELLS, CELLS), np.int64), NAMES, VIEW) == ()
    assert regions(counted({"No match": [(5_000, 0, 0)]}), NAMES, VIEW) == ()
