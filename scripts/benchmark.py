"""Measure how fast things are, as ratios in one run wherever something stock does the same work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import _command
import tyro

from vae.errors import OptionError


@dataclass(frozen=True)
class Benchmark:
    """Measure one part of the explorer, in fresh processes as a user would start them.

    demo: builds of the simulated archive, with one and two workers; seconds and memory from process start to atlas,
    whether both are the same to the last bit, and the simulator's kernels against astropy and numpy.
    """

    what: tyro.conf.Positional[Literal["demo"]]
    """What to measure."""
    detections: int = 100_000
    """Detections of the large build."""
    seed: int = 1
    """Seed of the simulation."""
    repeat: int = 3
    """Builds of each kind; medians are reported."""
    scratch: Path | None = None
    """Folder with room for an atlas at a time; the system's temporary one by default."""
    json: bool = False
    """Print the figures as JSON."""


def main(options: Benchmark) -> dict[str, Any]:
    """Measure and return the figures."""
    for name in ("detections", "repeat"):
        if getattr(options, name) < 1:
            raise OptionError(f"--{name} {getattr(options, name)} is too small", todo="Give 1 or more")
    from _benchmarks import demo

    figures = demo.measure(options.detections, options.seed, options.repeat, options.scratch)
    return {"benchmark": options.what, **figures}


if __name__ == "__main__":
    _command.run(main, Benchmark)
