"""Build an atlas from a catalogue: select, download, preprocess, train or encode, cross-match, in one command."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from _command import run

from vae.archive.cuts import Cuts
from vae.archive.download import DownloadOptions
from vae.archive.selection import removed_text
from vae.build import BuildOptions, BuildSummary, build, foresee
from vae.build.options import StageName
from vae.crossmatch import CrossmatchOptions
from vae.preprocess import PreprocessOptions
from vae.training import TrainOptions

Prefixless = tyro.conf.arg(name="")


@dataclass(frozen=True)
class Options:
    """Build an atlas from a catalogue: select detections, download their products, preprocess, encode, cross-match.

    Everything worth keeping lies in a work folder beside the atlas. Interrupted, even by kill -9, the same command goes
    on where it was; with other options it makes anew what depends on them, and nothing else. --dry-run tells what
    would be done. The options of the stages are those of download.py, preprocess.py, train.py and crossmatch.py.
    """

    catalogue: tyro.conf.Positional[Path]
    """The catalogue: a FITS file, gzipped or not, such as 4XMM_DR14cat_v1.0.fits.gz."""
    out: Path
    """The atlas to make. An existing one is never overwritten unless you say so."""
    work: Path | None = None
    """Folder of what is worth keeping: selection, products, spectra, model, atlas before the cross-match. OUT.work by
    default."""
    overwrite: bool = False
    """Replace an existing atlas."""
    dry_run: bool = False
    """Say what would be made and what reused, how many files and GiB would be fetched; write nothing."""
    cuts: Annotated[Cuts, Prefixless] = field(default_factory=Cuts)
    """Which detections."""
    download: Annotated[DownloadOptions, Prefixless] = field(default_factory=DownloadOptions)
    """Where their products come from."""
    incomplete: bool = False
    """Go on although files could not be fetched that may come another time."""
    standin_response: Path | None = None
    """RMF to use where the right one is missing: an approximation, flagged in the row."""
    response_folders: tuple[Path, ...] = ()
    """Folders with redistribution matrices, searched after those that were downloaded."""
    workers: int = 0
    """Processes that preprocess; 0 takes one a core. The atlas is the same for any number."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers preprocess instead; `local` starts such a cluster here."""
    model: Path | None = None
    """Model folder to encode with; the one that ships with the explorer by default."""
    train: bool = False
    """Train a model on these very spectra instead."""
    training: TrainOptions = field(default_factory=TrainOptions)
    """With --train: how."""
    device: str = "auto"
    """Of encoding: auto, cpu, cuda or cuda:N."""
    labels: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """Catalogue of labels (CSV, FITS, VOTable) with positions and classes; may be given several times."""
    offline: bool = False
    """Cross-match without network: label catalogues and kept answers only. Products still come from --backend."""
    no_crossmatch: bool = False
    """Leave out the cross-match: classes stay empty."""
    crossmatch: CrossmatchOptions = field(default_factory=CrossmatchOptions)
    """How sources are matched."""
    redo: tuple[StageName, ...] = ()
    """Stages to make anew although nothing they depend on has changed."""
    quiet: bool = False
    """No progress bars."""
    json: bool = False
    """Print a summary as JSON."""


def main(options: Options) -> dict[str, Any]:
    """Build, and return the summary."""
    matched = dataclasses.replace(
        options.crossmatch,
        labels=(*options.labels, *options.crossmatch.labels),
        offline=options.offline or options.crossmatch.offline,
    )
    chosen = BuildOptions(
        cuts=options.cuts,
        download=options.download,
        preprocess=PreprocessOptions(
            responses=options.response_folders,
            standin_response=options.standin_response,
            workers=options.workers,
            scheduler=options.scheduler,
        ),
        training=options.training if options.train else None,
        model=options.model,
        device=options.device,
        crossmatch=None if options.no_crossmatch else matched,
        incomplete=options.incomplete,
        redo=options.redo,
    )
    quiet = options.quiet or options.json
    if options.dry_run:
        summary = foresee(options.catalogue, options.out, chosen, work=options.work, quiet=quiet)
    else:
        summary = build(
            options.catalogue, options.out, chosen, work=options.work, quiet=quiet, overwrite=options.overwrite
        )
    return _told(summary, as_json=options.json)


def _told(summary: BuildSummary, *, as_json: bool) -> dict[str, Any]:
    """Return the summary: whole for machines, as tables for people."""
    if as_json:
        return dataclasses.asdict(summary)
    told: dict[str, Any] = {"atlas": summary.atlas, "work": summary.work, "seconds": summary.seconds}
    for stage in summary.stages:
        if stage.stage == "select" and "removed" in stage.detail:
            told["selection"] = "\n" + removed_text(stage.detail["removed"])
        if stage.stage == "download" and stage.state == "would be made":
            told["to_fetch"] = {name: stage.detail.get(name) for name in ("products", "gib", "size_is")}
        if stage.stage == "preprocess" and stage.detail.get("rejected"):
            told["rejected"] = stage.detail["rejected"]
    told["stages"] = "\n" + summary.text()
    return told


if __name__ == "__main__":
    run(main, Options)
