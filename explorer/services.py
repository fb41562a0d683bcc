"""What all browser tabs share, read-only: the atlas, its points, a kd-tree, threads. Made once per process."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from explorer.palette import CLASS_TOKENS
from vae.atlas import Atlas

#: Jobs that may wait at once, for spectra on a slow disk most of all; more than there are cores.
_WAITERS: Final = 12

_LOCK = threading.Lock()
_SERVICES: dict[Path, Services] = {}


@dataclass(frozen=True)
class Services:
    """Read-only data and workers shared by all sessions.

    Parameters
    ----------
    atlas : Atlas
    x, y : array of float32, shape (n,)
        Position of each detection on the map, in catalogue order.
    class_names : tuple of str
        Legend order; classes of a user's label catalogue come before Unclassified.
    class_codes : array of uint8, shape (n,)
        Index into `class_names`.
    class_counts : array of int64, shape (n_classes,)
    home : (float, float, float, float)
        View that holds 99.9 % of the detections: x0, x1, y0, y1.
    tree : cKDTree
        Over (x, y).
    frames : ThreadPoolExecutor
        For frames of the maps, and nothing else: the map moves while anything else waits for a disk.
    pool : ThreadPoolExecutor
        For everything else that the event loop should not wait for.
    """

    atlas: Atlas
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    class_names: tuple[str, ...]
    class_codes: NDArray[np.uint8]
    class_counts: NDArray[np.int64]
    home: tuple[float, float, float, float]
    tree: cKDTree
    frames: ThreadPoolExecutor
    pool: ThreadPoolExecutor

    def __len__(self) -> int:
        return self.x.size

    def class_of(self, row: int) -> str:
        """Display class of a detection."""
        return self.class_names[int(self.class_codes[row])]


def services(path: str | Path) -> Services:
    """Open an atlas, or return what an earlier session of this process opened."""
    path = Path(path).resolve()
    with _LOCK:
        if path not in _SERVICES:
            _SERVICES[path] = _open(path)
        return _SERVICES[path]


def _open(path: Path) -> Services:
    atlas = Atlas.open(path)
    latents = atlas.latents
    x, y = np.ascontiguousarray(latents[:, 0]), np.ascontiguousarray(latents[:, 1])
    names, codes = _classes(atlas.catalogue["class_label"])
    counts = np.bincount(codes, minlength=len(names))
    if atlas.latent_dim == 2:  # the atlas looks for neighbours in the same plane: one tree serves both
        tree = atlas.tree
    else:
        tree = cKDTree(np.column_stack([x, y]), balanced_tree=False, compact_nodes=False)
    frames = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="frames")
    pool = ThreadPoolExecutor(_WAITERS, thread_name_prefix="explorer")
    return Services(atlas, x, y, names, codes, counts, _home(x, y), tree, frames, pool)


def _classes(labels: pd.Series) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    present = [name for name in labels.astype("category").cat.categories if name not in CLASS_TOKENS]
    known = list(CLASS_TOKENS)
    names = (*known[:-2], *sorted(present), *known[-2:])
    if len(names) > 255:
        raise ValueError(f"{len(names)} classes; the map holds at most 255")
    categorical = pd.Categorical(labels.astype("str"), categories=names)
    codes = np.where(categorical.codes < 0, len(names) - 2, categorical.codes)
    return names, codes.astype(np.uint8)


def _home(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float, float, float]:
    edges = []
    for values in (x, y):
        low, high = np.percentile(values, [0.05, 99.95])
        margin = 0.06 * max(float(high - low), 1e-3)
        edges += [float(low) - margin, float(high) + margin]
    return edges[0], edges[1], edges[2], edges[3]
