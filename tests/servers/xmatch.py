"""CDS XMatch on loopback: takes an uploaded CSV table, gives the SIMBAD objects near its positions as VOTable or CSV.

As a script: ``python tests/servers/xmatch.py OBJECTS.csv`` prints its address and serves until killed.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

from simbad_sky import Handler, Server, SimbadSky, cut_to, error_votable, from_command_line, serving, votable

PATH = "/xmatch/api/v1/sync"
_LABELS = Path(__file__).resolve().parents[2] / "assets" / "reference" / "simbad_otype_labels.csv"
#: All columns that the service has of SIMBAD and this one knows.
_SIMBAD = (
    "main_id", "ra", "dec", "coo_err_maj", "coo_err_min", "coo_err_angle", "nbref", "main_type", "other_types", "pmra",
    "pmdec",
)  # fmt: skip


@cache
def _labels() -> dict[str, str]:
    """The first label of each code."""
    table = pd.read_csv(_LABELS, comment="#", keep_default_na=False).drop_duplicates("otype")
    return dict(zip(table["otype"], table["label"], strict=True))


class XMatchHandler(Handler):
    """The one call that astroquery makes, and the list of tables."""

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        self.server.log.paths.append(self.path)
        if self.path.startswith(f"{PATH}/tables"):
            self.send(200, b"simbad\nI/355/gaiadr3\n", "text/plain")
        else:
            self.send(404, b"<html><title>Not found</title></html>", "text/html")

    def answer(self, fields: dict[str, bytes], fault: str) -> tuple[int, bytes]:
        def field(name: str) -> str:
            return fields[name].decode()

        if self.path != PATH:
            return 404, error_votable("no such service")
        try:
            wrong = field("request") != "xmatch" or field("cat2") not in ("simbad", "vizier:simbad")
            radius = float(field("distMaxArcsec"))
            asked = pd.read_csv(io.BytesIO(fields["cat1"]))
            ra, dec = asked[field("colRA1")], asked[field("colDec1")]
        except (KeyError, ValueError) as error:
            return 400, error_votable(f"bad parameter: {error}")
        if wrong or not 0 < radius <= 180:
            return 400, error_votable("bad parameter")
        if len(asked) > self.server.limits.get("most_uploaded", 100_000):
            return 413, error_votable("the uploaded table is too large")
        if fault == "error":
            return 200, error_votable("the job was aborted")
        sources, rows, distance = self.server.sky.near(ra, dec, radius / 3600)
        found = self.server.sky.objects.iloc[rows].reset_index(drop=True)
        found["main_type"] = found["otype"].map(_labels())
        found["main_type"] = found["main_type"].fillna(found["otype"])  # of types made up for a test
        found["other_types"] = found["otypes"]
        wanted = field("cols2").split(",") if "cols2" in fields else list(_SIMBAD)
        table = pd.concat(
            [
                pd.Series((3600 * distance).round(6), name="angDist"),
                asked.iloc[sources].reset_index(drop=True),
                found[wanted],
            ],
            axis=1,
        )
        table, cut = cut_to(table, self.server.limits.get("most_rows"), fault)
        if field("RESPONSEFORMAT") == "csv":
            return 200, table.to_csv(index=False).encode()
        return 200, votable(table, cut=cut)


@contextmanager
def xmatch_server(sky: SimbadSky, faults: Sequence[str] = (), **limits: int) -> Iterator[tuple[str, Server]]:
    """Serve a sky; gives the address for `CrossmatchOptions.xmatch_url` and the server with its log."""
    with serving(XMatchHandler, sky, faults, **limits) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}{PATH}", server


if __name__ == "__main__":
    from_command_line(XMatchHandler, PATH)
