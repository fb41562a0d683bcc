"""The stages from a catalogue to spectra: select, download, preprocess."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, Final

import pandas as pd

from vae.archive.download import DownloadOptions, download
from vae.archive.selection import Selection, open_selection, select
from vae.build.ledger import Record, differing
from vae.build.stage import Made, Stage, contents, name_of_rows
from vae.errors import BuildError, CatalogueError, ExplorerError
from vae.identity import code_identity, file_identity
from vae.preprocess import preprocess

#: Options of a download that say what is fetched from where; the others say how gently.
_ORIGIN: Final = ("backend", "source", "placing", "endpoint", "bucket", "prefix", "responses_url", "responses")
#: Modules that decide what is selected, and what files become.
_SELECTING: Final = tuple(
    f"archive/{name}.py" for name in ("columns", "cuts", "kinds", "selection", "selection_file", "stream")
)
_PREPROCESSING: Final = ("preprocess", "spectra", "archive/catalogue.py", "archive/columns.py")


class Select(Stage):
    """Rows of the catalogue that pass the cuts."""

    name, made = "select", "selection.parquet"

    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return catalogue and cuts."""
        if not self.site.catalogue.is_file():
            raise CatalogueError("no such file", where=self.site.catalogue, todo="Check the path of the catalogue")
        return {
            "catalogue": file_identity(self.site.catalogue),
            "cuts": asdict(self.options.cuts),
            "code": code_identity(*_SELECTING),
        }

    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Cut the catalogue."""
        selection = self.selection()
        selection.save(self.site.selection)
        table = pd.read_parquet(self.site.selection)
        return Made(name_of_rows(table), len(table), {"kind": selection.kind, "removed": selection.records()})

    def selection(self) -> Selection:
        """Return the selection; it must not be empty."""
        selection = select(self.site.catalogue, self.options.cuts, quiet=self.site.quiet)
        if not len(selection):
            raise CatalogueError(
                "no detection passes the cuts:\n" + selection.text(), where=self.site.catalogue, todo="Loosen the cuts"
            )
        return selection


class Download(Stage):
    """Products of the selected detections."""

    name, made = "download", "archive/manifest.parquet"

    @property
    def is_wanted_anew(self) -> bool:
        """Whether the options ask for it; to ask the archive again is to ask it."""
        return super().is_wanted_anew or self.options.download.ask_again

    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return who is wanted and where from, not how gently."""
        return {"detections": before["select"], "origin": _origin(self.options.download)}

    def is_there(self, record: Record) -> bool:
        """Whether it is there; files that failed are tried again unless the options do without them."""
        return super().is_there(record) and (self.options.incomplete or not record.detail.get("failed"))

    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Fetch what is not there."""
        table = open_selection(self.site.selection).table
        summary = download(table, self.site.archive, self.options.download, quiet=self.site.quiet)
        if summary.failed and not self.options.incomplete:
            raise BuildError(
                f"{summary.failed} files could not be fetched ({summary.fetched} were); missing.csv says why",
                where=self.site.archive,
                todo="The same command tries them again; with --incomplete it goes on without them",
            )
        files = pd.read_parquet(self.site.work / self.made, columns=["path", "sha256", "status"])
        there = files[files["status"] == "there"].sort_values("path", ignore_index=True)
        detail = asdict(summary) | {"out": str(summary.out), "manifest": str(summary.manifest)}
        return Made(name_of_rows(there), summary.complete, detail)


class Preprocess(Stage):
    """The store of their spectra."""

    name, made = "preprocess", "store/store.json"

    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return files, detections and responses, not who shares the work."""
        options = self.options.preprocess
        standin = options.standin_response
        return {
            "archive": before["download"],
            "detections": before["select"],
            "standin_response": None if standin is None else [standin.name, contents(standin)],
            "responses": [contents(folder) for folder in options.responses],
            "code": code_identity(*_PREPROCESSING),
        }

    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Read what came, as far as it is wanted; of what has been read and is as it was, only what has changed."""
        site, wanted = self.site, self.ingredients({name: record.output for name, record in told.items()})
        options = replace(self.options.preprocess, catalogue=site.selection)
        summary = None
        if earlier is not None and not set(differing(earlier.ingredients, wanted)) - {"archive", "detections"}:
            # Where what is there is of no use, it is made from nothing, which is the same but for the time it takes.
            with suppress(ExplorerError):
                summary = preprocess([site.archive], site.store, options, quiet=site.quiet, update=True)
        if summary is None:
            summary = preprocess([site.archive], site.store, options, quiet=site.quiet, overwrite=True)
        detail = asdict(summary) | {"store": str(summary.store)}
        return Made("", summary.detections, detail)


def _origin(options: DownloadOptions) -> dict[str, Any]:
    """Return what says where products come from."""
    told = {name: getattr(options, name) for name in _ORIGIN}
    return told | {"source": None if options.source is None else str(options.source.resolve())}
