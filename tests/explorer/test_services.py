from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.palette import CLASS_TOKENS
from explorer.panels.legend import legend_rows
from explorer.services import Services, _classes, services
from vae.errors import AtlasError


def test_an_atlas_is_opened_once(opened: Services, tiny_atlas: Path) -> None:
    assert services(str(tiny_atlas)) is opened
    assert services(tiny_atlas / ".." / tiny_atlas.name) is opened


def test_no_atlas_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match="nothing-here"):
        services(tmp_path / "nothing-here")


def test_positions_and_classes_are_the_catalogues(opened: Services) -> None:
    catalogue = opened.atlas.catalogue
    np.testing.assert_array_equal(opened.x, catalogue["mu_1"].to_numpy(np.float32))
    np.testing.assert_array_equal(opened.y, catalogue["mu_2"].to_numpy(np.float32))
    labels = catalogue["class_label"].astype("str").to_numpy()
    assert [opened.class_of(row) for row in range(0, len(opened), 97)] == list(labels[::97])
    assert opened.class_counts.sum() == len(opened)


def test_home_holds_nearly_everything_and_is_not_ruled_by_outliers(opened: Services) -> None:
    x0, x1, y0, y1 = opened.home
    inside = (opened.x > x0) & (opened.x < x1) & (opened.y > y0) & (opened.y < y1)
    assert 0.995 <= inside.mean() <= 1.0


def test_tree_finds_the_nearest_point(opened: Services) -> None:
    points = np.column_stack([opened.x, opened.y]).astype(float)
    where = points.mean(axis=0)
    _, row = opened.tree.query(where)
    assert np.hypot(*(points[row] - where)) == pytest.approx(np.hypot(*(points - where).T).min())


def test_frames_wait_for_no_disk(opened: Services) -> None:
    stuck = threading.Event()
    waiting = [opened.pool.submit(stuck.wait, 60) for _ in range(40)]
    try:
        assert opened.frames.submit(lambda: "drawn").result(timeout=30) == "drawn"
        assert not any(job.done() for job in waiting)
    finally:
        stuck.set()


def test_own_classes_come_before_the_unclassified() -> None:
    names, codes = _classes(pd.Series(["Star", "Changing look", "No match", "Changing look", None]))
    assert names[-3:] == ("Changing look", "Unclassified", "No match")
    assert [names[code] for code in codes] == ["Star", "Changing look", "No match", "Changing look", "Unclassified"]


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 255"):
        _classes(pd.Series([f"class {number}" for number in range(250)]))


def test_legend_lists_every_class_once_in_order(opened: Services) -> None:
    rows = legend_rows(opened)
    assert [row["name"] for row in rows] == list(CLASS_TOKENS)
    assert [row["name"] for row in rows if row["gap"]] == [
        "X-ray binary",
        "Star",
        "Tidal disruption event",
        "Galaxy",
        "Unclassified",
    ]
    assert sum(row["count"] for row in rows) == len(opened)
