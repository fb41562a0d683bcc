"""An atlas on disk, opened for reading."""

from __future__ import annotations

import json
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from vae.atlas.decoded import Decoded, decode
from vae.atlas.rows import RowReader
from vae.atlas.similarity import Metric, Similarity, step_significance
from vae.atlas.spectrum import Spectrum, describe
from vae.atlas.templates import TemplateBasis, Templates
from vae.errors import AtlasError, ModelError, StoreError
from vae.network.trained import TrainedModel
from vae.spectra.statistics import background_template, expected_background
from vae.spectra.store import SpectraStore

FORMAT: Final = "xmm-latent-explorer atlas"
VERSION: Final = 1
#: Detections whose median sigma says how uncertain a latent position without a detection is.
_SIGMA_FROM: Final = 16
_REBUILD: Final = "Build it again with scripts/encode.py or scripts/build_demo.py"


class Atlas:
    """Every detection with its latent position, spectrum and fit. Read-only; use `Atlas.open`.

    Rows of `catalogue`, `latents` and of the spectra are in one order, ascending `detection_id`. All methods may be
    called from many threads.

    Attributes
    ----------
    path : Path
    meta : dict
        What `atlas.json` holds.
    model : TrainedModel
    catalogue : DataFrame
        One row a detection; columns as `vae.spectra.columns.STORE_COLUMNS` + `vae.atlas.atlas_columns`.
    latents, sigmas : array of float32, shape (n, d)
        Posterior means and standard deviations; read-only.
    """

    def __init__(
        self, path: Path, meta: dict[str, Any], model: TrainedModel, catalogue: pd.DataFrame, store: SpectraStore
    ) -> None:
        self.path, self.meta, self.model, self.catalogue = path, meta, model, catalogue
        self._rows = RowReader(store)
        self.latents = self._stack("mu")
        self.sigmas = self._stack("sigma")
        self._detection_ids = catalogue["detection_id"].to_numpy()
        self._source_ids = catalogue["source_id"].to_numpy()
        self._similarity = Similarity(self.latents, self.sigmas, self._source_ids)
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str | Path) -> Atlas:
        """Open an atlas folder.

        Raises
        ------
        AtlasError
            When it is missing, incomplete, damaged or of another version; says what to do.
        """
        path = Path(path)
        marker = path / "atlas.json"
        try:
            meta = json.loads(marker.read_text())
        except (FileNotFoundError, NotADirectoryError):
            hint = "This is a spectra store: make an atlas of it with scripts/encode.py"
            todo = hint if (path / "store.json").exists() else _REBUILD
            raise AtlasError("not an atlas (no atlas.json)", where=path, todo=todo) from None
        except (OSError, ValueError) as error:
            raise AtlasError(f"unreadable: {error}", where=marker, todo=_REBUILD) from error
        if not isinstance(meta, dict) or (meta.get("format"), meta.get("version")) != (FORMAT, VERSION):
            found = meta if not isinstance(meta, dict) else (meta.get("format"), meta.get("version"))
            raise AtlasError(f"{found!r} is not {FORMAT!r} version {VERSION}", where=marker, todo=_REBUILD)
        try:
            model = TrainedModel.load(path / "model")
            store = SpectraStore.open(path)
            catalogue = store.detections
        except (ModelError, StoreError) as error:
            raise AtlasError(f"damaged: {error}", where=path, todo=_REBUILD) from error
        axes = range(1, model.config.latent_dim + 1)
        needed = [
            "detection_id",
            "source_id",
            "mjd_start",
            *(f"{name}_{axis}" for axis in axes for name in ("mu", "sigma")),
        ]
        missing = [name for name in needed if name not in catalogue.columns]
        if missing:
            raise AtlasError(f"columns missing: {', '.join(missing)}", where=path / "catalogue.parquet", todo=_REBUILD)
        if len(catalogue) != len(store):
            raise AtlasError(
                f"{len(catalogue)} rows in catalogue.parquet for {len(store)} spectra", where=path, todo=_REBUILD
            )
        # Reading the table leaves as much again in Arrow's pool: a server has better uses for it.
        pa.default_memory_pool().release_unused()
        return cls(path, meta, model, catalogue, store)

    def __len__(self) -> int:
        return len(self.catalogue)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    @property
    def simulated(self) -> bool:
        """Whether every spectrum was simulated."""
        return bool(self.meta.get("simulated", False))

    @property
    def latent_dim(self) -> int:
        """Dimension of the latent space."""
        return self.model.config.latent_dim

    def row(self, detection_id: int) -> int:
        """Row of a detection in the catalogue; AtlasError when there is none."""
        row = int(np.searchsorted(self._detection_ids, detection_id))
        if row >= len(self) or self._detection_ids[row] != detection_id:
            raise AtlasError(f"no detection {detection_id}", where=self.path, todo="Search by name or coordinates")
        return row

    def spectrum(self, detection_id: int) -> Spectrum:
        """Return counts, background, reconstruction and statistics of one detection."""
        row = self.row(detection_id)
        counts, background_counts, ratio, sensitivity = (
            self._rows.read(name, row) for name in ("counts", "background_counts", "background_ratio", "sensitivity")
        )
        entry = {name: self.catalogue[name].iat[row] for name in ("mode", "filter", "exposure_s")}
        mode, filter_ = (None if pd.isna(entry[name]) else str(entry[name]) for name in ("mode", "filter"))
        background = expected_background(background_counts, float(ratio), background_template(mode, filter_))
        area, matrix = self._rows.response(row) if self.model.likelihood == "response" else (None, None)
        return describe(
            self.model,
            detection_id=int(detection_id),
            counts=counts,
            background_counts=background_counts,
            background_ratio=float(ratio),
            sensitivity=sensitivity,
            expected_background=background,
            exposure_s=float(entry["exposure_s"]),
            mu=self.latents[row],
            sigma=self.sigmas[row],
            area=area,
            redistribution=matrix,
        )

    def decode(self, z: ArrayLike, energies_keV: ArrayLike | None = None, sigma: ArrayLike | None = None) -> Decoded:
        """Photon spectrum shape at latent positions, normalised to 1 photon in 0.3-10 keV, with its predictive band.

        Parameters
        ----------
        z : array, shape (d,) or (m, d)
        energies_keV : array, shape (n_energies,), optional
            The 238 bin centres by default.
        sigma : array, shape (d,) or (m, d), optional
            How uncertain the positions are; by default as uncertain as the detections nearest to them are (median of
            `_SIGMA_FROM`, axis by axis).

        Returns
        -------
        Decoded
            ``energies``, ``mean``, ``low``, ``high``, ``sigma``; see `vae.atlas.Decoded`.

        Notes
        -----
        A model trained with the `response` likelihood decodes the photon spectrum as it is before the detector:
        deconvolved, by what the model knows of spectra. One trained with the `sensitivity` likelihood decodes what
        unfolding by the sensitivity gives: a spectrum still smeared by the redistribution, close to the photon
        spectrum above about 1 keV only (FACTS 3).
        """
        if sigma is None:
            near = [self.sigmas[self.nearest(position, _SIGMA_FROM)] for position in np.atleast_2d(z)]
            sigma = np.median(near, axis=1)
            sigma = sigma[0] if np.ndim(z) == 1 else sigma
        return decode(self.model, z, energies_keV, sigma)

    def templates(self, energies_keV: ArrayLike | None = None) -> Templates:
        """Orthonormal templates that decoded spectra are built from, the most varied in this atlas first.

        Parameters
        ----------
        energies_keV : array, shape (n_energies,), optional
            The 238 bin centres by default.

        Returns
        -------
        Templates
            See `vae.atlas.Templates`.
        """
        return self._templates.at(energies_keV)

    def template_weights(self, of: int | ArrayLike) -> NDArray[np.float64]:
        """Weights with which `templates` make the spectrum of a detection or of latent positions, (K,) or (m, K).

        Parameters
        ----------
        of : int or array, shape (d,) or (m, d)
            A detection_id or latent positions.
        """
        z = self.latents[self.row(int(of))] if isinstance(of, int | np.integer) else of
        return self._templates.weights(z)

    def neighbours(
        self, detection_id: int, k: int = 20, metric: Metric = "wasserstein", *, include_same_source: bool = False
    ) -> pd.DataFrame:
        """Return the detections most like this one, nearest first; of each other source only its nearest detection.

        Parameters
        ----------
        detection_id : int
        k : int
        metric : {"wasserstein", "bhattacharyya", "euclidean"}
            See `vae.atlas.similarity.Metric`.
        include_same_source : bool
            Also list other detections of the same source.

        Returns
        -------
        DataFrame
            ``row``, ``detection_id``, ``distance``, ``same_within_errors``. Up to `k` rows.
        """
        if k < 1:
            raise AtlasError(f"k is {k}: ask for at least one neighbour")
        table = self._similarity.neighbours(self.row(detection_id), k, metric, include_same_source=include_same_source)
        table.insert(1, "detection_id", self._detection_ids[table["row"].to_numpy()])
        return table

    @property
    def tree(self) -> cKDTree:
        """Tree over `latents`, built on first use."""
        return self._similarity.tree

    def nearest(self, z: ArrayLike, k: int = 1) -> NDArray[np.int64]:
        """Rows of the k detections nearest to a latent position, nearest first."""
        return self._similarity.nearest(z, k)

    def source_rows(self, source_id: int) -> NDArray[np.int64]:
        """Rows of a source's detections in time order (unknown times last); AtlasError when there are none."""
        order, ordered_ids = self._by_source
        low, high = (int(np.searchsorted(ordered_ids, source_id, side=side)) for side in ("left", "right"))
        if low == high:
            raise AtlasError(f"no source {source_id}", where=self.path, todo="Search by name or coordinates")
        return order[low:high]

    def trajectory(self, source_id: int) -> pd.DataFrame:
        """Return the detections of a source in time order, with the significance of each step in latent space.

        Returns
        -------
        DataFrame
            ``row``, ``detection_id``, ``mjd_start``, ``mu_1`` ..., ``sigma_1`` ..., ``step_significance`` (NaN for the
            first; see `vae.atlas.similarity.step_significance`), ``counts``, ``net_counts``, ``exposure_s``.
        """
        rows = self.source_rows(source_id)
        mu, sigma = self.latents[rows], self.sigmas[rows]
        columns: dict[str, Any] = {"row": rows}
        for name in ("detection_id", "mjd_start"):
            columns[name] = self.catalogue[name].to_numpy()[rows]
        for name, values in (("mu", mu), ("sigma", sigma)):
            columns.update({f"{name}_{axis + 1}": values[:, axis] for axis in range(self.latent_dim)})
        columns["step_significance"] = step_significance(mu, sigma)
        for name in ("counts", "net_counts", "exposure_s"):
            columns[name] = self.catalogue[name].to_numpy()[rows]
        return pd.DataFrame(columns)

    def _stack(self, name: str) -> NDArray[np.float32]:
        columns = [f"{name}_{axis}" for axis in range(1, self.model.config.latent_dim + 1)]
        values = np.ascontiguousarray(self.catalogue[columns].to_numpy(np.float32))
        values.setflags(write=False)
        return values

    @property
    def _templates(self) -> TemplateBasis:
        with self._lock:
            return self._template_basis

    @cached_property
    def _template_basis(self) -> TemplateBasis:
        return TemplateBasis(self.model, self.latents)

    @property
    def _by_source(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        with self._lock:
            return self._source_order

    @cached_property
    def _source_order(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.lexsort((self.catalogue["mjd_start"].to_numpy(), self._source_ids)).astype(np.int64)
        return order, self._source_ids[order]
