"""Descriptions of a spectrum that need no network: baselines for the latents.

Each is computed from the same counts, background and sensitivity as the encoder's input. What has to be fitted is
fitted on other sources than it is asked about, except UMAP, which is given the test spectra themselves (without their
classes): it has no good way to place new ones, and a baseline may have that advantage.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors

from vae.errors import ExplorerError
from vae.network.scaling import scale_input
from vae.spectra import grid
from vae.spectra.store import Block

#: Edges of the five bands of the four hardness ratios [keV].
HARDNESS_EDGES: Final = (0.3, 0.5, 1.0, 2.0, 4.5, 10.0)
#: Dimensions of the baselines that have one to choose.
PCA_DIMENSIONS: Final = (2, 8, 10)
NMF_DIMENSIONS: Final = (2, 10)
#: Spectra that NMF is fitted on; more change nothing and cost seconds.
_NMF_ROWS: Final = 8000
#: Neighbours of UMAP (those of the kNN test) and its passes.
_UMAP_NEIGHBOURS: Final = 25
_UMAP_PASSES: Final = 200

Array = NDArray[Any]


def hardness_ratios(block: Block) -> Array:
    """Four hardness ratios of neighbouring bands, (H - S) / (H + S) of the net counts, shape (n, 4)."""
    net = block.counts - block.background_ratio[:, None] * np.asarray(block.background_counts, np.float64)
    first = np.searchsorted(grid.BIN_CENTRES, HARDNESS_EDGES)
    bands = np.maximum(np.stack([net[:, a:b].sum(1) for a, b in itertools.pairwise(first)], 1), 0.0)
    soft, hard = bands[:, :-1], bands[:, 1:]
    return (hard - soft) / np.maximum(hard + soft, 1e-9)


def fixed_inputs(block: Block, mean_sensitivity: Array) -> dict[str, Array]:
    """Return the three fixed inputs whose principal components are the baselines (FACTS 3), each of shape (n, 238).

    Parameters
    ----------
    block : Block
    mean_sensitivity : array, shape (238,)
        Of the archive: what spectra are brought to, in the last of the three.

    Returns
    -------
    dict of array
        `asinh`: the encoder's input. `unfolded_over_max`: E S / max |E S|. `net_fraction`: share of the net counts that
        the mean instrument would have recorded in each bin.
    """
    sensitivity = np.asarray(block.sensitivity, np.float64)
    net = block.counts - block.background_ratio[:, None] * np.asarray(block.background_counts, np.float64)
    unfolded = np.divide(net, sensitivity, out=np.zeros_like(net), where=sensitivity > 0)
    e_s = unfolded * grid.BIN_CENTRES
    corrected = unfolded * mean_sensitivity
    total = np.maximum(corrected.sum(1), 3 * np.sqrt(np.maximum(block.counts.sum(1), 1)))
    return {
        "asinh": scale_input(block.counts, block.background_counts, block.background_ratio, block.sensitivity),
        "unfolded_over_max": e_s / np.maximum(np.abs(e_s).max(1, keepdims=True), 1e-30),
        "net_fraction": corrected / total[:, None],
    }


def principal_components(fitting: Block, test: Block, dimensions: Sequence[int] = PCA_DIMENSIONS) -> dict[str, Array]:
    """Principal components of the fixed inputs of `test`, fitted on `fitting`.

    Returns
    -------
    dict of array, shape (n_test, d)
        `pca_asinh_2d`, `pca_unfolded_over_max_2d`, `pca_net_fraction_2d` and so on for every dimension that the
        number of spectra allows; the net fraction is divided by the square root of its mean over the fitting spectra
        first, which evens out the Poisson scatter of the bins.
    """
    mean_sensitivity = np.asarray(fitting.sensitivity, np.float64).mean(0)
    fit, apply = fixed_inputs(fitting, mean_sensitivity), fixed_inputs(test, mean_sensitivity)
    scale = np.sqrt(np.maximum(fit["net_fraction"].mean(0), 1e-9))
    for inputs in (fit, apply):
        inputs["net_fraction"] = inputs["net_fraction"] / scale
    wanted = [d for d in dimensions if d <= min(len(fitting), grid.N_BINS)]
    out: dict[str, Array] = {}
    for name in fit:
        if wanted:  # the first components of a larger decomposition are those of a smaller one
            pca = PCA(max(wanted), svd_solver="covariance_eigh").fit(np.asarray(fit[name], np.float64))
            components = pca.transform(np.asarray(apply[name], np.float64))
            out |= {f"pca_{name}_{d}d": components[:, :d].copy() for d in wanted}
    return out


def non_negative_factors(
    fitting: Block, test: Block, dimensions: Sequence[int] = NMF_DIMENSIONS, *, seed: int = 0
) -> dict[str, Array]:
    """Weights of non-negative factors of the net fraction (negative values set to 0), as shares of their sum.

    Returns
    -------
    dict of array, shape (n_test, d)
        `nmf_net_fraction_2d` and so on.

    References
    ----------
    Lee & Seung (1999), Nature 401, 788.
    """
    mean_sensitivity = np.asarray(fitting.sensitivity, np.float64).mean(0)
    fit = np.maximum(fixed_inputs(fitting, mean_sensitivity)["net_fraction"], 0.0)
    apply = np.maximum(fixed_inputs(test, mean_sensitivity)["net_fraction"], 0.0)
    if len(fit) > _NMF_ROWS:
        fit = fit[np.random.default_rng(seed).choice(len(fit), _NMF_ROWS, replace=False)]
    out: dict[str, Array] = {}
    for d in dimensions:
        if d > min(fit.shape):
            continue
        with warnings.catch_warnings():  # stopping short of the last digit is no matter for a baseline
            warnings.simplefilter("ignore", ConvergenceWarning)
            factors = NMF(d, init="nndsvda", tol=1e-3, max_iter=200, random_state=seed).fit(fit)
            weights = factors.transform(apply)
        out[f"nmf_net_fraction_{d}d"] = weights / np.maximum(weights.sum(1, keepdims=True), 1e-30)
    return out


def umap_plane(values: Array, *, seed: int = 0) -> Array:
    """UMAP in two dimensions, shape (n, 2).

    Parameters
    ----------
    values : array, shape (n, d)
        What the plane is made of: principal components, say. UMAP sees all of these rows, not their classes.
    seed : int

    Raises
    ------
    ExplorerError
        When the package is not installed.

    References
    ----------
    McInnes, Healy & Melville (2018), arXiv 1802.03426.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        try:
            import umap  # seconds of compilation, for one baseline of one report
        except ImportError as error:
            todo = "pip install 'xmm-latent-explorer[report]'"
            raise ExplorerError("umap-learn is not installed", todo=todo) from error
    start = np.asarray(values, np.float32)
    neighbours = min(_UMAP_NEIGHBOURS, len(start) - 1)
    # Exact neighbours: the package's own search would first compile for a minute.
    distances, near = NearestNeighbors(n_neighbors=neighbours).fit(start).kneighbors(start)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        plane = umap.UMAP(
            n_neighbors=neighbours,
            min_dist=0.0,
            n_epochs=_UMAP_PASSES,
            init="pca",
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(near, distances),
        ).fit_transform(start)
    return np.asarray(plane, np.float64)


def baselines(
    fitting: Block, test: Block, *, umap: bool = True, seed: int = 0
) -> tuple[dict[str, Array], dict[str, str]]:
    """Every description of the test spectra that needs no network.

    Parameters
    ----------
    fitting, test : Block
        Spectra to fit on, of other sources, and spectra to describe.
    umap : bool
        With UMAP, which takes longer than all others together.
    seed : int

    Returns
    -------
    representations : dict of array, shape (n_test, d)
        `hardness_ratios_4d`, `pca_*`, `nmf_*` and `umap_net_fraction_2d`.
    left_out : dict of str
        Those that could not be had, and why.
    """
    components = principal_components(fitting, test)
    out = {"hardness_ratios_4d": hardness_ratios(test), **components}
    out |= non_negative_factors(fitting, test, seed=seed)
    name, left_out = "umap_net_fraction_2d", {}
    if not umap:
        left_out[name] = "not asked for"
    elif not (start := [key for key in components if "net_fraction" in key]):
        left_out[name] = "too few spectra"
    else:  # the most components that there are
        try:
            out[name] = umap_plane(components[start[-1]], seed=seed)
        except ExplorerError as error:
            left_out[name] = str(error)
    return out, left_out
