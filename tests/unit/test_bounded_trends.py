"""Bounds on unequal trends of the headline itself: what the product prints beside its number."""

from dataclasses import replace

import numpy as np
import pytest
from drifting_world import world

from evaluator.diagnostics.bounded_trends import LARGEST_SEARCHED, BoundedTrends, bounded_trends, breakdown
from evaluator.diagnostics.event_blocks import EventBlocks, at_level, event_blocks
from evaluator.diagnostics.event_study import EventStudy
from evaluator.diagnostics.relative_magnitudes import relative_magnitudes
from evaluator.estimators.group_time import GroupTime
from evaluator.inference.aggregation import aggregate
from evaluator.inference.leave_one_out import leave_one_cluster_out
from evaluator.inference.offered import estimates
from evaluator.vocabulary import Assumption, Estimate, NotEstimable, Sections

YEARLY = GroupTime(base="universal", anticipation=4, base_periods=4)
MONTHLY = GroupTime(base="universal")


def found(estimator: GroupTime, panel: Sections, block: int) -> BoundedTrends:
    made = bounded_trends(estimator, panel, block)
    assert isinstance(made, BoundedTrends)
    return made


def published(estimator: GroupTime, panel: Sections) -> Estimate:
    made = estimates(estimator, panel, "simple").overall
    assert isinstance(made, Estimate)
    return made


@pytest.mark.parametrize(("estimator", "block"), [(YEARLY, 4), (MONTHLY, 1), (replace(YEARLY, base_periods=3), 4)])
def test_at_bound_zero_the_interval_is_the_published_one(estimator, block):
    panel = world(effect=0.5)
    headline, made = published(estimator, panel), found(estimator, panel, block)
    assert (made.low[0], made.high[0]) == pytest.approx((headline.low, headline.high), abs=1e-7)
    assert made.bounds.tolist() == [0, 0.5, 1, 1.5, 2]
    assert (np.diff(made.low) < 0).all()
    assert (np.diff(made.high) > 0).all()


def test_the_blocks_are_means_of_event_times_around_the_base_and_the_window():
    panel = world(effect=0.5, starts=(20,))
    blocks = event_blocks(YEARLY, panel, 4)
    assert isinstance(blocks, EventBlocks)
    events = aggregate(YEARLY.fit(panel), panel, "event")
    effect = dict(zip(events.labels, events.effect, strict=True))
    assert blocks.periods_before == (4, 4, 4)  # event times -20..-9; the base is -8..-5, the window -4..-1
    means = [np.mean([effect[e] for e in range(first, first + 4)]) for first in (-20, -16, -12, 0, 4, 8)]
    assert blocks.study.effect == pytest.approx(means, abs=1e-12)
    assert blocks.study.times.tolist() == [-3, -2, -1, 2, 3, 4]
    assert blocks.study.contrast == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_the_number_of_interest_is_the_headline_with_its_error():
    panel = world(effect=0.5, starts=(20, 23, 26))
    blocks = event_blocks(YEARLY, panel, 4)
    assert isinstance(blocks, EventBlocks)
    loo = leave_one_cluster_out(YEARLY, panel, "simple")
    after = blocks.study.covariance[blocks.study.pre :, blocks.study.pre :]
    assert blocks.study.value == pytest.approx(loo.value[0], abs=1e-12)
    assert blocks.study.contrast @ after @ blocks.study.contrast == pytest.approx(loo.errors()[0] ** 2, rel=1e-9)
    assert blocks.freedom == loo.freedom[0]


def test_an_event_time_that_drops_out_with_a_cluster_keeps_the_headlines_error():
    panel = world(treated=8, starts=(20, 20, 20, 20, 20, 20, 20, 16))  # the last event times hold one cluster
    blocks = event_blocks(MONTHLY, panel, 1)
    assert isinstance(blocks, EventBlocks)
    after = blocks.study.covariance[blocks.study.pre :, blocks.study.pre :]
    loo = leave_one_cluster_out(MONTHLY, panel, "simple")
    assert blocks.study.contrast @ after @ blocks.study.contrast == pytest.approx(loo.errors()[0] ** 2, rel=1e-9)


def test_with_blocks_of_one_period_it_is_the_interval_of_the_source():
    panel = world(effect=0.5, starts=(20,), periods=23)
    loo = leave_one_cluster_out(MONTHLY, panel, "event")
    kept = np.array([time != -1 for time in loo.aggregate.labels])
    deviations = loo.deviations()[:, 1:][:, kept]
    plain = EventStudy(loo.value[1:][kept], deviations.T @ deviations, 19, np.full(3, 1 / 3))
    blocks = event_blocks(MONTHLY, panel, 1)
    assert isinstance(blocks, EventBlocks)
    assert blocks.study.times.tolist() == plain.times.tolist()
    for bound in (0.5, 1.0):
        assert relative_magnitudes(blocks.study, bound) == pytest.approx(relative_magnitudes(plain, bound), abs=1e-7)


def test_a_short_block_counts_from_half_of_its_periods_and_stands_in_its_middle():
    for start, expected, position in ((19, (3, 4, 4), -2.875), (17, (4, 4), -2.0)):
        blocks = event_blocks(YEARLY, world(starts=(start,)), 4)
        assert isinstance(blocks, EventBlocks)
        assert blocks.periods_before == expected
        assert blocks.study.times[0] == pytest.approx(position)


def test_the_robust_interval_covers_under_a_drift_where_the_plain_one_does_not():
    covered = np.zeros(2, dtype=int)
    for seed in range(20):
        blocks = event_blocks(YEARLY, world(seed, drift=0.03, effect=0.2), 4)
        for index, bound in enumerate((0.0, 1.0)):
            low, high = relative_magnitudes(at_level(blocks, 0.95), bound)
            covered[index] += low <= 0.2 <= high
    assert covered[0] <= 2
    assert covered[1] >= 18


def test_the_breakdown_is_where_the_interval_first_holds_zero():
    study = at_level(event_blocks(YEARLY, world(effect=1.0), 4), 0.95)
    value = breakdown(study)
    assert 0.2 < value < LARGEST_SEARCHED
    assert relative_magnitudes(study, value - 0.001)[0] > 0 > relative_magnitudes(study, value + 0.001)[0]
    larger = replace(study, effect=study.effect + np.where(np.arange(study.effect.size) < study.pre, 0, 0.5))
    assert breakdown(larger) > value
    assert breakdown(study, 0.5) > value > breakdown(study, 0.999)
    assert breakdown(replace(study, effect=-study.effect)) == value
    scaled = replace(study, effect=100 * study.effect, covariance=1e4 * study.covariance)
    assert breakdown(scaled) == value


@pytest.mark.parametrize(
    ("last", "expected"),
    [(0.9998, 0.999), (1.0, 1.0), (0.5739, 0.573), (0.0004, 0.0), (-0.1, 0.0), (4.9999, 4.999), (5.0, 5.0)],
)
def test_a_breakdown_just_under_the_line_is_not_rounded_up_to_it(monkeypatch, last, expected):
    """The interval excludes 0 up to the bound `last`; the line between amber and green is 1."""
    monkeypatch.setattr(
        "evaluator.diagnostics.bounded_trends.relative_magnitudes",
        lambda study, bound, level: (1.0, 2.0) if bound <= last else (-1.0, 2.0),
    )
    study = EventStudy(np.zeros(2), np.eye(2), 1, np.ones(1))
    assert breakdown(study) == expected


def test_no_effect_breaks_down_at_zero_and_a_huge_one_is_capped():
    assert found(YEARLY, world(), 4).breakdown == 0.0
    assert found(YEARLY, world(effect=50.0), 4).breakdown == LARGEST_SEARCHED


def test_scaling_and_reflecting_the_outcome_scales_and_reflects_the_intervals():
    panel = world(effect=0.5)
    made, other = found(YEARLY, panel, 4), found(YEARLY, replace(panel, outcome=-100 * panel.outcome), 4)
    assert other.low == pytest.approx(-100 * made.high, abs=1e-4)
    assert other.high == pytest.approx(-100 * made.low, abs=1e-4)
    assert other.breakdown == made.breakdown


@pytest.mark.parametrize(
    ("estimator", "panel", "reason"),
    [
        (YEARLY, world(treated=4), "Kun 4 kommuner med indsats"),
        (YEARLY, world(starts=(9,)), "ingen perioder før sammenligningens basis"),
        (YEARLY, world(starts=(5,)), "der kræves mindst 2"),
        (YEARLY, world(starts=(2,)), "Ingen periode har både"),
        (GroupTime(base="varying"), world(), "ikke mod den samme basis"),
        (replace(YEARLY, assumes=frozenset({Assumption.UNCONFOUNDEDNESS})), world(), "Metoden bygger ikke på"),
        (YEARLY, replace(world(), outcome=np.zeros(40 * 32)), "forekommer ikke"),
    ],
)
def test_what_cannot_be_bounded_is_refused_with_its_reason(estimator, panel, reason):
    refused = bounded_trends(estimator, panel, 4)
    assert isinstance(refused, NotEstimable)
    assert reason in refused.reason
    assert refused.what_would_help


def test_a_block_of_no_periods_is_an_error():
    with pytest.raises(ValueError, match="expected 1 period or more"):
        bounded_trends(YEARLY, world(), 0)
