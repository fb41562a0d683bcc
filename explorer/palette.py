"""Colours of the page: `vae.palette`, which reports share."""

from vae.palette import (
    CLASS_GROUPS,
    CLASS_TOKENS,
    OTHER,
    THEMES,
    Palette,
    Theme,
    class_token,
    class_weight,
    palette,
)

__all__ = [
    "CLASS_GROUPS",
    "CLASS_TOKENS",
    "OTHER",
    "THEMES",
    "Palette",
    "Theme",
    "class_token",
    "class_weight",
    "palette",
]
