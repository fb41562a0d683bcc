"""A small archive to download from: products that are FITS files with the right labels, and nothing more in them."""

from __future__ import annotations

import gzip
import io
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits
from servers.tree import Tree, content

from vae.archive.download.names import KINDS, Product

#: OBS_ID, exposures and sources, 0x1F and 0xA3 among them: source numbers are hexadecimal in names.
FIELD = {
    "0100000101": (("S003",), (1, 2, 31)),
    "0100000201": (("S003", "U014"), (1, 163)),
    "0100000301": (("S001",), (7,)),
}
#: RESPFILE of an observation's spectra, where it is not that of the others.
RESPFILES = {"0100000201": "epn_e2_ef20_sdY9.rmf"}
MATRICES = (
    "epn_e3_ff20_sdY7_v9.0.rmf",
    "epn_e3_ff20_sdY7_v21.0.rmf",
    "epn_e3_ff20_sdY7_v19.0.rmf",
    "epn_e2_ef20_sdY9_v21.0.rmf",
    "epn_e2_ef20_sdY8_v21.0.rmf",
)
_LABELS = {
    "SRSPEC": ("SPECTRUM", {"HDUCLAS1": "SPECTRUM", "HDUCLAS2": "TOTAL"}),
    "BGSPEC": ("SPECTRUM", {"HDUCLAS1": "SPECTRUM", "HDUCLAS2": "BKG"}),
    "SRCARF": ("SPECRESP", {"HDUCLAS1": "RESPONSE", "HDUCLAS2": "SPECRESP"}),
    "RMF": ("MATRIX", {"HDUCLAS1": "RESPONSE", "HDUCLAS2": "RSP_MATRIX"}),
}


def fits_bytes(type_: str, seed: int = 0, respfile: str = "", *, n: int = 400) -> bytes:
    """A FITS file of one table that says it is of a type; no two seeds give the same."""
    name, keywords = _LABELS[type_]
    values = np.random.default_rng(seed).integers(0, 1000, n)
    table = fits.BinTableHDU.from_columns([fits.Column("VALUES", "J", array=values)], name=name)
    table.header.update(keywords)
    if respfile:
        table.header["RESPFILE"] = respfile
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(out)
    return out.getvalue()


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


Field = dict[str, tuple[tuple[str, ...], tuple[int, ...]]]


def small_tree(field: Field | None = None) -> Tree:
    """The archive, with matrices in several versions and a lot besides that nobody wants."""
    made = _small_tree() if field is None else _made(field)
    return Tree({obs_id: dict(files) for obs_id, files in made.products.items()}, dict(made.responses))


@cache
def _small_tree() -> Tree:
    return _made(FIELD)


def _made(field: Field) -> Tree:
    tree = Tree()
    for i, (obs_id, (exposures, sources)) in enumerate(field.items()):
        files = tree.products.setdefault(obs_id, {})
        for j, exposure in enumerate(exposures):
            for src_num in sources:
                for k, type_ in enumerate(KINDS):
                    named = Product(obs_id, exposure, type_, "0", src_num)
                    respfile = RESPFILES.get(obs_id, "epn_e3_ff20_sdY7.rmf") if type_ == "SRSPEC" else ""
                    seed = ((i * 10 + j) * 4096 + src_num) * 3 + k
                    files[named.name] = packed(fits_bytes(type_, seed, respfile))
    for seed, name in enumerate(MATRICES):
        tree.responses[name] = fits_bytes("RMF", 1_000_000 + seed)
    return tree.with_decoys()


def detections(field: Field | None = None) -> pd.DataFrame:
    """The rows of a catalogue."""
    rows = [(obs_id, src_num) for obs_id, (_, sources) in (field or FIELD).items() for src_num in sources]
    return pd.DataFrame(
        {
            "DETID": np.arange(len(rows)) + 100,
            "OBS_ID": pd.array([row[0] for row in rows], dtype="str"),
            "SRC_NUM": [row[1] for row in rows],
        }
    )


def wanted_files(tree: Tree, table: pd.DataFrame) -> dict[str, bytes]:
    """What an archive of these detections holds: contents by path."""
    files = {}
    for obs_id, src_num in zip(table["OBS_ID"], table["SRC_NUM"], strict=True):
        for name, file in tree.products.get(obs_id, {}).items():
            if (
                name[11:13] == "PN"
                and name[17:23] in KINDS
                and name[24:27] == f"{src_num:03X}"
                and name.endswith("FTZ")
            ):
                files[f"{obs_id}/pps/{name}"] = content(file)
    return files


def files_in(archive: Path) -> dict[str, bytes]:
    """Products and matrices that lie in an archive, by path."""
    return {
        str(path.relative_to(archive)): path.read_bytes()
        for path in archive.rglob("*")
        if path.is_file() and path.suffix in (".FTZ", ".rmf") and ".download" not in path.parts
    }
