"""EPIC-pn as the simulator sees it: effective area, redistribution, background, folding."""

from vae.simulate.instrument.response import (
    FILTERS,
    RESPONSE_NAMES,
    area_tables,
    blur_of,
    fold,
    offaxis_index,
    on_axis_area,
    redistribution,
    redistribution_tables,
    response_index,
    sensitivity_table,
    vignetting,
)

__all__ = [
    "FILTERS",
    "RESPONSE_NAMES",
    "area_tables",
    "blur_of",
    "fold",
    "offaxis_index",
    "on_axis_area",
    "redistribution",
    "redistribution_tables",
    "response_index",
    "sensitivity_table",
    "vignetting",
]
