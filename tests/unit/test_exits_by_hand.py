"""Exits from spells by hand: risk sets, intervals, relapse, refusals, and a truth that is recovered."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from evaluator.errors import PanelError
from evaluator.estimators.exits.cumulative_incidence import cumulative_incidence
from evaluator.estimators.exits.hazards import cumulative_hazards
from evaluator.estimators.exits.multinomial_hazard import MultinomialHazard, multinomial_hazard
from evaluator.estimators.exits.relapse import relapse
from evaluator.estimators.exits.risk_table import risk_table
from evaluator.estimators.exits.weibull import weibull
from evaluator.vocabulary import NotEstimable


def test_shares_by_hand():
    found = cumulative_incidence([1, 2, 2, 3, 4], [1, 2, 1, 0, 1], exits=2)
    assert found.table.at_risk.tolist() == [5, 4, 2, 1]
    np.testing.assert_allclose(found.share, [[0.2, 0], [0.4, 0.2], [0.4, 0.2], [0.8, 0.2]])
    np.testing.assert_allclose(found.share.sum(axis=1) + found.survival, 1)
    np.testing.assert_allclose(cumulative_hazards([1, 2, 2, 3, 4], [1, 2, 1, 0, 1], exits=2).value[-1], [1.45, 0.25])
    share, low, high = found.at(2.5)
    np.testing.assert_allclose(share, [0.4, 0.2])
    assert ((low < share) & (share < high)).all()
    assert np.isnan(found.at(0.5)[1]).all()


def test_a_spell_is_at_risk_after_its_entry_only():
    assert risk_table([2, 3, 5], [1, 1, 0], exits=1, entry=[0, 2, 1]).at_risk.tolist() == [2, 2, 1]


def test_one_exit_without_censoring_has_the_binomial_variance():
    code = np.repeat([1, 2], [30, 70])
    found = cumulative_incidence(np.arange(1.0, 101.0), code, exits=2)
    np.testing.assert_allclose(found.share[:, 0], np.minimum(np.arange(1, 101), 30) / 100)
    np.testing.assert_allclose(found.variance[:99, 0], (found.share * (1 - found.share))[:99, 0] / 100, atol=1e-12)


def test_intervals_cover_a_known_share_under_left_truncation():
    random = np.random.default_rng(4)
    truth = 0.6 * (1 - np.exp(-1.0))  # hazards 0.06 and 0.04, at week 10
    covered = 0
    for _ in range(300):
        ends, entry = random.exponential(10.0, 400), random.exponential(3.0, 400) * (random.random(400) < 0.5)
        seen = ends > entry
        code = np.where(random.random(400) < 0.6, 1, 2)
        limit = random.uniform(5.0, 40.0, 400)
        kept = seen & (limit > entry)
        found = cumulative_incidence(
            np.minimum(ends, limit)[kept], np.where(ends <= limit, code, 0)[kept], exits=2, entry=entry[kept]
        )
        _, low, high = found.at(10.0)
        covered += low[0] <= truth <= high[0]
    assert 0.91 <= covered / 300 <= 0.985


@pytest.mark.parametrize(
    ("duration", "code", "entry", "said"),
    [
        ([-1.0, 2.0], [0, 1], None, "1 of 2 have no duration"),
        ([1.0, 2.0], [0, 3], None, "exit that is not 0 to 2"),
        ([1.0, 2.0], [0, 1], [1.0, 0.0], "1 of 2 end at or before their entry"),
    ],
)
def test_spells_that_cannot_be_are_refused_with_counts(duration, code, entry, said):
    with pytest.raises(PanelError, match=said):
        risk_table(duration, code, exits=2, entry=entry)


def spells(*rows):
    names = ("person_id", "start_on", "end_on", "destination")
    schema = {"person_id": pl.Int64, "start_on": pl.Date, "end_on": pl.Date, "destination": pl.String}
    start = dt.date(2018, 1, 1)
    days = [(p, start + dt.timedelta(a), None if b is None else start + dt.timedelta(b), d) for p, a, b, d in rows]
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in days], schema=schema)


def test_relapse_counts_returns_among_those_followed():
    table = spells(
        (1, 0, 70, "job"), (1, 140, None, None), (2, 0, 70, "job"), (3, 0, 70, "self_support"), (3, 100, 200, "job"),
    )  # fmt: skip
    found = {(one.destination, one.weeks): one for one in relapse(table, dt.date(2020, 1, 1))}
    assert found["job", 26].share == pytest.approx(1 / 3)
    assert found["self_support", 26].share == 1.0
    assert found["all", 52].share == pytest.approx(0.5)
    assert found["all", 52].exits == 4
    assert found["job", 26].low < 1 / 3 < found["job", 26].high


def test_relapse_is_unknown_where_nobody_was_followed_long_enough():
    found = relapse(spells((1, 0, 70, "job"), (2, 0, 70, "job")), dt.date(2018, 5, 1))
    assert all(np.isnan(one.share) for one in found)


@pytest.mark.parametrize("second", [(1, 60, None, None), (1, 800, 900, "job")])
def test_spells_that_overlap_or_end_after_the_data_are_refused(second):
    with pytest.raises(PanelError, match="expected none"):
        relapse(spells((1, 0, 70, "job"), second), dt.date(2020, 1, 1))


def test_a_known_discrete_hazard_is_recovered():
    random = np.random.default_rng(2)
    x = np.column_stack([np.ones(20_000), random.random(20_000) < 0.4])
    odds = np.exp(x @ np.array([[-2.0, 0.7], [-3.0, -0.4]]).T)
    place = random.random(20_000) * (1 + odds.sum(axis=1))
    code = np.where(place < odds[:, 0], 1, np.where(place < odds.sum(axis=1), 2, 0))
    found = multinomial_hazard(x, code, exits=2)
    assert isinstance(found, MultinomialHazard)
    assert (np.abs(found.coefficient - [[-2.0, 0.7], [-3.0, -0.4]]) < 3 * found.error).all()


def test_a_discrete_hazard_that_cannot_be_told_is_refused():
    x, code = np.column_stack([np.ones(40), np.arange(40) % 2]), np.arange(40) % 2
    for design, exits, reason in ((x, 1, "perfectly"), (x[:, [0, 0]], 1, "repeat"), (x, 2, "does not occur")):
        found = multinomial_hazard(design, code, exits=exits)
        assert isinstance(found, NotEstimable)
        assert reason in found.reason
    with pytest.raises(PanelError, match="a row for each"):
        multinomial_hazard(x[1:], code, exits=1)


def test_a_weibull_hazard_needs_durations_and_exits():
    for duration, is_exit in (([0.0, 1.0], [1, 1]), ([2.0, 1.0], [0, 0])):
        with pytest.raises(PanelError, match="weibull"):
            weibull(duration, is_exit, np.ones((2, 1)))
