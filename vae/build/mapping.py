"""The stages from spectra to a map: train, encode, cross-match."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from vae.build.ledger import Record, name_of
from vae.build.stage import Made, Stage, contents
from vae.crossmatch import crossmatch
from vae.encode import encode
from vae.files import link_or_copy, new_file, put_in_place, remove_leftovers
from vae.identity import code_identity
from vae.network.trained import TrainedModel
from vae.resources import asset
from vae.training import checkpoint_path, train

#: Options of a cross-match that change how services are asked, not what.
_OF_MANNERS: Final = ("labels", "chunk_rows", "cache", "max_age_days", "pause", "timeout", "tries", "backoff")


class Train(Stage):
    """A model of their own."""

    name, made = "train", "model/model.toml"

    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return spectra and recipe."""
        assert self.options.training is not None
        return {
            "spectra": before["preprocess"],
            "options": json.loads(json.dumps(self.options.training.identity())),
            "code": code_identity("training", "network", "spectra"),
        }

    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Train, from the checkpoint on where there is one of this very run."""
        checkpoint = checkpoint_path(self.site.model)
        if not resume:
            checkpoint.unlink(missing_ok=True)
        site, resume = self.site, resume and checkpoint.exists()
        done = train(site.store, site.model, self.options.training, resume=resume, quiet=site.quiet, overwrite=True)
        detail = asdict(done) | {"model": str(done.model)}
        return Made(TrainedModel.load(site.model).weights_sha256, done.training_spectra + done.held_out_spectra, detail)


class Encode(Stage):
    """The atlas, but for who the sources are."""

    name, made = "encode", "encoded/atlas.json"

    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return spectra and model; the device changes nothing that counts."""
        model = before.get("train") or TrainedModel.load(self.site.model).weights_sha256
        return {
            "spectra": before["preprocess"],
            "model": model,
            "code": code_identity("encode.py", "atlas", "network", "spectra"),
        }

    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Encode."""
        site, steps = self.site, dict[str, float]()
        encode(
            site.store, site.model, site.encoded,
            device=self.options.device, quiet=site.quiet, overwrite=True, steps=steps,
        )  # fmt: skip
        meta = json.loads((site.encoded / "atlas.json").read_text())
        detail = {"model": str(site.model), **{name: round(seconds, 2) for name, seconds in steps.items()}}
        return Made("", int(meta["n_detections"]), detail)


class Crossmatch(Stage):
    """The atlas, whole and in its place."""

    name, made = "crossmatch", ""

    def ingredients(self, before: Mapping[str, str]) -> dict[str, Any]:
        """Return atlas, services and label catalogues, and where it goes; not how gently services are asked."""
        options = self.options.crossmatch
        asked: dict[str, Any] = {}
        if options is not None:
            asked = {
                "options": {name: value for name, value in asdict(options).items() if name not in _OF_MANNERS},
                "labels": [[path.name, contents(path)] for path in options.labels],
                "code": code_identity("crossmatch", "archive/simbad", tables=asset("reference").glob("simbad_*.csv")),
            }
        return {"atlas": before["encode"], "asked": asked, "out": str(self.site.out.resolve())}

    def is_there(self, record: Record) -> bool:
        """Whether the atlas in its place is the one that was made."""
        return stamp(self.site.out).get("key") == record.output

    def found(self, ingredients: Mapping[str, Any]) -> Made | None:
        """Return what is in its place already."""
        told = stamp(self.site.out)
        return Made(told["key"], told["rows"], told["crossmatch"]) if told.get("key") == name_of(ingredients) else None

    def make(self, told: Mapping[str, Record], *, resume: bool, earlier: Record | None) -> Made:
        """Cross-match a copy, say in it how it was built, and put it in place."""
        site, rows, detail = self.site, told["encode"].rows, dict[str, Any]()
        # Beside its place, since the work folder may be on another disk.
        work = site.out.with_name(f".{site.out.name}.partial-labelled")
        remove_leftovers(site.out)
        _copy(site.encoded, work)
        if self.options.crossmatch is not None:
            summary = crossmatch(work, self.options.crossmatch, quiet=site.quiet)
            detail = json.loads(json.dumps(asdict(summary) | {"atlas": str(site.out)}, default=str))
            rows = summary.detections
        key = name_of(self.ingredients({name: record.output for name, record in told.items()}))
        meta = json.loads((work / "atlas.json").read_text())
        meta["build"] = {
            "key": key,
            "rows": rows,
            "catalogue": site.catalogue.name,
            "stages": {name: record.ingredients for name, record in told.items()},
            **{name: record.detail for name, record in told.items() if name == "select"},
            "crossmatch": detail,
        }
        with new_file(work / "atlas.json") as new:
            new.write_text(json.dumps(meta, indent=2, default=str) + "\n")
        put_in_place(work, site.out)
        return Made(key, rows, detail)


def stamp(atlas: Path) -> dict[str, Any]:
    """Return how an atlas was built, as it tells itself; nothing where it does not."""
    try:
        told = json.loads((atlas / "atlas.json").read_text()).get("build", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return dict(told) if isinstance(told, dict) else {}


def _copy(atlas: Path, target: Path) -> None:
    """Copy an atlas; spectra, which nobody changes, are hard-linked where they can be."""
    target.mkdir()
    for item in atlas.iterdir():
        if item.name == "spectra.zarr":
            link_or_copy(item, target / item.name)
        elif item.is_dir():
            shutil.copytree(item, target / item.name)
        else:
            shutil.copy2(item, target / item.name)
