"""The three products of a detection, with the headers that the pipeline gives them; all say that they are simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import vae
from vae.simulate import instrument
from vae.simulate.export.channels import Channels, grouping
from vae.spectra import grid
from vae.spectra.fits_tables import Card, Column, Table, fits_file, packed, table
from vae.spectra.ogip_tables import area_table, matrix_tables, spectrum_table

#: Names that XMM-Newton gives to our filters and modes.
FILTER_NAMES: Final = {"thin": "Thin1", "medium": "Medium", "thick": "Thick"}
SUBMODES: Final = {
    "ff": "PrimeFullWindow",
    "ef": "PrimeFullWindowExtended",
    "lw": "PrimeLargeWindow",
    "sw": "PrimeSmallWindow",
}
#: Live share of the on-time by mode, out-of-time events and dead time off (ngc7793_ulx4, rxcj2359, -, mcg6_30_15 of
#: data/ogip; large window: between the two others).
_LIVE_SHARES: Final = {"ff": 0.884, "ef": 0.857, "lw": 0.85, "sw": 0.701}
#: Times of XMM-Newton count from 1998-01-01 (TT).
_MJD_REFERENCE: Final = 50814.0
_MJD_ZERO: Final = datetime(1858, 11, 17)
#: Sky pixels: 0.05 arcsec, the pointing at this one. BACKSCAL is in their areas.
_SKY_PIXEL_DEG: Final = 0.05 / 3600.0
_SKY_CENTRE: Final = 25921.0
#: In the primary header of every file.
SIMULATED: Final[tuple[Card, ...]] = (
    ("ORIGIN", "SIMULATED", "not from XMM-Newton"),
    ("CREATOR", f"vae.simulate {vae.__version__}", "xmm-latent-explorer"),
    ("SIMULATD", True, "every number of this file is simulated"),
    ("COMMENT", "Simulated: XMM-Newton has never seen any of this.", ""),
)


@dataclass(frozen=True)
class Detection:
    """What the products of one detection are made of.

    Parameters
    ----------
    row : mapping
        Its row of the store's table.
    setup : record
        Its row of `vae.simulate.observe.SETUP_DTYPE`.
    counts, background_counts : array of int64, shape (n_channels,)
        Per channel.
    channels : Channels
    """

    row: Mapping[str, Any]
    setup: np.void
    counts: NDArray[np.int64]
    background_counts: NDArray[np.int64]
    channels: Channels

    def name(self, kind: str) -> str:
        """Name of a product: ``SRSPEC``, ``BGSPEC`` or ``SRCARF``."""
        row = self.row
        return f"P{row['obs_id']}PN{row['exposure_id']}{kind}0{row['src_num']:03X}.FTZ"

    @property
    def ontime_s(self) -> float:
        """Sum of the good time intervals [s]: live time over the mode's live share, at most the whole duration."""
        return min(float(self.row["exposure_s"]) / _LIVE_SHARES[self.row["mode"]], self.duration_s)

    @property
    def duration_s(self) -> float:
        """From start to end [s]."""
        return float(self.row["mjd_stop"] - self.row["mjd_start"]) * 86400.0


def products(detection: Detection) -> dict[str, bytes]:
    """Return the products of a detection: contents, packed, by file name."""
    setup, row = detection.setup, detection.row
    area = instrument.native_arf(int(setup["filter_index"]), int(setup["offaxis_index"]))
    source = _source_cards(detection)
    spectrum = spectrum_table(
        detection.counts,
        exposure_s=float(row["exposure_s"]),
        backscal=float(setup["backscal"]),
        quality=detection.channels.quality,
        grouping=grouping(detection.counts, detection.channels),
        cards=(
            *source,
            ("ANCRFILE", detection.name("SRCARF"), "effective area"),
            ("RESPFILE", response_keyword(row["response"]), "redistribution"),
            ("BACKFILE", detection.name("BGSPEC"), "background spectrum"),
        ),
    )
    background = spectrum_table(
        detection.background_counts,
        exposure_s=float(row["exposure_s"]),
        backscal=float(setup["background_backscal"]),
        cards=source,
    )
    inner = _radius(setup["backscal"])
    outer = _radius(setup["backscal"] + setup["background_backscal"])
    common = _observation_cards(detection)
    times = _good_times(detection)
    place = _sky_pixel(detection)
    contents: dict[str, tuple[tuple[Card, ...], tuple[Table, ...]]] = {
        "SRSPEC": (
            (*common, ("CONTENT", "EPIC SOURCE SPECTRUM", "contents of the file")),
            (spectrum, _region(place, [("CIRCLE", inner)]), times),
        ),
        "BGSPEC": (
            (*common, ("CONTENT", "EPIC SOURCE BACKGROUND SPECTRUM", "contents of the file")),
            (background, _region(place, [("CIRCLE", outer), ("!CIRCLE", inner)]), times),
        ),
        "SRCARF": (
            (*SIMULATED, ("CONTENT", "EPIC ANCILLARY RESPONSE FUNCTION", "contents of the file")),
            (
                area_table(
                    grid.STANDARD_EDGES_IN_FILES[:-1],
                    grid.STANDARD_EDGES_IN_FILES[1:],
                    area * np.float32(setup["area_scale"]),
                    cards=source,
                ),
            ),
        ),
    }
    return {detection.name(kind): packed(fits_file(primary, tables)) for kind, (primary, tables) in contents.items()}


def response_files(responses: Sequence[int]) -> dict[str, bytes]:
    """Return the files of some of `vae.simulate.instrument.RESPONSE_NAMES`, by name.

    Parameters
    ----------
    responses : sequence of int
        All with the same blur, hence the same matrix (modes share theirs): it is made once.
    """
    tables = matrix_tables(instrument.native_rmf(responses[0]))
    names = [instrument.RESPONSE_NAMES[response] for response in responses]
    return {
        name: fits_file((*SIMULATED, ("CONTENT", f"REDISTRIBUTION {response_keyword(name)}", "")), tables)
        for name in names
    }


def response_keyword(name: str) -> str:
    """Return RESPFILE for a matrix: its file name without the version, as in the products of the archive."""
    return name.split("_v")[0] + ".rmf"


def _observation_cards(detection: Detection) -> tuple[Card, ...]:
    """Keywords of the primary headers of spectra."""
    row = detection.row
    ra, dec = float(detection.setup["ra_pnt_deg"]), float(detection.setup["dec_pnt_deg"])
    return (
        *SIMULATED,
        ("TELESCOP", "XMM", "mission"),
        ("INSTRUME", "EPN", "instrument"),
        ("OBS_MODE", "POINTING", "observation mode"),
        ("OBS_ID", row["obs_id"], "observation"),
        ("EXP_ID", f"{row['obs_id']}{row['exposure_id'][1:]}", "exposure"),
        ("EXPIDSTR", row["exposure_id"], "exposure within the observation"),
        ("DATAMODE", "IMAGING", "instrument mode"),
        ("SUBMODE", SUBMODES[row["mode"]], "data mode"),
        ("FILTER", FILTER_NAMES[row["filter"]], "optical blocking filter"),
        ("OBJECT", "SIMULATED FIELD", "what was pointed at"),
        ("OBSERVER", "SIMULATED", ""),
        ("DATE-OBS", _date(row["mjd_start"]), "start of the exposure (TT)"),
        ("DATE-END", _date(row["mjd_stop"]), "end of the exposure (TT)"),
        ("DURATION", detection.duration_s, "[s] duration"),
        ("TIMESYS", "TT", "terrestrial time"),
        ("MJDREF", _MJD_REFERENCE, "[d] zero of times in s"),
        ("TIMEUNIT", "s", "unit of times"),
        ("TIMEREF", "LOCAL", "reference of times"),
        ("EQUINOX", 2000.0, "equinox of the coordinates"),
        ("RADESYS", "ICRS", "coordinate system"),
        ("RA_OBJ", ra, "[deg] what was pointed at"),
        ("DEC_OBJ", dec, "[deg] what was pointed at"),
        ("RA_PNT", ra, "[deg] mean pointing"),
        ("DEC_PNT", dec, "[deg] mean pointing"),
        *_projection("X", "RA---TAN", ra, -_SKY_PIXEL_DEG),
        *_projection("Y", "DEC--TAN", dec, _SKY_PIXEL_DEG),
    )


def _projection(axis: str, kind: str, value: float, step: float) -> tuple[Card, ...]:
    """Keywords that say which sky position a pixel of the regions is."""
    return (
        (f"REF{axis}CTYP", kind, "projection"),
        (f"REF{axis}CRPX", _SKY_CENTRE, "reference pixel"),
        (f"REF{axis}CRVL", value, "[deg] there"),
        (f"REF{axis}CDLT", step, "[deg/pix] step"),
        (f"REF{axis}CUNI", "deg", "unit"),
    )


def _source_cards(detection: Detection) -> tuple[Card, ...]:
    row = detection.row
    ra, dec = float(row["ra_deg"]), float(row["dec_deg"])
    return (
        ("FILTER", FILTER_NAMES[row["filter"]], "optical blocking filter"),
        ("SRCNUM", int(row["src_num"]), "source number in the observation"),
        ("SRC_RA", ra, "[deg] source"),
        ("SRC_DEC", dec, "[deg] source"),
        ("SRC_CRA", ra, "[deg] source, corrected"),
        ("SRC_CDEC", dec, "[deg] source, corrected"),
        ("EXTRRAD", round(_radius(detection.setup["backscal"]), 2), "[0.05 arcsec] radius of extraction"),
        ("SPECDELT", 5, "[eV] nominal width of a channel"),
    )


def _sky_pixel(detection: Detection) -> tuple[float, float]:
    """Place of the source in the plane tangential at the pointing (Greisen & Calabretta 2002, A&A 395, 1077)."""
    row, setup = detection.row, detection.setup
    ra, dec, ra_0, dec_0 = np.radians([row["ra_deg"], row["dec_deg"], setup["ra_pnt_deg"], setup["dec_pnt_deg"]])
    down = np.sin(dec) * np.sin(dec_0) + np.cos(dec) * np.cos(dec_0) * np.cos(ra - ra_0)
    east = np.cos(dec) * np.sin(ra - ra_0) / down
    north = (np.sin(dec) * np.cos(dec_0) - np.cos(dec) * np.sin(dec_0) * np.cos(ra - ra_0)) / down
    step = np.radians(_SKY_PIXEL_DEG)
    return float(_SKY_CENTRE - east / step), float(_SKY_CENTRE + north / step)


def _region(place: tuple[float, float], circles: list[tuple[str, float]]) -> Table:
    """Return the extraction region: circles, the excluded ones with an exclamation mark."""
    n = len(circles)
    return table(
        "REGION",
        (
            Column("SHAPE", "16A", array=np.array([shape for shape, _ in circles])),
            Column("X", "E", unit="pixel", array=np.full(n, place[0])),
            Column("Y", "E", unit="pixel", array=np.full(n, place[1])),
            Column("R", "E", unit="pixel", array=np.array([radius for _, radius in circles])),
        ),
        (
            ("HDUCLASS", "ASC", "region file"),
            ("HDUCLAS1", "REGION", "a region"),
            ("HDUCLAS2", "STANDARD", ""),
            ("MTYPE1", "pos", ""),
            ("MFORM1", "X,Y", ""),
        ),
    )


def _good_times(detection: Detection) -> Table:
    """Return the good time intervals: one."""
    start = (float(detection.row["mjd_start"]) - _MJD_REFERENCE) * 86400.0
    stop = start + detection.ontime_s
    return table(
        "GTI00003",
        (
            Column("START", "D", unit="s", array=np.array([start])),
            Column("STOP", "D", unit="s", array=np.array([stop])),
        ),
        (
            ("HDUCLASS", "OGIP", "format conforms to OGIP conventions"),
            ("HDUCLAS1", "GTI", "good time intervals"),
            ("HDUCLAS2", "STANDARD", ""),
            ("ONTIME", detection.ontime_s, "[s] sum of the intervals"),
            ("TSTART", start, "[s] first beginning"),
            ("TSTOP", stop, "[s] last end"),
        ),
    )


def _radius(backscal: float) -> float:
    """Radius of a circle of that many sky pixels [pixel]."""
    return float(np.sqrt(backscal / np.pi))


def _date(mjd: float) -> str:
    """ISO date of a MJD, to the microsecond, so that reading it gives the MJD again."""
    return (_MJD_ZERO + timedelta(days=float(mjd))).isoformat(timespec="microseconds")
