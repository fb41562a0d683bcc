"""Colours: read from `assets/css/tokens.css`, the one place where they are written down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from vae.resources import asset

Theme = Literal["dark", "light"]
THEMES: Final[tuple[Theme, ...]] = ("dark", "light")

#: Display classes in the legend's order, with the token of their colour; groups share a hue region (LOOK.md).
CLASS_GROUPS: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (("AGN", "agn"), ("Quasar", "quasar"), ("Blazar", "blazar")),
    (("X-ray binary", "xray-binary"), ("Neutron star", "neutron-star"), ("CV / white dwarf", "cv")),
    (("Star", "star"), ("Young star", "young-star"), ("Massive star", "massive-star")),
    (("Tidal disruption event", "tde"), ("Supernova / transient", "supernova")),
    (("Galaxy", "galaxy"), ("Galaxy cluster", "galaxy-cluster"), ("Diffuse / stellar system", "diffuse")),
    (("Unclassified", "unclassified"), ("No match", "no-match")),
)
#: What stands for all smaller classes together.
OTHER: Final = "Other"
CLASS_TOKENS: Final[dict[str, str]] = {name: token for group in CLASS_GROUPS for name, token in group}
#: Tokens that classes of a user's label catalogue take, in this order (LOOK.md).
_SPARE_TOKENS: Final = ("massive-star", "diffuse", "young-star", "galaxy-cluster")
#: How much a class counts when colours are mixed, so that the unmatched half adds density, not grey (LOOK.md).
_CLASS_WEIGHTS: Final = {"Unclassified": 0.35, "No match": 0.10}


@dataclass(frozen=True)
class Palette:
    """The design tokens of one theme.

    Parameters
    ----------
    theme : {"dark", "light"}
    tokens : dict of str
        Token without its leading dashes, and its value, e.g. ``tokens["model"] == "#5fe3c8"``.
    """

    theme: Theme
    tokens: dict[str, str]

    def __getitem__(self, token: str) -> str:
        return self.tokens[token]

    def class_colour(self, name: str, position: int = 0) -> str:
        """Hex colour of a display class; classes not in the legend take spare colours by their `position`."""
        return self.tokens[f"c-{class_token(name, position)}"]

    def time_ramp(self) -> list[str]:
        """Five colours from first to last observation of a trajectory."""
        return [self.tokens[f"time-{step}"] for step in range(5)]


def class_token(name: str, position: int = 0) -> str:
    """Token of a class's colour, without its leading ``c-``; classes not in the legend by their `position`."""
    if name == OTHER:
        return CLASS_TOKENS["Unclassified"]
    return CLASS_TOKENS.get(name, _SPARE_TOKENS[position % len(_SPARE_TOKENS)])


def class_weight(name: str) -> float:
    """Weight of a class in the mixture of colours."""
    return _CLASS_WEIGHTS.get(name, 1.0)


@cache
def palette(theme: Theme) -> Palette:
    """Return the tokens of a theme; the light theme overrides the dark one's values."""
    css = re.sub(r"/\*.*?\*/", "", asset("css", "tokens.css").read_text(encoding="utf-8"), flags=re.S)
    css = css.split("@media")[0]
    blocks = {
        "light" if "light" in selector else "dark": body for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css)
    }
    tokens = dict(re.findall(r"--([\w-]+):\s*([^;]+);", blocks["dark"]))
    if theme == "light":
        tokens |= dict(re.findall(r"--([\w-]+):\s*([^;]+);", blocks["light"]))
    return Palette(theme, {name: value.strip() for name, value in tokens.items()})
