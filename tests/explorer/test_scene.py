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


def test_regions_are_named_with_their_share() -> None:
    ring = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    columns = region_columns([Region("X-ray binary", 0.814, *ring, 0.5, 1.0)])
    assert columns["region_names"]["text"] == ["X-ray binary 81 %"]
    assert columns["regions"]["xs"] == [ring[0]]
    assert not any(region_columns(())["region_names"].values())
