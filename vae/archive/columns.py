"""The columns of 4XMM that this project reads, and writes for simulated archives: type, unit, meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class CatalogueColumn:
    """One column of a catalogue of detections.

    Parameters
    ----------
    name : str
        As in 4XMM; case does not matter.
    dtype : str
        NumPy type; ``str`` for text.
    unit : str
        FITS-standard unit, empty where there is none.
    description : str
    required : bool
        Without it a catalogue cannot name the detections.
    aliases : tuple of str
        Other names of the same quantity, upper case, the likeliest first: of earlier catalogues (1XMM, 2XMM, 3XMM), of
        HEASARC's and VizieR's tables, of the XSA, and of 5XMM and stacked catalogues.
    """

    name: str
    dtype: str
    unit: str
    description: str
    required: bool = False
    aliases: tuple[str, ...] = ()

    def named(self, names: Mapping[str, str]) -> str | None:
        """Return what the column is called among `names` (in a file, by upper case); None where it is not there."""
        return next((names[name] for name in (self.name, *self.aliases) if name in names), None)


#: Names, types and units of 4XMM (Webb et al. 2020, A&A 641, A136, and the description of 4XMM-DR14). The pn hardness
#: ratios are between its energy bands 1-5: 0.2-0.5, 0.5-1, 1-2, 2-4.5 and 4.5-12 keV; band 8 is 0.2-12 keV.
CATALOGUE_COLUMNS: Final = (
    CatalogueColumn("DETID", "int64", "", "detection", required=True, aliases=("SRCINDEX",)),
    CatalogueColumn("SRCID", "int64", "", "source on the sky", required=True, aliases=("UNIQUE_SRCNUM",)),
    CatalogueColumn(
        "IAUNAME",
        "str",
        "",
        "name of the source",
        aliases=("NAME", "IAU_NAME", "XMMSRCNAME", "4XMM", "_4XMM", "3XMM", "_3XMM", "2XMM", "_2XMM"),
    ),
    CatalogueColumn(
        "SC_RA",
        "float64",
        "deg",
        "right ascension of the source, ICRS",
        aliases=("RA", "RA_ICRS", "RAJ2000", "_RAJ2000", "RA_CORR"),
    ),
    CatalogueColumn(
        "SC_DEC",
        "float64",
        "deg",
        "declination of the source, ICRS",
        aliases=("DEC", "DE_ICRS", "DEJ2000", "_DEJ2000", "DEC_CORR"),
    ),
    CatalogueColumn(
        "SC_POSERR",
        "float32",
        "arcsec",
        "error of the source position",
        aliases=("POSERR", "RADEC_ERR", "EPOS", "ERROR_RADIUS"),
    ),
    CatalogueColumn(
        "OBS_ID", "str", "", "observation, ten characters", required=True, aliases=("OBSID", "OBSERVATION_ID")
    ),
    CatalogueColumn(
        "SRC_NUM",
        "int32",
        "",
        "source number in the observation",
        required=True,
        aliases=("SRCNUM", "SUM_SRC_NUM", "PPS_SRCNUM"),
    ),
    CatalogueColumn("MJD_START", "float64", "d", "start of the observation", aliases=("TIME", "START_TIME")),
    CatalogueColumn("MJD_STOP", "float64", "d", "end of the observation", aliases=("END_TIME", "STOP_TIME", "MJD_END")),
    CatalogueColumn("PN_ONTIME", "float32", "s", "pn: sum of good time intervals"),
    CatalogueColumn("PN_FILTER", "str", "", "pn: optical blocking filter"),
    CatalogueColumn("PN_SUBMODE", "str", "", "pn: data mode"),
    CatalogueColumn("PN_OFFAX", "float32", "arcmin", "pn: off-axis angle"),
    CatalogueColumn("EP_8_CTS", "float32", "count", "EPIC: net counts, 0.2-12 keV", aliases=("EP_CTS",)),
    CatalogueColumn("PN_8_CTS", "float32", "count", "pn: net counts, 0.2-12 keV", aliases=("PN_CTS",)),
    CatalogueColumn("PN_8_RATE", "float32", "count s-1", "pn: net count rate, 0.2-12 keV", aliases=("PN_RATE",)),
    CatalogueColumn("EP_8_DET_ML", "float32", "", "EPIC: detection likelihood", aliases=("EP_DET_ML",)),
    CatalogueColumn("EP_EXTENT", "float32", "arcsec", "EPIC: extent, 0 for a point source", aliases=("EXTENT",)),
    CatalogueColumn("SUM_FLAG", "int16", "", "summary quality flag, 0 is best", aliases=("SUMMARY_FLAG", "STACK_FLAG")),
    CatalogueColumn(
        "SPECTRA", "bool", "", "there are spectra of an EPIC camera", aliases=("SPECTRA_FLAG", "SPECTRUM_FLAG")
    ),
    CatalogueColumn(
        "TSERIES", "bool", "", "there are light curves of an EPIC camera", aliases=("TSERIES_FLAG", "TIME_SERIES_FLAG")
    ),
    CatalogueColumn("SC_VAR_FLAG", "bool", "", "a light curve varies"),
    CatalogueColumn("PN_HR1", "float32", "", "pn: hardness ratio, bands 1 and 2"),
    CatalogueColumn("PN_HR2", "float32", "", "pn: hardness ratio, bands 2 and 3"),
    CatalogueColumn("PN_HR3", "float32", "", "pn: hardness ratio, bands 3 and 4"),
    CatalogueColumn("PN_HR4", "float32", "", "pn: hardness ratio, bands 4 and 5"),
)
