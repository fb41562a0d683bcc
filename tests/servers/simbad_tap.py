"""SIMBAD's TAP service on loopback: synchronous queries that join an uploaded VOTable with `basic`.

It understands joins of an upload with `basic` by CONTAINS(POINT, CIRCLE) or by `ident`, with `alltypes` beside, and
any list of their columns; anything else is an ADQL error, as it would be for a misspelt query.

As a script: ``python tests/servers/simbad_tap.py OBJECTS.csv`` prints its address and serves until killed.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io.votable import parse_single_table

sys.path.insert(0, str(Path(__file__).resolve().parent))

from simbad_sky import Handler, Server, SimbadSky, cut_to, error_votable, from_command_line, serving, votable

PATH = "/simbad/sim-tap"
_CAPABILITIES = """<?xml version="1.0" encoding="UTF-8"?>
<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
 xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0"
 xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">
<interface role="std" xsi:type="vs:ParamHTTP"><accessURL use="base">{url}</accessURL></interface>
<language><name>ADQL</name><version ivo-id="ivo://ivoa.net/std/ADQL#v2.0">2.0</version></language>
<outputFormat><mime>application/x-votable+xml</mime></outputFormat>
<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>
<outputLimit><default unit="row">10000</default><hard unit="row">{most_rows}</hard></outputLimit>
<uploadLimit><hard unit="row">{most_uploaded}</hard></uploadLimit>
</capability></vosi:capabilities>
"""
_SELECT = re.compile(r"SELECT (?P<columns>.*?) FROM (?P<rest>.*)", re.S)
_UPLOAD = re.compile(r"(?:\(SELECT (?P<inner>[\w, ]+) FROM )?TAP_UPLOAD\.(?P<table>\w+)\)? AS (?P<alias>\w+)")
_CONTAINS = re.compile(
    r"JOIN basic ON CONTAINS\(POINT\('ICRS', basic\.ra, basic\.dec\), "
    r"CIRCLE\('ICRS', (\w+)\.(\w+), \1\.(\w+), \1\.(\w+)\)\) = 1"
)
_IDENT = re.compile(r"JOIN ident ON ident\.id = (\w+)\.(\w+) JOIN basic ON basic\.oid = ident\.oidref")
_ALLTYPES = "LEFT JOIN alltypes ON alltypes.oidref = basic.oid"
_DISTANCE = re.compile(
    r"DISTANCE\(POINT\('ICRS', basic\.ra, basic\.dec\), POINT\('ICRS', \w+\.\w+, \w+\.\w+\)\) AS (\w+)"
)
_BASIC = (
    "oid", "main_id", "ra", "dec", "coo_err_maj", "coo_err_min", "coo_err_angle", "nbref", "otype", "pmra", "pmdec",
)  # fmt: skip


#: Some of ADQL's reserved words (ADQL 2.0, section 2.1.2), which are no names.
_RESERVED = {
    "area",
    "box",
    "circle",
    "contains",
    "distance",
    "max",
    "min",
    "point",
    "position",
    "region",
    "size",
    "user",
}


class AdqlError(ValueError):
    """A query that this server does not understand."""


class TapHandler(Handler):
    """VOSI capabilities and synchronous queries."""

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        self.server.log.paths.append(self.path)
        if self.path == f"{PATH}/capabilities":
            limits = {"most_rows": 2_000_000, "most_uploaded": 200_000, **self.server.limits}
            text = _CAPABILITIES.format(url=f"http://127.0.0.1:{self.server.server_address[1]}{PATH}", **limits)
            self.send(200, text.encode(), "text/xml")
        else:
            self.send(404, b"<html><title>Not found</title></html>", "text/html")

    def answer(self, fields: dict[str, bytes], fault: str) -> tuple[int, bytes]:
        if self.path != f"{PATH}/sync":
            return 404, error_votable("no such resource")
        if fault == "error":
            return 200, error_votable("the query was aborted")
        hard = self.server.limits.get("most_rows", 2_000_000)
        most = min(int(fields.get("MAXREC", b"10000")), hard)
        try:
            table = evaluate(
                fields["QUERY"].decode(), uploads(fields), self.server.sky,
                self.server.limits.get("most_uploaded", 200_000),
            )  # fmt: skip
        except AdqlError as error:
            return 400, error_votable(f"Incorrect ADQL query: {error}")
        table, cut = cut_to(table, most, fault)
        return 200, votable(table, cut=cut)


def uploads(fields: dict[str, bytes]) -> dict[str, pd.DataFrame]:
    """Uploaded tables by name: ``UPLOAD=name,param:field;...``."""
    tables = {}
    for item in filter(None, fields.get("UPLOAD", b"").decode().split(";")):
        name, _, uri = item.partition(",")
        table = parse_single_table(io.BytesIO(fields[uri.removeprefix("param:")])).to_table(use_names_over_ids=True)
        tables[name] = pd.DataFrame(
            {
                column: [v.decode() if isinstance(v, bytes) else v for v in table[column].tolist()]
                for column in table.colnames
            }
        )
    return tables


def evaluate(query: str, tables: dict[str, pd.DataFrame], sky: SimbadSky, most_uploaded: int) -> pd.DataFrame:
    """Result of a query; AdqlError where it is not of a known shape."""
    query = " ".join(query.split())
    select = _SELECT.fullmatch(query)
    upload = _UPLOAD.match(select["rest"]) if select else None
    if select is None or upload is None:
        raise AdqlError("no SELECT ... FROM TAP_UPLOAD")
    if upload["table"] not in tables:
        raise AdqlError(f"no such upload: {upload['table']}")
    asked, alias, rest = tables[upload["table"]], upload["alias"], select["rest"][upload.end() :].strip()
    if len(asked) > most_uploaded:
        raise AdqlError(f"more than {most_uploaded} uploaded rows")
    if unknown := [name for name in re.split(r"\s*,\s*", upload["inner"] or "") if name and name not in asked]:
        raise AdqlError(f"no such column: {unknown[0]}")
    contains, ident = _CONTAINS.match(rest), _IDENT.match(rest)
    join = contains or ident
    if join is None or join[1] != alias or rest[join.end() :].strip() not in ("", _ALLTYPES):
        raise AdqlError(f"a join of another kind: {rest}")
    if contains:
        sources, rows, distance = sky.near(*(asked[contains[n]] for n in (2, 3, 4)))
    else:
        place = pd.Series(sky.objects.index, index=sky.objects["main_id"])
        place = asked[ident[2]].map(place[~place.index.duplicated()])
        sources, rows = np.flatnonzero(place.notna()), place.dropna().astype(int).to_numpy()
        distance = np.full(len(rows), np.nan)
    return _select(select["columns"], alias, asked.iloc[sources], sky.objects.iloc[rows], distance)


def _select(wanted: str, alias: str, asked: pd.DataFrame, objects: pd.DataFrame, distance: np.ndarray) -> pd.DataFrame:
    out: dict[str, np.ndarray] = {}
    for item in re.split(r", (?![^(]*\))", _DISTANCE.sub(r"DISTANCE AS \1", wanted)):
        table, _, name = item.partition(".")
        if item.removeprefix("DISTANCE AS ").lower() in _RESERVED:
            raise AdqlError(f"reserved word: {item}")
        if item.startswith("DISTANCE AS "):
            out[item.removeprefix("DISTANCE AS ")] = distance
        elif table == alias and name in asked:
            out[name] = asked[name].to_numpy()
        elif (table == "basic" and name in _BASIC) or item == "alltypes.otypes":
            out[name] = objects[name].to_numpy()
        else:
            raise AdqlError(f"no such column: {item}")
    return pd.DataFrame(out)


@contextmanager
def tap_server(sky: SimbadSky, faults: Sequence[str] = (), **limits: int) -> Iterator[tuple[str, Server]]:
    """Serve a sky; gives the address for `CrossmatchOptions.tap_url` and the server with its log."""
    with serving(TapHandler, sky, faults, **limits) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}{PATH}", server


if __name__ == "__main__":
    from_command_line(TapHandler, PATH)
