"""What an evaluation is given: the atlas, how much of it to ask, and what its parts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.atlas import Atlas
from vae.errors import ExplorerError
from vae.evaluation.paired import Sources, draw_sources
from vae.evaluation.rows import labelled, unseen
from vae.network import TrainedModel
from vae.spectra.store import SpectraStore

Array = NDArray[Any]


@dataclass(frozen=True)
class Sizes:
    """How much is drawn; the intervals shrink with the square root, the time grows in proportion.

    Parameters
    ----------
    fit : int
        Spectra fitted with power laws, too.
    per_class, taught : int
        Most spectra of a class in the class tests, and most that the ceiling is taught with.
    rare, leakage, pulls : int
        Most rows of the atlas among which rare classes are looked for, whose nuisances are predicted, that are split.
    sources : int
        New sources simulated for fidelity and nuisance.
    ranks, exact : int
        Spectra made from the prior, and those of them whose exact posterior is summed.
    residuals, units, real : int
        Spectra stacked, spectra whose posteriors are summarised, and most real spectra looked at.
    umap : bool
    """

    fit: int = 3000
    per_class: int = 900
    taught: int = 40_000
    rare: int = 150_000
    leakage: int = 8000
    pulls: int = 4000
    sources: int = 1000
    ranks: int = 4000
    exact: int = 150
    residuals: int = 6000
    units: int = 20_000
    real: int = 60
    umap: bool = True


#: For a first look in a fraction of the time.
QUICK: Final = Sizes(
    fit=400,
    per_class=150,
    taught=5000,
    rare=20_000,
    leakage=2000,
    pulls=600,
    sources=150,
    ranks=600,
    exact=0,
    residuals=1000,
    units=2000,
    real=20,
    umap=False,
)


@dataclass(frozen=True)
class Inputs:
    """What is evaluated.

    Parameters
    ----------
    atlas, store : Atlas, SpectraStore
        The same folder, opened twice.
    sizes : Sizes
    seed : int
    real : SpectraStore, optional
        Real spectra, encoded here.
    models : sequence of (str, TrainedModel)
        Other models to be compared on the atlas's spectra.
    """

    atlas: Atlas
    store: SpectraStore
    sizes: Sizes = field(default_factory=Sizes)
    seed: int = 0
    real: SpectraStore | None = None
    models: Sequence[tuple[str, TrainedModel]] = ()

    @property
    def model(self) -> TrainedModel:
        """The model that the atlas was made with."""
        return self.atlas.model

    @cached_property
    def fresh(self) -> NDArray[np.bool_]:
        """Rows that the model was not trained on."""
        return unseen(self.store, self.model)[0]

    @cached_property
    def labels(self) -> NDArray[np.str_]:
        """Class of each row, "" where none is known."""
        return labelled(self.atlas.catalogue, simulated=self.atlas.simulated).labels

    @cached_property
    def net(self) -> Array:
        """Net counts of each row."""
        return self.atlas.catalogue["net_counts"].to_numpy(np.float64)

    @cached_property
    def source_id(self) -> NDArray[np.int64]:
        """Source of each row."""
        return np.asarray(self.atlas.catalogue["source_id"].to_numpy())

    @cached_property
    def sources(self) -> Sources:
        """New simulated sources, shared by the parts that need the truth."""
        return draw_sources(self.sizes.sources, self.seed)

    def draw(self, mask: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
        """At most so many of the rows of a mask, at random, ascending.

        Raises
        ------
        ExplorerError
            When there are none.
        """
        rows = np.flatnonzero(mask)
        if not rows.size:
            raise ExplorerError("no spectrum of sources that the model was not trained on has counts enough")
        if rows.size > most:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, most, replace=False))
        return rows
