"""Writes OGIP files with any of the quirks that real ones have, for a small instrument that covers 0.3-10 keV."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

N_CHANNELS = 1100
#: EBOUNDS: channels of 10 eV from 0 to 11 keV.
E_MIN = np.arange(N_CHANNELS) * 0.01
E_MAX = E_MIN + 0.01
#: True energies: 80 equal ratios from 0.2 to 12 keV.
ENERGY = np.geomspace(0.2, 12.0, 81)


def gaussian_matrix(energy: np.ndarray = ENERGY, fwhm: float = 0.15) -> np.ndarray:
    """A dense redistribution, shape (n_energies, N_CHANNELS): Gaussian, cut at 4 sigma, rows summing to 1."""
    centre = 0.5 * (energy[1:] + energy[:-1])[:, None]
    sigma = fwhm / 2.355
    away = (0.5 * (E_MIN + E_MAX) - centre) / sigma
    rows = np.where(np.abs(away) < 4, np.exp(-0.5 * away**2), 0.0)
    return rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-300)


def write_pha(
    path: Path,
    counts: np.ndarray,
    *,
    first: int = 0,
    fmt: str = "J",
    column: str = "COUNTS",
    columns: Mapping[str, tuple[str, Any]] | None = None,
    drop: tuple[str, ...] = (),
    packed: bool = False,
    extra_hdus: int = 0,
    primary: Mapping[str, Any] | None = None,
    **keywords: Any,
) -> Path:
    """Write a spectrum. `drop` removes keywords or columns; keywords (EXPOSURE=...) override the defaults."""
    table: dict[str, tuple[str, Any]] = {
        "CHANNEL": ("J", first + np.arange(len(counts))),
        column: (fmt, counts),
        **(columns or {}),
    }
    header = {
        "EXTNAME": "SPECTRUM", "HDUCLASS": "OGIP", "HDUCLAS1": "SPECTRUM", "HDUCLAS2": "TOTAL", "HDUCLAS3": "COUNT",
        "TELESCOP": "XMM", "INSTRUME": "EPN", "FILTER": "Thin1", "EXPOSURE": 1000.0, "BACKSCAL": 1.0, "AREASCAL": 1.0,
        "CHANTYPE": "PI", "DETCHANS": len(counts), "OBS_ID": "0123456789", "EXPIDSTR": "S003",
        "SUBMODE": "PrimeFullWindow",
    }  # fmt: skip
    header.update({key.replace("_", "-") if key.startswith("DATE") else key: value for key, value in keywords.items()})
    hdu = _table({name: item for name, item in table.items() if name not in drop}, header, drop)
    return _write(path, [hdu], packed=packed, extra_hdus=extra_hdus, primary=primary)


def write_arf(
    path: Path, area: np.ndarray | float = 800.0, *, energy: np.ndarray = ENERGY, packed: bool = False, **keywords: Any
) -> Path:
    """Write an effective area on the bins between `energy`."""
    values = np.broadcast_to(np.asarray(area, float), (len(energy) - 1,))
    header = {
        "EXTNAME": "SPECRESP", "HDUCLASS": "OGIP", "HDUCLAS1": "RESPONSE", "HDUCLAS2": "SPECRESP", "INSTRUME": "EPN",
    }  # fmt: skip
    columns = {"ENERG_LO": ("E", energy[:-1]), "ENERG_HI": ("E", energy[1:]), "SPECRESP": ("E", values)}
    return _write(path, [_table(columns, header | keywords)], packed=packed)


def write_rmf(
    path: Path,
    matrix: np.ndarray | None = None,
    *,
    energy: np.ndarray = ENERGY,
    e_min: np.ndarray = E_MIN,
    e_max: np.ndarray = E_MAX,
    groups: str = "variable",
    first: int = 0,
    tlmin: bool = True,
    channel: np.ndarray | None = None,
    packed: bool = False,
    ebounds_first: bool = False,
    **keywords: Any,
) -> Path:
    """Write a redistribution; `groups` is variable, padded or scalar, as F_CHAN, N_CHAN and MATRIX are laid out."""
    dense = gaussian_matrix(energy) if matrix is None else np.asarray(matrix, float)
    n_energies = len(dense)
    starts, lengths, values = [], [], []
    for row in dense:
        filled = np.flatnonzero(row)
        runs = np.split(filled, np.flatnonzero(np.diff(filled) > 1) + 1) if filled.size else []
        if groups == "scalar" and filled.size:
            runs = [np.arange(filled[0], filled[-1] + 1)]
        starts.append([first + run[0] for run in runs])
        lengths.append([run.size for run in runs])
        values.append(np.concatenate([row[run] for run in runs]) if runs else np.empty(0))
    n_groups = np.array([len(s) for s in starts])
    widest = max(1, n_groups.max())

    def padded(lists: list[Any], width: int) -> np.ndarray:
        out = np.zeros((n_energies, width))
        for i, item in enumerate(lists):
            out[i, : len(item)] = item
        return out

    def ragged(lists: list[Any], kind: type) -> np.ndarray:
        out = np.empty(n_energies, dtype=object)
        for i, item in enumerate(lists):
            out[i] = np.asarray(item, kind)
        return out

    columns: dict[str, tuple[str, Any]] = {"ENERG_LO": ("E", energy[:-1]), "ENERG_HI": ("E", energy[1:])}
    columns["N_GRP"] = ("I", n_groups)
    if groups == "variable":
        columns["F_CHAN"] = ("PI()", ragged(starts, np.int16))
        columns["N_CHAN"] = ("PI()", ragged(lengths, np.int16))
        columns["MATRIX"] = ("PE()", ragged(values, np.float32))
    elif groups == "padded":
        longest = max(len(v) for v in values)
        columns["F_CHAN"] = (f"{widest}I", padded(starts, widest))
        columns["N_CHAN"] = (f"{widest}I", padded(lengths, widest))
        columns["MATRIX"] = (f"{longest}E", padded(values, longest))
    else:
        longest = max(len(v) for v in values)
        columns["F_CHAN"] = ("I", np.array([s[0] if s else first for s in starts]))
        columns["N_CHAN"] = ("I", np.array([n[0] if n else 0 for n in lengths]))
        columns["MATRIX"] = (f"{longest}E", padded(values, longest))
    header = {
        "EXTNAME": "MATRIX", "HDUCLASS": "OGIP", "HDUCLAS1": "RESPONSE", "HDUCLAS2": "RSP_MATRIX",
        "HDUCLAS3": "REDIST", "INSTRUME": "EPN", "DETCHANS": len(e_min),
    }  # fmt: skip
    if tlmin:
        header["TLMIN4"] = first
    numbers = first + np.arange(len(e_min)) if channel is None else channel
    bounds = _table(
        {"CHANNEL": ("J", numbers), "E_MIN": ("E", e_min), "E_MAX": ("E", e_max)},
        {"EXTNAME": "EBOUNDS", "HDUCLASS": "OGIP", "HDUCLAS1": "RESPONSE", "HDUCLAS2": "EBOUNDS"},
    )
    hdus = [_table(columns, header | keywords), bounds]
    return _write(path, hdus[::-1] if ebounds_first else hdus, packed=packed)


def _table(columns: Mapping[str, tuple[str, Any]], header: Mapping[str, Any], drop: tuple[str, ...] = ()) -> Any:
    hdu = fits.BinTableHDU.from_columns(
        [fits.Column(name=name, format=fmt, array=values) for name, (fmt, values) in columns.items()]
    )
    for key, value in header.items():
        if key not in drop:
            hdu.header[key] = value
    return hdu


def _write(
    path: Path,
    hdus: list[Any],
    *,
    packed: bool = False,
    extra_hdus: int = 0,
    primary: Mapping[str, Any] | None = None,
) -> Path:
    first = fits.PrimaryHDU()
    first.header.update(primary or {})
    extras = []
    for i in range(extra_hdus):
        gti = fits.BinTableHDU.from_columns([fits.Column(name="START", format="D", array=np.zeros(2))])
        gti.header["EXTNAME"], gti.header["HDUCLAS1"] = f"GTI{i:05d}", "GTI"
        extras.append(gti)
    half = len(extras) // 2
    fits.HDUList([first, *extras[:half], *hdus, *extras[half:]]).writeto(path, overwrite=True)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    return path
