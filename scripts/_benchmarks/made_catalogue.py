"""A catalogue with the columns of 4XMM-DR14, as many rows as asked for, values like the real ones' where cuts look."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from vae.spectra.fits_tables import fits_file, from_table

#: Rows that are drawn; all others repeat them under other identifiers.
_DRAWN_ROWS: Final = 16_384
_CAMERAS: Final = ("PN", "M1", "M2")
_BANDS: Final = (1, 2, 3, 4, 5, 8, 9)
_BLOCK: Final = 2880
#: Those of the slim file that name detections; the rest of what a selection needs.
_SLIM: Final = (
    "DETID", "SRCID", "IAUNAME", "SRC_NUM", "OBS_ID", "MJD_START", "MJD_STOP", "SC_RA", "SC_DEC", "SC_POSERR",
    "PN_8_CTS", "EP_8_CTS", "EP_8_DET_ML", "EP_EXTENT", "SUM_FLAG", "SPECTRA", "TSERIES", "SC_VAR_FLAG",
)  # fmt: skip


def column_formats() -> dict[str, str]:
    """Return numpy types by name, in the order of the catalogue's description (columns of 4XMM-DR14, by group)."""
    errors = ("", "_ERR")
    ids = {"DETID": "i8", "SRCID": "i8", "DR4SRCID": "i4", "DR4DETID": "i4", "DR4DETDIST": "f4", "DR4SRCDIST": "f4"}
    ids |= {"DR4MULT": "i4", "DR3SRCID": "i4", "DR3DETID": "i4", "DR3DETDIST": "f4", "DR3SRCDIST": "f4"}
    ids |= {"DR3MULT": "i4", "IAUNAME": "S22", "SRC_NUM": "i4"}
    when = {"OBS_ID": "S10", "REVOLUT": "S4", "MJD_START": "f8", "MJD_STOP": "f8", "OBS_CLASS": "i4"}
    when |= {f"{camera}_FILTER": "S6" for camera in _CAMERAS} | {f"{camera}_SUBMODE": "S23" for camera in _CAMERAS}
    where = {name: "f8" for name in ("RA", "DEC", "LII", "BII", "RA_UNC", "DEC_UNC")}
    where |= {name: "f4" for name in ("POSERR", "RADEC_ERR", "SYSERRCC")} | {"REFCAT": "i2", "POSCOROK": "S1"}
    of_bands = [f"{camera}_{band}_FLUX{e}" for camera in ("EP", *_CAMERAS) for band in _BANDS for e in errors]
    of_bands += [f"EP_{band}_RATE{e}" for band in (8, 9) for e in errors]
    of_bands += [f"{camera}_{band}_RATE{e}" for camera in _CAMERAS for band in _BANDS for e in errors]
    of_bands += [f"{camera}_8_CTS{e}" for camera in ("EP", *_CAMERAS) for e in errors]
    of_bands += ["EP_8_DET_ML", "EP_9_DET_ML", *(f"{c}_{b}_DET_ML" for c in _CAMERAS for b in _BANDS)]
    of_bands += ["EP_EXTENT", "EP_EXTENT_ERR", "EP_EXTENT_ML"]
    of_bands += [f"{camera}_HR{i}{e}" for camera in ("EP", *_CAMERAS) for i in range(1, 5) for e in errors]
    of_bands += [f"{c}_{b}_{what}" for what in ("EXP", "BG", "VIG") for c in _CAMERAS for b in _BANDS[:5]]
    of_bands += [f"{c}_{what}" for what in ("ONTIME", "OFFAX", "MASKFRAC", "PILEUP") for c in _CAMERAS] + ["DIST_NN"]
    flags = {"SUM_FLAG": "i4", "EP_FLAG": "S12"} | {f"{camera}_FLAG": "S12" for camera in _CAMERAS}
    flags |= {"TSERIES": "?", "SPECTRA": "?"}
    varying = [f"{camera}_CHI2PROB" for camera in ("EP", *_CAMERAS)]
    varying += [f"{camera}_FVAR{e}" for camera in _CAMERAS for e in ("", "ERR")]
    of_source = {"SC_RA": "f8", "SC_DEC": "f8"}
    names = ["SC_POSERR", *(f"SC_EP_{band}_FLUX{e}" for band in _BANDS for e in errors)]
    names += [f"SC_HR{i}{e}" for i in range(1, 5) for e in errors]
    names += ["SC_DET_ML", "SC_EXT_ML", "SC_EXTENT", "SC_EXT_ERR", "SC_CHI2PROB", "SC_FVAR", "SC_FVARERR"]
    of_source |= dict.fromkeys(names, "f4") | {"SC_VAR_FLAG": "?", "SC_SUM_FLAG": "i4"}
    of_source |= {"N_DETECTIONS": "i4", "CONFUSED": "?", "HIGH_BACKGROUND": "?"}
    return (
        ids | when | where | dict.fromkeys(of_bands, "f4") | flags
        | dict.fromkeys(varying, "f4") | {"VAR_FLAG": "?", "VAR_EXP_ID": "S4", "VAR_INST_ID": "S2"} | of_source
    )  # fmt: skip


def make_catalogue(path: Path, rows: int, seed: int, *, slim: bool = False) -> int:
    """Write a catalogue, gzipped where its name says so.

    Parameters
    ----------
    path : Path
    rows : int
    seed : int
    slim : bool
        With some of the columns only.

    Returns
    -------
    int
        Number of columns.
    """
    formats = column_formats()
    wanted = {name: formats[name] for name in _SLIM} if slim else formats
    drawn = _draw(np.random.default_rng(seed), min(rows, _DRAWN_ROWS), wanted)
    start = fits_file([], [from_table("SRCLIST", Table(drawn[:0]))])
    header = start.replace(b"NAXIS2  =                    0", b"NAXIS2  = %20d" % rows)
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as file:
        file.write(header)
        size = 0
        for block in _blocks(drawn, rows):
            size += file.write(block)
        file.write(b"\0" * (-size % _BLOCK))
    return len(wanted)


def _blocks(drawn: NDArray[Any], rows: int) -> Iterator[bytes]:
    """Yield rows as FITS has them, most significant byte first, every one under an identifier of its own."""
    stored = np.dtype([(name, drawn.dtype[name].newbyteorder(">")) for name in drawn.dtype.names])
    logical = [name for name in drawn.dtype.names if drawn.dtype[name].kind == "b"]
    stored = np.dtype([(name, "S1" if name in logical else stored[name]) for name in stored.names])
    block = np.empty(len(drawn), stored)
    for name in stored.names:
        block[name] = np.where(drawn[name], b"T", b"F") if name in logical else drawn[name]
    for start in range(0, rows, len(drawn)):
        number = start + np.arange(len(drawn))
        # Some 75 detections an observation, as in 4XMM-DR14.
        observation, source = np.divmod(number, 75)
        block["DETID"], block["SRCID"], block["SRC_NUM"] = 10**14 + number, 2 * 10**14 + number * 2 // 3, source + 1
        block["OBS_ID"] = np.char.zfill((observation + 1).astype("S"), 10)
        yield block[: rows - start].tobytes()


def _draw(rng: np.random.Generator, rows: int, formats: dict[str, str]) -> NDArray[Any]:
    """Draw rows: shares that pass a cut are about those of 4XMM-DR14 (FACTS 5), the rest is noise."""
    table = np.zeros(rows, [(name, "b1" if form == "?" else form) for name, form in formats.items()])
    for name, form in formats.items():
        if form in ("f4", "f8"):
            table[name] = rng.lognormal(0.0, 2.0, rows)
        elif form == "?":
            table[name] = rng.random(rows) < 0.5
    without_pn = rng.random(rows) < 0.15
    table["SPECTRA"] = rng.random(rows) < 0.36
    table["PN_8_CTS"] = np.where(without_pn, np.nan, np.where(table["SPECTRA"], 250, 30) * rng.lognormal(0, 1, rows))
    for name in {"PN_8_RATE", "PN_ONTIME"} & formats.keys():
        table[name][without_pn] = np.nan
    table["EP_8_CTS"] = 1.7 * np.nan_to_num(table["PN_8_CTS"], nan=40.0)
    table["EP_EXTENT"] = np.where(rng.random(rows) < 0.09, rng.uniform(6, 80, rows), 0.0)
    table["SUM_FLAG"] = rng.choice(5, rows, p=[0.73, 0.12, 0.02, 0.09, 0.04])
    table["SC_RA"], table["SC_DEC"] = rng.uniform(0, 360, rows), np.degrees(np.arcsin(rng.uniform(-1, 1, rows)))
    table["SC_POSERR"] = rng.uniform(0.3, 3.0, rows)
    table["MJD_START"] = rng.uniform(51544.0, 60309.0, rows)
    table["MJD_STOP"] = table["MJD_START"] + 0.4
    table["IAUNAME"] = np.char.add("4XMM J", rng.integers(10**9, 10**10, rows).astype("U")).astype("S")
    for name in formats:
        if name.endswith("_FILTER"):
            table[name] = rng.choice([b"Thin1", b"Medium", b"Thick"], rows)
        elif name.endswith("_SUBMODE"):
            table[name] = b"PrimeFullWindow"
    return table
