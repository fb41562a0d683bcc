"""The columns of 4XMM that this project reads, and writes for simulated archives: type, unit, meaning."""

from __future__ import annotations

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
    """

    name: str
    dtype: str
    unit: str
    description: str
    required: bool = False


#: Names, types and units of 4XMM (Webb et al. 2020, A&A 641, A136, and the description of 4XMM-DR14). The pn hardness
#: ratios are between its energy bands 1-5: 0.2-0.5, 0.5-1, 1-2, 2-4.5 and 4.5-12 keV; band 8 is 0.2-12 keV.
CATALOGUE_COLUMNS: Final = (
    CatalogueColumn("DETID", "int64", "", "detection", required=True),
    CatalogueColumn("SRCID", "int64", "", "source on the sky", required=True),
    CatalogueColumn("IAUNAME", "str", "", "name of the source"),
    CatalogueColumn("SC_RA", "float64", "deg", "right ascension of the source, ICRS"),
    CatalogueColumn("SC_DEC", "float64", "deg", "declination of the source, ICRS"),
    CatalogueColumn("SC_POSERR", "float32", "arcsec", "error of the source position"),
    CatalogueColumn("OBS_ID", "str", "", "observation, ten characters", required=True),
    CatalogueColumn("SRC_NUM", "int32", "", "source number in the observation", required=True),
    CatalogueColumn("MJD_START", "float64", "d", "start of the observation"),
    CatalogueColumn("MJD_STOP", "float64", "d", "end of the observation"),
    CatalogueColumn("PN_ONTIME", "float32", "s", "pn: sum of good time intervals"),
    CatalogueColumn("PN_FILTER", "str", "", "pn: optical blocking filter"),
    CatalogueColumn("PN_SUBMODE", "str", "", "pn: data mode"),
    CatalogueColumn("PN_OFFAX", "float32", "arcmin", "pn: off-axis angle"),
    CatalogueColumn("EP_8_CTS", "float32", "count", "EPIC: net counts, 0.2-12 keV"),
    CatalogueColumn("PN_8_CTS", "float32", "count", "pn: net counts, 0.2-12 keV"),
    CatalogueColumn("PN_8_RATE", "float32", "count s-1", "pn: net count rate, 0.2-12 keV"),
    CatalogueColumn("EP_8_DET_ML", "float32", "", "EPIC: detection likelihood"),
    CatalogueColumn("EP_EXTENT", "float32", "arcsec", "EPIC: extent, 0 for a point source"),
    CatalogueColumn("SUM_FLAG", "int16", "", "summary quality flag, 0 is best"),
    CatalogueColumn("SPECTRA", "bool", "", "there are spectra of an EPIC camera"),
    CatalogueColumn("TSERIES", "bool", "", "there are light curves of an EPIC camera"),
    CatalogueColumn("SC_VAR_FLAG", "bool", "", "a light curve varies"),
    CatalogueColumn("PN_HR1", "float32", "", "pn: hardness ratio, bands 1 and 2"),
    CatalogueColumn("PN_HR2", "float32", "", "pn: hardness ratio, bands 2 and 3"),
    CatalogueColumn("PN_HR3", "float32", "", "pn: hardness ratio, bands 3 and 4"),
    CatalogueColumn("PN_HR4", "float32", "", "pn: hardness ratio, bands 4 and 5"),
)
