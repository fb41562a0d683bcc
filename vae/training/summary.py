"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainSummary:
    """What a run did.

    Parameters
    ----------
    model : Path
        The model folder.
    updates : int
    training_spectra, held_out_spectra : int
    held_out : dict
        Held-out loss at the end; see `vae.training.objective.held_out_loss`.
    seconds : float
        Time spent in updates and evaluations.
    spectra_per_second : float
    device : str
    processes : int
        That shared each batch.
    """

    model: Path
    updates: int
    training_spectra: int
    held_out_spectra: int
    held_out: dict[str, float]
    seconds: float
    spectra_per_second: float
    device: str
    processes: int = 1
