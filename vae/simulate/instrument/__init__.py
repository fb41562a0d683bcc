"""EPIC-pn as the simulator sees it: effective area, redistribution, background, folding."""

from vae.simulate.instrument.area import (
    FILTERS,
    OFFAXIS_TABLE,
    native_arf,
    offaxis_index,
    on_axis_area,
    vignetting,
)
from vae.simulate.instrument.background import background_rates
from vae.simulate.instrument.folding import area_tables, fold, sensitivity_table, stored_matrices
from vae.simulate.instrument.redistribution import Blur, redistribution
from vae.simulate.instrument.region import RADIUS, draw_regions, enclosed
from vae.simulate.instrument.responses import (
    CCD_ROWS,
    MODES,
    RESPONSE_NAMES,
    blur_of,
    channel_edges,
    native_rmf,
    response_index,
)

__all__ = [
    "CCD_ROWS",
    "FILTERS",
    "MODES",
    "OFFAXIS_TABLE",
    "RADIUS",
    "RESPONSE_NAMES",
    "Blur",
    "area_tables",
    "background_rates",
    "blur_of",
    "channel_edges",
    "draw_regions",
    "enclosed",
    "fold",
    "native_arf",
    "native_rmf",
    "offaxis_index",
    "on_axis_area",
    "redistribution",
    "response_index",
    "sensitivity_table",
    "stored_matrices",
    "vignetting",
]
