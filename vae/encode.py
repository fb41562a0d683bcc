"""A store and a model become an atlas: latent position, amplitude, flux and fit of every detection."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.atlas import FORMAT, VERSION, atlas_columns
from vae.atlas.rarity import rarity
from vae.errors import StoreError
from vae.files import link_or_copy, new_folder
from vae.network.bulk import BulkEncoder
from vae.network.devices import pick_device
from vae.network.trained import TrainedModel
from vae.progress import progress_bar
from vae.spectra.columns import STORE_COLUMNS, conform
from vae.spectra.statistics import background_template, cstat, cstat_moments, expected_background, profile_amplitude
from vae.spectra.store import Block, SpectraStore

#: erg in a keV (CODATA 2018).
ERG_PER_KEV: Final = 1.602176634e-9
#: Display classes of rows without a label: where a cross-match ran and where none did.
NO_MATCH: Final = "No match"
UNCLASSIFIED: Final = "Unclassified"
#: Rows of a step: small enough to stay in the cache of a CPU core, large enough to keep the matrix products busy.
_STEP_ROWS: Final = 2048

Array = NDArray[Any]


def encode(
    store_path: str | Path,
    model_path: str | Path,
    out: str | Path,
    *,
    device: str = "auto",
    quiet: bool = False,
    overwrite: bool = False,
) -> Path:
    """Encode every spectrum of a store (or of another atlas) and write an atlas.

    Parameters
    ----------
    store_path, model_path : str or Path
    out : str or Path
        The atlas; written under a temporary name, then renamed. `spectra.zarr` is hard-linked where it can be.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    quiet : bool
        No progress bar.
    overwrite : bool
        Replace an existing folder.

    Returns
    -------
    Path
        The atlas.

    Raises
    ------
    ExplorerError
        Whatever is wrong with store, model, device or output.
    """
    store, model = SpectraStore.open(store_path), TrainedModel.load(model_path)
    if not len(store):
        raise StoreError("it holds no spectra", where=store_path, todo="See rejected.parquet for the reasons")
    with new_folder(out, overwrite=overwrite) as work:
        values = encode_store(store, model, device=device, quiet=quiet)
        with progress_bar(quiet=quiet) as progress:
            progress.add_task("Writing the atlas", total=None)
            _catalogue(store, model, values).to_parquet(work / "catalogue.parquet", index=False)
            link_or_copy(store.path / "spectra.zarr", work / "spectra.zarr")
        if (store.path / "rejected.parquet").exists():
            shutil.copy2(store.path / "rejected.parquet", work / "rejected.parquet")
        (work / "model").mkdir()
        model.write_into(work / "model")
        meta = {
            "format": FORMAT,
            "version": VERSION,
            "n_detections": len(store),
            "simulated": store.simulated,
            "responses": store.responses,
            "provenance": store.meta.get("provenance", {}),
            "latent_dim": model.config.latent_dim,
            "model": {"weights_sha256": model.weights_sha256, "source": str(model_path)},
        }
        (work / "atlas.json").write_text(json.dumps(meta, indent=2) + "\n")
    return Path(out)


def encode_store(
    store: SpectraStore, model: TrainedModel, *, device: str = "auto", quiet: bool = True
) -> dict[str, Array]:
    """Everything a model says about the spectra of a store, without writing it.

    Returns
    -------
    dict of arrays
        ``mu`` and ``sigma``, shape (n, d); and, shape (n,), the columns ``amplitude``, ``flux_0p3_10`` with ``_lo`` and
        ``_hi``, ``cstat``, ``cstat_z``, all float32.
    """
    encoder = BulkEncoder(model, pick_device(device))
    by_response = model.likelihood == "response"
    matrices = store.redistribution if by_response else None
    parts: list[dict[str, Array]] = []
    templates = _Templates(store.detections)
    with progress_bar(quiet=quiet) as progress, encoder.threads() as pool:
        task = progress.add_task("Encoding spectra", total=len(store))
        for start, block in _read_ahead(store, area=by_response):
            edges = [*range(0, len(block), _STEP_ROWS), len(block)]
            pieces = (_piece(block, low, high) for low, high in pairwise(edges))
            backgrounds = (templates.of(start + low, start + high) for low, high in pairwise(edges))
            parts += pool.map(_encode_block, repeat(encoder), pieces, repeat(matrices), backgrounds)
            progress.update(task, advance=len(block))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class _Templates:
    """Background templates of detections, one a mode and filter."""

    def __init__(self, detections: pd.DataFrame) -> None:
        keys = detections[["mode", "filter"]].astype("str")
        codes, unique = pd.factorize(pd.MultiIndex.from_frame(keys))
        self.codes = codes
        known = [tuple(None if pd.isna(name) or name == "nan" else name for name in key) for key in unique]
        self.templates = [background_template(*key) for key in known]

    def of(self, start: int, stop: int) -> list[tuple[Array, Array]]:
        """Pairs of (rows within start...stop, template)."""
        codes = self.codes[start:stop]
        return [(np.flatnonzero(codes == code), self.templates[code]) for code in np.unique(codes)]


def _read_ahead(store: SpectraStore, *, area: bool) -> Iterator[tuple[int, Block]]:
    """Blocks of the store, the next one read while the current one is used."""
    with ThreadPoolExecutor(1) as pool:
        blocks = store.blocks(area=area)
        coming = pool.submit(next, blocks, None)
        while (current := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield current


def _piece(block: Block, low: int, high: int) -> Block:
    return Block(**{name: values[low:high] for name, values in vars(block).items()})


def _encode_block(
    encoder: BulkEncoder, block: Block, redistribution: Array | None, templates: list[tuple[Array, Array]]
) -> dict[str, Array]:
    encoded = encoder(block, redistribution)
    folded = encoded.folded
    background = np.empty(block.counts.shape, np.float32)
    for rows, template in templates:
        background[rows] = expected_background(block.background_counts[rows], block.background_ratio[rows], template)
    amplitude = profile_amplitude(block.counts, folded, background)
    expected = amplitude[:, None].astype(np.float32) * folded + background
    error = _amplitude_error(folded, expected)
    value = cstat(block.counts, expected)
    mean, variance = cstat_moments(expected)
    erg = ERG_PER_KEV * encoded.mean_energy.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (value - mean) / np.sqrt(variance)
    columns = {
        "amplitude": amplitude,
        "flux_0p3_10": amplitude * erg,
        "flux_0p3_10_lo": np.maximum(amplitude - error, 0.0) * erg,
        "flux_0p3_10_hi": (amplitude + error) * erg,
        "cstat": value,
        "cstat_z": z,
    }
    result = {name: column.astype(np.float32) for name, column in columns.items()}
    return {"mu": encoded.mu, "sigma": encoded.sigma, **result}


def _amplitude_error(folded: Array, expected: Array) -> Array:
    """1 sigma error of the amplitude from the Fisher information sum f^2 / lambda, (n,)."""
    information = np.einsum("ij,ij->i", folded, folded / np.maximum(expected, np.float32(1e-12)), dtype=np.float64)
    return 1.0 / np.sqrt(np.maximum(information, 1e-300))


def _catalogue(store: SpectraStore, model: TrainedModel, values: Mapping[str, Array]) -> pd.DataFrame:
    names = [column.name for column in STORE_COLUMNS]
    table = store.detections[names].copy(deep=False)
    table["class_label"] = _labels(table)
    mu, sigma = values["mu"], values["sigma"]
    for axis in range(model.config.latent_dim):
        table[f"mu_{axis + 1}"], table[f"sigma_{axis + 1}"] = mu[:, axis], sigma[:, axis]
    for name, column in values.items():
        if column.ndim == 1:
            table[name] = column
    table["rarity"] = rarity(mu, sigma)
    return conform(table, STORE_COLUMNS + atlas_columns(model.config.latent_dim), where="catalogue.parquet")


def _labels(table: pd.DataFrame) -> pd.Series:
    """Class labels with every null filled: "No match" where labels were looked for, else "Unclassified"."""
    looked_for = any(
        table[name].notna().any() for name in ("class_label", "class_origin", "simbad_otype", "true_class")
    )
    label = table["class_label"].astype("str").astype("category")
    missing = NO_MATCH if looked_for else UNCLASSIFIED
    if missing not in label.cat.categories:
        label = label.cat.add_categories([missing])
    return label.fillna(missing)
