import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from vae.resources import asset
from vae.simulate import detections, labels, population
from vae.spectra.columns import LABEL_COLUMNS


def label(true_class: NDArray[np.str_], counts: float | NDArray[np.float64] = 700.0, **options: object) -> pd.DataFrame:
    n = len(true_class)
    values: dict[str, object] = {
        "net_counts": np.broadcast_to(counts, n).astype(np.float64),
        "position_error_arcsec": np.full(n, 0.7),
        "crowded": np.zeros(n, bool),
        "famous": np.zeros(n, bool),
    }
    return labels.label_sources(np.random.default_rng(8), true_class, **(values | options))  # type: ignore[arg-type]  # test helper


@pytest.fixture(scope="module")
def archive() -> pd.DataFrame:
    """What is known of the sources of one chunk."""
    rng = np.random.default_rng(4)
    plan = detections.plan_batch(rng, 13_000, showpieces=True)
    rows = np.arange(len(plan.schedule))
    nothing = {"counts": np.ones(rows.size, np.int64)}
    table = detections.describe(rng, rows, plan.schedule, plan.sources, nothing)
    table["best_counts"] = plan.sources.target_counts[plan.schedule.source]
    return table.drop_duplicates("source_number")


def test_types_are_of_the_class_they_stand_for() -> None:
    table = pd.read_csv(asset("reference", "simbad_otypes.csv"), comment="#", keep_default_na=False)
    class_of = dict(zip(table["otype"], table["display_class"], strict=True))
    for name, shares in labels._OTYPES.items():
        if name != "Tidal disruption event":
            assert {class_of[otype] for otype in shares} == {name}
    assert set(labels._OTYPES) == {k.true_class for k in population.KINDS} - set(population.ODDITIES)
    assert set(labels._ODD_OTYPES) == set(population.ODDITIES)
    assert {otype for shares in labels._ODD_OTYPES.values() for otype in shares} <= set(class_of)


def test_nearly_half_of_the_sources_have_a_class_and_most_of_those_rightly(archive: pd.DataFrame) -> None:
    known = ~archive["class_label"].isin(["No match", "Unclassified"])
    assert known.mean() == pytest.approx(0.45, abs=0.02)
    right = archive["class_label"] == archive["true_class"]
    listed = archive["true_class"].isin(["Tidal disruption event", *population.ODDITIES])
    assert 1 - right[known & ~listed].mean() == pytest.approx(0.02, abs=0.006)
    assert known[archive["best_counts"] > 3000].mean() > known[archive["best_counts"] < 500].mean() + 0.15
    assert 0.03 < archive["class_is_candidate"].mean() < 0.15
    assert (
        archive["class_is_candidate"]
        .isna()
        .equals(archive["simbad_otype"].isna() & (archive["class_label"] == "No match"))
    )
    assert set(archive["class_origin"]) == {"simulated"}
    assert archive["true_class"].notna().all()


def test_the_bright_are_better_known() -> None:
    n = 60_000
    table = label(np.repeat("Star", n), np.where(np.arange(n) < n // 2, 400.0, 4000.0))
    matched = table["simbad_otype"].notna().to_numpy()
    assert matched[: n // 2].mean() + 0.1 < matched[n // 2 :].mean()
    assert (table["class_label"] == "No match").to_numpy()[~matched].all()
    assert not (table["class_label"] == "No match").to_numpy()[matched].any()
    assert table["simbad_main_id"].notna().to_numpy()[matched].all()
    assert (table["match_separation_arcsec"].notna().to_numpy() == matched).all()
    assert (table.loc[~matched, "class_is_candidate"].isna()).all()
    assert set(table.columns) == {column.name for column in LABEL_COLUMNS}


def test_separations_follow_the_position_error_and_chance_counterparts_lie_farther() -> None:
    n = 40_000
    star = np.repeat("Star", n)
    sharp, blurred = (label(star, position_error_arcsec=np.full(n, error)) for error in (0.3, 1.2))
    assert blurred["match_separation_arcsec"].median() > 2 * sharp["match_separation_arcsec"].median()
    named = sharp[sharp["simbad_otype"].notna() & (sharp["class_label"] != "Unclassified")]
    right = named["class_label"] == "Star"
    assert (
        named.loc[~right, "match_separation_arcsec"].median() > 4 * named.loc[right, "match_separation_arcsec"].median()
    )
    assert named["match_separation_arcsec"].max() <= 5.0
    # Where counterparts are dense more matches are ambiguous.
    crowded = label(star, crowded=np.ones(n, bool))
    assert crowded["match_ambiguous"].mean() > sharp["match_ambiguous"].mean() + 0.005
    assert not crowded["match_ambiguous"][crowded["simbad_otype"].isna()].any()


def test_disruptions_come_from_a_catalogue_of_their_own() -> None:
    table = label(np.repeat("Tidal disruption event", 5000))
    assert (table["class_label"] == "Tidal disruption event").mean() == pytest.approx(0.7, abs=0.03)
    assert not (table["simbad_otype"] == "TDE").any()
    famous = label(np.repeat("Tidal disruption event", 50), famous=np.ones(50, bool))
    assert (famous["class_label"] == "Tidal disruption event").all()


def test_nobody_knows_oddities_for_what_they_are() -> None:
    table = label(np.tile(population.ODDITIES, 2000))
    assert (table["true_class"].to_numpy() == np.tile(population.ODDITIES, 2000)).all()
    assert not table["class_label"].isin(population.ODDITIES).any()
    assert (table["class_label"] == "No match").mean() > 0.8


def test_detections_of_a_source_share_name_and_position(archive: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    plan = detections.plan_batch(rng, 3000, showpieces=True)
    rows = np.arange(len(plan.schedule))
    table = detections.describe(rng, rows, plan.schedule, plan.sources, {"counts": np.ones(rows.size, np.int64)})
    per_source = table.groupby("source_number")
    for column in ("name", "ra_deg", "dec_deg", "position_error_arcsec", "class_label", "true_class"):
        assert per_source[column].nunique().max() == 1
    assert table["name"].str.match(r"XMMSIM J\d{6}\.\d[+-]\d{6}$").all()
    # The position in the table is off by its error.
    first = per_source.first()
    off = 3600 * np.abs(first["dec_deg"] - plan.schedule.dec_deg[np.unique(plan.schedule.source)])
    assert np.mean(off < first["position_error_arcsec"]) == pytest.approx(0.683, abs=0.03)
