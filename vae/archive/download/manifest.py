"""The tables that a download leaves: what is in the archive, from where, and what is missing and why."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from vae.archive.download.journal import Journal
from vae.archive.download.names import KINDS, RESPONSE, canned
from vae.archive.download.responses import matrix_of
from vae.archive.tables import MANIFEST, MISSING
from vae.files import new_file

#: One row a file that is there, or should be. `path` is within the archive (absolute with ``--placing list``).
COLUMNS: Final = {
    "path": "str", "url": "str", "bytes": "Int64", "sha256": "str", "kind": "str", "DETID": "Int64", "OBS_ID": "str",
    "SRC_NUM": "Int32", "exposure": "str", "status": "str", "missing": "str", "reason": "str", "product": "str",
    "response": "str",
}  # fmt: skip
#: Rows turned from Python's objects into columns at a time.
_BLOCK_ROWS: Final = 50_000
_FILES: Final = """
SELECT f.path, f.url, f.bytes, f.sha256, f.kind, w.detid, f.obs_id, f.src_num, f.exposure,
       iif(f.state = 'wanted', 'failed', f.state), f.missing, f.reason, f.name, f.response
FROM files f LEFT JOIN wanted w ON w.obs_id = f.obs_id AND w.src_num = f.src_num
UNION ALL
SELECT '', '', NULL, '', 'spectrum', w.detid, w.obs_id, w.src_num, '',
       iif(w.state = 'none', 'missing', 'failed'), w.kind, w.reason, '', ''
FROM wanted w WHERE w.state != 'looked'
ORDER BY 7, 8, 13
"""


def manifest(journal: Journal) -> pd.DataFrame:
    """Return one row a file that is there or should be, in the order of observation, source and name.

    Parameters
    ----------
    journal : Journal
        Of all runs on this archive: what an earlier selection wanted is told, too.

    Returns
    -------
    DataFrame
        `COLUMNS`. `status` is ``there``, ``missing`` (the archive does not have it, `missing` and `reason` say why) or
        ``failed`` (it may come with the next run); `response` is the matrix of a spectrum, as it is named in
        ``responses/``.
    """
    blocks = [
        pd.DataFrame(block, columns=list(COLUMNS)).astype(COLUMNS) for block in journal.blocks(_FILES, _BLOCK_ROWS)
    ]
    table = pd.concat(blocks, ignore_index=True)
    there = [one for one in map(canned, journal.names(RESPONSE)) if one is not None]
    matrices = {}
    for respfile in table["response"].dropna().unique():
        chosen = matrix_of(respfile, there)
        matrices[respfile] = "" if chosen is None else chosen.name
    table["response"] = table["response"].map(matrices).astype("str")
    return table


def complete(table: pd.DataFrame, *, responses: bool) -> pd.DataFrame:
    """Return the detections that have all: OBS_ID and SRC_NUM of those with one whole exposure.

    Parameters
    ----------
    table : DataFrame
        From `manifest`.
    responses : bool
        The matrix counts, too.
    """
    there = table[(table["status"] == "there") & table["kind"].isin(list(KINDS.values()))]
    if responses:
        without = (there["kind"] == "spectrum") & (there["response"] == "")
        there = there[~without]
    # Of several exposures each is a triple of its own, told apart by all of the name but its kind.
    group = there["product"].str.slice(0, 17) + there["product"].str.slice(23)
    whole = there[there.groupby(group)["kind"].transform("nunique") == len(KINDS)]
    return whole[["OBS_ID", "SRC_NUM"]].drop_duplicates()


def write(table: pd.DataFrame, out: Path) -> Path:
    """Write both tables into the archive; return the path of the manifest.

    Parameters
    ----------
    table : DataFrame
        From `manifest`.
    out : Path
        The archive.
    """
    with new_file(out / MANIFEST) as path:
        table.to_parquet(path, index=False)
    lacking = table[table["status"] != "there"]
    columns = ["DETID", "OBS_ID", "SRC_NUM", "exposure", "kind", "product", "status", "missing", "reason", "url"]
    with new_file(out / MISSING) as path:
        lacking[columns].to_csv(path, index=False)
    return out / MANIFEST
