"""The state of a run in one file, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vae.errors import TrainingError
from vae.files import new_file
from vae.training.averaging import Averaging


@dataclass
class RunState:
    """Everything that a run needs to go on exactly where it stopped.

    Parameters
    ----------
    objective : torch.nn.Module
        The network and all that is trained with it.
    optimizer : torch.optim.AdamW
    generator : torch.Generator
        Of batches and latent samples.
    averaging : Averaging, optional
        Of the weights, where the recipe asks for it.
    update : int
        Updates done.
    history : list of dict
        Training and held-out losses so far.
    recent : list of float
        Training losses since the last entry of the history: their sum and number.
    seconds : float
        Time spent training so far.
    """

    objective: torch.nn.Module
    optimizer: torch.optim.AdamW
    generator: torch.Generator
    averaging: Averaging | None = None
    update: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    recent: list[float] = field(default_factory=lambda: [0.0, 0.0])
    seconds: float = 0.0

    def save(self, path: Path, identity: Mapping[str, Any]) -> None:
        """Write the state; `identity` says which run it belongs to."""
        tensors = {f"objective.{name}": values for name, values in self.objective.state_dict().items()}
        for index, parameter in enumerate(self._parameters()):
            for name, values in self.optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{index}.{name}"] = values
        for index, values in enumerate(self.averaging.values if self.averaging else []):
            tensors[f"averaging.{index}"] = values
        tensors["generator"] = self.generator.get_state()
        notes = {
            "update": self.update,
            "history": self.history,
            "recent": self.recent,
            "seconds": self.seconds,
            "run": dict(identity),
        }
        plain = {name: values.detach().cpu().contiguous() for name, values in tensors.items()}
        with new_file(path) as work:
            save_file(plain, work, metadata={"state": json.dumps(notes)})

    def restore(self, path: Path, identity: Mapping[str, Any]) -> None:
        """Read what `save` wrote.

        Raises
        ------
        TrainingError
            When it is unreadable or belongs to a run with other data or options.
        """
        try:
            with safe_open(path, framework="pt") as file:
                notes = json.loads((file.metadata() or {})["state"])
                tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise TrainingError(f"unreadable checkpoint: {error}", where=path, todo="Start without --resume") from error
        known, now = notes["run"], json.loads(json.dumps(dict(identity)))
        if known != now:
            odd = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
            raise TrainingError(
                f"the checkpoint is of a run with other {', '.join(odd)}",
                where=path,
                todo="Repeat the options it was started with, or start without --resume",
            )
        self.objective.load_state_dict(_below(tensors, "objective."))
        for index, parameter in enumerate(self._parameters()):
            found = _below(tensors, f"optimizer.{index}.")
            if found:
                self.optimizer.state[parameter] = {name: value.to(parameter.device) for name, value in found.items()}
        for index, values in enumerate(self.averaging.values if self.averaging else []):
            values.copy_(tensors[f"averaging.{index}"])
        self.generator.set_state(tensors["generator"])
        self.update, self.history, self.seconds = notes["update"], notes["history"], notes["seconds"]
        self.recent = notes["recent"]

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): values for name, values in tensors.items() if name.startswith(prefix)}
