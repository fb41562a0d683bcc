from __future__ import annotations

import numpy as np
import pytest

from explorer.latent_map.kernels import srgb_to_linear
from explorer.latent_map.ramps import STEPS, ramp
from explorer.palette import palette

#: Machado, Oliveira and Fernandes 2009, full severity, in linear light.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def luminance(colours: tuple[str, ...], deficiency: str = "none") -> np.ndarray:
    linear = srgb_to_linear(np.array([list(bytes.fromhex(colour[1:])) for colour in colours]) / 255)
    return np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1) @ [0.2126, 0.7152, 0.0722]


def contrast(colours: tuple[str, ...], theme: str) -> np.ndarray:
    """WCAG contrast to the map's ground."""
    ground, ours = luminance((palette(theme)["map-bg"],))[0] + 0.05, luminance(colours) + 0.05
    return np.maximum(ours / ground, ground / ours)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_a_sequential_ramp_moves_away_from_the_ground_for_every_eye(theme: str, deficiency: str) -> None:
    steps = np.diff(luminance(ramp("log", theme), deficiency)[::8])
    assert (steps > 0).all() if theme == "dark" else (steps < 0).all()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_a_diverging_ramp_has_its_middle_nearest_to_the_ground(theme: str, deficiency: str) -> None:
    colours = ramp("signed", theme)
    middle = luminance(colours, deficiency)[STEPS // 2]
    for side in (luminance(colours, deficiency)[:96], luminance(colours, deficiency)[-96:]):
        assert (side > middle + 0.02).all() if theme == "dark" else (side < middle - 0.02).all()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_colour_is_told_from_the_ground(theme: str) -> None:
    for kind in ("linear", "log", "date", "signed", "asinh"):
        assert contrast(ramp(kind, theme), theme).min() > 1.35
        assert contrast(ramp(kind, theme), theme)[-1] > 4.5


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_ends_of_a_diverging_ramp_differ_in_blue_for_every_eye(theme: str) -> None:
    """Blue against orange or red: the difference that protanopes and deuteranopes keep."""
    ends = np.array([list(bytes.fromhex(ramp("signed", theme)[i][1:])) for i in (16, -17)]) / 255
    for name in ("protanopia", "deuteranopia"):
        seen = np.clip(srgb_to_linear(ends) @ np.array(DEFICIENCIES[name]).T, 0, 1)
        share = seen[:, 2] / seen.sum(axis=1)
        assert share[0] > 1.6 * share[1]
