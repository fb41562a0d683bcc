from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explorer.latent_map.frame import Region, View
from explorer.latent_map.scene import Picked, Scale, picked_columns, region_columns
from explorer.palette import palette

SCALE = Scale(View(-4.0, 4.0, -4.0, 4.0), 800, 800)


@pytest.mark.parametrize(("onward", "align"), [((0.5, 0.02), "right"), ((-0.5, 0.02), "left")])
def test_name_keeps_off_the_track(onward: tuple[float, float], align: str) -> None:
    """The next step runs to one side, most of the track lies on the other: the name goes where no line runs."""
    behind = -onward[0]
    track = pd.DataFrame({"mu_1": [0.0, onward[0], 4 * behind], "mu_2": [0.0, onward[1], 3.0]})
    picked = Picked(
        x=0.0, y=0.0, sigma_x=0.01, sigma_y=0.01, name="J000000.0+000000", place="", class_name="AGN", class_code=0
    )
    assert picked_columns(picked, track, SCALE, palette("dark"))["name"]["align"] == [align]


def test_name_goes_above_where_the_track_runs_to_both_sides() -> None:
    track = pd.DataFrame({"mu_1": [-2.0, 0.0, 2.0], "mu_2": [-0.1, 0.0, -0.1]})
    picked = Picked(
        x=0.0, y=0.0, sigma_x=0.01, sigma_y=0.01, name="J000000.0+000000", place="", class_name="AGN", class_code=0
    )
    columns = picked_columns(picked, track, SCALE, palette("dark"))
    assert columns["name"]["y_offset"][0] < -20
    assert columns["leader"]["y1"][0] > columns["leader"]["y0"][0] > 0  # up to the name, from the ring


def test_name_stays_on_the_map() -> None:
    corner = Picked(
        x=3.9, y=3.95, sigma_x=0.01, sigma_y=0.01, name="J000000.0+000000", place="", class_name="AGN", class_code=0
    )
    track = pd.DataFrame({"mu_1": [0.0, 3.9, 3.9], "mu_2": [3.95, 3.95, 1.0]})
    name = picked_columns(corner, track, SCALE, palette("dark"))["name"]
    assert name["align"] == ["right"]
    assert name["y_offset"][0] > 20  # below: there is no room above, and the track runs to the left


def test_regions_are_named_with_their_share() -> None:
    ring = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    columns = region_columns([Region("X-ray binary", 0.814, *ring, 0.5, 1.0)])
    assert columns["region_names"]["text"] == ["X-ray binary 81 %"]
    assert columns["regions"]["xs"] == [ring[0]]
    assert not any(region_columns(())["region_names"].values())
