"""Positions of names that the atlas does not know, from CDS's Sesame: only when a person asks for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Final

from astropy.coordinates import SkyCoord
from astropy.coordinates.name_resolve import NameResolveError, get_icrs_coordinates
from astropy.utils import data

from explorer.search.places import Place
from vae.errors import ExplorerError

#: How long Sesame may take in all [s].
PATIENCE: Final = 5.0

#: Those who wait for an answer, apart from the explorer's own workers, which draw the map meanwhile.
WAITING: Final = ThreadPoolExecutor(4, thread_name_prefix="sesame-waiting")
# One question at a time: a look-up without a network may hang in the system's resolver for longer than anybody waits.
_ASKING = ThreadPoolExecutor(1, thread_name_prefix="sesame")


def resolve(name: str) -> Place:
    """Ask Sesame where an object is. Sends its name to cds.unistra.fr.

    Parameters
    ----------
    name : str

    Raises
    ------
    ExplorerError
        If Sesame does not know the name, cannot be reached or does not answer within `PATIENCE`.
    """
    asked = _ASKING.submit(_ask, name)
    try:
        found = asked.result(PATIENCE)
    except NotYet:
        asked.cancel()
        raise ExplorerError(
            f"Sesame (CDS) did not answer within {PATIENCE:.0f} s", todo="Type the coordinates instead, or try later"
        ) from None
    except NameResolveError as error:
        if "Unable to find" in str(error):
            raise ExplorerError(f"Sesame (CDS) knows no object “{name}”", todo="Check how it is spelled") from error
        raise _unreachable() from error
    except (OSError, ValueError) as error:
        raise _unreachable() from error
    return Place(float(found.ra.deg), float(found.dec.deg))


def _unreachable() -> ExplorerError:
    return ExplorerError(
        "Sesame (CDS) cannot be reached: the server has no network, or the service is down",
        todo="Type the coordinates instead",
    )


def _ask(name: str) -> SkyCoord:
    with data.conf.set_temp("remote_timeout", PATIENCE):
        return get_icrs_coordinates(name)
