"""Ours against two independent programs, or three, on small panels from our own generator (golden/peers).

The numbers were frozen by peers/freeze.py; versions stand in reference.json. Where programs differ among themselves,
each difference is reproduced here from what causes it, so that following the one and not the other is a choice.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.group_time import GroupTime
from evaluator.inference.aggregation import aggregate
from evaluator.panel import panel_from_frame, sections_from_frame

FOLDER = Path(__file__).parent / "peers"
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))
CASES = REFERENCE["cases"]
GROUP_TIME = [name for name, case in CASES.items() if "csdid" in case["peers"]]
ADJUSTMENT = {"reg": "regression", "ipw": "weighting", "dr": "doubly_robust"}
EXACT = 1e-9
UNNORMALISED = ("doubly_robust", "doubly_robust_not_yet", "clustered_doubly_robust")
# Numbers of a program that are not ours; each is explained by a test below.
ELSEWHERE = {
    ("anticipation", "diff_diff", "simple"),
    ("weights", "moderndid", "simple"),
    ("weights", "moderndid", "event"),
    ("weights", "moderndid", "calendar"),
    *((case, "diff_diff", part) for case in UNNORMALISED for part in ("cells", "simple", "event")),
}
# Errors of a program that the two others do not have either: 0.96 to 1.04 times theirs and ours, cause not found.
OWN_ERRORS = {("sections_doubly_robust", "moderndid")}


def rows(name):
    return pl.read_csv(FOLDER / name)


def panel(**choices):
    return panel_from_frame(
        rows("panel.csv"), unit="unit", period="period", outcome="outcome", cohort="cohort", **choices
    )


def fitted(name):
    """Return the data and our fit of a group-time case."""
    asked = CASES[name]["choices"]
    covariates = ("x1", "x2") if "adjustment" in asked else ()
    if asked.get("sections"):
        data = sections_from_frame(
            rows("sections.csv"),
            period="period",
            outcome="outcome",
            cohort="cohort",
            cluster="person",
            covariates=covariates,
        )
    else:
        data = panel(cluster=asked.get("cluster"), weight=asked.get("weight"), covariates=covariates)
    choices = {key: asked[key] for key in ("comparison", "base", "anticipation") if key in asked}
    if "adjustment" in asked:
        choices["adjustment"] = ADJUSTMENT[asked["adjustment"]]
    return data, GroupTime(**choices).fit(data)


def error(fit):
    return np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale


def cells_of(data, fit):
    """Return our effects and errors by cohort and period."""
    found = zip(fit.cells, fit.effect, error(fit), strict=True)
    return {(data.periods[c.cohort], data.periods[c.period]): (effect, se) for c, effect, se in found}


def numbers(pairs):
    return np.array([[np.nan if v is None else v for v in pair] for pair in pairs], dtype=float)


def agree(ours, theirs, tolerance=EXACT, factor=1.0):
    """Compare (effect, error) pairs by key; an error that one of them has not (a base) counts as 0."""
    assert set(ours) == set(theirs)
    mine, other = (np.nan_to_num(numbers(found[key] for key in sorted(theirs))) for found in (ours, theirs))
    np.testing.assert_allclose(mine[:, 0], other[:, 0], atol=tolerance, rtol=0)
    np.testing.assert_allclose(mine[:, 1] * factor, other[:, 1], atol=tolerance, rtol=0)


def keyed(table):
    return {tuple(row[:-2]): tuple(row[-2:]) for row in table}


def without_errors(found):
    return {key: (pair[0], 0.0) for key, pair in found.items()}


def clusters_factor(name, peer):
    """Return what diff-diff multiplies clustered errors by."""
    clusters = rows("panel.csv")["cluster"].n_unique()
    return np.sqrt(clusters / (clusters - 1)) if peer == "diff_diff" and "cluster" in CASES[name]["choices"] else 1.0


def compared(name, peer, part):
    return part in CASES[name]["peers"][peer] and (name, peer, part) not in ELSEWHERE


def test_every_case_has_two_programs_and_says_their_versions():
    assert len(CASES) >= 14
    assert all(len([p for p in case["peers"] if p != "given"]) >= 2 for case in CASES.values())
    assert {"csdid", "moderndid", "diff-diff", "pyfixest", "linearmodels", "wildboottest"} <= set(REFERENCE["versions"])


@pytest.mark.parametrize("name", ["panel", "sections"])
def test_the_data_are_those_that_our_generator_makes(name):
    source = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    generate = importlib.util.module_from_spec(source)
    source.loader.exec_module(generate)
    assert getattr(generate, name)().equals(rows(f"{name}.csv"))


@pytest.mark.parametrize("name", GROUP_TIME)
def test_group_time_equals_each_program(name):
    data, fit = fitted(name)
    parts = {"cells": cells_of(data, fit)}
    for kind in ("event", "group", "calendar"):
        found = aggregate(fit, data, kind)
        pairs = zip(found.effect, found.error, strict=True)
        parts[kind] = {(label,): pair for label, pair in zip(found.labels, pairs, strict=True)}
    overall = aggregate(fit, data, "simple")
    for peer, frozen in CASES[name]["peers"].items():
        factor = 0.0 if (name, peer) in OWN_ERRORS else clusters_factor(name, peer)
        for part in [part for part in parts if compared(name, peer, part)]:
            theirs = keyed(frozen[part])
            agree(parts[part], theirs if factor else without_errors(theirs), factor=factor)
        if compared(name, peer, "simple"):
            effect, se = frozen["simple"]
            np.testing.assert_allclose(
                [overall.value, overall.se * factor], [effect, se if factor else 0.0], atol=EXACT
            )


def test_two_programs_agree_with_us_on_every_part():
    """Whatever one program tells otherwise, the two others tell as we do; weights have only two programs."""
    for name in GROUP_TIME:
        for part in ("cells", "simple", "event"):
            same = [peer for peer in CASES[name]["peers"] if compared(name, peer, part)]
            assert len(same) >= (1 if name == "weights" else 2), (name, part)


def mean_over_cohorts(cells, first):
    """Return the mean of frozen cells from `first` periods after the start, by persons of the cohort, not weights."""
    persons = dict(rows("panel.csv").filter(pl.col("period") == 1)["cohort"].value_counts().iter_rows())
    used = [(effect, persons[cohort]) for cohort, period, effect, _ in cells if period >= cohort + first]
    effects, mass = zip(*used, strict=True)
    return np.average(effects, weights=mass)


def test_one_program_counts_the_window_of_anticipation_as_exposed():
    frozen = CASES["anticipation"]["peers"]["diff_diff"]
    np.testing.assert_allclose(frozen["simple"][0], mean_over_cohorts(frozen["cells"], first=-1), atol=EXACT)


def test_one_program_leaves_weights_out_of_the_cohorts_shares():
    frozen = CASES["weights"]["peers"]["moderndid"]
    np.testing.assert_allclose(frozen["simple"][0], mean_over_cohorts(frozen["cells"], first=0), atol=EXACT)


def test_one_program_lets_doubly_robust_weights_sum_to_the_treated():
    """Odds that sum to one (ours, csdid, moderndid, R DRDID) against odds divided by the number treated (diff-diff)."""
    wide = rows("panel.csv").filter(pl.col("cohort").is_in([0, 4]))
    after, before = (wide.filter(pl.col("period") == t).sort("unit") for t in (4, 3))
    gain = (after["outcome"] - before["outcome"]).to_numpy()
    treated = after["cohort"].to_numpy() == 4
    design = np.column_stack([np.ones(gain.size), after["x1"], after["x2"]])
    beta = np.zeros(3)
    for _ in range(30):
        share = 1 / (1 + np.exp(-design @ beta))
        beta += np.linalg.solve((design * (share * (1 - share))[:, None]).T @ design, design.T @ (treated - share))
    share = 1 / (1 + np.exp(-design @ beta))
    rest = gain - design @ np.linalg.lstsq(design[~treated], gain[~treated], rcond=None)[0]
    odds = (share / (1 - share))[~treated]
    ours, theirs = (rest[treated].mean() - odds @ rest[~treated] / below for below in (odds.sum(), treated.sum()))
    cell = {peer: keyed(CASES["doubly_robust"]["peers"][peer]["cells"])[4, 4][0] for peer in ("csdid", "diff_diff")}
    np.testing.assert_allclose([cell["csdid"], cell["diff_diff"]], [ours, theirs], atol=1e-9)


def events_with_known_shares(fit, data):
    """Return effects and errors by time since the start, the shares of cohorts taken as known and not estimated."""
    found = aggregate(fit, data, "event")
    se = np.sqrt(((fit.influence @ found.weights[1:].T) ** 2).sum(axis=0)) / fit.scale
    return {(t,): (effect, error) for t, effect, error in zip(found.labels, found.effect, se, strict=True)}


def test_imputation():
    """Errors of averages over cohorts: pyfixest's count that the cohorts' shares are estimated, as ours do everywhere.

    diff-diff takes the shares as known, and then we have its errors too. pyfixest iterates to 1e-6.
    """
    from evaluator.estimators.imputation import Imputation

    data = panel(cluster="cluster")
    fit = Imputation().fit(data)
    overall, events = aggregate(fit, data, "simple"), aggregate(fit, data, "event")
    found = {(t,): (effect, se) for t, effect, se in zip(events.labels, events.effect, events.error, strict=True)}
    after = {key: pair for key, pair in found.items() if key[0] >= 0}
    known = {key: pair for key, pair in events_with_known_shares(fit, data).items() if key[0] >= 0}
    peers = CASES["imputation"]["peers"]
    agree(after, keyed(peers["pyfixest"]["event"]), tolerance=5e-6)
    np.testing.assert_allclose([overall.value, overall.se], peers["pyfixest"]["simple"], atol=5e-6)
    agree(known, keyed(peers["diff_diff"]["event"]))
    np.testing.assert_allclose(overall.value, peers["diff_diff"]["simple"][0], atol=EXACT)


def small_sample(coefficients):
    """Return what fixest-like programs multiply clustered errors by; unit effects lie within clusters and are free."""
    frame = rows("panel.csv")
    clusters, size = frame["cluster"].n_unique(), len(frame)
    return np.sqrt(clusters / (clusters - 1) * (size - 1) / (size - coefficients))


@pytest.mark.parametrize("peer", ["diff_diff", "pyfixest"])
def test_saturated(peer):
    from evaluator.estimators.saturated import Saturated

    data = panel(cluster="cluster")
    fit = Saturated().fit(data)
    ours = {(g, t - g): pair for (g, t), pair in cells_of(data, fit).items() if t != g - 1}
    frozen, factor = CASES["saturated"]["peers"][peer], small_sample(len(ours) + len(data.periods))
    agree(ours, keyed(frozen["cells"]), factor=factor)
    if "event" in frozen:
        events = {key: pair for key, pair in events_with_known_shares(fit, data).items() if key[0] != -1}
        agree(events, keyed(frozen["event"]), factor=factor)


def test_two_way():
    from evaluator.estimators.two_way import TwoWay

    data = panel(cluster="cluster")
    overall = aggregate(TwoWay().fit(data), data, "simple")
    peers = CASES["two_way"]["peers"]
    np.testing.assert_allclose([overall.value, overall.se], peers["linearmodels"]["simple"], atol=EXACT)
    factor = small_sample(1 + len(data.periods))
    np.testing.assert_allclose([overall.value, overall.se * factor], peers["pyfixest"]["simple"], atol=EXACT)


def test_comparisons_inside_two_way():
    from evaluator.estimators.two_way import TwoWay
    from evaluator.vocabulary import NEVER

    data = panel()
    kinds = {"treated_never": "treated_vs_never", "earlier_later": "earlier_vs_later"}
    kinds["later_earlier"] = "later_vs_earlier"
    ours = {
        (kinds[c.kind], data.periods[c.treated], 0 if c.compared == NEVER else data.periods[c.compared]): c
        for c in TwoWay().decomposition(data)
    }
    peers = CASES["comparisons"]["peers"]
    assert set(ours) == {tuple(row[:3]) for row in peers["diff_diff"]["comparisons"]}
    for kind, treated, compared_with, weight, estimate in peers["diff_diff"]["comparisons"]:
        mine = ours[kind, treated, compared_with]
        np.testing.assert_allclose([mine.weight, mine.estimate], [weight, estimate], atol=EXACT)
    for kind, treated, compared_with, _, estimate in peers["pyfixest"]["comparisons"]:
        np.testing.assert_allclose(ours[kind, treated, compared_with].estimate, estimate, atol=EXACT)
    whole = sum(c.weight * c.estimate for c in ours.values())
    np.testing.assert_allclose(whole, peers["pyfixest"]["coefficient"], atol=EXACT)


@pytest.mark.parametrize("peer", ["diff_diff", "moderndid"])
def test_triple_difference(peer):
    from evaluator.estimators.triple_difference import TripleDifference

    data = panel(covariates=("eligible",))
    agree(cells_of(data, TripleDifference().fit(data)), keyed(CASES["triple_difference"]["peers"][peer]["cells"]))


def event_study():
    from evaluator.diagnostics.event_study import EventStudy

    given = CASES["bounded_trends"]["peers"]["given"]
    effect, covariance = np.array(given["effect"]), np.array(given["covariance"])
    after = effect.size - given["pre"]
    return EventStudy(effect, (covariance + covariance.T) / 2, given["pre"], np.full(after, 1 / after))


@pytest.mark.parametrize("peer", ["diff_diff", "moderndid"])
def test_smooth_drift(peer):
    """Both search the shortest interval numerically; moderndid's optimum at bound 0 is 7e-5 off."""
    from evaluator.diagnostics.smoothness import smoothness_fixed_length

    for bound, low, high in CASES["bounded_trends"]["peers"][peer]["smoothness"]:
        np.testing.assert_allclose(smoothness_fixed_length(event_study(), bound), [low, high], atol=1e-4)


def test_drift_of_relative_magnitude():
    """The hybrid of moderndid, within 0.5 % of the length: its critical value is simulated, its ends lie on a grid.

    diff-diff has the same at bound 0; above it adds the bounds to a plain interval, which the paper does not.
    """
    from evaluator.diagnostics.relative_magnitudes import relative_magnitudes

    peers = CASES["bounded_trends"]["peers"]
    for bound, low, high in peers["moderndid"]["magnitudes"]:
        np.testing.assert_allclose(relative_magnitudes(event_study(), bound), [low, high], atol=0.006)
    bound, low, high = peers["diff_diff"]["magnitudes"][0]
    assert bound == 0
    np.testing.assert_allclose(relative_magnitudes(event_study(), 0.0), [low, high], atol=1e-6)


def test_wild_bootstrap_with_all_samples():
    """As wildboottest: the two samples that are the data themselves count. diff-diff leaves these two out."""
    from evaluator.inference.wild_cluster import regression, wild_cluster

    gains = gains_of_ten_places()
    columns = gains.select("exposed", pl.lit(1.0).alias("one"), "x1").to_numpy().astype(float)
    place = gains["cluster"].rank("dense").to_numpy().astype(np.int64) - 1
    found = wild_cluster(regression(gains["gain"].to_numpy(), columns, place, np.ones(len(gains))))
    peers = CASES["wild_bootstrap"]["peers"]
    assert found.is_enumerated
    np.testing.assert_allclose(found.value, peers["diff_diff"]["value"], atol=EXACT)
    np.testing.assert_allclose(found.p_value, peers["wildboottest"]["p_value"], atol=EXACT)
    np.testing.assert_allclose(found.p_value - 2 / 1024, peers["diff_diff"]["p_value"], atol=EXACT)


def gains_of_ten_places():
    """Return gains from period 4 to 5 in the first ten places with people of cohort 5 or never exposed."""
    frame = rows("panel.csv").filter(pl.col("cohort").is_in([0, 5]))
    places = frame["cluster"].unique().sort()[:10].to_list()
    wide = frame.filter(pl.col("cluster").is_in(places)).sort("unit", "period")
    return (
        wide.filter(pl.col("period").is_in([4, 5]))
        .group_by("unit", "cluster", "cohort", "x1", maintain_order=True)
        .agg(gain=pl.col("outcome").last() - pl.col("outcome").first())
        .with_columns(exposed=(pl.col("cohort") == 5).cast(pl.Float64))
    )
