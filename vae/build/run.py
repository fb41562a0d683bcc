"""A build: stage after stage, each made only where something that it depends on has changed."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vae.archive.download import download
from vae.archive.selection import Selection, open_selection
from vae.build.gathering import Download, Preprocess, Select
from vae.build.ledger import Ledger, Record, differing, name_of
from vae.build.mapping import Crossmatch, Encode, Train
from vae.build.options import BuildOptions, BuildSummary, StageSummary
from vae.build.stage import Made, Site, Stage
from vae.errors import BuildError
from vae.files import only_one, remove_leftovers
from vae.progress import progress_bar

_STAGES: Final = (Select, Download, Preprocess, Train, Encode, Crossmatch)
#: What a disk says that is full, or a user's share of it.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def build(
    catalogue: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    work: str | Path | None = None,
    quiet: bool = False,
    overwrite: bool = False,
) -> BuildSummary:
    """Build an atlas from a catalogue: select, download, preprocess, train or encode, cross-match.

    Interrupted, even by kill -9, the same call goes on where it was. With other options, or another version of the
    code, what depends on them is made anew and nothing else.

    Parameters
    ----------
    catalogue : str or Path
        The catalogue's FITS file.
    out : str or Path
        The atlas; it appears whole or not at all.
    options : BuildOptions
    work : str or Path, optional
        Folder of all that is worth keeping (selection, products, spectra, model); ``OUT.work`` by default.
    quiet : bool
        No progress bars.
    overwrite : bool
        Replace an existing atlas.

    Returns
    -------
    BuildSummary

    Raises
    ------
    ExplorerError
        Whatever is wrong with catalogue, archive, options or services, another build of the same, or a full disk.
        What is finished is kept in all cases.
    """
    started = time.perf_counter()
    options = options or BuildOptions()
    options.check()
    site = _site(catalogue, out, work, options, quiet=quiet)
    site.out.parent.mkdir(parents=True, exist_ok=True)
    with only_one(site.out), _disk_full_told(site.work):
        site.work.parent.mkdir(parents=True, exist_ok=True)
        with only_one(site.work):
            job = _Build(site)
            if site.out.exists() and not overwrite and not job.is_finished:  # now, not after hours
                raise BuildError(
                    "the output exists already, and is not what would be made",
                    where=site.out,
                    todo="Choose another --out, or say --overwrite to replace it when the new one is whole",
                )
            site.work.mkdir(exist_ok=True)
            stages = [job.run(stage) for stage in job.stages]
            remove_leftovers(site.out)
    return BuildSummary(site.out, site.work, job.with_left_out(stages), round(time.perf_counter() - started, 2))


def foresee(
    catalogue: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    work: str | Path | None = None,
    quiet: bool = False,
) -> BuildSummary:
    """Say what `build` would do, and write nothing.

    The catalogue is cut, and the archive is asked what there is to fetch, where that is not known.

    Parameters
    ----------
    catalogue, out, options, work, quiet
        See `build`.
    """
    started = time.perf_counter()
    options = options or BuildOptions()
    options.check()
    site = _site(catalogue, out, work, options, quiet=quiet)
    job = _Build(site)
    stages = [job.foresee(stage) for stage in job.stages]
    return BuildSummary(site.out, site.work, job.with_left_out(stages), round(time.perf_counter() - started, 2))


def _site(
    catalogue: str | Path, out: str | Path, work: str | Path | None, options: BuildOptions, *, quiet: bool
) -> Site:
    out = Path(out)
    return Site(Path(catalogue), out, out.with_name(f"{out.name}.work") if work is None else Path(work), options, quiet)


@dataclass(frozen=True)
class _State:
    """A stage as things stand: what it depends on, what there is of it, and why that does not do."""

    ingredients: dict[str, Any]
    record: Record | None
    why: str


class _Build:
    """One build."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ledger = Ledger(site.work)
        left_out = {Train} if site.options.training is None else set()
        self.stages: list[Stage] = [stage(site) for stage in _STAGES if stage not in left_out]
        self.told: dict[str, Record] = {}
        #: Of a dry run: the first stage that would be made, and the selection where that is not on disk.
        self.anew = ""
        self.selection: Selection | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the atlas in its place is what would be made."""
        before: dict[str, str] = {}
        for stage in self.stages:
            state = self._state(stage, before)
            if state.record is None:
                return False
            before[stage.name] = state.record.output
        return True

    def run(self, stage: Stage) -> StageSummary:
        """Make a stage, or reuse what there is of it."""
        state = self._state(stage, {name: record.output for name, record in self.told.items()})
        if state.record is not None:
            self.told[stage.name] = state.record
            return self._summary(stage, "reused", "", state.record)
        with progress_bar(quiet=self.site.quiet) as progress:
            if not self.site.quiet:
                progress.console.print(f"[bold]{stage.name}[/bold] ({state.why})")
        resume = self.ledger.was_begun(stage.name, state.ingredients)
        self.ledger.begin(stage.name, state.ingredients)
        if stage.made:
            remove_leftovers(self.site.work / Path(stage.made).parts[0])
        started = time.perf_counter()
        try:
            made = stage.make(self.told, resume=resume, earlier=self.ledger.earlier(stage.name))
        except KeyboardInterrupt as interrupted:
            raise KeyboardInterrupt(self._kept(stage, str(interrupted))) from None
        record = self._noted(stage, state, made, time.perf_counter() - started)
        return self._summary(stage, "made", state.why, record)

    def foresee(self, stage: Stage) -> StageSummary:
        """Say what would become of a stage; nothing is written."""
        before = {name: record.output for name, record in self.told.items()}
        state = None if self.anew else self._state(stage, before)
        if state is not None and state.record is not None:
            self.told[stage.name] = state.record
            return self._summary(stage, "would be reused", "", state.record)
        first = self.ledger.record(stage.name) is None
        why = state.why if state else "not made yet" if first else f"'{self.anew}' would be made anew"
        self.anew = self.anew or stage.name
        rows, detail = None, dict[str, Any]()
        if isinstance(stage, Select):
            self.selection = stage.selection()
            rows, detail = len(self.selection), {"removed": self.selection.records()}
        elif isinstance(stage, Download):
            found = self.selection or open_selection(self.site.selection)
            options = self.site.options.download
            summary = download(found.table, self.site.archive, options, quiet=self.site.quiet, dry_run=True)
            rows, detail = summary.detections, asdict(summary)
        return StageSummary(stage.name, "would be made", why, rows, 0.0, detail)

    def with_left_out(self, stages: list[StageSummary]) -> list[StageSummary]:
        """Return summaries of all stages, those not asked for among them."""
        found = {summary.stage: summary for summary in stages}
        if self.site.options.crossmatch is None:
            found["crossmatch"] = StageSummary(
                "crossmatch", found["crossmatch"].state, "without SIMBAD and labels", found["crossmatch"].rows
            )
        return [found.get(stage.name, StageSummary(stage.name, "left out")) for stage in _STAGES]

    def _state(self, stage: Stage, before: Mapping[str, str]) -> _State:
        ingredients = json.loads(json.dumps(stage.ingredients(before), default=str))
        record = self.ledger.record(stage.name)
        if stage.is_wanted_anew:
            return _State(ingredients, None, "as asked for")
        if record is None:
            found = stage.found(ingredients)
            if found is not None:
                return _State(ingredients, Record(ingredients, found.output, found.rows, 0.0, found.detail), "")
            begun = self.ledger.was_begun(stage.name, ingredients)
            return _State(ingredients, None, "goes on" if begun else "not made yet")
        changed = differing(record.ingredients, ingredients)
        if changed:
            return _State(ingredients, None, f"changed: {', '.join(changed)}")
        if not stage.is_there(record):
            return _State(ingredients, None, "what was made is gone, or not whole")
        return _State(ingredients, record, "")

    def _noted(self, stage: Stage, state: _State, made: Made, seconds: float) -> Record:
        # What is made of the same is the same: where a stage has no better name for it, its ingredients name it.
        detail = json.loads(json.dumps(made.detail, default=str))
        output = made.output or name_of(state.ingredients)
        record = Record(state.ingredients, output, made.rows, round(seconds, 2), detail)
        self.ledger.finish(stage.name, record)
        self.told[stage.name] = record
        return record

    def _kept(self, stage: Stage, said: str) -> str:
        done = [name for name in self.told]
        finished = (
            f"{', '.join(done)} {'are' if len(done) > 1 else 'is'} finished and kept" if done else "Nothing is lost"
        )
        return (
            f"Interrupted during {stage.name}; {finished} in {self.site.work}. The same command goes on from there. "
            f"{said}".strip()
        )

    @staticmethod
    def _summary(stage: Stage, state: str, why: str, record: Record) -> StageSummary:
        return StageSummary(stage.name, state, why, record.rows, record.seconds, record.detail)


@contextmanager
def _disk_full_told(work: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise BuildError(
                f"cannot be written or read: {error.strerror or error}",
                where=error.filename or work,
                todo="Once that is mended the same command goes on where it was",
            ) from error
        raise BuildError(
            "the disk is full", where=work, todo="Make room, and the same command goes on where it was"
        ) from error
