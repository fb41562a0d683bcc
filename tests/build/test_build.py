"""One command for all of it: stages made once, reused, made anew when what they depend on changes, gone on with."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vae.archive.download import DownloadOptions
from vae.archive.selection import Cuts
from vae.atlas import Atlas
from vae.build import BuildOptions, BuildSummary, build, foresee, gathering, mapping
from vae.crossmatch import CrossmatchOptions
from vae.errors import BuildError, CatalogueError, ExplorerError, OptionError
from vae.files import new_folder, only_one
from vae.preprocess import PreprocessOptions
from vae.training import TrainOptions

LABELS = "ra,dec,class\n10.0,-5.0,Tidal disruption event\n"


@pytest.fixture
def options(archive: Path, tmp_path: Path) -> BuildOptions:
    (tmp_path / "labels.csv").write_text(LABELS)
    crossmatch = CrossmatchOptions(labels=(tmp_path / "labels.csv",), offline=True, cache=tmp_path / "answers")
    return BuildOptions(
        cuts=Cuts(min_counts=300),
        download=DownloadOptions(backend="local", source=archive),
        preprocess=PreprocessOptions(workers=1),
        crossmatch=crossmatch,
    )


@pytest.fixture
def run(archive: Path, tmp_path: Path) -> Callable[..., BuildSummary]:
    def run(options: BuildOptions, **more: Any) -> BuildSummary:
        catalogue = next(archive.glob("*.fits"))
        return build(catalogue, tmp_path / "atlas", options, quiet=True, **more)

    return run


def states(summary: BuildSummary) -> dict[str, str]:
    return {stage.stage: stage.state for stage in summary.stages}


def made(summary: BuildSummary) -> list[str]:
    return [stage.stage for stage in summary.stages if stage.state == "made"]


def test_from_catalogue_to_atlas_and_nothing_done_twice(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path
) -> None:
    first = run(options)
    assert made(first) == ["select", "download", "preprocess", "encode", "crossmatch"]
    assert states(first)["train"] == "left out"
    assert [stage.rows for stage in first.stages] == [12, 12, 12, None, 12, 12]
    atlas = Atlas.open(tmp_path / "atlas")
    assert len(atlas) == 12
    told = atlas.meta["build"]
    assert told["catalogue"] == "4XMM_TINYcat_v1.0.fits"
    assert told["select"]["removed"][0] == {"cut": "in the catalogue", "removed": 0, "null": 0, "left": 12}
    assert "DETID of 4XMM_TINYcat_v1.0.fits" in atlas.catalogue["provenance"][0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["atlas", "atlas.work", "labels.csv"]
    before = (tmp_path / "atlas" / "atlas.json").stat().st_mtime_ns
    second = run(options)
    assert set(states(second).values()) == {"reused", "left out"}
    assert (tmp_path / "atlas" / "atlas.json").stat().st_mtime_ns == before
    assert first.text().splitlines()[0].split() == ["stage", "rows", "seconds"]
    assert len(first.text().splitlines()) == 7


def test_a_changed_option_makes_anew_what_depends_on_it_and_nothing_else(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path
) -> None:
    run(options)
    with pytest.raises(ExplorerError, match=r"exists already, and is not what would be made.*--overwrite"):
        run(replace(options, crossmatch=None))
    gentler = replace(options.download, connections=1, retries=1)
    assert made(run(replace(options, download=gentler, preprocess=PreprocessOptions(workers=2)))) == []
    unlabelled = replace(options, crossmatch=None)
    assert made(run(unlabelled, overwrite=True)) == ["crossmatch"]
    catalogue = Atlas.open(tmp_path / "atlas").catalogue
    assert catalogue["class_origin"].isna().all()
    assert set(catalogue["class_label"]) == {"Unclassified"}
    (tmp_path / "labels.csv").write_text(LABELS.replace("10.0", "11.0"))
    assert made(run(options, overwrite=True)) == ["crossmatch"]
    fewer = run(replace(options, cuts=Cuts(min_counts=300, limit=9)), overwrite=True)
    assert made(fewer) == ["select", "download", "preprocess", "encode", "crossmatch"]
    stages = {stage.stage: stage for stage in fewer.stages}
    assert stages["select"].why == "changed: cuts.limit"
    assert stages["download"].detail["fetched"] == 0  # all there already
    assert stages["preprocess"].detail["update"]["unchanged"] == 12  # nothing read again
    assert len(Atlas.open(tmp_path / "atlas")) == 9


def test_the_same_detections_by_other_cuts_are_not_looked_at_again(
    run: Callable[..., BuildSummary], options: BuildOptions
) -> None:
    run(options)
    assert made(run(replace(options, cuts=Cuts(min_counts=301)), overwrite=True)) == ["select"]


def test_what_was_taken_away_is_made_again_and_no_more(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path
) -> None:
    run(options)
    shutil.rmtree(tmp_path / "atlas")
    assert made(run(options)) == ["crossmatch"]
    shutil.rmtree(tmp_path / "atlas.work" / "encoded")
    assert made(run(options, overwrite=True)) == ["encode"]  # to the same atlas, which is in its place
    assert made(run(replace(options, redo=("encode",)), overwrite=True)) == ["encode"]


@pytest.mark.parametrize(
    ("stage", "where", "name"),
    [
        ("select", gathering, "select"),
        ("preprocess", gathering, "preprocess"),
        ("encode", mapping, "encode"),
        ("crossmatch", mapping, "put_in_place"),
    ],
)
def test_interrupted_in_any_stage_it_goes_on_there(
    run: Callable[..., BuildSummary],
    options: BuildOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    where: Any,
    name: str,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("as it said")

    with monkeypatch.context() as patched:
        patched.setattr(where, name, stop)
        with pytest.raises(KeyboardInterrupt, match=rf"Interrupted during {stage}; .*goes on from there.*as it said"):
            run(options)
    assert not (tmp_path / "atlas").exists()
    # As a kill leaves them: folders of writers that are no more.
    for leftover in (".store.partial-1-abc", ".encoded.partial-1-abc", ".encoded.old-abc"):
        (tmp_path / "atlas.work" / leftover).mkdir(parents=True)
    rest = run(options)
    everything = ["select", "download", "preprocess", "encode", "crossmatch"]
    assert made(rest) == everything[everything.index(stage) :]
    assert next(one for one in rest.stages if one.stage == stage).why == "goes on"
    left = {path.name for path in (tmp_path / "atlas.work").iterdir()}
    if stage in ("select", "download", "preprocess"):
        assert left == {"archive", "encoded", "selection.parquet", "stages.json", "store"}


def test_killed_between_putting_the_atlas_in_place_and_noting_it(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path
) -> None:
    run(options)
    path = tmp_path / "atlas.work" / "stages.json"
    ledger = json.loads(path.read_text())
    del ledger["stages"]["crossmatch"]
    ledger["begun"]["crossmatch"] = "as it was"
    path.write_text(json.dumps(ledger))
    assert made(run(options)) == []


def test_a_full_disk_is_said_and_nothing_lost(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(mapping, "encode", full)
        with pytest.raises(BuildError, match=r"atlas\.work: the disk is full\. Make room.*goes on where it was"):
            run(options)
        patched.setattr(mapping, "encode", lambda *_, **__: Path(tmp_path / "nowhere").read_text())
        with pytest.raises(BuildError, match=r"nowhere: .*No such file"):
            run(options)
    assert made(run(options)) == ["encode", "crossmatch"]


def test_files_that_failed_stop_it_unless_it_may_do_without(
    run: Callable[..., BuildSummary], options: BuildOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gathering.download

    def failing(*arguments: Any, **more: Any) -> Any:
        return replace(before(*arguments, **more), failed=2)

    with monkeypatch.context() as patched:
        patched.setattr(gathering, "download", failing)
        with pytest.raises(BuildError, match=r"2 files could not be fetched.*--incomplete"):
            run(options)
        assert "encode" in made(run(replace(options, incomplete=True)))
    assert made(run(options, overwrite=True)) == ["download"]  # tried again, and all is as it was


def test_two_builders_of_one_atlas_or_in_one_folder(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path
) -> None:
    for held in (tmp_path / "atlas", tmp_path / "atlas.work"):
        with only_one(held), pytest.raises(ExplorerError, match="is making it at this moment"):
            run(options)


def test_what_is_not_ours_is_left_alone(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path
) -> None:
    with new_folder(tmp_path / "atlas") as folder:
        (folder / "atlas.json").write_text('{"format": "xmm-latent-explorer atlas", "version": 1}')
    with pytest.raises(ExplorerError, match="exists already"):
        run(options)
    assert not (tmp_path / "atlas.work").exists()
    run(options, overwrite=True)
    assert len(Atlas.open(tmp_path / "atlas")) == 12
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(BuildError, match="no build's work folder"):
        run(options, work=tmp_path / "other", overwrite=True)


def test_a_dry_run_tells_and_writes_nothing(
    run: Callable[..., BuildSummary], options: BuildOptions, archive: Path, tmp_path: Path
) -> None:
    catalogue = next(archive.glob("*.fits"))

    def dry(options: BuildOptions) -> BuildSummary:
        return foresee(catalogue, tmp_path / "atlas", options, quiet=True)

    before = sorted(tmp_path.rglob("*"))
    first = dry(options)
    assert sorted(tmp_path.rglob("*")) == before
    stages = {stage.stage: stage for stage in first.stages}
    assert stages["select"].rows == 12
    assert stages["download"].detail["products"] == 36
    assert {stage.state for stage in first.stages} == {"would be made", "left out"}
    run(options)
    assert {stage.state for stage in dry(options).stages} == {"would be reused", "left out"}
    labelled = dry(replace(options, crossmatch=None))
    assert [stage.stage for stage in labelled.stages if stage.state == "would be made"] == ["crossmatch"]
    fewer = {stage.stage: stage for stage in dry(replace(options, cuts=Cuts(limit=3, min_counts=1))).stages}
    assert fewer["select"].why == "changed: cuts.limit, cuts.min_counts"
    assert fewer["encode"].why == "'select' would be made anew"
    assert fewer["download"].detail["products"] == 0


def test_a_model_trained_on_the_way_goes_on_from_its_checkpoint(
    run: Callable[..., BuildSummary], options: BuildOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = TrainOptions(updates=4, batch_size=8, checkpoint_every=1, held_out_every=4, device="cpu")
    options = replace(options, training=training, crossmatch=None)
    before, asked = mapping.train, list[bool]()

    def interrupted(*arguments: Any, resume: bool, **more: Any) -> Any:
        def stop(update: int) -> None:
            if update == 2 and not resume:
                raise KeyboardInterrupt

        asked.append(resume)
        return before(*arguments, resume=resume, on_update=stop, **more)

    monkeypatch.setattr(mapping, "train", interrupted)
    with pytest.raises(KeyboardInterrupt, match="during train"):
        run(options)
    done = run(options)
    assert asked == [False, True]
    assert made(done) == ["train", "encode", "crossmatch"]
    assert next(stage for stage in done.stages if stage.stage == "train").rows == 12
    assert (
        Atlas.open(tmp_path / "atlas").model.weights_sha256
        == (pd.read_json(tmp_path / "atlas.work" / "stages.json")["stages"]["train"]["output"])
    )
    # Another seed has nothing to go on from, though a checkpoint of this one may lie about.
    other = replace(options, training=replace(training, seed=1))
    with pytest.raises(KeyboardInterrupt, match="during train"):
        run(other, overwrite=True)
    assert asked == [False, True, False]


def test_options_that_make_no_sense_together(run: Callable[..., BuildSummary], options: BuildOptions) -> None:
    for senseless, said in (
        ({"training": TrainOptions(), "model": Path("x")}, "--train and --model"),
        ({"training": TrainOptions(updates=0)}, "--updates"),
        ({"download": replace(options.download, placing="list")}, "--placing list"),
        ({"preprocess": PreprocessOptions(arf=Path("x"))}, "arf is not for a build"),
    ):
        with pytest.raises(OptionError, match=said):
            run(replace(options, **senseless))


def test_a_catalogue_of_which_nothing_is_left(run: Callable[..., BuildSummary], options: BuildOptions) -> None:
    with pytest.raises(CatalogueError, match=r"(?s)no detection passes.*PN_8_CTS > 1e\+09 +12 "):
        run(replace(options, cuts=Cuts(min_counts=1e9)))


def test_an_atlas_does_not_depend_on_how_often_it_was_begun(
    run: Callable[..., BuildSummary], options: BuildOptions, archive: Path, tmp_path: Path
) -> None:
    run(options)
    run(replace(options, cuts=Cuts(min_counts=300, limit=5)), overwrite=True)
    run(options, overwrite=True)
    build(next(archive.glob("*.fits")), tmp_path / "at once", options, quiet=True)
    one, other = Atlas.open(tmp_path / "atlas"), Atlas.open(tmp_path / "at once")
    pd.testing.assert_frame_equal(one.catalogue, other.catalogue)
    for row in one.catalogue["detection_id"]:
        np.testing.assert_array_equal(one.spectrum(row).counts, other.spectrum(row).counts)
