"""The whole cross-match against SIMBAD on loopback, with the truth known."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

from simbad_sky import SimbadSky
from simbad_tap import tap_server
from small_sky import Truth, make_atlas, make_truth
from xmatch import xmatch_server

from vae.atlas import Atlas
from vae.crossmatch import CrossmatchOptions, CrossmatchSummary, crossmatch
from vae.errors import AtlasError, ExplorerError, LabelError, OptionError, ServiceError
from vae.files import link_or_copy, only_one
from vae.resources import asset
from vae.spectra.columns import LABEL_COLUMNS

CLASSES = pd.read_csv(asset("reference", "simbad_otypes.csv"), comment="#", keep_default_na=False).set_index("otype")
#: No network: nobody listens there.
NOWHERE = "http://127.0.0.1:9/nowhere"


@pytest.fixture(scope="module")
def truth() -> Truth:
    return make_truth(600)


@contextmanager
def simbad(
    sky: SimbadSky, cache: Path, faults: tuple[str, ...] = (), **settings: object
) -> Iterator[CrossmatchOptions]:
    with xmatch_server(sky, faults) as (xmatch_url, xmatch), tap_server(sky) as (tap_url, tap):
        options = CrossmatchOptions(
            xmatch_url=xmatch_url, tap_url=tap_url, cache=cache, pause=0, backoff=0.01, timeout=5, chunk_rows=250
        )
        yield replace(options, **settings)
        assert max(xmatch.log.at_once, tap.log.at_once) <= 1


def run(atlas: Path, options: CrossmatchOptions) -> tuple[CrossmatchSummary, pd.DataFrame]:
    summary = crossmatch(atlas, options, quiet=True)
    return summary, pd.read_parquet(atlas / "catalogue.parquet")


@pytest.fixture(scope="module", params=["xmatch", "tap"])
def done(request, truth, tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    atlas = make_atlas(folder / "atlas", truth.sources)
    with simbad(truth.sky, folder / "cache", service=request.param, control_shift=0.0) as options:
        summary, table = run(atlas, options)
    return atlas, summary, table


def by_source(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop_duplicates("source_id").set_index("source_id").sort_index()


def test_true_counterparts_are_found(done, truth):
    _, summary, table = done
    rows = by_source(table)
    wanted = truth.sources.set_index("source_id")["counterpart"]
    right = rows["simbad_main_id"] == wanted
    has = wanted.notna()
    assert right[has].mean() > 0.97
    false = rows["simbad_main_id"].notna() & ~right
    assert false.sum() == pytest.approx(summary.false_matches, abs=3 * np.sqrt(summary.false_matches) + 2)
    assert summary.prior == pytest.approx(has.mean(), abs=0.03)
    assert summary.median_separation_sigma == pytest.approx(1.18, abs=0.12)
    assert (summary.looked_up, summary.matched) == (600, int(rows["simbad_main_id"].notna().sum()))
    assert summary.missing == []


def test_classes_are_those_of_the_types(done, truth):
    _, summary, table = done
    rows = by_source(table)
    matched = rows["simbad_main_id"].notna()
    objects = truth.sky.objects.set_index("main_id").loc[rows["simbad_main_id"][matched]]
    assert rows["simbad_otype"][matched].tolist() == objects["otype"].tolist()
    known = CLASSES.loc[objects["otype"]]
    assert rows["class_label"][matched].tolist() == known["display_class"].tolist()
    assert rows["class_is_candidate"][matched].tolist() == (known["candidate"] == 1).tolist()
    assert set(rows["class_origin"]) == {"simbad"}
    unmatched = rows[~matched]
    assert set(unmatched["class_label"]) == {"No match"}
    for name in ("class_is_candidate", "match_ambiguous", "simbad_otype", "simbad_main_id", "match_separation_arcsec"):
        assert unmatched[name].isna().all()
    assert summary.classes == rows["class_label"].astype("str").value_counts().to_dict()


def test_unknown_nature_never_gets_a_class(done):
    _, _, table = done
    only_x = table["simbad_otype"].isin(["X", "IR"])
    assert only_x.sum() > 20
    assert set(table.loc[only_x, "class_label"]) == {"Unclassified"}
    assert not table.loc[only_x, "class_is_candidate"].any()


def test_separations_are_astropys(done, truth):
    _, _, table = done
    rows = by_source(table[table["dec_deg"] != 0.0])
    rows = rows[rows["simbad_main_id"].notna()]
    there = truth.sky.objects.set_index("main_id").loc[rows["simbad_main_id"]]
    theirs = SkyCoord(rows["ra_deg"].to_numpy(), rows["dec_deg"].to_numpy(), unit="deg").separation(
        SkyCoord(there["ra"].to_numpy(), there["dec"].to_numpy(), unit="deg")
    )
    np.testing.assert_allclose(rows["match_separation_arcsec"], theirs.arcsec, rtol=1e-5, atol=1e-5)


def test_every_detection_has_its_sources_class(done):
    _, summary, table = done
    assert (summary.detections, summary.sources) == (620, 600)
    for column in LABEL_COLUMNS:
        assert (table.groupby("source_id")[column.name].nunique(dropna=False) == 1).all()


def test_all_candidates_are_kept(done, truth):
    atlas, summary, table = done
    candidates = pd.read_parquet(atlas / "candidates.parquet")
    sources = truth.sources
    row, found, _ = truth.sky.near(sources["ra"], sources["dec"], 30 / 3600)
    expected = set(
        zip(sources["source_id"].to_numpy()[row], truth.sky.objects["main_id"].to_numpy()[found], strict=True)
    )
    assert set(zip(candidates["source_id"], candidates["main_id"], strict=True)) == expected
    assert len(candidates) == summary.candidates == len(expected)
    chosen = candidates[candidates["chosen"]].set_index("source_id")
    assert by_source(table)["simbad_main_id"].dropna().to_dict() == chosen["main_id"].to_dict()
    assert (chosen["probability"] > 0.25).all()
    assert candidates["otypes"][candidates["within_radius"]].str.endswith("|X").all()
    assert (candidates["separation_arcsec"] <= candidates["radius_arcsec"]).equals(candidates["within_radius"])


def test_types_and_provenance_of_the_table(done):
    atlas, _, table = done
    kinds = {"category": "category", "str": "str", "boolean": "boolean", "float32": "float32"}
    for column in LABEL_COLUMNS:
        if column.name == "true_class":  # null throughout
            continue
        assert str(table[column.name].dtype) == kinds[column.dtype], column.name
    meta = json.loads((atlas / "atlas.json").read_text())
    assert meta["provenance"]["made_by"] == "a test"
    told = meta["provenance"]["crossmatch"]
    assert told["simbad"]["positions"] == 600
    assert told["simbad"]["url"].startswith("http://127.0.0.1")
    assert told["simbad"]["answered"]
    assert told["settings"]["radius_floor"] == 5.0
    assert sorted(path.name for path in atlas.iterdir()) == ["atlas.json", "candidates.parquet", "catalogue.parquet"]


def test_both_services_lead_to_the_same_table(truth, tmp_path):
    tables = []
    for service in ("xmatch", "tap"):
        atlas = make_atlas(tmp_path / service, truth.sources.iloc[:150])
        with simbad(truth.sky, tmp_path / "cache", service=service) as options:
            tables.append(run(atlas, options)[1])
    for column in LABEL_COLUMNS:
        name = column.name
        if name == "match_separation_arcsec":
            np.testing.assert_allclose(tables[0][name], tables[1][name], atol=1e-4)
        else:
            assert tables[0][name].astype("str").tolist() == tables[1][name].astype("str").tolist()


def two_objects(types: tuple[str, str], apart: float) -> tuple[pd.DataFrame, SimbadSky]:
    """A source at the origin of the sky with an object on each side."""
    sources = pd.DataFrame({"source_id": [11], "ra": [180.0], "dec": [0.0], "sigma": [1.0]})
    objects = pd.DataFrame(
        {"main_id": ["east", "west"], "ra": [180 + apart / 3600, 180 - 1.0 / 3600], "dec": 0.0, "otype": list(types)}
    )
    return sources, SimbadSky(objects)


def test_rivals_make_a_match_ambiguous(tmp_path):
    for apart, ambiguous in ((1.2, True), (4.5, False)):
        sources, sky = two_objects(("Sy1", "*"), apart)
        atlas = make_atlas(tmp_path / str(apart), sources, twice=0)
        with simbad(sky, tmp_path / "cache", prior=0.5) as options:
            summary, table = run(atlas, options)
        assert table["simbad_main_id"].tolist() == ["west"]
        assert table["class_label"].tolist() == ["Star"]
        assert table["match_ambiguous"].tolist() == [ambiguous]
        assert summary.ambiguous == int(ambiguous)


def test_an_x_ray_source_beside_what_it_is_gets_no_class_but_a_mark(tmp_path):
    sources, sky = two_objects(("QSO", "X"), 1.2)
    atlas = make_atlas(tmp_path / "atlas", sources, twice=0)
    with simbad(sky, tmp_path / "cache", prior=0.5) as options:
        summary, table = run(atlas, options)
    assert table["class_label"].tolist() == ["Unclassified"]
    assert table["match_ambiguous"].tolist() == [True]
    assert summary.unclassified_with_rivals == 1


def test_types_that_this_version_does_not_know_are_told(tmp_path):
    sources, sky = two_objects(("Sy1", "Zz*"), 4.5)
    for service in ("xmatch", "tap"):
        atlas = make_atlas(tmp_path / service, sources, twice=0)
        with simbad(sky, tmp_path / "cache", service=service, prior=0.5) as options:
            summary, table = run(atlas, options)
        assert table["class_label"].tolist() == ["Unclassified"]
        assert table["simbad_otype"].tolist() == ["Zz*"]
        assert summary.unknown_otypes == {"Zz*": 1}


def test_labels_alone_map_as_well(truth, tmp_path):
    atlas = make_atlas(tmp_path / "atlas", truth.sources.iloc[:100])
    with simbad(truth.sky, tmp_path / "cache", no_otypes=True, tap_url=NOWHERE) as options:
        _, table = run(atlas, options)
    rows = by_source(table)
    matched = rows["simbad_main_id"].notna()
    types = truth.sky.objects.set_index("main_id")["otype"].loc[rows["simbad_main_id"][matched]]
    assert rows["class_label"][matched].tolist() == CLASSES["display_class"].loc[types].tolist()
    assert rows["simbad_otype"][matched].tolist() == types.tolist()


def test_a_shifted_control_agrees_with_the_density(tmp_path):
    """Objects of one density everywhere around the sources, so that beside them it is the same."""
    rng = np.random.default_rng(8)
    n, density = 150, 8e-4
    sources = pd.DataFrame({"source_id": np.arange(n), "ra": np.linspace(0, 359, n), "dec": 0.5, "sigma": 1.5})
    strangers = np.repeat(np.arange(n), rng.poisson(density * 300 * 300, n))
    place = rng.uniform(-150, 150, (2, strangers.size)) / 3600
    objects = pd.DataFrame(
        {"ra": (sources["ra"].to_numpy()[strangers] + place[0]) % 360, "dec": 0.5 + place[1], "otype": "*"}
    )
    own = sources.iloc[::2].assign(dec=lambda t: t["dec"] + 1.0 / 3600, otype="Sy1")[["ra", "dec", "otype"]]
    objects = pd.concat([objects, own], ignore_index=True)
    objects["main_id"] = [f"o{i}" for i in range(len(objects))]
    atlas = make_atlas(tmp_path / "atlas", sources)
    with simbad(SimbadSky(objects), tmp_path / "cache", control_shift=75.0, no_otypes=True) as options:
        summary, table = run(atlas, options)
    assert summary.requests == 2
    assert summary.false_matches_shifted == pytest.approx(summary.false_matches, rel=0.5, abs=4)
    assert summary.false_matches > 2
    assert (by_source(table)["class_label"] == "AGN").sum() >= 70


def test_nothing_is_asked_twice(truth, tmp_path):
    first = make_atlas(tmp_path / "a", truth.sources)
    with simbad(truth.sky, tmp_path / "cache", ("html", "overflow")) as options:
        summary, table = run(first, options)
        assert (summary.requests, summary.split) == (3 + 2 + 2, 1)  # three chunks, one in halves; types in two chunks
        again, same = run(first, options)
        assert (again.requests, again.from_cache) == (0, 6)
        pd.testing.assert_frame_equal(same, table)
        # Another atlas of the same sources is another user of the same answers.
        other = make_atlas(tmp_path / "b", truth.sources)
        assert run(other, replace(options, offline=True))[0].matched == summary.matched
        # Answers that are too old are asked for again.
        assert run(first, replace(options, radius_floor=6.0))[0].requests <= 2  # more objects' types, no more positions
        assert run(first, replace(options, density_radius=31.0))[0].requests > 2


def test_a_failing_service_leaves_the_atlas_as_it_was(truth, tmp_path):
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    before = {path.name: path.read_bytes() for path in atlas.iterdir()}
    with simbad(truth.sky, tmp_path / "cache", ("ok", "500", "500", "500"), tries=3) as options:
        with pytest.raises(ServiceError, match=r"HTTP status 500.*run the same command again"):
            run(atlas, options)
        assert {path.name: path.read_bytes() for path in atlas.iterdir()} == before
        summary, _ = run(atlas, options)
    assert (summary.requests, summary.from_cache) == (2 + 2, 1)


@pytest.mark.parametrize("dies_at", ["candidates.parquet", "catalogue.parquet", "atlas.json"])
def test_a_death_while_writing_leaves_an_atlas_that_can_be_finished(dies_at, truth, tmp_path, monkeypatch):
    few = truth.sources.iloc[:60]
    atlas, calm = make_atlas(tmp_path / "atlas", few), make_atlas(tmp_path / "calm", few)
    whole = Path.replace

    def dies(self: Path, target: Path) -> Path:
        if Path(target) == atlas / dies_at:
            raise KeyboardInterrupt
        return whole(self, target)

    with simbad(truth.sky, tmp_path / "cache") as options:
        _, expected = run(calm, options)
        monkeypatch.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            run(atlas, options)
        monkeypatch.undo()
        before = pd.read_parquet(atlas / "catalogue.parquet")  # the old one or the new one
        assert set(before["class_label"]) == {"Unclassified"} if dies_at != "atlas.json" else before.equals(expected)
        summary, table = run(atlas, options)
    assert summary.requests == 0
    pd.testing.assert_frame_equal(table, expected)
    assert sorted(path.name for path in atlas.iterdir()) == ["atlas.json", "candidates.parquet", "catalogue.parquet"]


def disruptions(path: Path, truth: Truth, rows: list[int], *, shift: float = 0.5) -> Path:
    at = truth.sources.iloc[rows]
    pd.DataFrame({"name": "AT", "ra_deg": at["ra"], "dec_deg": at["dec"] + shift / 3600}).to_csv(path, index=False)
    return path


def test_label_catalogues_go_above_simbad(truth, tmp_path):
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    first = disruptions(tmp_path / "tde_list.csv", truth, [0, 5, 30])
    second = tmp_path / "mine.csv"
    at = truth.sources.iloc[[5, 6]]
    pd.DataFrame({"ra": [*at["ra"], None], "dec": [*at["dec"], None], "class": "My own"}).to_csv(second, index=False)
    with simbad(truth.sky, tmp_path / "cache") as options:
        _, plain = run(atlas, options)
        summary, table = run(atlas, replace(options, labels=(first, second)))
        rows, before = by_source(table), by_source(plain)
        ids = truth.sources["source_id"]
        assert rows["class_label"].loc[ids[[0, 5, 30, 6]]].tolist() == ["Tidal disruption event"] * 3 + ["My own"]
        assert rows["class_origin"].loc[ids[[0, 5, 30, 6]]].tolist() == ["tde_list"] * 3 + ["mine"]
        assert rows["match_separation_arcsec"].loc[ids[0]] == pytest.approx(0.5, abs=1e-3)
        assert rows["simbad_main_id"].equals(before["simbad_main_id"])
        assert rows["simbad_otype"].equals(before["simbad_otype"])
        others = ~rows.index.isin(ids[[0, 5, 30, 6]])
        assert rows["class_label"][others].astype("str").equals(before["class_label"][others].astype("str"))
        assert summary.labels["tde_list"]["sources_labelled"] == 3
        assert summary.labels["mine"]["sources_labelled"] == 2  # one of which the first catalogue has
        assert summary.origins == {"simbad": 596, "tde_list": 3, "mine": 1}
        assert any("1 rows of mine have no position" in line for line in summary.missing)
        # All detections of the source, and the labelled objects among the candidates.
        assert (table.loc[table["source_id"] == ids[0], "class_label"] == "Tidal disruption event").sum() == 2
        candidates = pd.read_parquet(atlas / "candidates.parquet")
        assert (candidates["catalogue"] == "tde_list").sum() == 3

        # A run without the catalogues keeps what they said, until it is told to forget.
        _, kept = run(atlas, options)
        pd.testing.assert_frame_equal(kept, table)
        _, forgotten = run(atlas, replace(options, forget_labels=True))
        pd.testing.assert_frame_equal(forgotten, plain)

        # A catalogue that no longer lists a source gives it back to SIMBAD; offline, too.
        run(atlas, replace(options, labels=(first,)))
        disruptions(first, truth, [5])
        _, fewer = run(atlas, replace(options, labels=(first,), offline=True, cache=tmp_path / "empty"))
    rows = by_source(fewer)
    assert rows["class_label"].loc[ids[0]] == before["class_label"].loc[ids[0]]
    assert rows["class_origin"].loc[ids[[0, 5]]].tolist() == ["simbad", "tde_list"]


def test_offline_does_labels_and_says_what_is_missing(truth, tmp_path):
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    options = CrossmatchOptions(
        offline=True, cache=tmp_path / "cache", xmatch_url=NOWHERE, tap_url=NOWHERE,
        labels=(disruptions(tmp_path / "tdes.csv", truth, [3]),),
    )  # fmt: skip
    summary, table = run(atlas, options)
    assert any("SIMBAD was not asked (--offline)" in line and "not there" in line for line in summary.missing)
    assert (summary.looked_up, summary.requests) == (0, 0)
    rows = by_source(table)
    labelled = rows.index == truth.sources["source_id"][3]
    assert rows["class_label"][labelled].tolist() == ["Tidal disruption event"]
    # The others were not looked for, which is not the same as "No match".
    assert set(rows["class_label"][~labelled]) == {"Unclassified"}
    assert rows["class_origin"][~labelled].isna().all()
    assert not (tmp_path / "cache").exists()


def test_offline_with_nothing_to_do_leaves_the_atlas_alone(truth, tmp_path):
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    before = (atlas / "catalogue.parquet").stat().st_ino
    summary, _ = run(atlas, CrossmatchOptions(offline=True, cache=tmp_path / "cache"))
    assert (atlas / "catalogue.parquet").stat().st_ino == before
    assert len(summary.missing) == 1


def test_sources_without_position_are_not_looked_up(truth, tmp_path):
    some = truth.sources.iloc[:40].copy()
    some.loc[some.index[:3], "ra"] = np.nan
    atlas = make_atlas(tmp_path / "atlas", some, twice=0)
    with simbad(truth.sky, tmp_path / "cache") as options:
        summary, table = run(atlas, options)
    assert (summary.sources, summary.looked_up) == (40, 37)
    assert any("3 sources have no position" in line for line in summary.missing)
    rows = by_source(table)
    assert rows["class_label"].iloc[:3].tolist() == ["Unclassified"] * 3
    assert rows["class_origin"].iloc[:3].isna().all()
    nowhere = make_atlas(tmp_path / "nowhere", some.assign(ra=np.nan), twice=0)
    summary, table = run(nowhere, CrossmatchOptions(cache=tmp_path / "cache", xmatch_url=NOWHERE))
    assert (summary.looked_up, summary.requests) == (0, 0)
    assert table["class_origin"].isna().all()


@pytest.mark.parametrize("service", ["xmatch", "tap"])
def test_an_empty_sky_has_no_matches(service, truth, tmp_path):
    empty = SimbadSky(truth.sky.objects.iloc[:0].drop(columns="oid"))
    atlas = make_atlas(tmp_path / "atlas", truth.sources.iloc[:30])
    with simbad(empty, tmp_path / "cache", service=service) as options:
        summary, table = run(atlas, options)
    assert (summary.looked_up, summary.matched, summary.candidates) == (30, 0, 0)
    assert set(table["class_label"]) == {"No match"}
    assert set(table["class_origin"]) == {"simbad"}
    assert summary.median_separation_sigma is None


def test_a_simulated_archive_is_refused_unless_asked_for(tiny_atlas, tmp_path):
    atlas = tmp_path / "atlas"
    link_or_copy(tiny_atlas, atlas)
    before = Atlas.open(atlas).catalogue
    with pytest.raises(AtlasError, match=r"fictitious.*--simulated keep"):
        crossmatch(atlas, CrossmatchOptions(), quiet=True)
    first = before.drop_duplicates("source_id").iloc[[0, 10]]
    objects = pd.DataFrame(
        {"main_id": ["P", "Q"], "ra": first["ra_deg"], "dec": first["dec_deg"], "otype": ["CV*", "X"]}
    )
    with simbad(SimbadSky(objects), tmp_path / "cache", chunk_rows=100_000, prior=0.5) as options:
        summary, kept = run(atlas, replace(options, simulated="keep"))
        pd.testing.assert_frame_equal(kept, before)
        assert (summary.simulated_kept, summary.simulated_replaced) == (len(before), 0)
        assert any("simulated" in line for line in summary.missing)
        summary, replaced = run(atlas, replace(options, simulated="replace"))
        assert (summary.simulated_kept, summary.simulated_replaced) == (0, len(before))
    assert replaced["true_class"].equals(before["true_class"])
    assert set(replaced["class_origin"]) == {"simbad"}
    at = replaced.set_index("detection_id").loc[first["detection_id"]]
    assert at["class_label"].tolist() == ["CV / white dwarf", "Unclassified"]
    # The explorer's contract still holds; the atlas it was copied from is untouched.
    again = Atlas.open(atlas)
    np.testing.assert_array_equal(again.latents, Atlas.open(tiny_atlas).latents)
    pd.testing.assert_frame_equal(Atlas.open(tiny_atlas).catalogue, before)


def test_rows_without_a_simulated_class_are_matched_when_asked(truth, tmp_path):
    """What an exported simulated archive becomes: simulated, without labels."""
    atlas = make_atlas(tmp_path / "atlas", truth.sources.iloc[:60], simulated=True)
    with simbad(truth.sky, tmp_path / "cache", simulated="keep") as options:
        summary, table = run(atlas, options)
    assert summary.matched > 20
    assert set(table["class_origin"]) == {"simbad"}


def test_what_is_no_atlas_says_so(tmp_path, truth):
    with pytest.raises(AtlasError, match="no such atlas"):
        crossmatch(tmp_path / "none", quiet=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AtlasError, match="not an atlas"):
        crossmatch(tmp_path / "empty", quiet=True)
    atlas = make_atlas(tmp_path / "atlas", truth.sources.iloc[:5])
    with pytest.raises(LabelError, match="no such file"):
        crossmatch(atlas, CrossmatchOptions(labels=(tmp_path / "none.csv",)), quiet=True)
    with pytest.raises(OptionError, match="stands twice"):
        crossmatch(atlas, CrossmatchOptions(labels=(tmp_path / "a" / "x.csv", tmp_path / "b" / "x.fits")), quiet=True)
    with pytest.raises(OptionError, match="taken"):
        crossmatch(atlas, CrossmatchOptions(labels=(tmp_path / "simbad.csv",)), quiet=True)
    with only_one(atlas), pytest.raises(ExplorerError, match="at this moment"):
        crossmatch(atlas, quiet=True)
    (atlas / "atlas.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(AtlasError, match="version"):
        crossmatch(atlas, quiet=True)
