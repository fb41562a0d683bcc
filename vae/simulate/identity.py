"""What a simulated archive depends on besides its options: a name for this version of the simulator."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from vae.identity import code_identity
from vae.resources import asset

#: Libraries whose numbers or files may differ from one version to the next.
_LIBRARIES: Final = ("numba", "numpy", "pandas", "pyarrow", "scipy", "xraydb", "zarr")


@lru_cache(maxsize=1)
def simulator_identity() -> str:
    """Return twelve hexadecimal digits that change with the simulator's code, tables and libraries.

    Chunks of one archive must all come from the same simulator: what an interrupted build left is used only by a
    build with this identity and its seed.
    """
    return code_identity("simulate", "spectra", tables=asset("reference").glob("*.csv"), libraries=_LIBRARIES)
