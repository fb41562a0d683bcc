"""Measure how fast things are, as ratios in one run wherever something stock does the same work."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import _command
import tyro

from vae.errors import OptionError


@dataclass(frozen=True)
class Benchmark:
    """Measure one part of the explorer.

    demo: builds of the simulated archive in fresh processes, with one and two workers; seconds and memory from process
    start to atlas, whether both are the same to the last bit, and the simulator's kernels against astropy and numpy.

    train: updates of the default recipe on the CPU, beside the rate of matrix products and beside a plain DataLoader
    loop; with --seed-run also how many updates it needs to reach what the seed recipe reached.

    encode: a store to latents, from the disk.

    preprocess: real triples of files a second and core, beside a plain astropy reader and, with --sherpa-python, beside
    sherpa's loader, the matrix already loaded in all; memory of a large archive of copies and of a quarter of it.

    catalogue: the usual cuts of a catalogue with the columns and rows of 4XMM-DR14; seconds and memory.

    render: frames of the map, lasso and hover on the server, beside HoloViews, datashader, matplotlib and shapely.

    browser: what a person feels in Chromium at 1440 x 900: wheel, pan, click, lasso, opening, memory of many tabs;
    wheel, pan and opening beside a map of HoloViews' datashade, served the same way.
    """

    what: tyro.conf.Positional[Literal["demo", "preprocess", "train", "encode", "catalogue", "render", "browser"]]
    """What to measure."""
    detections: int | None = None
    """Detections of the large build (100,000), of the archive to preprocess (20,000), of the store to train on (65,536)
    or to encode (1,000,000), rows of the catalogue (1,035,832), or drawn on the map (1,000,000; browser: built first if
    there is no --atlas)."""
    seed: int = 1
    """Seed of the simulation."""
    repeat: int | None = None
    """Times that each way is measured (3; render, browser: 20); medians are reported."""
    scratch: Path | None = None
    """Folder with room for an atlas at a time; the system's temporary one by default."""
    store: Path | None = None
    """train, encode: a store to use instead of simulating one."""
    atlas: Path | None = None
    """render, browser: an atlas whose detections are drawn, instead of a mixture or a new one. browser: with
    --detections it is repeated until it has so many, its spectra as links."""
    archive: Path | None = None
    """preprocess: files to read, instead of the real ones beside the project or simulated ones."""
    standin_response: Path | None = None
    """preprocess: a redistribution matrix where the archive's own is missing."""
    sherpa_python: Path | None = None
    """preprocess: a Python interpreter that has sherpa."""
    tabs: int = 10
    """browser: tabs that pan at once."""
    cycles: int = 50
    """browser: times that a page is opened and closed while memory is watched."""
    seed_run: Path | None = None
    """train: a model that `train.py --recipe seed` made from the store."""
    lengths: tuple[int, ...] = (2_500, 5_000, 8_000, 10_000)
    """train: updates that the default recipe is tried with against the seed run, until it is as good."""
    json: bool = False
    """Print the figures as JSON."""


_DETECTIONS = {
    "demo": 100_000,
    "preprocess": 20_000,
    "train": 65_536,
    "encode": 1_000_000,
    "catalogue": 1_035_832,
    "render": 1_000_000,
    "browser": 1_000_000,
}
_REPEATS = {"render": 20, "browser": 20}


def main(options: Benchmark) -> dict[str, Any]:
    """Measure and return the figures."""
    detections = _DETECTIONS[options.what] if options.detections is None else options.detections
    repeat = _REPEATS.get(options.what, 3) if options.repeat is None else options.repeat
    for name, value in (("detections", detections), ("repeat", repeat)):
        if value < 1:
            raise OptionError(f"--{name} {value} is too small", todo="Give 1 or more")
    more: dict[str, Any] = {}
    if options.what in ("render", "browser"):
        more["atlas"] = options.atlas
    if options.what == "browser":
        more |= {"tabs": options.tabs, "cycles": options.cycles, "tile_to": options.detections}
    if options.what in ("train", "encode"):
        more["store"] = options.store
    if options.what == "train":
        more |= {"seed_run": options.seed_run, "lengths": options.lengths}
    if options.what == "preprocess":
        more = {name: getattr(options, name) for name in ("archive", "standin_response", "sherpa_python")}
    measure = importlib.import_module(f"_benchmarks.{options.what}").measure
    figures = measure(detections, options.seed, repeat, options.scratch, **more)
    return {"benchmark": options.what, **figures}


if __name__ == "__main__":
    _command.run(main, Benchmark)
