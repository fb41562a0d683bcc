"""What the chain is tried on: a simulated archive and a real field, one catalogue of both, and a small SIMBAD."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

from servers.https_index import HttpsIndexServer
from servers.s3 import S3Server
from servers.tree import Tree
from simbad_sky import SimbadSky
from simbad_tap import tap_server
from xmatch import xmatch_server

from vae.archive.columns import CATALOGUE_COLUMNS
from vae.preprocess.sources import join_sources
from vae.simulate.export import ExportOptions, export_archive
from vae.simulate.export.catalogue import CATALOGUE_NAME

#: Exact for the EF products of the field; its others have none here, as it happens to anyone.
STANDIN = "responses/epn_e3_ef20_sdY6_v19.0.rmf"
_MJD_ZERO = np.datetime64("1858-11-17")
TYPES = ("Sy1", "QSO", "XB*", "CV*", "*", "G", "Psr", "ULX", "Y*O")


@dataclass(frozen=True)
class Sample:
    """An archive and its catalogue.

    Parameters
    ----------
    catalogue : Path
    folders : tuple of Path
        With products and matrices.
    standin : Path or None
        Matrix for those of which there is none.
    sky : SimbadSky
        Objects near two thirds of the sources.
    """

    catalogue: Path
    folders: tuple[Path, ...]
    standin: Path | None
    sky: SimbadSky


def make_sample(folder: Path, detections: int, seed: int, field: Path | None) -> Sample:
    """Make it.

    Parameters
    ----------
    folder : Path
        Where the simulated part goes; one that is there already is taken for it.
    detections : int
        Of the simulated part.
    seed : int
    field : Path, optional
        The real field: rxcj2359 of data/ogip.
    """
    if not (folder / "simulated").exists():  # it appears when it is whole
        export_archive(ExportOptions(detections, seed, workers=1), folder / "simulated", quiet=True)
    table = Table.read(folder / "simulated" / CATALOGUE_NAME).to_pandas()
    folders, standin = [folder / "simulated"], None
    if field is not None:
        table = pd.concat([table, field_catalogue(field)], ignore_index=True)
        folders.append(field)
        standin = field / STANDIN
    catalogue = folder / "4XMM_CHAINcat_v1.0.fits.gz"
    columns = {
        column.name: table[column.name].to_numpy().astype("S" if column.dtype == "str" else column.dtype)
        for column in CATALOGUE_COLUMNS
    }
    units = {column.name: column.unit for column in CATALOGUE_COLUMNS if column.unit}
    Table(columns, units=units).write(catalogue, overwrite=True)
    return Sample(catalogue, tuple(folders), standin, _sky(table, np.random.default_rng(seed)))


def field_catalogue(field: Path) -> pd.DataFrame:
    """Return the rows that 4XMM would have of a field's spectra, made of what their headers say.

    There is no catalogue of it in these columns. Positions, source numbers, times and modes are the spectra's own, as
    are net counts in 0.2-12 keV, which is where the pipeline selects events; flags and errors of positions are made up.
    """
    rows = [_row(path) for path in sorted(field.rglob("P*PN*SRSPEC*.FTZ"))]
    table = pd.DataFrame(rows)
    joined = join_sources(
        table["SC_RA"].to_numpy(), table["SC_DEC"].to_numpy(), list(table["OBS_ID"]), list(table["SRC_NUM"])
    )
    table["SRCID"] = table["DETID"].to_numpy()[joined] + 10**14  # 4XMM's begin with 2, DETIDs with 1
    for name in ("IAUNAME", "SC_RA", "SC_DEC"):  # of the source, not of the detection
        table[name] = table[name].to_numpy()[joined]
    return table


def _row(path: Path) -> dict[str, Any]:
    with fits.open(path) as source, fits.open(path.with_name(path.name.replace("SRSPEC", "BGSPEC"))) as background:
        primary, header = source[0].header, source["SPECTRUM"].header
        counts, behind = (int(hdus["SPECTRUM"].data["COUNTS"].sum()) for hdus in (source, background))
        scale = header["EXPOSURE"] * header["BACKSCAL"]
        scale /= background["SPECTRUM"].header["EXPOSURE"] * background["SPECTRUM"].header["BACKSCAL"]
    obs_id, number = str(primary["OBS_ID"]), int(header["SRCNUM"])
    start, stop = (float(mjd(primary[name])) for name in ("DATE-OBS", "DATE-END"))
    ra, dec, net = float(header["SRC_CRA"]), float(header["SRC_CDEC"]), counts - scale * behind
    hms, dms = ra / 15, abs(dec)
    name = f"4XMM J{int(hms):02d}{int(hms * 60 % 60):02d}{math.floor(hms * 36000 % 600) / 10:04.1f}"
    return {
        "DETID": int(f"1{obs_id}{number:04d}"), "SRCID": 0, "OBS_ID": obs_id, "SRC_NUM": number,
        "IAUNAME": f"{name}{'-' if dec < 0 else '+'}{int(dms):02d}{int(dms * 60 % 60):02d}{int(dms * 3600 % 60):02d}",
        "SC_RA": ra, "SC_DEC": dec, "SC_POSERR": 0.8, "MJD_START": start, "MJD_STOP": stop,
        "PN_ONTIME": float(header["EXPOSURE"]), "PN_FILTER": str(primary["FILTER"]), "PN_OFFAX": 5.0,
        "PN_SUBMODE": str(primary["SUBMODE"]), "EP_8_CTS": 1.7 * net, "PN_8_CTS": net,
        "PN_8_RATE": net / header["EXPOSURE"], "EP_8_DET_ML": 100.0, "EP_EXTENT": 0.0, "SUM_FLAG": 0, "SPECTRA": True,
        "TSERIES": False, "SC_VAR_FLAG": False, **{f"PN_HR{i}": 0.0 for i in range(1, 5)},
    }  # fmt: skip


def mjd(said: str) -> float:
    """Return a date as MJD."""
    return float((np.datetime64(re.sub("Z$", "", said)) - _MJD_ZERO) / np.timedelta64(1, "D"))


def _sky(table: pd.DataFrame, rng: np.random.Generator) -> SimbadSky:
    """Put an object an arcsecond or so from each of two thirds of the sources."""
    sources = table.drop_duplicates("SRCID").sample(frac=0.67, random_state=np.random.RandomState(1))
    off = rng.normal(0, 0.3, (2, len(sources))) / 3600
    return SimbadSky(
        pd.DataFrame(
            {
                "main_id": [f"Object {i}" for i in range(len(sources))],
                "ra": (sources["SC_RA"].to_numpy() + off[0] / np.cos(np.radians(sources["SC_DEC"].to_numpy()))) % 360,
                "dec": sources["SC_DEC"].to_numpy() + off[1],
                "otype": rng.choice(TYPES, len(sources)),
            }
        )
    )


@contextmanager
def served(sample: Sample, cache: Path, *, delay: float = 0.0) -> Iterator[list[str]]:
    """Serve a sample on loopback, archive and SIMBAD; yields the options that name the servers."""
    tree = Tree.of(*sample.folders).with_decoys()
    with ExitStack() as stack:
        s3 = stack.enter_context(S3Server(tree, delay=delay))
        https = stack.enter_context(HttpsIndexServer(tree, delay=delay))
        xmatch, _ = stack.enter_context(xmatch_server(sample.sky))
        tap, _ = stack.enter_context(tap_server(sample.sky))
        yield [
            "--backend", "heasarc-s3", "--endpoint", s3.url, "--responses-url", https.responses_url,
            "--crossmatch.xmatch-url", xmatch, "--crossmatch.tap-url", tap, "--crossmatch.pause", "0",
            "--crossmatch.cache", str(cache), "--crossmatch.simulated", "replace",
        ]  # fmt: skip
