"""SIMBAD by its own TAP service: objects near uploaded positions, and types of objects by their main identifier."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any, Final

import pandas as pd
from astropy.table import Table

from vae.archive.simbad.asking import ANSWER, ROW, check_answer
from vae.archive.simbad.manners import Manners, PoliteAdapter, TooLargeError, Trouble, trouble_below
from vae.archive.simbad.votables import check_status, columns

#: Where SIMBAD has the service.
TAP_URL: Final = "https://simbad.cds.unistra.fr/simbad/sim-tap"
#: The service's own limits: rows of an answer, rows of an upload.
MOST_ROWS: Final = 2_000_000
MOST_UPLOADED: Final = 200_000

#: The join that astroquery's `query_region` makes of many centres, with the centre's row and without its row limit.
_NEAR: Final = f"""\
SELECT centres.{ROW}, basic.main_id, basic.ra, basic.dec, basic.coo_err_maj, basic.coo_err_min, basic.nbref, \
basic.otype, alltypes.otypes, basic.pmra, basic.pmdec, \
DISTANCE(POINT('ICRS', basic.ra, basic.dec), POINT('ICRS', centres.ra, centres.dec)) AS sep_deg \
FROM (SELECT {ROW}, ra, dec, radius FROM TAP_UPLOAD.centres) AS centres \
JOIN basic ON \
CONTAINS(POINT('ICRS', basic.ra, basic.dec), CIRCLE('ICRS', centres.ra, centres.dec, centres.radius)) = 1 \
LEFT JOIN alltypes ON alltypes.oidref = basic.oid"""
_TYPES: Final = f"""\
SELECT objects.{ROW}, basic.otype, alltypes.otypes \
FROM TAP_UPLOAD.objects AS objects \
JOIN ident ON ident.id = objects.main_id JOIN basic ON basic.oid = ident.oidref \
LEFT JOIN alltypes ON alltypes.oidref = basic.oid"""


class SimbadTap:
    """All SIMBAD objects within one radius of each position.

    Parameters
    ----------
    radius_arcsec : float
    manners : Manners
    url : str
    most_rows : int
        Rows after which the service is told to cut an answer.
    """

    name = "tap"
    largest = MOST_UPLOADED

    def __init__(
        self, radius_arcsec: float, manners: Manners, *, url: str = TAP_URL, most_rows: int = MOST_ROWS
    ) -> None:
        self.radius_arcsec, self.url, self.most_rows = radius_arcsec, url, most_rows
        self.identity = f"{url}|{radius_arcsec:.6f}|{_NEAR}"
        self._simbad = _simbad(url, manners)

    def ask(self, question: pd.DataFrame) -> pd.DataFrame:
        """Ask of positions (``ra_deg``, ``dec_deg``); see `vae.archive.simbad.CdsXMatch.ask` for the columns."""
        centres = Table(
            {
                ROW: range(len(question)),
                "ra": question["ra_deg"].to_numpy(),
                "dec": question["dec_deg"].to_numpy(),
                "radius": [self.radius_arcsec / 3600.0] * len(question),
            }
        )
        wanted = {
            ROW: "int64", "main_id": "str", "ra": "float64", "dec": "float64", "coo_err_maj": "float64",
            "coo_err_min": "float64", "nbref": "float64", "otype": "str", "otypes": "str", "pmra": "float64",
            "pmdec": "float64", "sep_deg": "float64",
        }  # fmt: skip
        found = _query(self._simbad, _NEAR, self.most_rows, wanted, centres=centres)
        found = found.assign(error_mas=found[["coo_err_maj", "coo_err_min"]].max(axis=1)).rename(
            columns={
                "ra": "ra_deg", "dec": "dec_deg", "nbref": "references", "otype": "otype_label",
                "pmra": "pm_ra_mas", "pmdec": "pm_dec_mas",
            }
        )  # fmt: skip
        check_answer(question, found, 3600.0 * found["sep_deg"])
        return found[[ROW, *ANSWER]]


class SimbadTypes:
    """Type code and all types of objects, by their main identifiers.

    Parameters
    ----------
    manners : Manners
    url : str
    most_rows : int
    """

    name = "types"
    largest = MOST_UPLOADED

    def __init__(self, manners: Manners, *, url: str = TAP_URL, most_rows: int = MOST_ROWS) -> None:
        self.url, self.most_rows = url, most_rows
        self.identity = f"{url}|{_TYPES}"
        self._simbad = _simbad(url, manners)

    def ask(self, question: pd.DataFrame) -> pd.DataFrame:
        """Ask of objects (``main_id``).

        Returns
        -------
        DataFrame
            `ROW`, ``otype otypes`` (all types, joined by "|"); objects that SIMBAD no longer knows have no row.
        """
        objects = Table({ROW: range(len(question)), "main_id": question["main_id"].tolist()})
        wanted = {ROW: "int64", "otype": "str", "otypes": "str"}
        found = _query(self._simbad, _TYPES, self.most_rows, wanted, objects=objects)
        check_answer(question, found)
        return found


def _query(simbad: Any, query: str, most_rows: int, wanted: dict[str, str], **uploads: Table) -> pd.DataFrame:
    """Run a query with an upload; see `Service.ask` for what it raises.

    Notes
    -----
    `SimbadClass.query_tap` would keep the status of the answer to itself, and pyvo does not warn of a cut where as many
    rows came as were asked for at most; so the table is taken from pyvo's result, and its status read.
    """
    from pyvo.dal.exceptions import DALAccessError, DALQueryError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = simbad.tap.run_sync(query, maxrec=most_rows, uploads=uploads)
        except DALQueryError as error:
            raise Trouble(f"the service refuses the query ({error})", todo="Report it, with this message") from error
        except DALAccessError as error:
            raise trouble_below(error) or Trouble(str(error)) from error
    check_status(results.votable)
    found = columns(results.votable, wanted)
    if len(found) >= most_rows:  # cut, whatever the status says
        raise TooLargeError
    return found


def _simbad(url: str, manners: Manners) -> Any:
    """Astroquery's client for SIMBAD, at any address, with our manners."""
    with contextlib.redirect_stdout(io.StringIO()):  # astroquery prints what optional libraries it lacks
        from astroquery.simbad import SimbadClass
        from pyvo.dal import TAPService

    class Simbad(SimbadClass):
        """SIMBAD at an address that is no mirror's."""

        @property
        def tap(self) -> Any:
            return service

    client = Simbad()
    service = TAPService(url, session=client._session)
    for scheme in ("http://", "https://"):
        client._session.mount(scheme, PoliteAdapter(manners))
    return client
