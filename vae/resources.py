"""Where the files that ship with the project lie (`assets/`), in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

from vae.errors import ExplorerError

_CANDIDATES = (Path(__file__).parent / "_assets", Path(__file__).parent.parent / "assets")


def asset(*parts: str) -> Path:
    """Path of a shipped file or folder.

    Parameters
    ----------
    *parts : str
        Path inside `assets/`, e.g. ``asset("reference", "simbad_otypes.csv")``.

    Returns
    -------
    Path

    Raises
    ------
    ExplorerError
        When it is in neither place, which means a broken installation.
    """
    for root in _CANDIDATES:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ExplorerError(
        "a file that ships with the explorer is missing",
        where="assets/" + "/".join(parts),
        todo="Reinstall it, or run from a complete checkout",
    )
