"""Section on other models: dimensions, seeds, variants, each beside the one that ships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vae.evaluation.report.page import Section
from vae.evaluation.report.words import left_out
from vae.palette import Palette


def models_section(figures: Mapping[str, Any] | None, colours: Palette) -> Section:
    """Compare trained models on the same held-out spectra."""
    title = "Other models"
    lead = "Latent dimensions, seeds and variants that were tried, all judged on the same spectra."
    if figures is None or left_out(figures):
        return Section("models", title, lead, left_out=left_out(figures))
    return Section("models", title, lead)
