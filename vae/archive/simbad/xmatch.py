"""SIMBAD by way of the CDS cross-match service, which takes whole tables of positions."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any, Final

import astropy.units as u
import pandas as pd
from astropy.table import Table

from vae.archive.simbad.asking import ANSWER, ROW, check_answer
from vae.archive.simbad.manners import Manners, PoliteAdapter
from vae.archive.simbad.votables import check_status, columns, read_votable

#: Where CDS has the service.
XMATCH_URL: Final = "http://cdsxmatch.u-strasbg.fr/xmatch/api/v1/sync"
#: The service takes no larger radius.
LARGEST_RADIUS_ARCSEC: Final = 180.0
#: Columns of the service's SIMBAD, with their types; errors and proper motions in milliarcsec (a year).
_WANTED: Final = {
    "main_id": "str",
    "ra": "float64",
    "dec": "float64",
    "coo_err_maj": "float64",
    "coo_err_min": "float64",
    "nbref": "float64",
    "main_type": "str",
    "other_types": "str",
    "pmra": "float64",
    "pmdec": "float64",
}


class CdsXMatch:
    """All SIMBAD objects within one radius of each position.

    Parameters
    ----------
    radius_arcsec : float
    manners : Manners
    url : str
    """

    name = "xmatch"
    #: Rows of a chunk that the service digests within its time limit; CDS asks to send them one by one.
    largest = 100_000

    def __init__(self, radius_arcsec: float, manners: Manners, *, url: str = XMATCH_URL) -> None:
        if not 0 < radius_arcsec <= LARGEST_RADIUS_ARCSEC:
            raise ValueError(f"radius {radius_arcsec} arcsec")
        self.radius_arcsec, self.url = radius_arcsec, url
        self.identity = f"{url}|simbad|{radius_arcsec:.6f}|{','.join(_WANTED)}"
        self._client = _client(url, manners)

    def ask(self, question: pd.DataFrame) -> pd.DataFrame:
        """Ask of positions (``ra_deg``, ``dec_deg``); nothing but row number and position is sent.

        Returns
        -------
        DataFrame
            `ROW`, ``main_id ra_deg dec_deg error_mas references otype_label otypes pm_ra_mas pm_dec_mas``.
        """
        table = Table(
            {
                ROW: range(len(question)),
                "ra_in": question["ra_deg"].to_numpy(),
                "dec_in": question["dec_deg"].to_numpy(),
            }
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            response = self._client.query_async(
                cat1=table, colRA1="ra_in", colDec1="dec_in", cat2="simbad", colRA2="ra", colDec2="dec",
                max_distance=self.radius_arcsec * u.arcsec, cache=False, cols2=",".join(_WANTED),
            )  # fmt: skip
        document = read_votable(response.content)
        check_status(document)
        found = columns(document, {ROW: "int64", "angDist": "float64", **_WANTED})
        found = found.assign(error_mas=found[["coo_err_maj", "coo_err_min"]].max(axis=1)).rename(
            columns={
                "ra": "ra_deg", "dec": "dec_deg", "nbref": "references", "main_type": "otype_label",
                "other_types": "otypes", "pmra": "pm_ra_mas", "pmdec": "pm_dec_mas",
            }
        )  # fmt: skip
        check_answer(question, found, found["angDist"])
        return found[[ROW, *ANSWER]]


def _client(url: str, manners: Manners) -> Any:
    """Astroquery's client, with our manners and without files of its own."""
    with contextlib.redirect_stdout(io.StringIO()):  # astroquery prints that it lacks an optional library
        from astroquery.xmatch import XMatchClass

    client = XMatchClass()
    client.URL, client.TIMEOUT = url, manners.timeout_s
    # It would ask for the names of all VizieR tables, twice a query, to find out that SIMBAD is none of them.
    client.get_available_tables = lambda **_: []
    for scheme in ("http://", "https://"):
        client._session.mount(scheme, PoliteAdapter(manners))
    return client
