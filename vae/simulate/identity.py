"""What a simulated archive depends on besides its options: a name for this version of the simulator."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from vae.resources import asset

#: Folders whose code decides what a chunk holds.
_CODE: Final = (Path(__file__).parent, Path(__file__).parent.parent / "spectra")
#: Libraries whose numbers or files may differ from one version to the next.
_LIBRARIES: Final = ("numba", "numpy", "pandas", "pyarrow", "scipy", "xraydb", "zarr")


@lru_cache(maxsize=1)
def simulator_identity() -> str:
    """Return twelve hexadecimal digits that change with the simulator's code, tables and libraries.

    Chunks of one archive must all come from the same simulator: what an interrupted build left is used only by a
    build with this identity and its seed.
    """
    digest = hashlib.sha256()
    code = [path for folder in _CODE for path in folder.rglob("*.py")]
    tables = asset("reference").glob("*.csv")
    for path in (*sorted(code), *sorted(tables)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()[:12]
