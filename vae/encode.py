"""A store and a model become an atlas: latent position, amplitude, flux and fit of every detection."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.atlas import FORMAT, VERSION, atlas_columns
from vae.atlas.rarity import rarity
from vae.errors import StoreError
from vae.files import link_or_copy, new_folder
from vae.network.bulk import BulkEncoder, Encoded
from vae.network.devices import pick_device
from vae.network.trained import TrainedModel
from vae.progress import progress_bar
from vae.spectra.columns import STORE_COLUMNS, conform
from vae.spectra.statistics import background_template, cstat, cstat_moments, expected_background, profile_amplitude
from vae.spectra.store import CHUNK_ROWS, SpectraStore

#: erg in a keV (CODATA 2018).
ERG_PER_KEV: Final = 1.602176634e-9
#: Display classes of rows without a label: where a cross-match ran and where none did.
NO_MATCH: Final = "No match"
UNCLASSIFIED: Final = "Unclassified"
#: Rows of a step, whole chunks of the store: few enough for a CPU's cache, enough to keep the matrix products busy.
_STEP_ROWS: Final = 2 * CHUNK_ROWS

Array = NDArray[Any]


def encode(
    store_path: str | Path,
    model_path: str | Path,
    out: str | Path,
    *,
    device: str = "auto",
    quiet: bool = False,
    overwrite: bool = False,
    steps: dict[str, float] | None = None,
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
    steps : dict, optional
        Filled with the seconds each step took.

    Returns
    -------
    Path
        The atlas.

    Raises
    ------
    ExplorerError
        Whatever is wrong with store, model, device or output.
    """
    clock = _Clock({} if steps is None else steps)
    store, model = SpectraStore.open(store_path), TrainedModel.load(model_path)
    if not len(store):
        raise StoreError("it holds no spectra", where=store_path, todo="See rejected.parquet for the reasons")
    with new_folder(out, overwrite=overwrite) as work:
        job = _Work(store, model, device)
        clock.lap("open_s")
        values = job.run(quiet=quiet)
        clock.lap("spectra_s")
        with progress_bar(quiet=quiet) as progress:
            progress.add_task("Writing the atlas", total=None)
            table = _catalogue(store, model, values)
            clock.lap("catalogue_s")
            # Looking for repeated values takes longer than writing them, and measured values do not repeat.
            repeated = [name for name in table.columns if table[name].dtype == "category"]
            table.to_parquet(work / "catalogue.parquet", index=False, use_dictionary=repeated)
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
            "likelihood": model.likelihood,
            "model": {"weights_sha256": model.weights_sha256, "source": str(model_path)},
        }
        (work / "atlas.json").write_text(json.dumps(meta, indent=2) + "\n")
    clock.lap("files_s")
    return Path(out)


class _Clock:
    """Seconds of one step after the other."""

    def __init__(self, steps: dict[str, float]) -> None:
        self.steps, self.last = steps, time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.steps[name], self.last = now - self.last, now


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
    return _Work(store, model, device).run(quiet=quiet)


class _Work:
    """Reads and encodes rows of a store. Each thread reads what it computes: rows are still in its core's cache."""

    def __init__(self, store: SpectraStore, model: TrainedModel, device: str) -> None:
        self.store = store
        self.by_response = model.likelihood == "response"
        with ThreadPoolExecutor(1) as pool:  # the table is read while torch is loaded
            table = pool.submit(lambda: store.detections)
            self.encoder = BulkEncoder(model, pick_device(device))
            self.redistribution = store.redistribution if self.by_response else None
            self.templates = _Templates(table.result())

    def run(self, *, quiet: bool) -> dict[str, Array]:
        """Encode every row; see `encode_store`."""
        edges = [*range(0, len(self.store), _STEP_ROWS), len(self.store)]
        parts: list[dict[str, Array]] = []
        with progress_bar(quiet=quiet) as progress, self.encoder.threads() as pool:
            task = progress.add_task("Encoding spectra", total=edges[-1])
            for part in pool.map(self, edges[:-1], edges[1:]):
                parts.append(part)
                progress.update(task, advance=len(part["mu"]))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def __call__(self, start: int, stop: int) -> dict[str, Array]:
        block = self.store.block(start, stop, area=self.by_response)
        background = np.empty(block.counts.shape, np.float32)
        for rows, template in self.templates.of(start, stop):
            background[rows] = expected_background(
                block.background_counts[rows], block.background_ratio[rows], template
            )
        return _judge(self.encoder(block, self.redistribution), block.counts, background)


class _Templates:
    """Background templates of detections, one a mode and filter."""

    def __init__(self, detections: pd.DataFrame) -> None:
        keys = [detections[name].astype("category") for name in ("mode", "filter")]
        codes = keys[0].cat.codes.to_numpy(np.int64) * (len(keys[1].cat.categories) + 1) + keys[1].cat.codes.to_numpy()
        _, first, self.codes = np.unique(codes, return_index=True, return_inverse=True)
        known = [[None if pd.isna(key.iat[row]) else str(key.iat[row]) for key in keys] for row in first]
        self.templates = [background_template(*key) for key in known]

    def of(self, start: int, stop: int) -> list[tuple[Any, Array]]:
        """Pairs of (rows within start...stop, template)."""
        codes = self.codes[start:stop]
        present = np.unique(codes)
        if len(present) == 1:
            return [(slice(None), self.templates[present[0]])]
        return [(np.flatnonzero(codes == code), self.templates[code]) for code in present]


def _judge(encoded: Encoded, counts: Array, background: Array) -> dict[str, Array]:
    """Fit each row's amplitude to its counts and judge the fit."""
    folded = encoded.folded
    amplitude = profile_amplitude(counts, folded, background)
    expected = amplitude[:, None].astype(np.float32) * folded + background
    error = _amplitude_error(folded, expected)
    value = cstat(counts, expected)
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
