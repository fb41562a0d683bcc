"""What a build is told, and what it tells afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vae.archive.cuts import Cuts
from vae.archive.download import DownloadOptions
from vae.crossmatch import CrossmatchOptions
from vae.errors import OptionError
from vae.preprocess import PreprocessOptions
from vae.training.options import TrainOptions

StageName = Literal["select", "download", "preprocess", "train", "encode", "crossmatch"]


@dataclass(frozen=True)
class BuildOptions:
    """Everything that an atlas depends on besides the catalogue.

    Parameters
    ----------
    cuts : Cuts
        Which detections.
    download : DownloadOptions
        Where their products come from.
    preprocess : PreprocessOptions
        How they become spectra; the catalogue is the build's own.
    training : TrainOptions, optional
        How to train a model on them; without it `model` encodes.
    model : Path, optional
        Model folder; the one that ships with the explorer by default.
    device : str
        Of encoding: auto, cpu, cuda or cuda:N.
    crossmatch : CrossmatchOptions, optional
        How to find out who the sources are; without it, classes stay empty.
    incomplete : bool
        Go on although files could not be fetched that may come another time.
    redo : tuple of str
        Stages to make anew although nothing that they depend on has changed.
    """

    cuts: Cuts = field(default_factory=Cuts)
    download: DownloadOptions = field(default_factory=DownloadOptions)
    preprocess: PreprocessOptions = field(default_factory=PreprocessOptions)
    training: TrainOptions | None = None
    model: Path | None = None
    device: str = "auto"
    crossmatch: CrossmatchOptions | None = field(default_factory=CrossmatchOptions)
    incomplete: bool = False
    redo: tuple[StageName, ...] = ()

    def check(self) -> None:
        """Raise `OptionError` where options make no sense together."""
        if self.training is not None:
            self.training.check()
            if self.model is not None:
                raise OptionError("--train and --model both say which model encodes", todo="Give one of them")
        if self.crossmatch is not None:
            self.crossmatch.check()
        if self.download.placing == "list":
            raise OptionError(
                "--placing list leaves no archive to read", todo="Say --placing symlink, which takes no room either"
            )
        for name in ("catalogue", "arf", "rmf", "background"):
            if getattr(self.preprocess, name) is not None:
                raise OptionError(f"--preprocess.{name} is not for a build", todo="Leave it out")


@dataclass(frozen=True)
class StageSummary:
    """What became of one stage.

    Parameters
    ----------
    stage : str
    state : str
        ``made``, ``reused`` or ``left out``; of a dry run ``would be made`` and ``would be reused``.
    why : str
        Why it was made.
    rows : int or None
        Detections that it has dealt with, as far as known.
    seconds : float
        That making it took, now or, where it was reused, then.
    detail : dict
        What the stage itself tells.
    """

    stage: str
    state: str
    why: str = ""
    rows: int | None = None
    seconds: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildSummary:
    """What became of a build.

    Parameters
    ----------
    atlas : Path
    work : Path
        Folder of what can be reused.
    stages : list of StageSummary
    seconds : float
        Of this run.
    """

    atlas: Path
    work: Path
    stages: list[StageSummary]
    seconds: float = 0.0

    def text(self) -> str:
        """Return the table of stages as lines of text."""
        rows = [("stage", "", "rows", "seconds", "")]
        rows += [
            (
                stage.stage,
                stage.state,
                "" if stage.rows is None else f"{stage.rows:,}",
                "" if stage.state == "left out" else f"{stage.seconds:,.1f}",
                stage.why,
            )
            for stage in self.stages
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{name:<{widths[0]}}  {state:<{widths[1]}}  {n:>{widths[2]}}  {seconds:>{widths[3]}}  {why}".rstrip()
            for name, state, n, seconds, why in rows
        )
