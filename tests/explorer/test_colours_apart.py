"""Class colours stay apart, for people with a colour-vision deficiency too.

Deficiencies at full severity after Machado, Oliveira and Fernandes (2009, IEEE TVCG 15, 1291); distances in CAM02-UCS
(Luo, Cui and Li 2006, Color Res. Appl. 31, 320) over CIECAM02 (CIE 159:2004) under the conditions of sRGB: D65, an
ambient of 64 lux, a grey surround. Written out here: the library for it, colorspacious, has had no release since 2018.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.palette import CLASS_TOKENS, palette

MAIN = ("AGN", "Quasar", "X-ray binary", "Star", "Tidal disruption event", "Neutron star", "CV / white dwarf", "Galaxy")
VISION = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
#: The smallest distance between two classes that the look promises (LOOK.md): set, theme, normal and the three others.
PROMISED = [
    ("main", "dark", (27.2, 15.5, 15.8, 14.4)),
    ("main", "light", (25.2, 14.2, 14.7, 12.3)),
    ("all", "dark", (16.5, 8.6, 8.3, 6.3)),
    ("all", "light", (14.2, 8.2, 8.0, 7.2)),
]
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])
_HPE = np.array([[0.38971, 0.68898, -0.07868], [-0.22981, 1.18340, 0.04641], [0.0, 0.0, 1.0]])
_WHITE = np.array([95.047, 100.0, 108.883])
_ADAPTING = 64 / np.pi / 5  # luminance of a grey of 20 % under 64 lux [cd/m2]


def seen(colours: list[str], vision: str) -> NDArray[np.float64]:
    """Where colours (#rrggbb) lie in CAM02-UCS: J', a', b' for each, shape (n, 3)."""
    srgb = np.array([list(bytes.fromhex(colour[1:])) for colour in colours]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(VISION[vision]).T, 0, 1)
    return cam02_ucs(100 * linear @ _TO_XYZ.T)


def cam02_ucs(xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """CAM02-UCS coordinates of tristimulus values (white: Y = 100), shape (n, 3)."""
    k = 1 / (5 * _ADAPTING + 1)
    level = 0.2 * k**4 * 5 * _ADAPTING + 0.1 * (1 - k**4) ** 2 * np.cbrt(5 * _ADAPTING)
    n = 20 / _WHITE[1]
    induction, base = 0.725 * n**-0.2, 1.48 + np.sqrt(n)
    white = _CAT02 @ _WHITE
    adapted = 1 - np.exp((-_ADAPTING - 42) / 92) / 3.6
    gain = adapted * _WHITE[1] / white + 1 - adapted

    def responses(values: NDArray[np.float64]) -> NDArray[np.float64]:
        cones = values @ _CAT02.T * gain @ np.linalg.inv(_CAT02).T @ _HPE.T
        power = (level * np.abs(cones) / 100) ** 0.42
        return np.sign(cones) * 400 * power / (power + 27.13) + 0.1

    def achromatic(r: NDArray[np.float64]) -> NDArray[np.float64]:
        return (r @ [2, 1, 1 / 20] - 0.305) * induction

    r = responses(xyz)
    a, b = r @ [1, -12 / 11, 1 / 11], r @ [1 / 9, 1 / 9, -2 / 9]
    hue = np.arctan2(b, a)
    lightness = 100 * (achromatic(r) / achromatic(responses(_WHITE))) ** (0.69 * base)
    t = 50000 / 13 * induction * 0.25 * (np.cos(hue + 2) + 3.8) * np.hypot(a, b) / (r @ [1, 1, 21 / 20])
    chroma = t**0.9 * np.sqrt(lightness / 100) * (1.64 - 0.29**n) ** 0.73
    colourfulness = np.log1p(0.0228 * chroma * level**0.25) / 0.0228
    bright = 1.7 * lightness / (1 + 0.007 * lightness)
    return np.stack([bright, colourfulness * np.cos(hue), colourfulness * np.sin(hue)], axis=-1)


def test_the_colour_space_is_the_published_one() -> None:
    # the standard's worked example lies elsewhere in its conditions; white, black and grey bound it in any
    white, black, grey = cam02_ucs(np.stack([_WHITE, 1e-6 * _WHITE, 0.2 * _WHITE]))
    assert white == pytest.approx([100, 0, 0], abs=2)
    assert black[0] == pytest.approx(0, abs=1)
    assert 40 < grey[0] < 70


@pytest.mark.parametrize("at", range(4), ids=list(VISION))
@pytest.mark.parametrize(
    ("group", "theme", "promised"), PROMISED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_classes_are_as_far_apart_as_promised(group: str, theme: str, promised: tuple[float, ...], at: int) -> None:
    names = MAIN if group == "main" else tuple(CLASS_TOKENS)
    places = seen([palette(theme).class_colour(name) for name in names], list(VISION)[at])
    apart = {
        pair: float(np.linalg.norm(places[pair[0]] - places[pair[1]])) for pair in combinations(range(len(names)), 2)
    }
    nearest = min(apart, key=apart.__getitem__)
    assert apart[nearest] >= promised[at] - 0.06, [names[i] for i in nearest]
