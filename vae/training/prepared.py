"""A store made ready for training: read, split by source, hashed; for one run or for many on the same data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vae.errors import OptionError
from vae.network.config import Likelihood
from vae.progress import progress_bar
from vae.spectra.store import SpectraStore
from vae.training.data import ResidentSpectra, load
from vae.training.objective import HELD_OUT_MAX


@dataclass(frozen=True)
class Prepared:
    """Spectra to train on and to judge by.

    Parameters
    ----------
    store : SpectraStore
    likelihood : {"sensitivity", "response"}
    device : str
        Where the spectra are.
    training, held_out : ResidentSpectra
        Of held-out spectra only as many as are evaluated.
    held_out_spectra : int
        How many there are.
    content_hash : str
        Of the store.
    """

    store: SpectraStore
    likelihood: Likelihood
    device: str
    training: ResidentSpectra
    held_out: ResidentSpectra
    held_out_spectra: int
    content_hash: str

    def check(self, likelihood: Likelihood, device: str) -> None:
        """Raise OptionError unless it was prepared for this likelihood and device."""
        for name, wanted in (("likelihood", likelihood), ("device", device)):
            if getattr(self, name) != wanted:
                raise OptionError(
                    f"the data were prepared for {name} {getattr(self, name)}, not {wanted}", todo="Prepare them anew"
                )


def prepare(store: str | Path, likelihood: Likelihood, device: str, *, quiet: bool = True) -> Prepared:
    """Read a store (or an atlas).

    Parameters
    ----------
    store : str or Path
    likelihood : {"sensitivity", "response"}
    device : str
        From `vae.network.devices.pick_device`.
    quiet : bool
        No progress bar.

    Raises
    ------
    StoreError
        When it is none.
    TrainingError
        When it is too small to be split.
    """
    spectra = SpectraStore.open(store)
    with progress_bar(quiet=quiet) as progress:
        progress.add_task("Hashing the store", total=None)
        content_hash = spectra.content_hash()
    training, held_out = load(spectra, device, likelihood, quiet=quiet)
    first = held_out.first(HELD_OUT_MAX)
    return Prepared(spectra, likelihood, device, training, first, len(held_out), content_hash)
